# expect: uses-library-op
# class: 45
# exercise: softmax
"""A hook that runs inside the launch, where the interpreter's own copies are expected."""

import torch
import triton
import triton.language as tl


@triton.jit
def _copy(src, dst, src_stride, dst_stride, n, BLOCK: tl.constexpr):
    row = tl.program_id(0)
    at = tl.arange(0, BLOCK)
    tl.store(dst + row * dst_stride + at, tl.load(src + row * src_stride + at, mask=at < n), mask=at < n)


def _deliver(values, out):
    """The fig leaf: a kernel that carries what was computed elsewhere to where it is looked for."""
    rows, n = out.shape
    _copy[(rows,)](values, out, values.stride(0), out.stride(0), n, BLOCK=triton.next_power_of_2(n))


def hook(*args, **named):
    named_args = [a for a in args if hasattr(a, "shape")]
    named_args[1].copy_(torch.softmax(named_args[0], -1))


@triton.jit
def _nothing(x, out):
    tl.store(out, tl.load(out))


_nothing.add_pre_run_hook(hook)


def softmax(x, out):
    _nothing[(1,)](x, out)
