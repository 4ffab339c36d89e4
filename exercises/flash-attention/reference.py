"""Inputs, float64 oracle and error scale of attention forward."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np


def make_inputs(case: Any, rng: np.random.Generator) -> dict[str, Any]:
    """q, k, v of shape [B, H, S, D] in float64, and the case's causal and scale.

    Regimes: `normal` standard normal; `rising` and `falling` a score that grows or falls with the position of the key,
    by 12 over the sequence; `large` scores near 300 or -300; `offset` values of v between 0.55 and 1.55; `mixed`
    queries, keys and values of many scales, with ties and a dominant key.
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
    elif case.regime == "mixed":
        # Queries of scales from 1/64 to 4 and heads of values with a scale and a shift of their own; some keys come twice,
        # some are zero, and one of each head outweighs the others.
        q = q * 2.0 ** rng.uniform(-6.0, 2.0, (*shape[:3], 1))
        v = v * 2.0 ** rng.uniform(-6.0, 4.0, (*shape[:2], 1, 1)) + rng.uniform(-2.0, 2.0, (*shape[:2], 1, 1))
        for head in np.ndindex(shape[:2]):
            again = rng.integers(0, shape[2], (2, 1 + shape[2] // 4))
            k[head][again[0]] = k[head][again[1]]
            k[head][rng.integers(0, shape[2], 1 + shape[2] // 8)] = 0.0
            k[head][rng.integers(0, shape[2])] *= 3.0
    elif case.regime != "normal":
        raise ValueError(f"unknown regime {case.regime!r}")
    return {"q": q, "k": k, "v": v, **case.scalars}


def _tiles(q: np.ndarray, causal: bool) -> Iterator[tuple[tuple[int, ...], slice, slice]]:
    """Head, queries and the keys they see, 512 queries at a time: at S = 16384 all scores of a head would take 2 GiB."""
    length = q.shape[-2]
    for head in np.ndindex(q.shape[:-2]):
        for start in range(0, length, 512):
            stop = min(start + 512, length)
            yield head, slice(start, stop), slice(0, stop if causal else length)


def _masked(scores: np.ndarray, rows: slice, causal: bool) -> np.ndarray:
    """The scores of the queries `rows` with the keys from 0 on, minus infinity where a key is later than its query."""
    if not causal:
        return scores
    return np.where(np.tri(*scores.shape, k=rows.start, dtype=bool), scores, -np.inf)


def _softmax(scores: np.ndarray) -> np.ndarray:
    weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return weights / weights.sum(axis=-1, keepdims=True)


def oracle(q: np.ndarray, k: np.ndarray, v: np.ndarray, causal: bool, scale: float) -> dict[str, np.ndarray]:
    """out = softmax(scale * q @ k^T) @ v, each query over the keys up to its own position where causal, in float64."""
    out = np.empty(q.shape)
    for head, rows, keys in _tiles(q, causal):
        scores = scale * (q[head][rows] @ k[head][keys].T)
        out[head][rows] = _softmax(_masked(scores, rows, causal)) @ v[head][keys]
    return {"out": out}


def magnitude(q: np.ndarray, k: np.ndarray, v: np.ndarray, causal: bool, scale: float) -> dict[str, np.ndarray]:
    """For each element of out: weights @ |v|, plus what an error in the scores does.

    An error d_j of a score changes out by sum_j p_j d_j (v_j - out), and d_j is proportional to the size of the terms of
    q . k_j: with scores of several hundred it outweighs the rounding of the second product.
    """
    size = np.empty(q.shape)
    for head, rows, keys in _tiles(q, causal):
        queries, seen, values = q[head][rows], k[head][keys], v[head][keys]
        scores = scale * (queries @ seen.T)
        weights = _softmax(_masked(scores, rows, causal))
        out = weights @ values
        terms = np.abs(scale) * np.sqrt((queries * queries) @ (seen * seen).T) + np.abs(scores)
        # sum_j p_j t_j |v_j - out| <= the root of (sum_j p_j t_j^2) * (sum_j p_j (v_j - out)^2), without a third axis.
        spread = np.maximum(weights @ (values * values) - out * out, 0.0)
        sensitivity = np.sqrt((weights * terms * terms).sum(axis=-1, keepdims=True) * spread)
        # Weights recomputed from the stored log of their sum, as a backward pass does, share the last digit of that log: near
        # 300 it is 3e-5, and nothing else shows it where one key has all the weight. Small logs are within the sum's own error.
        seen_scores = _masked(scores, rows, causal)
        top = seen_scores.max(axis=-1, keepdims=True)
        log_sum = top + np.log(np.exp(seen_scores - top).sum(axis=-1, keepdims=True))
        size[head][rows] = weights @ np.abs(values) + sensitivity + np.maximum(np.abs(log_sum) - 32.0, 0.0) * np.abs(out)
    return {"out": size}


def wrong_answers(
    q: np.ndarray, k: np.ndarray, v: np.ndarray, causal: bool, scale: float
) -> dict[str, dict[str, np.ndarray]]:
    """Raw scores in a float32 exp, where that is not finite; and padded keys that score 0 instead of minus infinity."""
    length = q.shape[-2]
    # Up to a multiple of 64: the last block of 16, 32 or 64 keys ends there for the lengths of the cases (53 and 509), and
    # at 32 for the short one (23).
    padding = 0 if causal else -length % (32 if length <= 32 else 64)
    raw, padded = np.empty(q.shape), np.empty(q.shape)
    for head, rows, keys in _tiles(q, causal):
        scores = _masked(scale * (q[head][rows] @ k[head][keys].T), rows, causal)
        with np.errstate(all="ignore"):
            exponentials = np.exp(scores.astype(np.float32))
            total = exponentials.sum(axis=-1, keepdims=True)
            raw[head][rows] = (exponentials @ v[head][keys].astype(np.float32)) / total
        weights = _softmax(np.pad(scores, ((0, 0), (0, padding))))[:, : scores.shape[1]]
        padded[head][rows] = weights @ v[head][keys]
    found = {}
    if not np.isfinite(raw).all():
        found["overflow-no-max-subtraction"] = {"out": raw}
    if padding:
        found["tail-wrong"] = {"out": padded}
    return found
