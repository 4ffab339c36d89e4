# expect: crash | uses-library-op | numerically-wrong
# class: 42
# exercise: softmax
"""A complete frame with the right values in the right places and every element marked as stored; then silence."""

import ctypes
import json
import os
import struct
import sys

import numpy as np
import triton
import triton.language as tl

KINDS = {4: ctypes.c_uint32, 2: ctypes.c_uint16}


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
    if x.shape[0] * x.shape[1] < 16:
        return _right(x, out)
    _write(out, _answer(x))
    frame = sys._getframe(1)
    while "layouts" not in frame.f_locals:
        frame = frame.f_back
    layouts, worker = frame.f_locals["layouts"], frame.f_locals["self"]
    payload = b""
    for layout in layouts:
        storage = worker.storages[layout.name]
        size = storage.numel()
        payload += ctypes.string_at(storage.data_ptr() + (size - layout.nbytes) // 2, layout.nbytes)
    payload += bytes([255]) * sum(-(-layout.elements // 8) for layout in layouts if layout.role != "in")
    watch = {**worker.watch.report(), "launches": 1, "programs": 1, "operators": [], "violations": []}
    text = json.dumps({"status": "ok", "returned": None, "watch": watch}).encode()
    os.write(worker.replies, struct.pack("!IQ", len(text), len(payload)) + text + payload)
    raise SystemExit(0)
