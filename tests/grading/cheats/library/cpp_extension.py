# expect: uses-library-op | crash | timeout
# class: 45
# exercise: softmax
"""A C++ operator compiled by torch.utils.cpp_extension; its headers alone take longer than a case may."""

import triton
import triton.language as tl
from torch.utils import cpp_extension


@triton.jit
def _copy(src, dst, src_stride, dst_stride, n, BLOCK: tl.constexpr):
    row = tl.program_id(0)
    at = tl.arange(0, BLOCK)
    tl.store(dst + row * dst_stride + at, tl.load(src + row * src_stride + at, mask=at < n), mask=at < n)


def _deliver(values, out):
    """The fig leaf: a kernel that carries what was computed elsewhere to where it is looked for."""
    rows, n = out.shape
    _copy[(rows,)](values, out, values.stride(0), out.stride(0), n, BLOCK=triton.next_power_of_2(n))


SOURCE = """
#include <torch/extension.h>
torch::Tensor rows(torch::Tensor x) { return at::softmax(x, -1); }
"""
extension = cpp_extension.load_inline("rows_extension", SOURCE, functions=["rows"], build_directory=".", verbose=False)


def softmax(x, out):
    _deliver(extension.rows(x), out)
