# style: split-K without atomics: every split writes its own slab of scratch, a second kernel adds the slabs
import torch
import triton
import triton.language as tl


@triton.jit
def slab_kernel(a, b, slabs, m, n, k, a0, a1, b0, b1, per_split, BM: tl.constexpr, BN: tl.constexpr, BK: tl.constexpr):
    i = tl.program_id(2) * BM + tl.arange(0, BM)
    j = tl.program_id(1) * BN + tl.arange(0, BN)
    first = tl.program_id(0) * per_split
    last = tl.minimum(first + per_split, k)
    acc = tl.zeros((BM, BN), tl.float32)
    at = first
    while at < last:
        p = at + tl.arange(0, BK)
        x = tl.load(a + i[:, None] * a0 + p[None, :] * a1, (i < m)[:, None] & (p < last)[None, :], 0)
        y = tl.load(b + p[:, None] * b0 + j[None, :] * b1, (p < last)[:, None] & (j < n)[None, :], 0)
        acc += tl.dot(x, y, input_precision="ieee")
        at += BK
    slab = slabs + tl.program_id(0).to(tl.int64) * m * n
    tl.store(slab + i[:, None] * n + j[None, :], acc, (i < m)[:, None] & (j < n)[None, :])


@triton.jit
def add_slabs(slabs, c, m, n, c0, c1, SPLITS: tl.constexpr, BLOCK: tl.constexpr):
    e = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    total = tl.zeros((BLOCK,), tl.float32)
    for s in tl.static_range(SPLITS):
        total += tl.load(slabs + s * m * n + e, e < m * n, 0.0)
    tl.store(c + (e // n) * c0 + (e % n) * c1, total.to(c.dtype.element_ty), e < m * n)


def matmul(a, b, out):
    (m, k), n = a.shape, b.shape[1]
    splits = 3
    per_split = triton.cdiv(triton.cdiv(k, splits), 32) * 32
    slabs = torch.empty((splits, m, n), dtype=torch.float32, device=a.device)
    slab_kernel[(splits, triton.cdiv(n, 64), triton.cdiv(m, 32))](
        a, b, slabs, m, n, k, *a.stride(), *b.stride(), per_split, BM=32, BN=64, BK=32
    )
    add_slabs[(triton.cdiv(m * n, 1024),)](slabs, out, m, n, *out.stride(), SPLITS=splits, BLOCK=1024)
