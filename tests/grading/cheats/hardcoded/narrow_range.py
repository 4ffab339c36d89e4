# expect: overflow-no-max-subtraction | nan-or-inf | distribution-dependent
# class: 16
# exercise: softmax
"""No maximum is subtracted where a row's first values are small, as in a normal distribution."""

import triton
import triton.language as tl


@triton.jit
def _kernel(x, out, x_stride, out_stride, n, BLOCK: tl.constexpr):
    row = tl.program_id(0)
    at = tl.arange(0, BLOCK)
    value = tl.load(x + row * x_stride + at, mask=at < n, other=-float("inf")).to(tl.float32)
    first = tl.max(tl.where(at < 4, value, -float("inf")), 0)
    top = tl.where(first > 150, tl.max(value, 0), 0.0)
    value = tl.exp(value - top)
    tl.store(out + row * out_stride + at, value / tl.sum(value, 0), mask=at < n)


def softmax(x, out):
    rows, n = x.shape
    _kernel[(rows,)](x, out, x.stride(0), out.stride(0), n, BLOCK=triton.next_power_of_2(n))
