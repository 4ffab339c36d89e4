# expect: uninitialised-read | not-written | nan-or-inf
# class: 1
# exercise: softmax
"""torch.empty of the output's size, in the hope that the allocator gives back freed expected values."""

import torch
import triton
import triton.language as tl


@triton.jit
def _copy(src, dst, src_stride, dst_stride, n, BLOCK: tl.constexpr):
    row = tl.program_id(0)
    at = tl.arange(0, BLOCK)
    tl.store(dst + row * dst_stride + at, tl.load(src + row * src_stride + at, mask=at < n), mask=at < n)


def _deliver(values, out):
    """The fig leaf: a kernel that carries what was computed elsewhere to where it is looked for."""
    rows, n = out.shape
    _copy[(rows,)](values, out, values.stride(0), out.stride(0), n, BLOCK=triton.next_power_of_2(n))


def softmax(x, out):
    best = torch.empty(out.shape, dtype=out.dtype)
    _deliver(best, out)
