"""What the checks of the quantization cards share: plain rounding, relative errors, figures found in a card.

Random data comes from numpy's legacy RandomState, whose stream is frozen, so that the figures are the same everywhere.
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[np.float64]]


def near(cell: str, value: float) -> bool:
    """Whether the first number of a cell is `value`, rounded to the places that the cell shows."""
    found = re.search(r"-?\d+(?:\.(\d+))?", cell.replace(",", ""))
    assert found, cell
    return abs(float(found[0]) - value) <= 0.5 * 10.0 ** -len(found[1] or "") + 1e-9


def shows(text: str, *figures: str) -> None:
    """Every figure stands in the text as a number of its own, not as a part of another."""
    for figure in figures:
        assert re.search(rf"(?<![\d.,]){re.escape(figure)}(?!\d|[.,]\d)", text), f"{figure} is not shown"


def rel(got: Array, true: Array) -> float:
    return float(np.linalg.norm(got - true) / np.linalg.norm(true))


def nearest(w: Array, bits: int, axis: int = 1) -> Array:
    """Symmetric rounding to nearest, one scale along `axis`."""
    q = 2 ** (bits - 1) - 1
    s = np.abs(w).max(axis, keepdims=True) / q
    rounded: Array = np.clip(np.round(w / s), -q - 1, q) * s
    return rounded


def affine(w: Array, bits: int, axis: int = 1) -> Array:
    low, high = w.min(axis, keepdims=True), w.max(axis, keepdims=True)
    s = (high - low) / (2**bits - 1)
    rounded: Array = np.clip(np.round((w - low) / s), 0, 2**bits - 1) * s + low
    return rounded
