# style: keys from the last to the first, so that a causal tile begins on its diagonal; a 3-D grid, early return, and guards for -inf
import triton
import triton.language as tl


@triton.jit
def backward_walk(Q, K, V, O, S, scale,
                  qb, qh, qs, qd, kb, kh, ks, kd, vb, vh, vs, vd, ob, oh, os, od,
                  IS_CAUSAL: tl.constexpr, D: tl.constexpr, TQ: tl.constexpr, TK: tl.constexpr):
    t = tl.program_id(2)
    if t * TQ >= S:
        return
    Q += tl.program_id(0) * qb + tl.program_id(1) * qh
    K += tl.program_id(0) * kb + tl.program_id(1) * kh
    V += tl.program_id(0) * vb + tl.program_id(1) * vh
    O += tl.program_id(0) * ob + tl.program_id(1) * oh
    i = t * TQ + tl.arange(0, TQ)
    e = tl.arange(0, D)
    qt = tl.load(Q + i[:, None] * qs + e[None, :] * qd, mask=i[:, None] < S, other=0.0)

    limit = tl.minimum(t * TQ + TQ, S) if IS_CAUSAL else S
    j0 = ((limit - 1) // TK) * TK
    m = tl.full((TQ,), float("-inf"), tl.float32)
    l = tl.zeros((TQ,), tl.float32)
    acc = tl.zeros((TQ, D), tl.float32)
    while j0 >= 0:
        j = j0 + tl.arange(0, TK)
        kt = tl.load(K + j[None, :] * ks + e[:, None] * kd, mask=j[None, :] < S, other=0.0)
        x = tl.dot(qt, kt, input_precision="ieee") * scale
        allowed = (j < S)[None, :]
        if IS_CAUSAL:
            allowed &= i[:, None] >= j[None, :]
        x = tl.where(allowed, x, float("-inf"))
        m2 = tl.maximum(m, tl.max(x, 1))
        # a row above the diagonal has seen nothing yet: its maximum is still -inf
        ref = tl.where(m2 == float("-inf"), 0.0, m2)
        p = tl.exp(x - ref[:, None])
        decay = tl.exp(m - ref)
        l = l * decay + tl.sum(p, 1)
        vt = tl.load(V + j[:, None] * vs + e[None, :] * vd, mask=j[:, None] < S, other=0.0)
        acc = tl.dot(p.to(vt.dtype), vt, acc * decay[:, None], input_precision="ieee")
        m = m2
        j0 -= TK
    y = acc / tl.where(l == 0.0, 1.0, l)[:, None]
    tl.store(O + i[:, None] * os + e[None, :] * od, y.to(O.dtype.element_ty), mask=i[:, None] < S)


def flash_attention(q, k, v, causal, scale, out):
    B, H, S, D = q.shape
    tiles = triton.next_power_of_2(triton.cdiv(S, 64))
    backward_walk[(B, H, tiles)](
        q, k, v, out, S, scale, *q.stride(), *k.stride(), *v.stride(), *out.stride(),
        IS_CAUSAL=causal, D=D, TQ=64, TK=64, num_warps=4, num_stages=2,
    )
