# expect: low-precision | uses-library-op | numerically-wrong
# class: 23, 8
# exercise: softmax
"""Flags that would change a reference in the same process: reduced precision everywhere."""

import torch
import triton
import triton.language as tl

torch.backends.cuda.matmul.allow_tf32 = True
torch.set_float32_matmul_precision("medium")
torch.set_default_dtype(torch.float16)


@triton.jit
def _half(x, out, x_stride, out_stride, n, BLOCK: tl.constexpr):
    row = tl.program_id(0)
    at = tl.arange(0, BLOCK)
    value = tl.load(x + row * x_stride + at, mask=at < n, other=-float("inf")).to(tl.float16)
    value = tl.exp((value - tl.max(value, 0)).to(tl.float32)).to(tl.float16)
    tl.store(out + row * out_stride + at, value / tl.sum(value.to(tl.float32), 0), mask=at < n)


def softmax(x, out):
    rows, n = x.shape
    _half[(rows,)](x, out, x.stride(0), out.stride(0), n, BLOCK=triton.next_power_of_2(n))
