# style: computes out^T = b^T a^T in tiles and turns each with tl.trans; K peeled into whole tiles and a masked rest
import triton
import triton.language as tl


@triton.jit
def _ct_kernel(
    a_ptr, b_ptr, c_ptr,
    M, N, K,
    stride_am, stride_ak, stride_bk, stride_bn, stride_cm, stride_cn,
    BN: tl.constexpr, BM: tl.constexpr, BK: tl.constexpr, PRECISION: tl.constexpr,
):
    # programs along M first
    tiles_m = (M + BM - 1) // BM
    pid = tl.program_id(0)
    m0 = (pid % tiles_m) * BM
    n0 = (pid // tiles_m) * BN
    ms = m0 + tl.arange(0, BM).to(tl.int64)
    ns = n0 + tl.arange(0, BN).to(tl.int64)
    # clamped: what is computed for them is dropped
    ms_in = tl.minimum(ms, M - 1)
    ns_in = tl.minimum(ns, N - 1)
    ks = tl.arange(0, BK).to(tl.int64)
    bt = b_ptr + ns_in[:, None] * stride_bn + ks[None, :] * stride_bk
    at = a_ptr + ks[:, None] * stride_ak + ms_in[None, :] * stride_am
    ct = tl.zeros([BN, BM], tl.float32)
    whole = K // BK
    for _ in tl.range(whole, num_stages=2):
        ct = tl.dot(tl.load(bt), tl.load(at), ct, input_precision=PRECISION)
        bt += BK * stride_bk
        at += BK * stride_ak
    rest = K - whole * BK
    if rest > 0:
        u = tl.load(bt, mask=(ks < rest)[None, :], other=0.0)
        v = tl.load(at, mask=(ks < rest)[:, None], other=0.0)
        ct = tl.dot(u, v, ct, input_precision=PRECISION)
    c = tl.trans(ct, (1, 0))
    ok = (ms < M)[:, None] & (ns < N)[None, :]
    tl.store(c_ptr + ms[:, None] * stride_cm + ns[None, :] * stride_cn, c.to(c_ptr.dtype.element_ty), mask=ok)


def matmul(a, b, out):
    M, K = a.shape
    N = b.shape[1]
    # three tf32 products carry float32 to some 21 bits, enough here
    precision = "tf32x3" if a.element_size() == 4 else "ieee"
    grid = (triton.cdiv(M, 32) * triton.cdiv(N, 32),)
    _ct_kernel[grid](
        a, b, out, M, N, K,
        a.stride(0), a.stride(1), b.stride(0), b.stride(1), out.stride(0), out.stride(1),
        BN=32, BM=32, BK=32, PRECISION=precision,
    )
