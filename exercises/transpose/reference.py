"""Matrix transpose: inputs, oracle and typical wrong answers. NumPy only."""

import numpy as np


def make_inputs(case, rng):
    m, n = case.dims["M"], case.dims["N"]
    if case.regime == "normal":
        x = rng.standard_normal((m, n))
    elif case.regime == "special":
        x = rng.standard_normal((m, n))
        # 1e-41 is subnormal in float32.
        odd = np.array([np.nan, np.inf, -np.inf, 0.0, -0.0, 1e-41, -3e38])
        x = np.where(rng.random((m, n)) < 0.3, rng.choice(odd, (m, n)), x)
    elif case.regime == "mixed":
        # Every size of number that the dtype has, ties, and whole rows and columns of one value.
        x = rng.standard_normal((m, n)) * 2.0 ** rng.integers(-20, 10, (m, n))
        x = np.where(rng.random((m, n)) < 0.2, np.round(x), x)
        x[rng.integers(0, m)] = rng.standard_normal()
        x[:, rng.integers(0, n)] = rng.standard_normal()
    elif case.regime == "integers":
        limit = np.iinfo(case.dtype).max
        x = rng.integers(-limit, limit, (m, n), endpoint=True)
    else:
        raise ValueError(f"unknown regime {case.regime!r}")
    return {"x": x}


def oracle(x):
    return {"out": x.T.copy()}


def magnitude(x):
    """Nothing is computed: an element arrives as it is."""
    return {"out": np.zeros(x.T.shape)}


def wrong_answers(x):
    return {"transposed": {"out": x.reshape(x.shape[1], x.shape[0])}}
