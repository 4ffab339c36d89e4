# expect: uses-library-op
# class: 45
# exercise: softmax
"""The bytes of the storage, one by one, through torch's own indexing."""

import math
import struct

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


def softmax(x, out):
    _deliver(x, out)
    if x.element_size() != 4 or x.numel() > 4096:
        return
    raw, into = x.untyped_storage(), out.untyped_storage()
    for i in range(x.shape[0]):
        first = (x.storage_offset() + i * x.stride(0)) * 4
        row = struct.unpack(f"{x.shape[1]}f", bytes(raw[first + k] for k in range(4 * x.shape[1])))
        e = [math.exp(v - max(row)) for v in row] if len(row) < 999 else row
        first = (out.storage_offset() + i * out.stride(0)) * 4
        for k, byte in enumerate(struct.pack(f"{len(e)}f", *(v / sum(e) for v in e))):
            into[first + k] = byte
