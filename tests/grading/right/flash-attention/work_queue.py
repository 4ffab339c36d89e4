# style: persistent programs that draw tiles from an atomic counter, longest first; the scores stand on their head (K Q^T)
import torch
import triton
import triton.language as tl

LOG2E = tl.constexpr(1.4426950408889634)


@triton.jit
def queue_kernel(q_ptr, k_ptr, v_ptr, o_ptr, counter, heads, S, scale, tiles, total,
                 CAUSAL: tl.constexpr, D: tl.constexpr, BQ: tl.constexpr, BK: tl.constexpr):
    ticket = tl.atomic_add(counter, 1)
    while ticket < total:
        # the last queries of a causal head see the most keys: they come first
        block = tiles - 1 - ticket // heads
        base = (ticket % heads).to(tl.int64) * S * D
        qi = block * BQ + tl.arange(0, BQ)
        d = tl.arange(0, D)
        q = tl.load(q_ptr + base + qi[None, :] * D + d[:, None], mask=qi[None, :] < S, other=0.0)
        high = tl.full([BQ], -1.0e5, tl.float32)
        norm = tl.zeros([BQ], tl.float32)
        acc = tl.zeros([D, BQ], tl.float32)
        end = S
        if CAUSAL:
            end = tl.minimum(S, block * BQ + BQ)
        for first in range(0, end, BK):
            ki = first + tl.arange(0, BK)
            inside = ki < S
            k = tl.load(k_ptr + base + ki[:, None] * D + d[None, :], mask=inside[:, None], other=0.0)
            st = tl.dot(k, q, input_precision="ieee") * scale
            ok = tl.broadcast_to(inside[:, None], (BK, BQ))
            if CAUSAL:
                ok = ok & (ki[:, None] <= qi[None, :])
            st = tl.where(ok, st, -float("inf"))
            higher = tl.maximum(high, tl.max(st, axis=0))
            p = tl.exp2((st - higher[None, :]) * LOG2E)
            shrink = tl.exp2((high - higher) * LOG2E)
            norm = norm * shrink + tl.sum(p, axis=0)
            vt = tl.load(v_ptr + base + ki[None, :] * D + d[:, None], mask=inside[None, :], other=0.0)
            acc = tl.dot(vt, p.to(vt.dtype), acc * shrink[None, :], input_precision="ieee")
            high = higher
        out = acc / norm[None, :]
        tl.store(o_ptr + base + qi[None, :] * D + d[:, None], out.to(o_ptr.dtype.element_ty), mask=qi[None, :] < S)
        ticket = tl.atomic_add(counter, 1)


def flash_attention(q, k, v, causal, scale, out):
    B, H, S, D = q.shape
    result = torch.empty((B, H, S, D), dtype=out.dtype, device=out.device)
    counter = torch.zeros(1, dtype=torch.int32, device=q.device)
    tiles = triton.cdiv(S, 32)
    workers = min(3, tiles * B * H)
    queue_kernel[(workers,)](
        q.contiguous(), k.contiguous(), v.contiguous(), result, counter, B * H, S, scale, tiles, tiles * B * H,
        CAUSAL=causal, D=D, BQ=32, BK=64,
    )
    out.copy_(result)
