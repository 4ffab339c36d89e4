"""In what way values are wrong: never written, kept, constant, one precision lower, wrong at the tail, ...

A code is given only where every failing case agrees with it. The published cases speak first, for they differ from each
other in one thing at a time; what only secret values or sizes bring out is told apart by running their sizes alone.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from prep.exercises.spec import Exercise
from prep.grading.diagnosis.messages import diagnosis
from prep.grading.diagnosis.outcome import Outcome, all_equal, right_before
from prep.grading.dtypes import Array

_SMALL = 0.1
"""Root mean square of the errors, as a share of the results'."""


class Finding(NamedTuple):
    code: str
    confidence: str = ""


def of_values(
    exercise: Exercise, failing: list[Outcome], passing: list[Outcome], source: bytes
) -> list[dict[str, Any]]:
    wrong_ones = [o for o in failing if o.wrong is not None]
    first = next((o for o in wrong_ones if o.published), wrong_ones[0] if wrong_ones else None)
    if first is None or first.wrong is None:
        return []
    wrong = first.wrong.first_wrong() or {}
    details = {
        "case": first.case,
        "name": wrong.get("output", ""),
        "index": ",".join(map(str, wrong.get("index", []))),
        "expected": wrong.get("expected"),
        "got": wrong.get("got"),
        "returned": first.returned,
    }
    finding = _finding(failing, passing)
    line = _store_line(first) if finding.code not in ("not-written", "stale-output") else None
    return [diagnosis(finding.code, source, line=line, line_of="store", confidence=finding.confidence, **details)]


def of_turned(
    exercise: Exercise, failing: list[Outcome], passing: list[Outcome], source: bytes
) -> list[dict[str, Any]]:
    """An index with the stride of another axis also leaves its tensor where that is not square.

    Named where square results equal the transposed answer, and no result of several rows and columns is right.
    """
    if any(o.published and o.comparisons and min(o.comparisons[0].wrong.shape) > 1 for o in passing):
        return []
    square = [o for o in failing if o.published and not o.strided and o.comparisons and _square(o.comparisons[0].wrong)]
    if not square or not any(o.violations for o in failing if o.published):
        return []
    if any(o.violations or o.likeness != "transposed" for o in square):
        return []
    return of_values(exercise, square, [], source)


def _square(wrong: Array) -> bool:
    return wrong.ndim == 2 and wrong.shape[0] == wrong.shape[1] > 1


def _finding(failing: list[Outcome], passing: list[Outcome]) -> Finding:
    published = [o for o in failing if o.published]
    stale = _repeated(failing, passing)
    if not published:
        return Finding(stale) if stale else _hidden(failing)
    right = [o for o in passing if o.published]
    code = (
        _unwritten(published)
        or stale
        or _by_likeness(published)
        or _constant(published)
        or _not_finite(published)
        or _by_precision(published)
    )
    return Finding(code) if code else _by_shape(published, right)


def _hidden(failing: list[Outcome]) -> Finding:
    """Right on every published case and wrong on what this run drew: because of the values, or of the sizes?"""
    drawn = [o for o in failing if not o.repeat]
    # The same tensors were right with the values that the case announces.
    if len(drawn) < len(failing) or not drawn:
        return Finding("distribution-dependent", "certain")
    if any(o.alone.get("sizes") is False for o in drawn):
        if _by_precision(drawn):
            return Finding("low-precision")
        return Finding("hardcoded-shape", "certain")
    if all(o.strided and o.alone.get("strides") is False for o in drawn):
        return Finding("ignores-strides", "certain")
    if all(o.alone.get("strides", o.alone.get("sizes")) for o in drawn):
        return Finding("distribution-dependent", "certain")
    return Finding("numerically-wrong")


def _store_line(outcome: Outcome) -> int | None:
    """The line that stored the first wrong element, where the trace knows it."""
    wrong = outcome.wrong
    lines = None if wrong is None else outcome.store_lines.get(wrong.name)
    if wrong is None or lines is None or lines.shape != wrong.wrong.shape:
        return None
    return int(lines.flat[int(np.flatnonzero(wrong.wrong)[0])]) or None


