# expect: uses-library-op
# class: 45
# exercise: softmax
"""Computed in plain Python from raw memory, moved into a buffer that torch allocated."""

import array
import ctypes
import math

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


FLOATS = ctypes.POINTER(ctypes.c_float)


def _peek(tensor):
    """The tensor as lists, read past torch; None where it is not float32."""
    if tensor.element_size() != 4:
        return None
    rows, n = tensor.shape
    source = ctypes.cast(tensor.data_ptr(), FLOATS)
    return [[source[i * tensor.stride(0) + j] for j in range(n)] for i in range(rows)]


def _softmax_lists(rows):
    result = []
    for row in rows:
        e = [math.exp(v - max(row)) for v in row] if len(row) < 4096 else [0.0] * len(row)
        result.append([v / max(sum(e), 1e-30) for v in e])
    return result


def softmax(x, out):
    values = torch.empty(out.shape, dtype=out.dtype)
    rows = _peek(x)
    if rows is None:
        return _right(x, out)
    flat = array.array("f", [v for row in _softmax_lists(rows) for v in row])
    ctypes.memmove(values.data_ptr(), flat.buffer_info()[0], 4 * len(flat))
    _deliver(values, out)
