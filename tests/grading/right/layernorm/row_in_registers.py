# style: one row a program and one load; the centred row is multiplied with the mask; weight and bias loaded without one
import triton
import triton.language as tl


@triton.jit
def _layer_norm_fwd(X, W, B, Y, stride_x, stride_y, N, inv_n, eps, BLOCK_N: tl.constexpr):
    row = tl.program_id(0)
    cols = tl.arange(0, BLOCK_N)
    x = tl.load(X + row * stride_x + cols, mask=cols < N, other=0.0).to(tl.float32)
    xbar = (x - tl.sum(x, axis=0) * inv_n) * (cols < N).to(tl.float32)
    var = tl.sum(xbar * xbar, axis=0) * inv_n
    rstd = tl.math.rsqrt(var + eps)
    # wrapped round instead of masked: the lanes past the end are never stored
    w = tl.load(W + cols % N).to(tl.float32)
    b = tl.load(B + cols % N).to(tl.float32)
    y = tl.fma(xbar * rstd, w, b)
    tl.store(Y + row * stride_y + cols, y.to(Y.dtype.element_ty), mask=cols < N)


def layernorm(x, weight, bias, eps, out):
    M, N = x.shape
    BLOCK_N = triton.next_power_of_2(N)
    num_warps = min(max(BLOCK_N // 256, 1), 16)
    _layer_norm_fwd[(M,)](
        x, weight, bias, out, x.stride(0), out.stride(0), N, 1.0 / N, eps, BLOCK_N=BLOCK_N, num_warps=num_warps
    )