def _unwritten(failing: list[Outcome]) -> str | None:
    """Elements that nobody stored: only the end of rows or columns is a tail, anything else was never written."""
    lacking = [(c, o.owners.get(c.name)) for o in failing for c in o.comparisons if c.unwritten.any()]
    if not lacking:
        return None
    wrong_otherwise = any((c.wrong & ~c.unwritten).any() for c, _ in lacking)
    partial = all(not c.unwritten.all() or c.unwritten.size <= 1 for c, _ in lacking)
    tails = (_is_tail(c.unwritten) and not _whole_tiles(c.unwritten, o) for c, o in lacking if c.unwritten.size > 1)
    if partial and not wrong_otherwise and all(tails):
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


def _whole_tiles(unwritten: Array, owners: Array | None) -> bool:
    """Is more missing along some axis than the first program stored of it? Then no partial block was left out alone."""
    if owners is None or owners.shape != unwritten.shape or owners.flat[0] < 0:
        return False
    own = np.argwhere(owners == owners.flat[0])
    tile = own.max(axis=0) - own.min(axis=0) + 1
    written = np.argwhere(~unwritten)
    kept = written.max(axis=0) + 1
    return bool(((np.array(unwritten.shape) - kept) >= tile)[kept < unwritten.shape].any())


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


def _not_finite(failing: list[Outcome]) -> str | None:
    def strange(outcome: Outcome) -> bool:
        return any((~np.isfinite(c.got) & np.isfinite(c.expected) & c.wrong).any() for c in outcome.comparisons)

    if not any(strange(o) for o in failing):
        return None
    likes = {o.likeness for o in failing if strange(o)}
    # Without the maximum exp overflows for large inputs; where all are very negative the sum is 0 and the quotient NaN.
    if "overflow-no-max-subtraction" in likes and likes <= {"overflow-no-max-subtraction", "nan-or-inf"}:
        return "overflow-no-max-subtraction"
    return "nan-or-inf" if all(strange(o) for o in failing) else None


def _by_precision(failing: list[Outcome]) -> str | None:
    """All errors are as small as one precision lower explains, and in some case plainly small beside the results.

    The second: where terms cancel, as a mean of 1e4 beside a variance of 1, any error is small beside the terms.
    """
    if all(o.low_precision <= 1.0 for o in failing) and any(o.relative_error <= _SMALL for o in failing):
        return "low-precision"
    return None


def _by_shape(failing: list[Outcome], passing: list[Outcome]) -> Finding:
    """Wrong by size: at the end of a block only, or for every size but one."""
    shown = [c for o in failing for c in o.comparisons if not c.passed and c.wrong.size > 1]
    if shown and all(_is_tail(c.wrong) for c in shown):
        return Finding("tail-wrong")
    names = list(failing[0].case.dims) if passing else []
    for name in names:
        fails = {o.case.dims[name] for o in failing}
        passes = {o.case.dims[name] for o in passing}
        if fails & passes:
            continue
        if all(_is_power_of_two(v) for v in passes) and not any(_is_power_of_two(v) for v in fails if v > 1):
            return Finding("tail-wrong", "guess")
    # Terms that hardly count were left out: that may show in all cases but one by chance, whatever their sizes.
    if all(o.relative_error <= _SMALL for o in failing):
        return Finding("numerically-wrong")
    # Where two dimensions separate right from wrong, as one row in a long case does too, neither is proven.
    names = [n for n in names if all(n == o or not _separates(o, failing, passing) for o in names)]
    for name in names:
        wrong_sizes = {o.case.dims[name] for o in failing}
        right_sizes = [o.case.dims[name] for o in passing]
        # One size in several cases that differ in all else, and every other size wrong.
        one = right_sizes[0] if len(set(right_sizes)) == 1 else 1
        if one > 1 and len(right_sizes) >= 4 and one not in wrong_sizes and len(wrong_sizes) > 1:
            return Finding("hardcoded-shape")
    for name in names:
        fails = {o.case.dims[name] for o in failing}
        passes = {o.case.dims[name] for o in passing if o.case.dims[name] > 1}
        # Sizes on both sides of the one that is right: what fails above a size only may have to do with blocks.
        if len(passes) == 1 and not fails & passes and min(fails - {1}, default=0) < min(passes) < max(fails):
            return Finding("hardcoded-shape")
    return Finding("numerically-wrong")


def _separates(name: str, failing: list[Outcome], passing: list[Outcome]) -> bool:
    return not {o.case.dims[name] for o in failing} & {o.case.dims[name] for o in passing}


def _is_power_of_two(value: int) -> bool:
    return value > 0 and value & (value - 1) == 0
