# expect: uses-library-op
# class: 45
# exercise: softmax
"""numpy on the tensor's memory."""

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
    v = x.numpy().astype(np.float64)
    e = np.exp(v - v.max(-1, keepdims=True))
    _deliver(torch.from_numpy((e / e.sum(-1, keepdims=True)).astype(x.numpy().dtype)), out)
