# expect: constant-output | wrong-shape-or-dtype | not-written | nan-or-inf
# class: 12
# exercise: softmax
"""The right numbers in another dtype, through a view of out's bytes."""

import torch
import triton
import triton.language as tl


@triton.jit
def _softmax(x, out, x_stride, out_stride, n, BLOCK: tl.constexpr):
    row = tl.program_id(0)
    at = tl.arange(0, BLOCK)
    value = tl.load(x + row * x_stride + at, mask=at < n, other=-float("inf")).to(tl.float32)
    value = tl.exp(value - tl.max(value, 0))
    tl.store(out + row * out_stride + at, value / tl.sum(value, 0), mask=at < n)


def _right(x, out):
    rows, n = x.shape
    _softmax[(rows,)](x, out, x.stride(0), out.stride(0), n, BLOCK=triton.next_power_of_2(n))


def softmax(x, out):
    _right(x, out.view(torch.int32 if out.element_size() == 4 else torch.int16))
