# style: 2 x 2 blocks transposed in registers: four loads, tl.trans and tl.interleave, whole rows of pairs stored
import triton
import triton.language as tl


@triton.jit
def load_or_zero(p, i, j, M, N, s0, s1):
    return tl.load(p + i * s0 + j * s1, mask=(i < M) & (j < N), other=0)


@triton.jit
def pairs(x, y, M, N, x0, x1, y0, y1, B: tl.constexpr):
    # even rows and columns; the odd ones are their neighbours
    i = (tl.program_id(1) * B + tl.arange(0, B)[:, None]) * 2
    j = (tl.program_id(0) * B + tl.arange(0, B)[None, :]) * 2
    a = load_or_zero(x, i, j, M, N, x0, x1)
    b = load_or_zero(x, i, j + 1, M, N, x0, x1)
    c = load_or_zero(x, i + 1, j, M, N, x0, x1)
    d = load_or_zero(x, i + 1, j + 1, M, N, x0, x1)
    # row j of the answer: a c a c ..., row j + 1: b d b d ...
    upper = tl.interleave(tl.trans(a), tl.trans(c))
    lower = tl.interleave(tl.trans(b), tl.trans(d))
    r = (tl.program_id(0) * B + tl.arange(0, B)[:, None]) * 2
    k = tl.program_id(1) * 2 * B + tl.arange(0, 2 * B)[None, :]
    tl.store(y + r * y0 + k * y1, upper, mask=(r < N) & (k < M))
    tl.store(y + (r + 1) * y0 + k * y1, lower, mask=(r + 1 < N) & (k < M))


def transpose(x, out):
    M, N = x.shape
    B = 16
    pairs[(triton.cdiv(N, 2 * B), triton.cdiv(M, 2 * B))](x, out, M, N, *x.stride(), *out.stride(), B=B)
