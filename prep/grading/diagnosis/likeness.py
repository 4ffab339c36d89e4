"""What a wrong result looks like, noted while the inputs are at hand: a typical wrong answer, a lower precision."""

from __future__ import annotations

from collections.abc import Mapping
from types import ModuleType
from typing import Any

import numpy as np

from prep.exercises.spec import Exercise
from prep.grading.compare import Comparison
from prep.grading.diagnosis.outcome import Outcome
from prep.grading.dtypes import DTYPES, Array

_LOWER = {"float64": "float32", "float32": "float16", "float16": "float16", "bfloat16": "bfloat16"}
"""Case dtype -> the precision that a careless kernel falls to; bfloat16's eight times larger errors are tried too."""

_LOST = 32
"""In units of the lower precision: an error beyond 32 eps of the magnitude (3% for float16) has another cause."""

_CLOSER = 0.2
"""The distance to a typical wrong answer, as a share of the distance to the right one."""

_LIKE_ANOTHER = 16.0
"""A wrong answer is recognised within this multiple of the tolerance: it is computed in another order than ours."""


def annotate(
    exercise: Exercise,
    outcome: Outcome,
    reference: ModuleType,
    values: Mapping[str, Array],
    scalars: Mapping[str, Any],
    magnitude: Mapping[str, Array],
) -> None:
    """Note what a wrong result looks like, while the inputs are at hand: a typical wrong answer, a lower precision."""
    with np.errstate(all="ignore"):
        likely = reference.wrong_answers(**values, **scalars) if hasattr(reference, "wrong_answers") else {}
    for code, answers in likely.items():
        for outputs in answers if isinstance(answers, list) else [answers]:
            shared = [c for c in outcome.comparisons if c.name in outputs]
            if shared and all(_alike(exercise, outcome, c, np.asarray(outputs[c.name])) for c in shared):
                outcome.likeness = outcome.likeness or code
    eps = max(DTYPES[_LOWER.get(outcome.case.dtype, "float16")].eps, DTYPES["float16"].eps)
    explained = []
    for c in outcome.comparisons:
        size = np.maximum(np.abs(c.expected), np.abs(magnitude[c.name]))
        with np.errstate(invalid="ignore", divide="ignore"):
            share = c.error / (eps * min(8 * np.sqrt(outcome.depth), _LOST) * size + 8 * DTYPES["float16"].smallest)
        # Terms beyond the largest float16 overflow a float16 accumulator: infinite there is what that precision gives.
        share = np.where(~np.isfinite(c.got) & (size > DTYPES["float16"].largest), 0.0, share)
        explained.append(float(np.nanmax(share, initial=0.0)))
        finite = np.isfinite(c.got) & np.isfinite(c.expected)
        error = np.sqrt(np.mean(np.square(c.error[finite]))) if finite.any() else np.inf
        typical = np.sqrt(np.mean(np.square(c.expected[finite]))) if finite.any() else 0.0
        outcome.relative_error = min(outcome.relative_error, float(error / typical) if typical else np.inf)
    outcome.low_precision = max(explained, default=np.inf)


def _alike(exercise: Exercise, outcome: Outcome, comparison: Comparison, other: Array) -> bool:
    got = comparison.got
    if got.shape != other.shape or got.size == 0:
        return False
    # The wrong answer has a scale of its own: where the right one is 1e-12, it may be 1.
    eps = DTYPES[outcome.case.dtype].eps + DTYPES[exercise.tolerance.compute].eps * np.sqrt(outcome.depth)
    with np.errstate(invalid="ignore", over="ignore"):
        close = np.abs(got - other) <= _LIKE_ANOTHER * (comparison.tolerance + eps * np.abs(other))
    endless = ~np.isfinite(other) | (np.abs(other) > DTYPES[outcome.case.dtype].largest)
    same = (got == other) | (~np.isfinite(got) & endless)
    if not (close | same).all():
        return False
    # Where the tolerance is wide, as beside a mean of 1e4, much is close: it must be far closer than the right answer.
    finite = np.isfinite(got) & np.isfinite(other) & np.isfinite(comparison.expected)
    to_other, to_right = (np.square(got - like)[finite].sum() for like in (other, comparison.expected))
    return bool(to_other <= _CLOSER**2 * to_right)
