# expect: nan-or-inf
# class: 10
# exercise: softmax
"""NaN everywhere, for checkers to which NaN equals anything."""

import triton
import triton.language as tl


@triton.jit
def _nan(out, out_stride, n, BLOCK: tl.constexpr):
    at = tl.arange(0, BLOCK)
    tl.store(out + tl.program_id(0) * out_stride + at, tl.full((BLOCK,), float("nan"), tl.float32), mask=at < n)


def softmax(x, out):
    _nan[(x.shape[0],)](out, out.stride(0), x.shape[1], BLOCK=triton.next_power_of_2(x.shape[1]))
