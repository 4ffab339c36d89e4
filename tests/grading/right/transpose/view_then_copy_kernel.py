# style: a transposed view, which is free, and a strided copy by a kernel of its own
import triton
import triton.language as tl


@triton.jit
def k(x, o, N, M, a, b, c, d, B: tl.constexpr):
    n = tl.program_id(0) * B + tl.arange(0, B)[:, None]
    m = tl.program_id(1) * B + tl.arange(0, B)[None, :]
    k = (n < N) & (m < M)
    tl.store(o + n * c + m * d, tl.load(x + n * a + m * b, mask=k), mask=k)


def transpose(x, out):
    y = x.t()
    N, M = y.shape
    k[(triton.cdiv(N, 32), triton.cdiv(M, 32))](y, out, N, M, *y.stride(), *out.stride(), B=32)
