# style: a sum of outer products, one k at a time, as one would write it for the FMA pipes
import triton
import triton.language as tl


@triton.jit
def outer_kernel(a, b, c, M, N, K, s0, s1, s2, s3, s4, s5, TILE_M: tl.constexpr, TILE_N: tl.constexpr):
    m = tl.program_id(0) * TILE_M + tl.arange(0, TILE_M)
    n = tl.program_id(1) * TILE_N + tl.arange(0, TILE_N)
    column = a + m * s0
    row = b + n * s3
    acc = tl.zeros((TILE_M, TILE_N), tl.float32)
    for _ in range(K):
        x = tl.load(column, mask=m < M, other=0.0).to(tl.float32)
        y = tl.load(row, mask=n < N, other=0.0).to(tl.float32)
        acc += x[:, None] * y[None, :]
        column += s1
        row += s2
    tl.store(c + m[:, None] * s4 + n[None, :] * s5, acc, mask=(m < M)[:, None] & (n < N)[None, :])


def matmul(a, b, out):
    M, N = out.shape
    K = a.size(1)
    outer_kernel[triton.cdiv(M, 128), triton.cdiv(N, 128)](
        a, b, out, M, N, K, *a.stride(), *b.stride(), *out.stride(), TILE_M=128, TILE_N=128, num_warps=8
    )
