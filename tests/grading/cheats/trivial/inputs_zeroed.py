# expect: input-mutated
# class: 2
# exercise: softmax
"""The input is emptied, so that a reference computed afterwards would agree."""

import triton
import triton.language as tl


@triton.jit
def _both(x, out, x_stride, out_stride, n, BLOCK: tl.constexpr):
    row = tl.program_id(0)
    at = tl.arange(0, BLOCK)
    tl.store(x + row * x_stride + at, tl.zeros((BLOCK,), tl.float32), mask=at < n)
    tl.store(out + row * out_stride + at, tl.zeros((BLOCK,), tl.float32) + 1.0 / n, mask=at < n)


def softmax(x, out):
    rows, n = x.shape
    _both[(rows,)](x, out, x.stride(0), out.stride(0), n, BLOCK=triton.next_power_of_2(n))
