"""Inputs, float64 oracle and error scale of matrix multiplication."""

from __future__ import annotations

from typing import Any

import numpy as np


def make_inputs(case: Any, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """a [M, K] and b [K, N] in float64.

    Regimes: `normal` both standard normal; `offset` all terms of a sum positive; `cancelling` the first half of K
    comes again with the opposite sign and a small difference; `large` the same with values near 300, so that
    partial sums, and single products, leave the range of float16 while the result stays in it; `mixed` rows and columns of
    many kinds and scales.
    """
    m, n, k = case.dims["M"], case.dims["N"], case.dims["K"]
    a = rng.standard_normal((m, k))
    b = rng.standard_normal((k, n))
    if case.regime == "offset":
        # 0.25 to 0.75 each: 512 terms sum to about 128, where neighbouring float16 values are 0.125 apart.
        a = 0.25 + 0.5 * rng.random((m, k))
        b = 0.25 + 0.5 * rng.random((k, n))
    elif case.regime in ("cancelling", "large"):
        half = k // 2
        size = 300.0 if case.regime == "large" else 1000.0
        a = size * (0.75 + 0.5 * rng.random((m, k)))
        b = (1.0 if case.regime == "cancelling" else size) * (0.75 + 0.5 * rng.random((k, n)))
        b[half : 2 * half] = b[:half]
        # The halves differ by one part in a thousand, which is what remains of the sum.
        a[:, half : 2 * half] = -a[:, :half] * (1.0 + 1e-3 * rng.standard_normal((m, half)))
        a[:, 2 * half :] = 0.0
    elif case.regime == "mixed":
        # Rows of a and columns of b, each of a scale of its own, some constant, some nearly all zero, and a shift.
        a = _mixed(a, rng)
        b = _mixed(b.T, rng).T
    elif case.regime != "normal":
        raise ValueError(f"unknown regime {case.regime!r}")
    return {"a": a, "b": b}


def _mixed(x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Every row of a kind and a scale of its own; sums of 130 products stay below the largest float16."""
    m, n = x.shape
    x = x * 2.0 ** rng.uniform(-6.0, 2.0, (m, 1)) + np.where(rng.random((m, 1)) < 0.3, rng.uniform(-4.0, 4.0, (m, 1)), 0.0)
    for row, kind in enumerate(rng.permutation(m) % 5):
        if kind == 1:
            x[row] = x[row, 0]
        elif kind == 2:
            x[row] = np.where(rng.random(n) < 0.8, 0.0, x[row])
        elif kind == 3:
            x[row] = np.round(x[row])
    return x


def oracle(a: np.ndarray, b: np.ndarray) -> dict[str, np.ndarray]:
    """out = a @ b in float64."""
    return {"out": a @ b}


def magnitude(a: np.ndarray, b: np.ndarray) -> dict[str, np.ndarray]:
    """For each element of out the largest partial sum that a float32 accumulator may hold.

    Rounding errors are relative to the partial sums, not to the terms or the result. |a| @ |b| would be a bound too, but at
    K = 4096 it is so loose that tf32 operands (10 bits) pass for float32. So: the prefix and suffix sums at 16
    places along K, plus the root of the sum of squared terms, which is what the sum of any other subset of terms with random
    signs amounts to.
    """
    k = a.shape[1]
    step = max(1, -(-k // 16))
    prefix = np.zeros((a.shape[0], b.shape[1]))
    largest = np.zeros_like(prefix)
    total = a @ b
    for start in range(0, k, step):
        prefix += a[:, start : start + step] @ b[start : start + step]
        np.maximum(largest, np.abs(prefix), out=largest)
        np.maximum(largest, np.abs(total - prefix), out=largest)
    return {"out": largest + np.sqrt((a * a) @ (b * b))}


def wrong_answers(a: np.ndarray, b: np.ndarray) -> dict[str, list[dict[str, np.ndarray]]]:
    """What a kernel gives that walks through the memory of a or b as if it held the transpose, or stores the transpose."""
    (m, k), n = a.shape, b.shape[1]
    found = []
    if min(k, n) > 1:  # a vector lies in memory in the same order either way
        found.append({"out": a @ b.reshape(n, k).T})
    if min(m, k) > 1:
        found.append({"out": a.reshape(k, m).T @ b})
    if m == n > 1:
        found.append({"out": (a @ b).T})
    return {"transposed": found} if found else {}
