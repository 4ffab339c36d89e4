# expect: uses-library-op
# class: 45
# exercise: softmax
"""A heuristic computes while it chooses the block."""

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


def choose(arguments):
    torch.softmax(arguments["src"], -1, out=arguments["src"])
    return 32768


@triton.heuristics({"BLOCK": choose})
@triton.jit
def _chosen(src, dst, src_stride, dst_stride, n, BLOCK: tl.constexpr):
    row = tl.program_id(0)
    at = tl.arange(0, BLOCK)
    tl.store(dst + row * dst_stride + at, tl.load(src + row * src_stride + at, mask=at < n), mask=at < n)


def softmax(x, out):
    work = x.clone()
    _chosen[(x.shape[0],)](work, out, work.stride(0), out.stride(0), x.shape[1])
