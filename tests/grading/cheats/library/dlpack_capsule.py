# expect: uses-library-op | crash
# class: 45
# exercise: softmax
"""The capsule of torch._C, so that no watched method of the tensor is called."""

import numpy as np
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


class Holder:
    def __init__(self, tensor):
        self.tensor = tensor

    def __dlpack__(self, **named):
        return torch._C._to_dlpack(self.tensor)

    def __dlpack_device__(self):
        return (1, 0)


def softmax(x, out):
    _deliver(out, out)
    v, target = np.from_dlpack(Holder(x)), np.from_dlpack(Holder(out))
    e = np.exp(v - v.max(-1, keepdims=True))
    target.flags.writeable or target.setflags(write=True)
    target[...] = e / e.sum(-1, keepdims=True)
