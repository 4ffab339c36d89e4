# expect: uses-library-op
# class: 27, 46
# exercise: softmax
"""The native load of the interpreter returns the softmax of the row."""

import numpy as np
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


from triton.runtime import interpreter


class Native:
    def __getattr__(self, name):
        return getattr(native, name)

    def load(self, ptrs, mask, other, dtype):
        data = native.load(ptrs, mask, other, dtype)
        v = np.where(mask, data.astype(np.float64), -np.inf)
        e = np.exp(v - v.max())
        return (e / e.sum()).astype(data.dtype)


native = interpreter._interpreter
interpreter._interpreter = Native()


def softmax(x, out):
    _deliver(x, out)
