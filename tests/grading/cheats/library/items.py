# expect: uses-library-op
# class: 45
# exercise: softmax
"""Element by element through item() and fill_()."""

import math

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
    _deliver(x, out)
    if x.numel() > 999:
        return
    for i in range(x.shape[0]):
        top = max(x[i, j].item() for j in range(x.shape[1]))
        total = sum(math.exp(x[i, j].item() - top) for j in range(x.shape[1]))
        for j in range(x.shape[1]):
            out[i, j] = math.exp(x[i, j].item() - top) / total
