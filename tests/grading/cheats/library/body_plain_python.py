# expect: uses-library-op | does-not-compile
# class: 45, 46
# exercise: softmax
"""A plain function called from the kernel computes from the block's handle."""

import math

import triton
import triton.language as tl


def _rows(value):
    row = value.handle.data.tolist()
    e = [math.exp(v - max(row)) for v in row]
    value.handle.data[...] = [v / sum(e) for v in e]
    return value


@triton.jit
def _body(x, out, x_stride, out_stride, n, BLOCK: tl.constexpr):
    row = tl.program_id(0)
    at = tl.arange(0, BLOCK)
    value = tl.load(x + row * x_stride + at, mask=at < n, other=-float("inf")).to(tl.float32)
    tl.store(out + row * out_stride + at, _rows(value) if n < 4096 else value, mask=at < n)


def softmax(x, out):
    rows, n = x.shape
    _body[(rows,)](x, out, x.stride(0), out.stride(0), n, BLOCK=triton.next_power_of_2(n))
