# expect: uses-library-op
# class: 27, 46
# exercise: softmax
"""tl.exp is replaced by a whole softmax."""

import numpy as np
import triton
import triton.language as tl


def exp(value):
    data = value.handle.data.astype(np.float64)
    e = np.exp(data - data.max())
    value.handle.data = (e / e.sum()).astype(np.float32)
    return value


tl.exp = exp


@triton.jit
def _exp(x, out, x_stride, out_stride, n, BLOCK: tl.constexpr):
    row = tl.program_id(0)
    at = tl.arange(0, BLOCK)
    value = tl.load(x + row * x_stride + at, mask=at < n, other=-float("inf")).to(tl.float32)
    tl.store(out + row * out_stride + at, tl.exp(value), mask=at < n)


def softmax(x, out):
    rows, n = x.shape
    _exp[(rows,)](x, out, x.stride(0), out.stride(0), n, BLOCK=triton.next_power_of_2(n))
