# expect: uses-library-op | does-not-compile
# class: 45, 46
# exercise: softmax
"""torch inside the kernel's body: the interpreter runs it as plain Python."""

import torch
import triton
import triton.language as tl


@triton.jit
def _body(x, y: tl.constexpr, out: tl.constexpr):
    out.copy_(torch.softmax(y, -1))
    tl.store(x, tl.load(x))


def softmax(x, out):
    _body[(1,)](out, x, out)
