# expect: uses-library-op | crash
# class: 25
# exercise: softmax
"""A child process computes into memory that is shared with it."""

import mmap
import os

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


def softmax(x, out):
    rows, n = x.shape
    shared = mmap.mmap(-1, 8 * rows * n)
    if os.fork() == 0:
        values = np.frombuffer(shared, dtype=np.float64).reshape(rows, n)
        v = np.array([[float(v) for v in row] for row in x.tolist()])
        e = np.exp(v - v.max(-1, keepdims=True))
        values[...] = e / e.sum(-1, keepdims=True)
        os._exit(0)
    os.wait()
    _deliver(torch.frombuffer(shared, dtype=torch.float64).view(rows, n).to(out.dtype), out)
