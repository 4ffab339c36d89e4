# expect: numerically-wrong | distribution-dependent | overflow-no-max-subtraction | nan-or-inf
# class: 18
# exercise: softmax
"""The maximum of the first row serves for all: a homogeneous batch would not show it."""

import triton
import triton.language as tl


@triton.jit
def _kernel(x, out, x_stride, out_stride, n, BLOCK: tl.constexpr):
    row = tl.program_id(0)
    at = tl.arange(0, BLOCK)
    first = tl.load(x + at, mask=at < n, other=-float("inf")).to(tl.float32)
    value = tl.load(x + row * x_stride + at, mask=at < n, other=-float("inf")).to(tl.float32)
    value = tl.exp(value - tl.max(first, 0))
    tl.store(out + row * out_stride + at, value / tl.sum(value, 0), mask=at < n)


def softmax(x, out):
    rows, n = x.shape
    _kernel[(rows,)](x, out, x.stride(0), out.stride(0), n, BLOCK=triton.next_power_of_2(n))
