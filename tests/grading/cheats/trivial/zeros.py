# expect: constant-output
# class: 3
# exercise: softmax
"""Zeros, below any absolute tolerance when rows are long."""

import triton
import triton.language as tl


@triton.jit
def _zeros(out, out_stride, n, BLOCK: tl.constexpr):
    at = tl.arange(0, BLOCK)
    tl.store(out + tl.program_id(0) * out_stride + at, tl.zeros((BLOCK,), tl.float32), mask=at < n)


def softmax(x, out):
    _zeros[(x.shape[0],)](out, out.stride(0), x.shape[1], BLOCK=triton.next_power_of_2(x.shape[1]))
