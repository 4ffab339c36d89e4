# style: head_dim in two halves joined by tl.join and tl.permute; statistics by one kernel, output by another that recomputes the scores
import torch
import triton
import triton.language as tl


@triton.jit
def scores(q_lo, q_hi, k, j, d, half, S, ks, kd, scale):
    inside = (j < S)[None, :]
    lo = tl.load(k + j[None, :] * ks + d[:, None] * kd, mask=inside, other=0.0)
    hi = tl.load(k + j[None, :] * ks + (d[:, None] + half) * kd, mask=inside, other=0.0)
    s = tl.dot(q_lo, lo, input_precision="ieee")
    s = tl.dot(q_hi, hi, s, input_precision="ieee")
    return s * scale


@triton.jit
def row_statistics(q, k, lse, S, scale, H, qb, qh, qs, qd, kb, kh, ks, kd,
                   CAUSAL: tl.constexpr, HALF: tl.constexpr, KEEP: tl.constexpr, BM: tl.constexpr, BN: tl.constexpr):
    z, h = tl.program_id(1) // H, tl.program_id(1) % H
    i = tl.program_id(0) * BM + tl.arange(0, BM)
    d = tl.arange(0, HALF)
    q += z * qb + h * qh
    k += z * kb + h * kh
    fits = (i < S)[:, None] & (d < KEEP)[None, :]
    lo = tl.load(q + i[:, None] * qs + d[None, :] * qd, mask=fits, other=0.0)
    hi = tl.load(q + i[:, None] * qs + (d[None, :] + KEEP) * qd, mask=fits, other=0.0)
    m = tl.full((BM,), -1e30, tl.float32)
    l = tl.zeros((BM,), tl.float32)
    for n in range(0, S, BN):
        j = n + tl.arange(0, BN)
        s = scores(lo, hi, k, j, tl.minimum(d, KEEP - 1), KEEP, S, ks, kd, scale)
        s = tl.where((j < S)[None, :] & ((j[None, :] <= i[:, None]) | (not CAUSAL)), s, float("-inf"))
        new = tl.maximum(m, tl.max(s, 1))
        l = l * tl.exp(m - new) + tl.sum(tl.exp(s - new[:, None]), 1)
        m = new
    tl.store(lse + tl.program_id(1) * S + i, m + tl.log(l), mask=i < S)


@triton.jit
def weighted_values(q, k, v, lse, o, S, scale, H, qb, qh, qs, qd, kb, kh, ks, kd, vb, vh, vs, vd, ob, oh, os, od,
                    CAUSAL: tl.constexpr, HALF: tl.constexpr, KEEP: tl.constexpr, BM: tl.constexpr, BN: tl.constexpr):
    z, h = tl.program_id(1) // H, tl.program_id(1) % H
    i = tl.program_id(0) * BM + tl.arange(0, BM)
    d = tl.arange(0, HALF)
    q += z * qb + h * qh
    k += z * kb + h * kh
    v += z * vb + h * vh
    fits = (i < S)[:, None] & (d < KEEP)[None, :]
    lo = tl.load(q + i[:, None] * qs + d[None, :] * qd, mask=fits, other=0.0)
    hi = tl.load(q + i[:, None] * qs + (d[None, :] + KEEP) * qd, mask=fits, other=0.0)
    norm = tl.load(lse + tl.program_id(1) * S + i, mask=i < S, other=0.0)
    left = tl.zeros((BM, HALF), tl.float32)
    right = tl.zeros((BM, HALF), tl.float32)
    for n in range(0, S, BN):
        j = n + tl.arange(0, BN)
        s = scores(lo, hi, k, j, tl.minimum(d, KEEP - 1), KEEP, S, ks, kd, scale)
        p = tl.exp(s - norm[:, None])
        p = tl.where((j < S)[None, :] & ((j[None, :] <= i[:, None]) | (not CAUSAL)), p, 0.0)
        there = (j < S)[:, None] & (d < KEEP)[None, :]
        v_left = tl.load(v + j[:, None] * vs + d[None, :] * vd, mask=there, other=0.0)
        v_right = tl.load(v + j[:, None] * vs + (d[None, :] + KEEP) * vd, mask=there, other=0.0)
        left = tl.dot(p.to(v.dtype.element_ty), v_left, left, input_precision="ieee")
        right = tl.dot(p.to(v.dtype.element_ty), v_right, right, input_precision="ieee")
    # [BM, HALF, 2] -> [BM, 2, HALF]: the halves one after the other, as in memory
    both = tl.permute(tl.join(left, right), (0, 2, 1))
    part = tl.arange(0, 2)[None, :, None]
    e = d[None, None, :]
    rows = i[:, None, None]
    o += z * ob + h * oh
    tl.store(o + rows * os + (part * KEEP + e) * od, both.to(o.dtype.element_ty), mask=(rows < S) & (e < KEEP))


def flash_attention(q, k, v, causal, scale, out):
    B, H, S, D = q.shape
    lse = torch.empty((B * H, S), dtype=torch.float32, device=q.device)
    grid = (triton.cdiv(S, 64), B * H)
    # a product needs a depth of 16: halves of 8 are padded with zeros of q
    sizes = dict(CAUSAL=causal, HALF=max(16, D // 2), KEEP=D // 2, BM=64, BN=64)
    row_statistics[grid](q, k, lse, S, scale, H, *q.stride(), *k.stride(), **sizes)
    weighted_values[grid](
        q, k, v, lse, out, S, scale, H, *q.stride(), *k.stride(), *v.stride(), *out.stride(), **sizes
    )
