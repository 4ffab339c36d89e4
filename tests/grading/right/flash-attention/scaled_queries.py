# style: the scale and log2(e) multiplied into q in its own dtype, a large negative number as mask, block pointers
# triton: <3.9
import triton
import triton.language as tl


@triton.jit
def attention_kernel(
    q_ptr, k_ptr, v_ptr, o_ptr, H, S, scale, qb, qh, qs, qd, kb, kh, ks, kd, vb, vh, vs, vd, ob, oh, os, od,
    CAUSAL: tl.constexpr, D: tl.constexpr, BM: tl.constexpr, BN: tl.constexpr,
):
    first = tl.program_id(0) * BM
    z, h = tl.program_id(1) // H, tl.program_id(1) % H
    q_tile = tl.make_block_ptr(q_ptr + z * qb + h * qh, (S, D), (qs, qd), (first, 0), (BM, D), (1, 0))
    k_tile = tl.make_block_ptr(k_ptr + z * kb + h * kh, (D, S), (kd, ks), (0, 0), (D, BN), (0, 1))
    v_tile = tl.make_block_ptr(v_ptr + z * vb + h * vh, (S, D), (vs, vd), (0, 0), (BN, D), (1, 0))
    q = tl.load(q_tile, boundary_check=(0,), padding_option="zero")
    q = (q * (scale * 1.44269504)).to(q_ptr.dtype.element_ty)
    rows = first + tl.arange(0, BM)
    m = tl.full((BM,), -1e30, tl.float32)
    l = tl.full((BM,), 0.0, tl.float32)
    acc = tl.zeros((BM, D), tl.float32)
    end = tl.minimum(first + BM, S) if CAUSAL else S
    for start in range(0, end, BN):
        keys = start + tl.arange(0, BN)
        k = tl.load(k_tile, boundary_check=(1,), padding_option="zero")
        s = tl.dot(q, k, input_precision="ieee") + tl.where(keys < S, 0.0, -1.0e6)[None, :]
        if CAUSAL:
            s += tl.where(rows[:, None] >= keys[None, :], 0.0, -1.0e6)
        m_new = tl.maximum(m, tl.max(s, 1))
        alpha = tl.math.exp2(m - m_new)
        p = tl.math.exp2(s - m_new[:, None])
        l = l * alpha + tl.sum(p, 1)
        v = tl.load(v_tile, boundary_check=(0,), padding_option="zero")
        acc = tl.dot(p.to(v.dtype), v, acc * alpha[:, None], input_precision="ieee")
        m = m_new
        k_tile = tl.advance(k_tile, (0, BN))
        v_tile = tl.advance(v_tile, (BN, 0))
    o_tile = tl.make_block_ptr(o_ptr + z * ob + h * oh, (S, D), (os, od), (first, 0), (BM, D), (1, 0))
    tl.store(o_tile, (acc * (1.0 / l)[:, None]).to(o_ptr.dtype.element_ty), boundary_check=(0,))


def flash_attention(q, k, v, causal, scale, out):
    B, H, S, D = q.shape
    strides = (*q.stride(), *k.stride(), *v.stride(), *out.stride())
    attention_kernel[(triton.cdiv(S, 16), B * H)](q, k, v, out, H, S, scale, *strides, CAUSAL=causal, D=D, BM=16, BN=32)
