# style: a is split into even and odd k by tl.reshape and tl.split, two accumulators that tl.join brings together; b contiguous
import triton
import triton.language as tl


@triton.jit
def even_odd(a, b, c, M, N, K, am, ak, cm, cn, BM: tl.constexpr, BN: tl.constexpr, BK: tl.constexpr):
    rm = tl.program_id(1) * BM + tl.arange(0, BM)
    rn = tl.program_id(0) * BN + tl.arange(0, BN)
    even = tl.zeros((BM, BN), tl.float32)
    odd = tl.zeros((BM, BN), tl.float32)
    for k in range(0, K, 2 * BK):
        rk = k + tl.arange(0, 2 * BK)
        pairs = tl.load(a + rm[:, None] * am + rk[None, :] * ak, mask=(rm[:, None] < M) & (rk[None, :] < K), other=0.0)
        a_even, a_odd = tl.split(tl.reshape(pairs, (BM, BK, 2)))
        r0 = k + 2 * tl.arange(0, BK)
        r1 = r0 + 1
        b_even = tl.load(b + r0[:, None] * N + rn[None, :], mask=(r0[:, None] < K) & (rn[None, :] < N), other=0.0)
        b_odd = tl.load(b + r1[:, None] * N + rn[None, :], mask=(r1[:, None] < K) & (rn[None, :] < N), other=0.0)
        even = tl.dot(a_even, b_even, acc=even, input_precision="ieee")
        odd = tl.dot(a_odd, b_odd, acc=odd, input_precision="ieee")
    both = tl.join(even, odd)
    tl.store(
        c + rm[:, None] * cm + rn[None, :] * cn,
        tl.sum(both, axis=2).to(c.dtype.element_ty),
        mask=(rm[:, None] < M) & (rn[None, :] < N),
    )


def matmul(a, b, out):
    M, K = a.shape
    N = b.shape[1]
    even_odd[(triton.cdiv(N, 32), triton.cdiv(M, 64))](
        a, b.contiguous(), out, M, N, K, a.stride(0), a.stride(1), out.stride(0), out.stride(1), BM=64, BN=32, BK=32
    )
