# expect: numerically-wrong | distribution-dependent | tail-wrong | nan-or-inf
# class: 17, 16
# exercise: softmax
"""Only values within 6 of the maximum are kept: the rest hardly counts, for normal inputs."""

import triton
import triton.language as tl


@triton.jit
def _kernel(x, out, x_stride, out_stride, n, BLOCK: tl.constexpr):
    row = tl.program_id(0)
    at = tl.arange(0, BLOCK)
    value = tl.load(x + row * x_stride + at, mask=at < n, other=-float("inf")).to(tl.float32)
    value = value - tl.max(value, 0)
    value = tl.where(value > -6.0, tl.exp(value), 0.0)
    tl.store(out + row * out_stride + at, value / tl.sum(value, 0), mask=at < n)


def softmax(x, out):
    rows, n = x.shape
    _kernel[(rows,)](x, out, x.stride(0), out.stride(0), n, BLOCK=triton.next_power_of_2(n))
