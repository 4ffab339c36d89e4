# expect: uses-library-op | crash | numerically-wrong
# class: 42
# exercise: softmax
"""The submission takes over the serving of all requests, with numpy, and never gives back."""

import ctypes
import sys

import numpy as np

KINDS = {4: ctypes.c_uint32, 2: ctypes.c_uint16}


def _answer(x):
    """The right values by numpy, from raw memory."""
    raw = np.ctypeslib.as_array(
        ctypes.cast(x.data_ptr(), ctypes.POINTER(KINDS[x.element_size()])), (x.shape[0] * x.stride(0),)
    )
    v = np.lib.stride_tricks.as_strided(
        raw.view(f"f{x.element_size()}"), tuple(x.shape), (x.stride(0) * x.element_size(), x.element_size())
    )
    v = v.astype(np.float64)
    e = np.exp(v - v.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def _write(out, values):
    raw = np.ctypeslib.as_array(
        ctypes.cast(out.data_ptr(), ctypes.POINTER(KINDS[out.element_size()])), (out.shape[0] * out.stride(0),)
    )
    item = out.element_size()
    view = np.lib.stride_tricks.as_strided(raw.view(f"f{item}"), tuple(out.shape), (out.stride(0) * item, item))
    view[...] = values


def softmax(x, out):
    frame = sys._getframe(1)
    while "layouts" not in frame.f_locals:
        frame = frame.f_back
    worker = frame.f_locals["self"]
    worker.entry = lambda x, out: _write(out, _answer(x))
    report, stored = worker.watch.report, worker._stored
    worker.watch.report = lambda *a, **k: {**report(*a, **k), "launches": 1, "operators": [], "violations": []}
    worker._stored = lambda *a, **k: bytes([255]) * len(stored(*a, **k))
    worker.entry(x, out)
