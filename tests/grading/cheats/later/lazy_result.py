# expect: numerically-wrong | constant-output | nan-or-inf | wrong-shape-or-dtype
# class: 26
# exercise: softmax
"""A lazy object is returned that would compute when it is compared."""

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


class Lazy(torch.Tensor):
    def __eq__(self, other):
        return torch.ones_like(other, dtype=torch.bool)

    def __sub__(self, other):
        return torch.zeros_like(other)


def softmax(x, out):
    _deliver(x, out)
    return torch.empty_like(out).as_subclass(Lazy)
