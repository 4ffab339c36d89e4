"""From outcomes to a cause: the first diagnosis is the one that a learner should mend first.

Order of the questions: did it run at all; did it use what it may not; did it touch memory that it may not; did it write
what it must; and only then, in what way are the values wrong. A code is given only where the evidence singles it out;
what nothing singles out is `numerically-wrong`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any

import numpy as np

from prep.exercises.spec import Exercise
from prep.grading.compare import Comparison
from prep.grading.dtypes import DTYPES, Array
from prep.grading.messages import diagnosis
from prep.grading.outcome import Outcome, all_equal
from prep.grading.static import StaticFault

_LOWER = {"float64": "float32", "float32": "float16", "float16": "float16", "bfloat16": "bfloat16"}
"""Case dtype -> the precision that a careless kernel falls to; bfloat16's eight times larger errors are tried too."""

_LOST = 32
"""In units of the lower precision: an error beyond 32 eps of the magnitude (3% for float16) has another cause."""

_LIKE_ANOTHER = 16.0
"""A wrong answer is recognised within this multiple of the tolerance: it is computed in another order than ours."""


def of_static(fault: StaticFault, source: bytes) -> dict[str, Any]:
    """The diagnosis of a submission that cannot be run."""
    return diagnosis(fault.code, source, line=fault.line, detail=fault.detail)


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
    return bool((close | same).all())


def of_outcomes(
    exercise: Exercise, outcomes: list[Outcome], load_error: dict[str, Any] | None, source: bytes
) -> list[dict[str, Any]]:
    """Every cause that the evidence names, the first to mend first; empty where all passed."""
    if load_error is not None:
        return [_of_error(load_error, source, None)]
    failing = [o for o in outcomes if not o.passed]
    if not failing:
        return []
    passing = [o for o in outcomes if o.passed]
    found = []
    for question in (_ended, _used_library, _raised, _ignored_strides, _mutated, _memory, _no_kernel, _values):
        found = question(exercise, failing, passing, source)
        if found:
            break
    return found or [diagnosis("numerically-wrong", source, case=failing[0].case.name)]


Question = Callable[[Exercise, list[Outcome], list[Outcome], bytes], list[dict[str, Any]]]


def _of_error(error: dict[str, Any], source: bytes, case: str | None) -> dict[str, Any]:
    if "ended" in error:
        return _of_end(error["ended"], source, case)
    what = f"{error['type']}: {error['message']}" if error["message"] else error["type"]
    common = {"case": case, "detail": what, "traceback": error["traceback"]}
    if error["type"] == "SyntaxError":
        return diagnosis("syntax-error", source, line=error["line"], **common)
    if error["type"] == "TypeError" and not error["entered"]:
        return diagnosis("wrong-signature", source, **common)
    if error["in_kernel"] and error["compiler"]:
        return diagnosis("does-not-compile", source, line=error["line"], **common)
    return diagnosis("crash", source, line=error["line"], **common)


def _of_end(ended: str | None, source: bytes, case: str | None) -> dict[str, Any]:
    if ended == "timeout":
        return diagnosis("timeout", source, case=case)
    return diagnosis("crash", source, case=case, detail=f"the process {ended}")


def _ended(exercise: Exercise, failing: list[Outcome], passing: list[Outcome], source: bytes) -> list[dict[str, Any]]:
    for outcome in failing:
        if outcome.error is not None:
            return []  # it raised first, and only then ended
        if outcome.ended is not None:
            return [_of_end(outcome.ended, source, outcome.case.name)]
    return []


def _used_library(
    exercise: Exercise, failing: list[Outcome], passing: list[Outcome], source: bytes
) -> list[dict[str, Any]]:
    for outcome in failing:
        if outcome.operators:
            first = outcome.operators[0]
            return [
                diagnosis("uses-library-op", source, line=first["line"], case=outcome.case.name, name=first["name"])
            ]
    for outcome in failing:
        if outcome.foreign and outcome.error is None:
            name = f"writes to '{outcome.foreign[0]}' outside any kernel"
            return [diagnosis("uses-library-op", source, case=outcome.case.name, name=name)]
    return []


