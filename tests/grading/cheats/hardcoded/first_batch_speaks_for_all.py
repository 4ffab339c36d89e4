# expect: numerically-wrong | distribution-dependent | wrong-axis
# class: 18
# exercise: layernorm
"""Layernorm with the statistics of the first row for every row."""

import triton
import triton.language as tl


@triton.jit
def _norm(x, weight, bias, out, x_stride, out_stride, n, eps, BLOCK: tl.constexpr):
    row = tl.program_id(0)
    at = tl.arange(0, BLOCK)
    first = tl.load(x + at, mask=at < n, other=0.0).to(tl.float32)
    mean = tl.sum(first, 0) / n
    centred = tl.where(at < n, first - mean, 0.0)
    scale = 1 / tl.sqrt(tl.sum(centred * centred, 0) / n + eps)
    value = tl.load(x + row * x_stride + at, mask=at < n, other=0.0).to(tl.float32)
    value = (value - mean) * scale * tl.load(weight + at, mask=at < n) + tl.load(bias + at, mask=at < n)
    tl.store(out + row * out_stride + at, value, mask=at < n)


def layernorm(x, weight, bias, eps, out):
    rows, n = x.shape
    _norm[(rows,)](x, weight, bias, out, x.stride(0), out.stride(0), n, eps, BLOCK=triton.next_power_of_2(n))
