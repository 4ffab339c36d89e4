# expect: nan-or-inf | constant-output
# class: 10, 13
# exercise: softmax
"""Infinity everywhere: its difference to anything is larger than no relative bound."""

import triton
import triton.language as tl


@triton.jit
def _inf(out, out_stride, n, BLOCK: tl.constexpr):
    at = tl.arange(0, BLOCK)
    tl.store(out + tl.program_id(0) * out_stride + at, tl.full((BLOCK,), float("inf"), tl.float32), mask=at < n)


def softmax(x, out):
    _inf[(x.shape[0],)](out, out.stride(0), x.shape[1], BLOCK=triton.next_power_of_2(x.shape[1]))