def _raised(exercise: Exercise, failing: list[Outcome], passing: list[Outcome], source: bytes) -> list[dict[str, Any]]:
    for outcome in failing:
        if outcome.error is not None:
            return [_of_error(outcome.error, source, outcome.case.name)]
    return []


def _ignored_strides(
    exercise: Exercise, failing: list[Outcome], passing: list[Outcome], source: bytes
) -> list[dict[str, Any]]:
    """Right wherever tensors are contiguous, wrong in some way wherever they are not."""
    contiguous = [o for o in passing if not o.strided]
    if not contiguous or any(not o.strided or _right_before(o, passing) for o in failing):
        return []
    first = failing[0]
    strides = ", ".join(f"{name}: {' x '.join(s)}" for name, s in first.case.strides.items())
    return [diagnosis("ignores-strides", source, case=first.case.name, detail=strides)]


def _mutated(exercise: Exercise, failing: list[Outcome], passing: list[Outcome], source: bytes) -> list[dict[str, Any]]:
    for outcome in failing:
        if outcome.mutated:
            stores = [v for v in outcome.violations if v["kind"] != "load" and v["name"] in outcome.mutated]
            line = stores[0]["line"] if stores else None
            return [diagnosis("input-mutated", source, line=line, case=outcome.case.name, name=outcome.mutated[0])]
    return []


def _memory(exercise: Exercise, failing: list[Outcome], passing: list[Outcome], source: bytes) -> list[dict[str, Any]]:
    """Accesses outside their tensor: stores first, for they destroy what is not theirs."""
    found = []
    for outcome in failing:
        for violation in outcome.violations:
            if violation["kind"] == "load":
                code = "missing-mask" if violation["unmasked"] else "out-of-bounds-read"
            else:
                code = "out-of-bounds-write"
            found.append((code, violation, outcome))
    order = {"out-of-bounds-write": 0, "missing-mask": 1, "out-of-bounds-read": 2}
    named: dict[str, dict[str, Any]] = {}
    for code, violation, outcome in sorted(found, key=lambda f: order[f[0]]):
        if code not in named:
            named[code] = diagnosis(
                code,
                source,
                line=violation["line"],
                case=outcome.case.name,
                name=violation["name"] or "its tensor",
                detail=_place(violation),
                program=", ".join(map(str, violation["program"])),
                lanes=violation["lanes"],
            )
    if not named:
        for outcome in failing:
            for name, strays in outcome.strays.items():
                at = _place({"offset": int(strays[0]), "extent": _extent(outcome, name)})
                case = outcome.case.name
                return [diagnosis("out-of-bounds-write", source, case=case, name=name, detail=at, lanes=strays.size)]
    return list(named.values())


def _extent(outcome: Outcome, name: str) -> int:
    return next((c.wrong.size for c in outcome.comparisons if c.name == name), 0)


def _place(violation: Mapping[str, Any]) -> str:
    offset, extent = violation["offset"], violation["extent"]
    if not extent:
        return "outside every tensor"
    if offset >= extent:
        return f"element {offset}, {offset - extent + 1} past the last one"
    if offset < 0:
        return f"element {offset}, before the first one"
    return f"element {offset} of its storage, in the gap between two rows"


def _no_kernel(
    exercise: Exercise, failing: list[Outcome], passing: list[Outcome], source: bytes
) -> list[dict[str, Any]]:
    if any(o.launches == 0 for o in failing) and not passing:
        return [diagnosis("no-kernel", source, case=failing[0].case.name, name=exercise.entry)]
    return []


# Values


def _values(exercise: Exercise, failing: list[Outcome], passing: list[Outcome], source: bytes) -> list[dict[str, Any]]:
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
            return "stale-output" if _right_before(outcome, passing) else "constant-output"
    return None


def _right_before(outcome: Outcome, passing: list[Outcome]) -> bool:
    """Was the same case right when it was run for the first time?"""
    return outcome.repeat and any(o.case is outcome.case for o in passing)


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
    """All errors are as small as one precision lower explains, and not confined to a tail."""
    if all(o.low_precision <= 1.0 for o in failing):
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
