# expect: uses-library-op | crash
# class: 45
# exercise: softmax
"""C compiled at run time and called by ctypes on the tensors' memory."""

import ctypes
import os
import subprocess

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


SOURCE = """
#include <math.h>
void rows(const float *x, float *out, long m, long n, long sx, long so) {
    for (long i = 0; i < m; i++) {
        float top = -INFINITY, sum = 0;
        for (long j = 0; j < n; j++) if (x[i * sx + j] > top) top = x[i * sx + j];
        for (long j = 0; j < n; j++) sum += expf(x[i * sx + j] - top);
        for (long j = 0; j < n; j++) out[i * so + j] = expf(x[i * sx + j] - top) / sum;
    }
}
"""


def build():
    with open("rows.c", "w") as file:
        file.write(SOURCE)
    subprocess.run(["cc", "-O1", "-shared", "-fPIC", "rows.c", "-o", "rows.so", "-lm"], check=True)
    return ctypes.CDLL(os.path.abspath("rows.so"))


library = build()


def softmax(x, out):
    if x.element_size() != 4:
        return _right(x, out)
    _deliver(x, out)
    numbers = [ctypes.c_long(v) for v in (*x.shape, x.stride(0), out.stride(0))]
    library.rows(ctypes.c_void_p(x.data_ptr()), ctypes.c_void_p(out.data_ptr()), *numbers)
