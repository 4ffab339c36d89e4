# expect: uses-library-op | crash
# class: 45
# exercise: softmax
"""torch.library with an implementation for the CPU key, below the watch."""

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


lib = torch.library.Library("mine2", "DEF")
lib.define("rows(Tensor x) -> Tensor")
lib.impl("rows", lambda x: torch.softmax(x, -1), "CPU")


def softmax(x, out):
    _deliver(torch.ops.mine2.rows(x), out)
