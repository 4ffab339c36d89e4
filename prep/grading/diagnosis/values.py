"""In what way values are wrong: never written, kept, constant, one precision lower, wrong at the tail, ...

A code is given only where every failing case agrees with it.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import ModuleType
from typing import Any

import numpy as np

from prep.exercises.spec import Exercise
from prep.grading.compare import Comparison
from prep.grading.diagnosis.messages import diagnosis
from prep.grading.diagnosis.outcome import Outcome, all_equal, right_before
from prep.grading.dtypes import DTYPES, Array

_LOWER = {"float64": "float32", "float32": "float16", "float16": "float16", "bfloat16": "bfloat16"}
"""Case dtype -> the precision that a careless kernel falls to; bfloat16's eight times larger errors are tried too."""

_LOST = 32
"""In units of the lower precision: an error beyond 32 eps of the magnitude (3% for float16) has another cause."""

_CLOSER = 0.2
"""The distance to a typical wrong answer, as a share of the distance to the right one."""

_SMALL = 0.1
"""Root mean square of the errors, as a share of the results'."""

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
    for code, outputs in likely.items():
        shared = [c for c in outcome.comparisons if c.name in outputs]
        if shared and all(_alike(exercise, outcome, c, np.asarray(outputs[c.name])) for c in shared):
            outcome.likeness = code
            break
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


def of_values(
    exercise: Exercise, failing: list[Outcome], passing: list[Outcome], source: bytes
) -> list[dict[str, Any]]:
    first = next((o for o in failing if o.wrong is not None), None)
    if first is None or first.wrong is None:
        return []
    wrong = first.wrong.first_wrong() or {}
    details = {
        "case": first.case.name,
        "name": wrong.get("output", ""),
        "index": ",".join(map(str, wrong.get("index", []))),
        "expected": wrong.get("expected"),
        "got": wrong.get("got"),
        "returned": first.returned,
    }
    code = (
        _unwritten(failing)
        or _repeated(failing, passing)
        or _by_likeness(failing)
        or _constant(failing)
        or _not_finite(failing, passing)
        or _by_precision(failing)
        or _by_shape(failing, passing)
        or "numerically-wrong"
    )
    return [diagnosis(code, source, **details)]


def _unwritten(failing: list[Outcome]) -> str | None:
    """Elements that nobody stored: only the end of rows or columns is a tail, anything else was never written."""
    lacking = [c for o in failing for c in o.comparisons if c.unwritten.any()]
    if not lacking:
        return None
    wrong_otherwise = any((c.wrong & ~c.unwritten).any() for c in lacking)
    partial = all(not c.unwritten.all() or c.unwritten.size <= 1 for c in lacking)
    if partial and not wrong_otherwise and all(_is_tail(c.unwritten) for c in lacking if c.unwritten.size > 1):
        return "tail-wrong"
    return "not-written"


def _is_tail(wrong: Array) -> bool:
    """Are the right elements a box that starts at the origin and misses less than half of an axis?

    A last, partial block is smaller than the whole blocks before it, of which there is at least one.
    """
    box = []
    for axis, extent in enumerate(wrong.shape):
        right = np.atleast_1d((~wrong).any(axis=tuple(a for a in range(wrong.ndim) if a != axis)))
        kept = int(right.sum())
        if not right[:kept].all() or 2 * kept <= extent:
            return False
        box.append(slice(kept))
    return bool(wrong.any()) and not wrong[tuple(box)].any()


def _repeated(failing: list[Outcome], passing: list[Outcome]) -> str | None:
    """The same result again for other values: kept from the first call if that was right, else never computed."""
    for outcome in failing:
        # One value everywhere, NaN or a row that is all zeros, says nothing of an earlier call.
        telling = any(not all_equal(c.got) for c in outcome.comparisons)
        if outcome.repeat and outcome.equals_previous and telling:
            return "stale-output" if right_before(outcome, passing) else "constant-output"
    return None


def _constant(failing: list[Outcome]) -> str | None:
    shown = [c for o in failing for c in o.comparisons if c.got.size > 1]
    if shown and all(all_equal(c.got) and not all_equal(c.expected) for c in shown):
        return "nan-or-inf" if np.isnan(shown[0].got.flat[0]) else "constant-output"
    return None


def _by_likeness(failing: list[Outcome]) -> str | None:
    """Every result that is wrong equals the same typical wrong answer."""
    codes = {o.likeness for o in failing}
    if len(codes) == 1:
        return codes.pop()
    named = codes - {None}
    telling = [o for o in failing if o.comparisons and o.comparisons[0].wrong.size > 1]
    if len(named) == 1 and telling and all(o.likeness in named for o in telling):
        return named.pop()
    return None


def _not_finite(failing: list[Outcome], passing: list[Outcome]) -> str | None:
    def strange(outcome: Outcome) -> bool:
        return any((~np.isfinite(c.got) & np.isfinite(c.expected) & c.wrong).any() for c in outcome.comparisons)

    if not any(strange(o) for o in failing):
        return None
    if all(o.likeness == "overflow-no-max-subtraction" for o in failing if strange(o)):
        return "overflow-no-max-subtraction"
    return "nan-or-inf" if all(strange(o) for o in failing) else None


def _by_precision(failing: list[Outcome]) -> str | None:
    """All errors are as small as one precision lower explains, and in some case plainly small beside the results.

    The second: where terms cancel, as a mean of 1e4 beside a variance of 1, any error is small beside the terms.
    """
    if all(o.low_precision <= 1.0 for o in failing) and any(o.relative_error <= _SMALL for o in failing):
        return "low-precision"
    return None


def _by_shape(failing: list[Outcome], passing: list[Outcome]) -> str | None:
    """Wrong by size: at the end of a block only, or for every size but one."""
    shown = [c for o in failing for c in o.comparisons if not c.passed and c.wrong.size > 1]
    if shown and all(_is_tail(c.wrong) for c in shown):
        return "tail-wrong"
    if not passing:
        return None
    names = failing[0].case.dims
    for name in names:
        fails = {o.case.dims[name] for o in failing}
        passes = {o.case.dims[name] for o in passing}
        if fails & passes:
            continue
        if all(_is_power_of_two(v) for v in passes) and not any(_is_power_of_two(v) for v in fails if v > 1):
            return "tail-wrong"
    for name in names:
        fails = {o.case.dims[name] for o in failing}
        passes = {o.case.dims[name] for o in passing if o.case.dims[name] > 1}
        # Sizes on both sides of the one that is right: what fails above a size only may have to do with blocks.
        if len(passes) == 1 and not fails & passes and min(fails - {1}, default=0) < min(passes) < max(fails):
            return "hardcoded-shape"
    return None


def _is_power_of_two(value: int) -> bool:
    return value > 0 and value & (value - 1) == 0
