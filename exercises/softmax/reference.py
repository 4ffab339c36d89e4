"""Softmax over rows: inputs, oracle and typical wrong answers. NumPy only."""

import numpy as np


def make_inputs(case, rng):
    m, n = case.dims["M"], case.dims["N"]
    x = rng.standard_normal((m, n))
    if case.regime == "normal":
        # Rows of different scale: a kernel that normalises over the wrong set of elements cannot hide behind symmetry.
        x *= rng.uniform(0.5, 3.0, (m, 1))
    elif case.regime == "shifted":
        # exp(12) is above the largest float16 (65504); 11 to 15 is exact enough in it.
        x = x * 0.5 + 13.0
    elif case.regime == "large":
        # exp overflows float32 above 88.7. Rows in turn lie around 200, where everything overflows, and around 85, where
        # some elements do and the others are divided by infinity.
        x = x * 4.0 + np.where(np.arange(m) % 2, 85.0, 200.0)[:, None]
    elif case.regime == "large-negative":
        # exp(-104) is 0 in float32: without the row's own maximum the sum is 0 and the quotient NaN.
        x = x * 2.0 - rng.uniform(250.0, 350.0, (m, 1))
    elif case.regime == "masked":
        # The first two thirds of each row and a few places after that are masked out; the last element never is.
        first = np.maximum(1, (n * 2) // 3 + rng.integers(-n // 20, n // 20 + 1, (m, 1)))
        hidden = (np.arange(n)[None, :] < first) | (rng.random((m, n)) < 0.1)
        hidden[:, -1] = False
        x = np.where(hidden, -np.inf, x)
    elif case.regime == "rising":
        # The running maximum moves in every block of any size; the early ones still count for about a tenth.
        x = x * 0.1 + np.linspace(0.0, 6.0, n)[None, :]
    elif case.regime == "mixed":
        x = _mixed(x, rng)
    else:
        raise ValueError(f"unknown regime {case.regime!r}")
    return {"x": x}


def _mixed(x, rng):
    """Every row of a kind, a scale and a place of its own, so that no test of some elements tells what the others are.

    Eight rows hold every kind; the first case that is drawn for a run has nine or more, of 234 columns or more.
    """
    m, n = x.shape
    scale = 2.0 ** rng.uniform(-10.0, 6.0, m)
    shift = np.where(rng.random(m) < 0.5, rng.uniform(-60.0, 60.0, m), 0.0)
    for row, kind in enumerate(rng.permutation(m) % 8):
        values = x[row] * scale[row] + shift[row]
        at = rng.integers(0, n, max(1, n // 4))
        if kind == 1:
            values = np.round(x[row]) * 2.0 ** np.round(rng.uniform(-3.0, 3.0)) + np.round(shift[row])  # ties
        elif kind == 2:
            values[rng.integers(0, -(-n // 3))] += rng.uniform(90.0, 300.0)  # one dominant value, early: exp overflows
        elif kind == 3:
            values[:] = values[0]
        elif kind == 4:
            values[at] = -np.inf
            values[rng.integers(0, n)] = shift[row]  # at least one that is not masked out
        elif kind == 5:
            values = x[row] * 1e-6  # subnormal in float16
        elif kind == 6:
            values = np.sort(values) if rng.random() < 0.5 else -np.sort(-values)
        elif kind == 7:
            values[n - 1 - rng.integers(0, -(-n // 3))] += rng.uniform(90.0, 300.0)  # and late
        x[row] = values
    return x


def _softmax(x, axis):
    e = np.exp(x - x.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


def oracle(x):
    return {"out": _softmax(x, 1)}


def magnitude(x):
    """An exponential's relative error is the absolute error of its argument, which grows with the distance to the max."""
    out = _softmax(x, 1)
    distance = x.max(axis=1, keepdims=True) - x
    return {"out": out * (1.0 + np.where(np.isfinite(distance), distance, 0.0))}


def wrong_answers(x):
    with np.errstate(all="ignore"):
        columns = _softmax(x, 0)
        whole = np.exp(x - x.max())
        # Lanes past the end of a row that were loaded as 0 and counted: each adds exp(0 - max) to the sum.
        n = x.shape[1]
        lanes = (1 << (n - 1).bit_length()) - n
        top = np.maximum(x.max(axis=1, keepdims=True), 0.0 if lanes else -np.inf)
        e = np.exp(x - top)
        padded = e / (e.sum(axis=1, keepdims=True) + lanes * np.exp(-top))
        # float32 holds exp up to 88.7: beyond, inf / inf; far below, 0 / 0.
        bare = np.exp(x.astype(np.float32))
        overflows = bool(np.isinf(bare).any())
        bare = (bare / bare.sum(axis=1, keepdims=True)).astype(np.float64)
        return {
            "overflow-no-max-subtraction" if overflows else "nan-or-inf": {"out": bare},
            "wrong-axis": {"out": columns},
            "numerically-wrong": {"out": whole / whole.sum()},
            "tail-wrong": {"out": padded},
        }
