"""Layer norm over rows: inputs, oracle and typical wrong answers. NumPy only."""

import numpy as np


def make_inputs(case, rng):
    m, n = case.dims["M"], case.dims["N"]
    x = rng.standard_normal((m, n))
    if case.regime == "normal":
        # Rows of different centre and spread: without them a copy of the input would nearly be the answer.
        x = x * rng.uniform(0.5, 3.0, (m, 1)) + rng.uniform(-2.0, 2.0, (m, 1))
    elif case.regime == "small":
        # A variance of 1e-6 under an eps of 1e-5.
        x = x * 1e-3 + rng.uniform(-1e-2, 1e-2, (m, 1))
    elif case.regime == "shifted":
        # (1e4)^2 = 1e8 has a unit of 8 in float32, the variance is 1: a difference of squares is all rounding error.
        x = x + rng.uniform(8000.0, 12000.0, (m, 1)) * rng.choice([-1.0, 1.0], (m, 1))
    elif case.regime == "constant":
        # Powers of two: their mean is exact in any order of summation, so the variance is 0 and not merely small.
        x = np.broadcast_to(2.0 ** rng.integers(-2, 3, (m, 1)) * rng.choice([-1.0, 1.0], (m, 1)), (m, n)).copy()
    elif case.regime == "wide":
        # 300^2 = 90,000 is above the largest float16, 65,504.
        x = x * 300.0 + rng.uniform(-400.0, 400.0, (m, 1))
    elif case.regime == "rising":
        x = x + np.linspace(-4.0, 8.0, n)[None, :]
    elif case.regime == "mixed":
        x = _mixed(x, rng)
    else:
        raise ValueError(f"unknown regime {case.regime!r}")
    # Not the identity: a kernel that leaves weight or bias out must be wrong.
    weight = rng.uniform(0.5, 1.5, n) * rng.choice([-1.0, 1.0], n)
    bias = rng.uniform(0.25, 2.0, n) * rng.choice([-1.0, 1.0], n)
    return {"x": x, "weight": weight, "bias": bias, "eps": case.scalars["eps"]}


def _mixed(x, rng):
    """Every row of a kind, a scale and a place of its own, so that no test of some elements tells what the others are.

    Eight rows hold every kind; the first case that is drawn for a run has nine or more.
    """
    m, n = x.shape
    scale = 2.0 ** rng.uniform(-10.0, 4.0, m)
    # A mean of up to 1000 spreads, where a difference of squares has lost six of its seven digits.
    shift = np.where(rng.random(m) < 0.7, rng.uniform(300.0, 1000.0, m) * rng.choice([-1.0, 1.0], m) * scale, 0.0)
    for row, kind in enumerate(rng.permutation(m) % 8):
        values = x[row] * scale[row] + shift[row]
        if kind == 1:
            values = np.round(x[row]) * 2.0 ** np.round(rng.uniform(-3.0, 3.0))  # ties
        elif kind == 2:
            values[rng.integers(0, n)] += rng.uniform(10.0, 100.0) * scale[row]  # one dominant value, anywhere
        elif kind == 3:
            values[:] = 2.0 ** np.round(rng.uniform(-3.0, 3.0))  # its mean is exact, so the variance is 0
        elif kind == 4:
            values = x[row] * 1e-6  # subnormal in float16, and far below eps
        elif kind == 5:
            values = np.sort(values) if rng.random() < 0.5 else -np.sort(-values)
        elif kind > 5:
            # A mean of thousands of spreads. By chance one difference of squares in forty is right here: so two rows.
            values = x[row] * rng.uniform(0.25, 0.5) + rng.uniform(1000.0, 1900.0) * rng.choice([-1.0, 1.0])
        x[row] = values
    return x


def _normalise(x, eps, axis):
    centred = x - x.mean(axis=axis, keepdims=True)
    return centred / np.sqrt((centred**2).mean(axis=axis, keepdims=True) + eps)


def oracle(x, weight, bias, eps):
    return {"out": _normalise(x, eps, 1) * weight + bias}


def magnitude(x, weight, bias, eps):
    """The terms of (x - mean) * rstd * weight + bias: an error of the mean is as large as the mean's own last digit."""
    mean = x.mean(axis=1, keepdims=True)
    rstd = 1.0 / np.sqrt(x.var(axis=1, keepdims=True) + eps)
    return {"out": (np.abs(x - mean) + np.abs(mean)) * rstd * np.abs(weight) + np.abs(bias)}


def wrong_answers(x, weight, bias, eps):
    n = x.shape[1]
    lanes = (1 << (n - 1).bit_length()) - n
    mean = x.mean(axis=1, keepdims=True)
    # Lanes past the end of a row, 0 before the mean is taken off, each add mean^2 to the sum of squares.
    padded = ((x - mean) ** 2).mean(axis=1, keepdims=True) + lanes / n * mean**2
    with np.errstate(all="ignore"):
        # Without eps a row of one value is 0 / 0.
        bare = (x - mean) / x.std(axis=1, keepdims=True)
    answers = {
        "wrong-axis": {"out": _normalise(x, eps, 0) * weight + bias},
        "nan-or-inf": {"out": bare * weight + bias},
    }
    if lanes:
        answers["tail-wrong"] = {"out": (x - mean) / np.sqrt(padded + eps) * weight + bias}
    return answers
