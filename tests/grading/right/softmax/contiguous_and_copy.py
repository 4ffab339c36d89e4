# style: autotuned online loop over contiguous copies of both tensors; the copies are allowed
import torch
import triton
import triton.language as tl


@triton.autotune(configs=[triton.Config({"B": 1024}, num_warps=4), triton.Config({"B": 2048}, num_warps=8)], key=["n"])
@triton.jit
def k(x, o, n, B: tl.constexpr):
    r = tl.program_id(0)
    m = -float("inf")
    t = 0.0
    for s in range(0, n, B):
        c = s + tl.arange(0, B)
        v = tl.load(x + r * n + c, mask=c < n, other=-float("inf")).to(tl.float32)
        mn = tl.maximum(tl.maximum(m, tl.max(v, 0)), -3e38)
        t = t * tl.exp(m - mn) + tl.sum(tl.exp(v - mn), 0)
        m = mn
    for s in range(0, n, B):
        c = s + tl.arange(0, B)
        v = tl.load(x + r * n + c, mask=c < n, other=-float("inf")).to(tl.float32)
        tl.store(o + r * n + c, tl.exp(v - m) / t, mask=c < n)


def softmax(x, out):
    a = x.contiguous()
    y = torch.empty_like(a)
    k[(x.shape[0],)](a, y, x.shape[1])
    out.copy_(y)
