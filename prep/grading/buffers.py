"""Storages with guard bands: how the judge hands tensors to a submission and reads back what became of them.

    | guard | data, maybe with gaps between rows | guard |

Outputs are filled with a NaN of their own, guards and gaps with another one: a store out of bounds shows as a changed
guard with its index, a load out of bounds poisons the result, an element never written still has its fill.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from prep.grading.dtypes import DTYPES, Array, DType, bits, to_float64, to_storage

GUARD_BYTES = 4096
"""On each side; wider than the overrun of any block that a first kernel uses (1024 float32 lanes)."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Where a tensor lies in its storage. Extents, strides and offset are in elements."""

    name: str
    role: str
    dtype: DType
    shape: tuple[int, ...]
    strides: tuple[int, ...]

    @property
    def offset(self) -> int:
        return GUARD_BYTES // self.dtype.itemsize

    @property
    def extent(self) -> int:
        """Elements from the first to the last of the tensor, gaps included."""
        if any(n == 0 for n in self.shape):
            return 0
        return 1 + sum((n - 1) * s for n, s in zip(self.shape, self.strides, strict=True))

    @property
    def elements(self) -> int:
        return int(np.prod(self.shape, dtype=np.int64))

    @property
    def storage_elements(self) -> int:
        return self.extent + 2 * self.offset

    @property
    def nbytes(self) -> int:
        return self.storage_elements * self.dtype.itemsize

    def header(self) -> dict[str, Any]:
        """What the worker needs to build the tensor."""
        return {
            "name": self.name,
            "role": self.role,
            "dtype": self.dtype.name,
            "shape": list(self.shape),
            "strides": list(self.strides),
            "offset": self.offset,
            "nbytes": self.nbytes,
        }

    @classmethod
    def from_header(cls, header: dict[str, Any]) -> Layout:
        return cls(
            header["name"], header["role"], DTYPES[header["dtype"]], tuple(header["shape"]), tuple(header["strides"])
        )

    def view(self, storage: Array) -> Array:
        """The tensor inside `storage` (1-D, dtype.storage)."""
        item = storage.itemsize
        return np.lib.stride_tricks.as_strided(
            storage[self.offset :], self.shape, tuple(s * item for s in self.strides), writeable=storage.flags.writeable
        )

    def member_mask(self) -> Array:
        """1-D bool over the storage: which elements belong to the tensor, and not to a guard or gap."""
        member = np.zeros(self.storage_elements, dtype=bool)
        self.view(member)[...] = True
        return member

    def pack(self, values: Array | None) -> Array:
        """A storage holding `values` (float64 or integers), or the fill where None."""
        storage = np.empty(self.storage_elements, dtype=self.dtype.storage)
        bits(storage)[:] = self.dtype.guard
        inner = self.view(storage)
        if values is None:
            fill = np.array([self.dtype.fill], dtype=bits(storage).dtype).view(self.dtype.storage)
            inner[...] = fill[0]
        else:
            inner[...] = to_storage(values, self.dtype)
        return storage

    def unpack(self, raw: bytes | memoryview) -> Array:
        """The storage back from its bytes, read-only."""
        return np.frombuffer(raw, dtype=self.dtype.storage)

    def values(self, storage: Array) -> Array:
        """The tensor's values in float64."""
        return to_float64(np.ascontiguousarray(self.view(storage)), self.dtype)

    def unpack_bits(self, raw: bytes) -> Array:
        """Bool in the tensor's shape from one bit an element, as np.packbits packs them."""
        flags = np.unpackbits(np.frombuffer(raw, dtype=np.uint8, count=-(-self.elements // 8)), count=self.elements)
        return flags.astype(bool).reshape(self.shape)

    def strays(self, storage: Array) -> Array:
        """Indices, relative to the tensor's first element, of guard and gap elements that were overwritten."""
        outside = ~self.member_mask() & (bits(storage) != self.dtype.guard)
        return np.flatnonzero(outside) - self.offset
