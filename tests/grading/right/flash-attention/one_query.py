# style: one query a program, vectors and no tile of queries: what one writes for a decode step; lanes with a softmax each, merged at the end
import triton
import triton.language as tl


@triton.jit
def decode(q, k, v, o, S, scale, causal, H, qb, qh, qs, qd, kb, kh, ks, kd, vb, vh, vs, vd, ob, oh, os, od,
           D: tl.constexpr, N: tl.constexpr):
    token = tl.program_id(0)
    b, h = tl.program_id(1) // H, tl.program_id(1) % H
    d = tl.arange(0, D)
    lane = tl.arange(0, N)
    query = tl.load(q + b * qb + h * qh + token * qs + d * qd).to(tl.float32) * scale
    length = tl.where(causal != 0, token + 1, S)
    # each lane keeps its own softmax over the keys lane, lane + N, lane + 2 N, ...
    m = tl.full([N], -1e30, tl.float32)
    l = tl.zeros([N], tl.float32)
    acc = tl.zeros([N, D], tl.float32)
    for start in range(0, length, N):
        j = start + lane
        seen = j < length
        keys = tl.load(k + b * kb + h * kh + j[:, None] * ks + d[None, :] * kd, mask=seen[:, None], other=0.0)
        s = tl.where(seen, tl.sum(keys.to(tl.float32) * query[None, :], 1), -1e30)
        m_new = tl.maximum(m, s)
        p = tl.where(seen, tl.exp(s - m_new), 0.0)
        a = tl.exp(m - m_new)
        values = tl.load(v + b * vb + h * vh + j[:, None] * vs + d[None, :] * vd, mask=seen[:, None], other=0.0)
        acc = acc * a[:, None] + p[:, None] * values.to(tl.float32)
        l = l * a + p
        m = m_new
    share = tl.exp(m - tl.max(m, 0))
    row = tl.sum(acc * share[:, None], 0) / tl.sum(l * share, 0)
    tl.store(o + b * ob + h * oh + token * os + d * od, row.to(o.dtype.element_ty))


def flash_attention(q, k, v, causal, scale, out):
    B, H, S, D = q.shape
    n = max(16, min(128, triton.next_power_of_2(S)))
    decode[(S, B * H)](
        q, k, v, out, S, scale, int(causal), H, *q.stride(), *k.stride(), *v.stride(), *out.stride(), D=D, N=n
    )
