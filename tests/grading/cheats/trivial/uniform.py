# expect: constant-output | numerically-wrong | low-precision
# class: 3, 5
# exercise: softmax
"""1/N everywhere: what a softmax of many independent values is on average."""

import triton
import triton.language as tl


@triton.jit
def _uniform(out, out_stride, n, BLOCK: tl.constexpr):
    at = tl.arange(0, BLOCK)
    tl.store(out + tl.program_id(0) * out_stride + at, tl.zeros((BLOCK,), tl.float32) + 1.0 / n, mask=at < n)


def softmax(x, out):
    _uniform[(x.shape[0],)](out, out.stride(0), x.shape[1], BLOCK=triton.next_power_of_2(x.shape[1]))
