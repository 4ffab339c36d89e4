# style: three programs that walk over all the tiles, tuned
import triton
import triton.language as tl


@triton.autotune(
    configs=[
        triton.Config({"BM": 32, "BN": 32, "BK": 32}),
        triton.Config({"BM": 64, "BN": 32, "BK": 64}, num_warps=8),
    ],
    key=["M", "N", "K"],
)
@triton.jit
def matmul_kernel(a, b, c, M, N, K, am, ak, bk, bn, cm, cn, BM: tl.constexpr, BN: tl.constexpr, BK: tl.constexpr):
    columns = tl.cdiv(N, BN)
    for tile in range(tl.program_id(0), tl.cdiv(M, BM) * columns, tl.num_programs(0)):
        m = (tile // columns) * BM + tl.arange(0, BM)
        n = (tile % columns) * BN + tl.arange(0, BN)
        acc = tl.zeros((BM, BN), tl.float32)
        for start in range(0, K, BK):
            k = start + tl.arange(0, BK)
            x = tl.load(a + m[:, None] * am + k[None, :] * ak, mask=(m < M)[:, None] & (k < K)[None, :], other=0)
            y = tl.load(b + k[:, None] * bk + n[None, :] * bn, mask=(k < K)[:, None] & (n < N)[None, :], other=0)
            acc = tl.dot(x, y, acc, input_precision="ieee")
        tl.store(c + m[:, None] * cm + n[None, :] * cn, acc, mask=(m < M)[:, None] & (n < N)[None, :])


def matmul(a, b, out):
    M, N = out.shape
    matmul_kernel[(3,)](a, b, out, M, N, a.shape[1], *a.stride(), *b.stride(), *out.stride())
