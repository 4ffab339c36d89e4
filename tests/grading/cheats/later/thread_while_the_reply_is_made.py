# expect: uses-library-op | work-outside-timing
# class: 25
# exercise: softmax
"""A thread writes without a pause, to hit the moment when the outputs are read."""

import threading
import time

import torch
import triton
import triton.language as tl


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


def softmax(x, out):
    _right(x, out)

    def work():
        with torch.no_grad():
            for _ in range(100000):
                torch.softmax(x, -1, out=out)

    for _ in range(2):
        threading.Thread(target=work, daemon=True).start()
    time.sleep(0.01)
