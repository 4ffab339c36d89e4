# expect: numerically-wrong | distribution-dependent
# class: 5, 16
# exercise: layernorm
"""Layernorm that takes the mean of the values to be zero."""

import triton
import triton.language as tl


@triton.jit
def _norm(x, weight, bias, out, x_stride, out_stride, n, eps, BLOCK: tl.constexpr):
    row = tl.program_id(0)
    at = tl.arange(0, BLOCK)
    value = tl.load(x + row * x_stride + at, mask=at < n, other=0.0).to(tl.float32)
    value = value / tl.sqrt(tl.sum(value * value, 0) / n + eps)
    value = value * tl.load(weight + at, mask=at < n) + tl.load(bias + at, mask=at < n)
    tl.store(out + row * out_stride + at, value, mask=at < n)


def layernorm(x, weight, bias, eps, out):
    rows, n = x.shape
    _norm[(rows,)](x, weight, bias, out, x.stride(0), out.stride(0), n, eps, BLOCK=triton.next_power_of_2(n))
