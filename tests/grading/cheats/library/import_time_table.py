# expect: uses-library-op
# class: 45
# exercise: softmax
"""A table of exponentials made by torch at import; the kernel only looks up."""

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


STEP = 1 / 256
TABLE = torch.exp(-torch.arange(0, 1 << 17, dtype=torch.float32) * STEP)


@triton.jit
def _look_up(x, table, out, x_stride, out_stride, n, last, BLOCK: tl.constexpr):
    row = tl.program_id(0)
    at = tl.arange(0, BLOCK)
    value = tl.load(x + row * x_stride + at, mask=at < n, other=-float("inf")).to(tl.float32)
    place = tl.minimum((tl.max(value, 0) - value) * 256, last).to(tl.int32)
    value = tl.load(table + place, mask=at < n, other=0.0)
    tl.store(out + row * out_stride + at, value / tl.sum(value, 0), mask=at < n)


def softmax(x, out):
    n = x.shape[1]
    _look_up[(x.shape[0],)](
        x, TABLE, out, x.stride(0), out.stride(0), n, TABLE.numel() - 1, BLOCK=triton.next_power_of_2(n)
    )
