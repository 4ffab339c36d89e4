# style: scores, softmax and the second product in a kernel each, with the scores in a float32 workspace: slow and right
import torch
import triton
import triton.language as tl


@triton.jit
def scores_kernel(q, k, s, H, S, scale, qb, qh, qs, qd, kb, kh, ks, kd, D: tl.constexpr, BLOCK: tl.constexpr):
    z, h = tl.program_id(2) // H, tl.program_id(2) % H
    m = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    n = tl.program_id(1) * BLOCK + tl.arange(0, BLOCK)
    d = tl.arange(0, D)
    x = tl.load(q + z * qb + h * qh + m[:, None] * qs + d[None, :] * qd, mask=m[:, None] < S, other=0.0)
    y = tl.load(k + z * kb + h * kh + n[:, None] * ks + d[None, :] * kd, mask=n[:, None] < S, other=0.0)
    product = tl.dot(x, tl.trans(y), input_precision="ieee") * scale
    at = tl.program_id(2) * S * S + m[:, None] * S + n[None, :]
    tl.store(s + at, product, mask=(m[:, None] < S) & (n[None, :] < S))


@triton.jit
def softmax_kernel(s, S, CAUSAL: tl.constexpr, ROWS: tl.constexpr, BLOCK: tl.constexpr):
    m = tl.program_id(0) * ROWS + tl.arange(0, ROWS)
    n = tl.arange(0, BLOCK)
    at = tl.program_id(1) * S * S + m[:, None] * S + n[None, :]
    inside = (m[:, None] < S) & (n[None, :] < S)
    row = tl.load(s + at, mask=inside, other=float("-inf"))
    if CAUSAL:
        row = tl.where(n[None, :] <= m[:, None], row, float("-inf"))
    row = tl.where(m[:, None] < S, row, 0.0)
    p = tl.exp(row - tl.max(row, 1)[:, None])
    tl.store(s + at, p / tl.sum(p, 1)[:, None], mask=inside)


@triton.jit
def output_kernel(s, v, o, H, S, vb, vh, vs, vd, ob, oh, os, od, D: tl.constexpr, BLOCK: tl.constexpr):
    z, h = tl.program_id(1) // H, tl.program_id(1) % H
    m = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    d = tl.arange(0, D)
    acc = tl.zeros((BLOCK, D), tl.float32)
    for start in range(0, S, BLOCK):
        n = start + tl.arange(0, BLOCK)
        at = tl.program_id(1) * S * S + m[:, None] * S + n[None, :]
        p = tl.load(s + at, mask=(m[:, None] < S) & (n[None, :] < S), other=0.0)
        y = tl.load(v + z * vb + h * vh + n[:, None] * vs + d[None, :] * vd, mask=n[:, None] < S, other=0.0)
        acc = tl.dot(p, y.to(tl.float32), acc, input_precision="ieee")
    tl.store(o + z * ob + h * oh + m[:, None] * os + d[None, :] * od, acc, mask=m[:, None] < S)


def flash_attention(q, k, v, causal, scale, out):
    B, H, S, D = q.shape
    scores = torch.empty((B * H, S, S), dtype=torch.float32, device=q.device)
    tiles = triton.cdiv(S, 64)
    scores_kernel[(tiles, tiles, B * H)](q, k, scores, H, S, scale, *q.stride(), *k.stride(), D=D, BLOCK=64)
    whole = triton.next_power_of_2(S)
    softmax_kernel[(triton.cdiv(S, 64), B * H)](scores, S, CAUSAL=causal, ROWS=64, BLOCK=whole)
    output_kernel[(tiles, B * H)](scores, v, out, H, S, *v.stride(), *out.stride(), D=D, BLOCK=64)
