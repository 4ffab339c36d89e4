# expect: low-precision
# class: 8
# exercise: softmax
"""float32 in and out, float16 between."""

import triton
import triton.language as tl


@triton.jit
def _half(x, out, x_stride, out_stride, n, BLOCK: tl.constexpr):
    row = tl.program_id(0)
    at = tl.arange(0, BLOCK)
    value = tl.load(x + row * x_stride + at, mask=at < n, other=-float("inf")).to(tl.float32)
    value = tl.exp(value - tl.max(value, 0)).to(tl.float16)
    value = value / tl.sum(value, 0)
    tl.store(out + row * out_stride + at, value.to(tl.float32), mask=at < n)


def softmax(x, out):
    rows, n = x.shape
    _half[(rows,)](x, out, x.stride(0), out.stride(0), n, BLOCK=triton.next_power_of_2(n))
