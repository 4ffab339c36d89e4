# style: split-KV as for decoding, the keys cut over a third grid axis, unnormalised partial results and their log-sum-exp merged by a second kernel
import torch
import triton
import triton.language as tl


@triton.jit
def partial_attention(q, k, v, acc_out, lse_out, S, scale, q_b, q_h, q_s, q_d, k_b, k_h, k_s, k_d, v_b, v_h, v_s, v_d,
                      H, KEYS_A_SPLIT, CAUSAL: tl.constexpr, D: tl.constexpr, BM: tl.constexpr, BN: tl.constexpr):
    pid_m, bh, split = tl.program_id(0), tl.program_id(1), tl.program_id(2)
    b, h = bh // H, bh % H
    m = pid_m * BM + tl.arange(0, BM)
    d = tl.arange(0, D)
    live = m < S
    qt = tl.load(q + b * q_b + h * q_h + m[:, None] * q_s + d[None, :] * q_d, mask=live[:, None], other=0.0)
    begin = split * KEYS_A_SPLIT
    end = tl.minimum(begin + KEYS_A_SPLIT, S)
    if CAUSAL:
        end = tl.minimum(end, pid_m * BM + BM)
    top = tl.full([BM], -1e9, tl.float32)
    total = tl.zeros([BM], tl.float32)
    acc = tl.zeros([BM, D], tl.float32)
    for n0 in range(begin, end, BN):
        n = n0 + tl.arange(0, BN)
        kt = tl.load(k + b * k_b + h * k_h + n[:, None] * k_s + d[None, :] * k_d, mask=n[:, None] < S, other=0.0)
        vt = tl.load(v + b * v_b + h * v_h + n[:, None] * v_s + d[None, :] * v_d, mask=n[:, None] < S, other=0.0)
        s = tl.dot(qt, tl.trans(kt), input_precision="ieee") * scale
        seen = (n < end)[None, :]
        if CAUSAL:
            seen = seen & (n[None, :] <= m[:, None])
        s = tl.where(seen, s, float("-inf"))
        # at least -1e9: rows that see nothing of this split keep a sum of 0
        new = tl.maximum(top, tl.max(s, 1))
        p = tl.exp(s - new[:, None])
        rescale = tl.exp(top - new)
        total = total * rescale + tl.sum(p, 1)
        acc = acc * rescale[:, None] + tl.dot(p.to(vt.dtype), vt, input_precision="ieee")
        top = new
    lse = tl.where(total > 0, top + tl.log(tl.where(total > 0, total, 1.0)), float("-inf"))
    acc = acc / tl.where(total > 0, total, 1.0)[:, None]
    at = (split * tl.num_programs(1) + bh) * S + m
    tl.store(lse_out + at, lse, mask=live)
    tl.store(acc_out + at[:, None] * D + d[None, :], acc, mask=live[:, None])


@triton.jit
def merge_splits(acc, lse, o, S, BH, H, o_b, o_h, o_s, o_d, SPLITS: tl.constexpr, D: tl.constexpr, BM: tl.constexpr):
    m = tl.program_id(0) * BM + tl.arange(0, BM)
    bh = tl.program_id(1)
    d = tl.arange(0, D)
    live = m < S
    top = tl.full([BM], -1e9, tl.float32)
    for i in tl.static_range(SPLITS):
        top = tl.maximum(top, tl.load(lse + (i * BH + bh) * S + m, mask=live, other=float("-inf")))
    weight_sum = tl.zeros([BM], tl.float32)
    result = tl.zeros([BM, D], tl.float32)
    for i in tl.static_range(SPLITS):
        at = (i * BH + bh) * S + m
        w = tl.exp(tl.load(lse + at, mask=live, other=0.0) - top)
        weight_sum += w
        result += w[:, None] * tl.load(acc + at[:, None] * D + d[None, :], mask=live[:, None], other=0.0)
    o += (bh // H) * o_b + (bh % H) * o_h
    tl.store(o + m[:, None] * o_s + d[None, :] * o_d, (result / weight_sum[:, None]).to(o.dtype.element_ty), live[:, None])


def flash_attention(q, k, v, causal, scale, out):
    B, H, S, D = q.shape
    splits, bm, bn = 3, 64, 32
    keys = triton.cdiv(triton.cdiv(S, splits), bn) * bn
    acc = torch.empty((splits, B * H, S, D), dtype=torch.float32, device=q.device)
    lse = torch.empty((splits, B * H, S), dtype=torch.float32, device=q.device)
    tiles = triton.cdiv(S, bm)
    partial_attention[(tiles, B * H, splits)](
        q, k, v, acc, lse, S, scale, *q.stride(), *k.stride(), *v.stride(), H, keys, CAUSAL=causal, D=D, BM=bm, BN=bn
    )
    merge_splits[(tiles, B * H)](acc, lse, out, S, B * H, H, *out.stride(), SPLITS=splits, D=D, BM=bm)
