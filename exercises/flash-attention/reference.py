"""Inputs, float64 oracle and error scale of attention forward."""

from __future__ import annotations

from typing import Any

import numpy as np


def make_inputs(case: Any, rng: np.random.Generator) -> dict[str, Any]:
    """q, k, v of shape [B, H, S, D] in float64, and the case's causal and scale.

    Regimes: `normal` standard normal; `rising` and `falling` a score that grows or falls with the position of the key,
    by 12 over the sequence; `large` scores near 300 or -300; `offset` values of v between 0.55 and 1.55.
    """
    shape = tuple(case.dims[name] for name in "BHSD")
    q = rng.standard_normal(shape)
    k = rng.standard_normal(shape)
    v = rng.standard_normal(shape)
    if case.regime in ("rising", "falling"):
        # Column 0 of q is constant, so that column 0 of k adds a ramp to every row of scores.
        ramp = np.linspace(0.0, 12.0, shape[2]) / (2.0 * case.scalars["scale"])
        q[..., 0] = 2.0
        k[..., 0] = ramp if case.regime == "rising" else ramp[::-1]
    elif case.regime == "large":
        # Column 0 adds 300 to all scores of an even query and -300 to all of an odd one: exp gives infinity, or a sum of
        # zeros, although the weights are those of ordinary scores.
        q[..., 0] = np.where(np.arange(shape[2]) % 2 == 0, 16.0, -16.0)
        k[..., 0] = 300.0 / (16.0 * case.scalars["scale"])
    elif case.regime == "offset":
        # Averages just above 1, where half a unit of float16 is largest in proportion.
        v = 0.55 + rng.random(shape)
    return {"q": q, "k": k, "v": v, **case.scalars}


def _weights(q: np.ndarray, k: np.ndarray, causal: bool, scale: float) -> np.ndarray:
    """softmax(scale * q @ k^T) over the keys that a query sees."""
    scores = scale * (q @ np.swapaxes(k, -1, -2))
    if causal:
        length = q.shape[-2]
        scores = np.where(np.tri(length, dtype=bool), scores, -np.inf)
    return _weights_of(scores)


def _weights_of(scores: np.ndarray) -> np.ndarray:
    weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return weights / weights.sum(axis=-1, keepdims=True)


def oracle(q: np.ndarray, k: np.ndarray, v: np.ndarray, causal: bool, scale: float) -> dict[str, np.ndarray]:
    """out = softmax(scale * q @ k^T) @ v, each query over the keys up to its own position where causal, in float64."""
    return {"out": _weights(q, k, causal, scale) @ v}


def magnitude(q: np.ndarray, k: np.ndarray, v: np.ndarray, causal: bool, scale: float) -> dict[str, np.ndarray]:
    """For each element of out: weights @ |v|, plus what an error in the scores does.

    An error d_j of a score changes out by sum_j p_j d_j (v_j - out), and d_j is proportional to the size of the terms of
    q . k_j: with scores of several hundred it outweighs the rounding of the second product.
    """
    weights = _weights(q, k, causal, scale)
    out = weights @ v
    terms = np.abs(scale) * np.sqrt((q * q) @ np.swapaxes(k * k, -1, -2))
    terms += np.abs(scale * (q @ np.swapaxes(k, -1, -2)))
    # sum_j p_j t_j |v_j - out| <= the root of (sum_j p_j t_j^2) * (sum_j p_j (v_j - out)^2), without an S x S x D array.
    spread = np.maximum(weights @ (v * v) - out * out, 0.0)
    sensitivity = np.sqrt((weights * terms * terms).sum(axis=-1, keepdims=True) * spread)
    return {"out": weights @ np.abs(v) + sensitivity}


def wrong_answers(
    q: np.ndarray, k: np.ndarray, v: np.ndarray, causal: bool, scale: float
) -> dict[str, dict[str, np.ndarray]]:
    """Raw scores in a float32 exp, where that is not finite; and padded keys that score 0 instead of minus infinity."""
    scores = scale * (q @ np.swapaxes(k, -1, -2))
    length = q.shape[-2]
    seen = np.tri(length, dtype=bool) if causal else np.ones((length, length), dtype=bool)
    found: dict[str, dict[str, np.ndarray]] = {}
    with np.errstate(all="ignore"):
        exponentials = np.exp(np.where(seen, scores, -np.inf).astype(np.float32))
        raw = (exponentials @ v.astype(np.float32)) / exponentials.sum(axis=-1, keepdims=True)
    if not np.isfinite(raw).all():
        found["overflow-no-max-subtraction"] = {"out": raw.astype(np.float64)}
    # Up to a multiple of 64: the last block of 16, 32 or 64 keys ends there for the lengths of the cases (53 and 509).
    padded = -length % 64
    if padded and not causal:
        pad = [(0, 0)] * (q.ndim - 2) + [(0, padded), (0, 0)]
        everything = _weights_of(np.concatenate([scores, np.zeros((*scores.shape[:-1], padded))], axis=-1))
        found["tail-wrong"] = {"out": everything @ np.pad(v, pad)}
    return found
