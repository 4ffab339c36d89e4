"""The dtypes of exercises as numpy sees them: bits in storage, values in float64, and how fine they are.

numpy has no bfloat16: it is stored as uint16, the upper half of a float32.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


@dataclass(frozen=True, slots=True)
class DType:
    name: str
    storage: np.dtype[Any]
    """What the bits are kept as: the dtype itself, or uint16 for bfloat16."""

    eps: float
    """Distance from 1 to the next number; 0 for integers."""

    largest: float
    smallest: float
    """Spacing of the subnormal numbers; 0 for integers."""

    rounding: float
    """How far, in eps, a correctly stored result may be from the exact one: half a unit, a whole one where the
    interpreter truncates (its float32 to bfloat16 conversion does)."""

    fill: int
    """Bit pattern that outputs are filled with before the call: a quiet NaN with a payload no arithmetic makes."""

    guard: int
    """Bit pattern of the guard bands: another NaN, so that what was read there poisons what is computed from it."""

    @property
    def itemsize(self) -> int:
        return self.storage.itemsize

    @property
    def is_float(self) -> bool:
        return self.eps > 0


def _float(name: str, storage: str, mantissa: int, largest: float, smallest: float, fill: int, guard: int) -> DType:
    rounding = 1.0 if name == "bfloat16" else 0.5
    return DType(name, np.dtype(storage), 2.0**-mantissa, largest, smallest, rounding, fill, guard)


def _int(name: str, fill: int, guard: int) -> DType:
    info = np.iinfo(name)
    return DType(name, np.dtype(name), 0.0, float(info.max), 0.0, 0.0, fill, guard)


DTYPES: dict[str, DType] = {
    d.name: d
    for d in (
        _float("float64", "float64", 52, 1.797e308, 2.0**-1074, 0x7FF8_0BAD_5EED_0001, 0x7FF8_6A4D_6A4D_0002),
        _float("float32", "float32", 23, 3.4028235e38, 2.0**-149, 0x7FCB_AD01, 0x7FC6_A4D2),
        _float("float16", "float16", 10, 65504.0, 2.0**-24, 0x7EB1, 0x7E6D),
        _float("bfloat16", "uint16", 7, 3.3895e38, 2.0**-133, 0x7FE5, 0x7FDA),
        _int("int8", 0x55, 0x6A),
        _int("uint8", 0x55, 0x6A),
        _int("int16", 0x55AA, 0x6A4D),
        _int("int32", 0x55AA_33CC, 0x6A4D_6A4D),
        _int("int64", 0x55AA_33CC_0FF0_5A5A, 0x6A4D_6A4D_6A4D_6A4D),
        DType("bool", np.dtype("uint8"), 0.0, 1.0, 0.0, 0.0, 0x55, 0x6A),
    )
}

_UINT = {1: np.uint8, 2: np.uint16, 4: np.uint32, 8: np.uint64}


def bits(array: Array) -> Array:
    """The array's bits as unsigned integers of the same width."""
    return array.view(_UINT[array.dtype.itemsize])


def to_storage(values: Array, dtype: DType) -> Array:
    """Round `values` to `dtype`; the result holds its bits in `dtype.storage`, in the same shape."""
    if dtype.name != "bfloat16":
        if dtype.is_float:
            with np.errstate(over="ignore"):
                return np.asarray(values).astype(dtype.storage)
        return np.asarray(values).astype(dtype.storage)
    with np.errstate(over="ignore"):
        word = np.ascontiguousarray(values, dtype=np.float32).view(np.uint32).reshape(np.shape(values))
    nearest_even = (word + np.uint32(0x7FFF) + ((word >> np.uint32(16)) & np.uint32(1))) >> np.uint32(16)
    nan = np.isnan(np.asarray(values, dtype=np.float64))
    return np.where(nan, np.uint32(0x7FC0), nearest_even).astype(np.uint16)


def to_float64(stored: Array, dtype: DType) -> Array:
    """The values behind the bits, exact in float64 (integers too, below 2**53)."""
    if dtype.name != "bfloat16":
        return stored.astype(np.float64)
    return (stored.astype(np.uint32) << np.uint32(16)).view(np.float32).astype(np.float64)
