# expect: numerically-wrong | distribution-dependent
# class: 6
# exercise: layernorm
"""Layernorm without weight and bias: right for parameters of an identity initialisation."""

import triton
import triton.language as tl


@triton.jit
def _norm(x, out, x_stride, out_stride, n, eps, BLOCK: tl.constexpr):
    row = tl.program_id(0)
    at = tl.arange(0, BLOCK)
    value = tl.load(x + row * x_stride + at, mask=at < n, other=0.0).to(tl.float32)
    value = tl.where(at < n, value - tl.sum(value, 0) / n, 0.0)
    tl.store(out + row * out_stride + at, value / tl.sqrt(tl.sum(value * value, 0) / n + eps), mask=at < n)


def layernorm(x, weight, bias, eps, out):
    rows, n = x.shape
    _norm[(rows,)](x, out, x.stride(0), out.stride(0), n, eps, BLOCK=triton.next_power_of_2(n))
