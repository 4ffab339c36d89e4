# style: one lane an element, no tiles: slow on a GPU, and right
import triton
import triton.language as tl


@triton.jit
def k(x, o, M, N, a, b, c, d, B: tl.constexpr):
    i = tl.program_id(0) * B + tl.arange(0, B)
    m = i < M * N
    tl.store(o + (i % N) * c + (i // N) * d, tl.load(x + (i // N) * a + (i % N) * b, mask=m), mask=m)


def transpose(x, out):
    M, N = x.shape
    k[(triton.cdiv(M * N, 1024),)](x, out, M, N, x.stride(0), x.stride(1), out.stride(0), out.stride(1), B=1024)
