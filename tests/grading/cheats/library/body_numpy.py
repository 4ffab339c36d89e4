# expect: uses-library-op | does-not-compile
# class: 45, 46
# exercise: softmax
"""numpy on the handle of a loaded block, inside the kernel's body."""

import numpy as np
import triton
import triton.language as tl


@triton.jit
def _body(x, out, x_stride, out_stride, n, BLOCK: tl.constexpr):
    row = tl.program_id(0)
    at = tl.arange(0, BLOCK)
    value = tl.load(x + row * x_stride + at, mask=at < n, other=-float("inf")).to(tl.float32)
    e = np.exp(value.handle.data - value.handle.data.max())
    value.handle.data = e / e.sum()
    tl.store(out + row * out_stride + at, value, mask=at < n)


def softmax(x, out):
    rows, n = x.shape
    _body[(rows,)](x, out, x.stride(0), out.stride(0), n, BLOCK=triton.next_power_of_2(n))
