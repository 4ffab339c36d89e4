# style: the tile travels as a vector of BM * BN lanes: tl.reshape, tl.permute, tl.ravel between a flat load and a flat store
import triton
import triton.language as tl


@triton.jit
def flat_tiles(x, out, M, N, xm, xn, on, om, BM: tl.constexpr, BN: tl.constexpr):
    first_m = tl.program_id(0) * BM
    first_n = tl.program_id(1) * BN
    lane = tl.arange(0, BM * BN)
    m, n = first_m + lane // BN, first_n + lane % BN
    flat = tl.load(x + m * xm + n * xn, mask=(m < M) & (n < N), other=0)
    turned = tl.ravel(tl.permute(tl.reshape(flat, (BM, BN)), (1, 0)))
    n, m = first_n + lane // BM, first_m + lane % BM
    tl.store(out + n * on + m * om, turned, mask=(m < M) & (n < N))


def transpose(x, out):
    M, N = x.shape
    BM, BN = 16, 64
    flat_tiles[(triton.cdiv(M, BM), triton.cdiv(N, BN))](x, out, M, N, *x.stride(), *out.stride(), BM, BN)
