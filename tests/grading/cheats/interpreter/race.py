# expect: race | order-dependent
# class: 20, 46
# exercise: softmax
"""The sums of a row are added up by two programs with load, add and store: right as long as programs run one by one."""

import torch
import triton
import triton.language as tl


@triton.jit
def _sums(x, total, x_stride, n, BLOCK: tl.constexpr):
    row, part = tl.program_id(0), tl.program_id(1)
    at = part * BLOCK + tl.arange(0, BLOCK)
    value = tl.load(x + row * x_stride + at, mask=at < n, other=-float("inf")).to(tl.float32)
    tl.store(total + row, tl.load(total + row) + tl.sum(tl.exp(value - 300), 0))


@triton.jit
def _tops(x, top, x_stride, n, BLOCK: tl.constexpr):
    row = tl.program_id(0)
    at = tl.arange(0, BLOCK)
    tl.store(top + row, tl.max(tl.load(x + row * x_stride + at, mask=at < n, other=-float("inf")).to(tl.float32), 0))


@triton.jit
def _add(x, top, total, x_stride, n, BLOCK: tl.constexpr):
    row, part = tl.program_id(0), tl.program_id(1)
    at = part * BLOCK + tl.arange(0, BLOCK)
    value = tl.load(x + row * x_stride + at, mask=at < n, other=-float("inf")).to(tl.float32)
    tl.store(total + row, tl.load(total + row) + tl.sum(tl.exp(value - tl.load(top + row)), 0))


@triton.jit
def _divide(x, top, total, out, x_stride, out_stride, n, BLOCK: tl.constexpr):
    row = tl.program_id(0)
    at = tl.arange(0, BLOCK)
    value = tl.load(x + row * x_stride + at, mask=at < n, other=-float("inf")).to(tl.float32)
    value = tl.exp(value - tl.load(top + row)) / tl.load(total + row)
    tl.store(out + row * out_stride + at, value, mask=at < n)


def softmax(x, out):
    rows, n = x.shape
    top, total = torch.empty(rows), torch.zeros(rows)
    whole = triton.next_power_of_2(n)
    _tops[(rows,)](x, top, x.stride(0), n, BLOCK=whole)
    _add[(rows, 2)](x, top, total, x.stride(0), n, BLOCK=max(1, whole // 2))
    _divide[(rows,)](x, top, total, out, x.stride(0), out.stride(0), n, BLOCK=whole)
