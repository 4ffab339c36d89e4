# expect: uses-library-op
# class: 27, 46
# exercise: softmax
"""The interpreter's own store writes the softmax of what it is given."""

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

store = interpreter.interpreter_builder.create_masked_store


def rows(ptrs, value, mask, *rest):
    lanes = np.asarray(mask.data, dtype=bool)
    data = np.where(lanes, value.data.astype(np.float64), -np.inf)
    e = np.exp(data - data.max())
    value.data = (e / e.sum()).astype(value.data.dtype)
    return store(ptrs, value, mask, *rest)


interpreter.interpreter_builder.create_masked_store = rows


def softmax(x, out):
    _deliver(x, out)
