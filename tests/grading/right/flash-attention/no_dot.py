# style: no tl.dot: explicit sums over three-dimensional tiles; heads folded by contiguous copies
import torch
import triton
import triton.language as tl


@triton.jit
def attention_kernel(q, k, v, o, S, scale, CAUSAL: tl.constexpr, D: tl.constexpr, BM: tl.constexpr, BN: tl.constexpr):
    base = tl.program_id(1) * S * D
    m = tl.program_id(0) * BM + tl.arange(0, BM)
    d = tl.arange(0, D)
    x = tl.load(q + base + m[:, None] * D + d[None, :], mask=m[:, None] < S, other=0.0).to(tl.float32)
    top = tl.full((BM,), float("-inf"), tl.float32)
    total = tl.zeros((BM,), tl.float32)
    acc = tl.zeros((BM, D), tl.float32)
    for start in range(0, S, BN):
        n = start + tl.arange(0, BN)
        inside = n[:, None] < S
        y = tl.load(k + base + n[:, None] * D + d[None, :], mask=inside, other=0.0).to(tl.float32)
        wt = tl.load(v + base + n[None, :] * D + d[:, None], mask=n[None, :] < S, other=0.0).to(tl.float32)
        s = tl.sum(x[:, None, :] * y[None, :, :], axis=2) * scale
        s = tl.where(n[None, :] < S, s, float("-inf"))
        if CAUSAL:
            s = tl.where(n[None, :] <= m[:, None], s, float("-inf"))
        higher = tl.maximum(top, tl.max(s, axis=1))
        p = tl.exp(s - higher[:, None])
        alpha = tl.exp(top - higher)
        total = total * alpha + tl.sum(p, axis=1)
        # a sum over axis 1 of p[:, :, None] * w[None, :, :] is made into a tl.dot by the compiler, and that in tf32
        acc = acc * alpha[:, None] + tl.sum(p[:, None, :] * wt[None, :, :], axis=2)
        top = higher
    tl.store(o + base + m[:, None] * D + d[None, :], acc / total[:, None], mask=m[:, None] < S)


def flash_attention(q, k, v, causal, scale, out):
    B, H, S, D = q.shape
    result = torch.empty((B, H, S, D), dtype=torch.float32, device=q.device)
    grid = (triton.cdiv(S, 32), B * H)
    attention_kernel[grid](
        q.contiguous(), k.contiguous(), v.contiguous(), result, S, scale, CAUSAL=causal, D=D, BM=32, BN=32
    )
    out.copy_(result)
