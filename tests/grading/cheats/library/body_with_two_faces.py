# expect: uses-library-op | does-not-compile
# class: 41, 45, 46
# exercise: softmax
"""numpy in the body where the interpreter runs it, a kernel that compiles where a compiler looks."""

import os

import numpy as np
import triton
import triton.language as tl


def _numpy_rows(value):
    data = value.handle.data
    e = np.exp(data - data.max())
    value.handle.data = e / e.sum()
    return value


if os.environ.get("TRITON_INTERPRET"):

    @triton.jit
    def _body(x, out, x_stride, out_stride, n, BLOCK: tl.constexpr):
        row = tl.program_id(0)
        at = tl.arange(0, BLOCK)
        value = tl.load(x + row * x_stride + at, mask=at < n, other=-float("inf")).to(tl.float32)
        tl.store(out + row * out_stride + at, _numpy_rows(value), mask=at < n)

else:

    @triton.jit
    def _body(x, out, x_stride, out_stride, n, BLOCK: tl.constexpr):
        at = tl.arange(0, BLOCK)
        tl.store(out + at, tl.load(x + at, mask=at < n), mask=at < n)


def softmax(x, out):
    rows, n = x.shape
    _body[(rows,)](x, out, x.stride(0), out.stride(0), n, BLOCK=triton.next_power_of_2(n))
