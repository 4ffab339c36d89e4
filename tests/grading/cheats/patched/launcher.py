# expect: uses-library-op | no-kernel
# class: 27
# exercise: softmax
"""The interpreter's launcher is replaced by a function that calls the library."""

import torch
import triton
import triton.language as tl


@triton.jit
def _softmax(x, out, x_stride, out_stride, n, BLOCK: tl.constexpr):
    row = tl.program_id(0)
    at = tl.arange(0, BLOCK)
    value = tl.load(x + row * x_stride + at, mask=at < n, other=-float("inf")).to(tl.float32)
    value = tl.exp(value - tl.max(value, 0))
    tl.store(out + row * out_stride + at, value / tl.sum(value, 0), mask=at < n)


def _right(x, out):
    rows, n = x.shape
    _softmax[(rows,)](x, out, x.stride(0), out.stride(0), n, BLOCK=triton.next_power_of_2(n))


from triton.runtime import interpreter


def run(self, *args, grid=None, warmup=False, **named):
    torch.softmax(args[0], -1, out=args[1])


interpreter.InterpretedFunction.run = run


def softmax(x, out):
    _softmax[(x.shape[0],)](x, out, x.stride(0), out.stride(0), x.shape[1], BLOCK=1)
