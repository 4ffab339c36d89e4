# style: pack into an aligned buffer, transpose tiles with host TensorDescriptors, unpack: three kernels of its own
import torch
import triton
import triton.language as tl
from triton.tools.tensor_descriptor import TensorDescriptor


@triton.jit
def strided_copy(src, dst, rows, cols, s0, s1, d0, d1, BR: tl.constexpr, BC: tl.constexpr):
    r = tl.program_id(0) * BR + tl.arange(0, BR)
    c = tl.program_id(1) * BC + tl.arange(0, BC)
    m = (r < rows)[:, None] & (c < cols)[None, :]
    tl.store(dst + r[:, None] * d0 + c[None, :] * d1, tl.load(src + r[:, None] * s0 + c[None, :] * s1, mask=m), mask=m)


@triton.jit
def turn(a, b, B: tl.constexpr):
    i = tl.program_id(0) * B
    j = tl.program_id(1) * B
    b.store([j, i], a.load([i, j]).T)


def transpose(x, out):
    M, N = x.shape
    wide = lambda n: triton.cdiv(n, 16) * 16
    a = torch.empty((M, wide(N)), dtype=x.dtype, device=x.device)
    b = torch.empty((N, wide(M)), dtype=x.dtype, device=x.device)
    tiles = lambda p, q, s: (triton.cdiv(p, s), triton.cdiv(q, s))
    strided_copy[tiles(M, N, 64)](x, a, M, N, *x.stride(), *a.stride(), BR=64, BC=64)
    turn[tiles(M, N, 32)](
        TensorDescriptor(a, [M, N], [a.stride(0), 1], [32, 32]),
        TensorDescriptor(b, [N, M], [b.stride(0), 1], [32, 32]),
        B=32,
    )
    strided_copy[tiles(N, M, 64)](b, out, N, M, *b.stride(), *out.stride(), BR=64, BC=64)
