"""Is a result right? Tolerance from dtype, depth of sum and scale; every element must hold.

With `ref` the oracle's value in float64, `m` the magnitude of the terms that enter the element's last sum (the
exercise's own `magnitude`), `d` the depth of that sum:

    |got - ref| <= rounding * eps(out) * |ref|            storing the result
                   + factor * eps(compute) * sqrt(d) * m    the arithmetic: rounding errors add like a random walk
                   + factor * eps(in) * m                   only where an intermediate may be rounded to the input dtype
                   + smallest(out)                          where results are subnormal

One precision lower than asked for must fail: float16 arithmetic on a sum of 64 is off by 8e-3 of the magnitude, while
the second term allows 4e-6 of it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np

from prep.exercises.spec import Tolerance, evaluate
from prep.grading.dtypes import DTYPES, Array, DType

DIFFERENCES = 12
"""Wrong elements that a verdict lists one by one."""

GRID_ROWS, GRID_COLUMNS = 24, 96
"""Of a picture of the errors: twelve rows of a terminal in half blocks, as wide as a wide pane."""

_SLACK = 1.1
"""On the rounding term: half a unit is exact only for the float64 value, and the arithmetic moves that a little."""


@dataclass(slots=True)
class Comparison:
    """One output of one case, compared."""

    name: str
    expected: Array
    got: Array
    tolerance: Array
    wrong: Array
    """Bool, in the output's shape."""

    unwritten: Array = field(default_factory=lambda: np.zeros(0, dtype=bool))

    @property
    def mismatched(self) -> int:
        return int(self.wrong.sum())

    @property
    def passed(self) -> bool:
        return not self.wrong.any()

    @property
    def error(self) -> Array:
        """|got - expected|, infinite where one of them is not finite and they differ."""
        with np.errstate(invalid="ignore", over="ignore"):
            difference = np.abs(self.got - self.expected)
        return np.where(np.isnan(difference), np.where(self.wrong, np.inf, 0.0), difference)

    def worst(self) -> tuple[float, float]:
        """The largest error and the tolerance at that element."""
        error = self.error
        if error.size == 0:
            return 0.0, 0.0
        at = int(np.argmax(np.where(self.wrong, error, -1.0) if self.wrong.any() else error))
        return float(error.flat[at]), float(self.tolerance.flat[at])

    def first_wrong(self) -> dict[str, Any] | None:
        """Index, expected and got of the first wrong element in row-major order."""
        if self.passed:
            return None
        return self._element(int(np.flatnonzero(self.wrong)[0]))

    def differences(self, limit: int = DIFFERENCES) -> list[dict[str, Any]]:
        """The first `limit` wrong elements in row-major order, as `first_wrong` gives the first."""
        return [self._element(int(at)) for at in np.flatnonzero(self.wrong)[:limit]]

    def _element(self, at: int) -> dict[str, Any]:
        return {
            "output": self.name,
            "index": [int(i) for i in np.unravel_index(at, self.wrong.shape)],
            "expected": number(float(self.expected.flat[at])),
            "got": number(float(self.got.flat[at])),
            "written": not bool(self.unwritten.flat[at]) if self.unwritten.size else True,
        }


def number(value: float) -> float | str:
    """A float that JSON can carry: 'nan', 'inf' and '-inf' as text."""
    return value if np.isfinite(value) else str(value)


def tolerance_of(
    ref: Array, magnitude: Array, tolerance: Tolerance, dims: dict[str, int], out: DType, inputs: DType
) -> Array:
    """The bound for each element; see the module's text."""
    if not out.is_float:
        return np.zeros(ref.shape)
    depth = max(1, evaluate(tolerance.depth, dims))
    arithmetic = tolerance.factor * DTYPES[tolerance.compute].eps * np.sqrt(depth)
    if tolerance.intermediate:
        arithmetic += tolerance.factor * inputs.eps
    bound = _SLACK * out.rounding * out.eps * np.abs(ref) + arithmetic * np.abs(magnitude) + out.smallest
    return np.where(np.isfinite(bound), bound, 0.0)


def compare(name: str, expected: Array, got: Array, tolerance: Array, out: DType, unwritten: Array) -> Comparison:
    """Compare an output element by element: NaN only where NaN is expected, infinities equal."""
    overflow = np.abs(expected) > out.largest * (1 + out.eps) if out.is_float else np.zeros(expected.shape, dtype=bool)
    expected = np.where(overflow, np.copysign(np.inf, expected), expected)
    with np.errstate(invalid="ignore", over="ignore"):
        close = np.abs(got - expected) <= tolerance
    same = (got == expected) | (np.isnan(got) & np.isnan(expected))
    if out.is_float:
        # Within a unit above the largest number a float32 result may round to either it or infinity.
        same |= np.isinf(got) & (got * np.sign(expected) > 0) & (np.abs(expected) > out.largest)
    wrong = ~(close | same) | unwritten
    return Comparison(name, expected, got, tolerance, np.asarray(wrong), unwritten)


def error_map(wrong: Array, rows: int = 8, columns: int = 40) -> list[str]:
    """A picture of where the errors are: the output seen as rows x last axis, each cell the share that is wrong."""
    if wrong.ndim == 0:
        wrong = wrong.reshape(1, 1)
    plane = wrong.reshape(-1, wrong.shape[-1])
    row_edges = np.linspace(0, plane.shape[0], min(rows, plane.shape[0]) + 1).astype(int)
    column_edges = np.linspace(0, plane.shape[1], min(columns, plane.shape[1]) + 1).astype(int)
    picture = []
    for top, bottom in pairwise(row_edges):
        line = ""
        for left, right in pairwise(column_edges):
            share = plane[top:bottom, left:right].mean()
            line += "░" if share == 0 else "▒" if share < 0.34 else "▓" if share < 0.67 else "█"
        picture.append(line)
    return picture


def error_grid(wrong: Array, rows: int = GRID_ROWS, columns: int = GRID_COLUMNS) -> dict[str, Any]:
    """What a picture is drawn from: the output as rows x last axis, in at most `rows` x `columns` cells.

    `shape` is the plane's, `shares` a line of digits for each row of cells: 0 nothing is wrong there, 9 everything, the
    others between. The edges of cell i of n over an extent e are e * i // n and e * (i + 1) // n.
    """
    plane = wrong.reshape(-1, wrong.shape[-1]) if wrong.ndim else wrong.reshape(1, 1)
    height, width = plane.shape
    n_rows, n_columns = min(rows, height), min(columns, width)
    top, left = (np.arange(n) * extent // n for n, extent in ((n_rows, height), (n_columns, width)))
    counts = np.add.reduceat(np.add.reduceat(plane.astype(np.int64), top, axis=0), left, axis=1)
    areas = np.diff(np.append(top, height))[:, None] * np.diff(np.append(left, width))[None, :]
    # Rounded inwards at both ends: one wrong element shows, and so does one right element.
    levels = np.where(counts == areas, 9, np.where(counts == 0, 0, np.clip(counts * 9 // areas, 1, 8)))
    return {"shape": [height, width], "shares": ["".join(map(str, line)) for line in levels.tolist()]}
