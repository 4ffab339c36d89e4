# style: tensor cores do the reductions: tl.dot of a tile of rows with a matrix of ones, input_precision="ieee"
import triton
import triton.language as tl


@triton.jit
def ln_kernel(x_ptr, w_ptr, b_ptr, y_ptr, n_rows, n_cols, x_stride: tl.int64, y_stride: tl.int64, eps,
              R: tl.constexpr, C: tl.constexpr):
    rows = tl.program_id(0) * R + tl.arange(0, R)
    row_ok = rows[:, None] < n_rows
    x_rows = x_ptr + rows[:, None] * x_stride
    y_rows = y_ptr + rows[:, None] * y_stride
    # 16 equal columns, since a product has at least 16; the first is as good as any
    ones = tl.full((C, 16), 1.0, tl.float32)

    total = tl.zeros((R, 16), tl.float32)
    for c in range(0, n_cols, C):
        cols = c + tl.arange(0, C)[None, :]
        x = tl.load(x_rows + cols, mask=row_ok & (cols < n_cols), other=0.0).to(tl.float32)
        total = tl.dot(x, ones, total, input_precision="ieee")
    mean = tl.max(total, axis=1) / n_cols

    total = tl.zeros((R, 16), tl.float32)
    for c in range(0, n_cols, C):
        cols = c + tl.arange(0, C)[None, :]
        x = tl.load(x_rows + cols, mask=row_ok & (cols < n_cols), other=0.0).to(tl.float32) - mean[:, None]
        x = tl.where(cols < n_cols, x, 0.0)
        total = tl.dot(x * x, ones, total, input_precision="ieee")
    rstd = tl.rsqrt(tl.max(total, axis=1) / n_cols + eps)

    for c in range(0, n_cols, C):
        cols = c + tl.arange(0, C)[None, :]
        ok = row_ok & (cols < n_cols)
        x = tl.load(x_rows + cols, mask=ok, other=0.0).to(tl.float32)
        w = tl.load(w_ptr + cols, mask=cols < n_cols, other=0.0).to(tl.float32)
        b = tl.load(b_ptr + cols, mask=cols < n_cols, other=0.0).to(tl.float32)
        tl.store(y_rows + cols, ((x - mean[:, None]) * rstd[:, None] * w + b).to(y_ptr.dtype.element_ty), mask=ok)


def layernorm(x, weight, bias, eps, out):
    n_rows, n_cols = x.shape
    ln_kernel[(triton.cdiv(n_rows, 16), 1, 1)](
        x, weight, bias, out, n_rows, n_cols, x.stride(0), out.stride(0), eps, R=16, C=128, num_warps=4
    )
