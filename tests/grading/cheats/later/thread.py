# expect: uses-library-op | numerically-wrong | constant-output | work-outside-timing
# class: 25
# exercise: softmax
"""A thread computes after the entry has returned."""

import threading
import time

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


def work(x, out):
    time.sleep(0.05)
    torch.softmax(x, -1, out=out)


def softmax(x, out):
    _deliver(x, out)
    threading.Thread(target=work, args=(x, out), daemon=True).start()
