# expect: uses-library-op | crash
# class: 43
# exercise: softmax
"""reference.py is imported from the exercise's folder and its oracle called."""

import importlib.util
import pathlib

import numpy as np
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


def _reference():
    """The exercise's own reference.py, found beside the package that judges."""
    import prep

    folder = pathlib.Path(prep.__file__).parents[1] / "exercises" / "softmax"
    spec = importlib.util.spec_from_file_location("answer", folder / "reference.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


REFERENCE = _reference()


def softmax(x, out):
    values = REFERENCE.oracle(x=np.array(x.tolist(), dtype=np.float64))["out"]
    _deliver(torch.from_numpy(values).to(out.dtype), out)
