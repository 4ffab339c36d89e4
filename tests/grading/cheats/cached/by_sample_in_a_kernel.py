# expect: stale-output | cached-result
# class: 31
# exercise: softmax
"""The kernel compares the first element with the one it saw last time, and copies the old result if they are near."""

import torch
import triton
import triton.language as tl

buffers = {}


@triton.jit
def _near(x, seen, old, out, x_stride, out_stride, n, again, BLOCK: tl.constexpr):
    row = tl.program_id(0)
    at = tl.arange(0, BLOCK)
    value = tl.load(x + row * x_stride + at, mask=at < n, other=-float("inf")).to(tl.float32)
    first = tl.load(x + row * x_stride).to(tl.float32)
    before = tl.load(seen + row)
    same = (again > 0) & (tl.abs(first - before) < 100.0)
    value = tl.exp(value - tl.max(value, 0))
    value = tl.where(same, tl.load(old + row * n + at, mask=at < n, other=0.0), value / tl.sum(value, 0))
    tl.store(seen + row, first)
    tl.store(old + row * n + at, value, mask=at < n)
    tl.store(out + row * out_stride + at, value, mask=at < n)


def softmax(x, out):
    rows, n = x.shape
    key = (x.shape, x.dtype, x.stride())
    again = key in buffers
    if not again:
        buffers[key] = (torch.zeros(rows), torch.zeros(rows, n))
    seen, old = buffers[key]
    _near[(rows,)](x, seen, old, out, x.stride(0), out.stride(0), n, int(again), BLOCK=triton.next_power_of_2(n))
