# style: a row of out a program, as a matrix-vector product: tl.sum over a tile of b, no tile of a at all; warm-up call first
import triton
import triton.language as tl


@triton.jit
def row_kernel(a, b, o, N, K, a_m, a_k, b_k, b_n, o_m, o_n, ROWS_OF_B: tl.constexpr, COLS_OF_B: tl.constexpr):
    m = tl.program_id(0).to(tl.int64)
    n = tl.program_id(1) * COLS_OF_B + tl.arange(0, COLS_OF_B)
    dot = tl.zeros((COLS_OF_B,), dtype=tl.float32)
    for k0 in range(0, K, ROWS_OF_B):
        k = k0 + tl.arange(0, ROWS_OF_B)
        x = tl.load(a + m * a_m + k * a_k, mask=k < K, other=0.0).to(tl.float32)
        ok = tl.expand_dims(k < K, 1) & tl.expand_dims(n < N, 0)
        y = tl.load(b + tl.expand_dims(k, 1) * b_k + tl.expand_dims(n, 0) * b_n, mask=ok, other=0.0).to(tl.float32)
        dot += tl.sum(tl.expand_dims(x, 1) * y, axis=0)
    tl.store(o + m * o_m + n * o_n, dot.to(o.type.element_ty), mask=n < N)


def matmul(a, b, out):
    M, N = out.shape
    K = a.shape[1]
    wide = min(512, max(32, triton.next_power_of_2(N)))
    tall = max(16, min(8192 // wide, triton.next_power_of_2(K)))
    args = (a, b, out, N, K, *a.stride(), *b.stride(), *out.stride())
    grid = (M, triton.cdiv(N, wide))
    row_kernel.warmup(*args, ROWS_OF_B=tall, COLS_OF_B=wide, grid=grid)
    row_kernel[grid](*args, ROWS_OF_B=tall, COLS_OF_B=wide)
