"""From outcomes to a cause: the first diagnosis is the one that a learner should mend first.

Order of the questions: did it run at all; did it use what it may not; did it touch memory that it may not; did it write
what it must; and only then, in what way are the values wrong. A code is given only where the evidence singles it out;
what nothing singles out is `numerically-wrong`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from prep.exercises.spec import Case, Exercise
from prep.grading.diagnosis import memory
from prep.grading.diagnosis.messages import diagnosis
from prep.grading.diagnosis.outcome import Outcome
from prep.grading.diagnosis.values import of_turned, of_values
from prep.grading.diagnosis.words import ROADS, Text
from prep.grading.static import StaticFault


def of_static(fault: StaticFault, source: bytes) -> dict[str, Any]:
    """The diagnosis of a submission that cannot be run."""
    return diagnosis(fault.code, source, line=fault.line, detail=fault.detail)


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
    for question in _questions():
        found = question(exercise, failing, passing, source)
        if found:
            break
    return found or [diagnosis("numerically-wrong", source, case=failing[0].case)]


Question = Callable[[Exercise, list[Outcome], list[Outcome], bytes], list[dict[str, Any]]]


def _questions() -> tuple[Question, ...]:
    return (
        _ended,
        _used_library,
        _raised,
        memory.reordered,
        _ignored_strides,
        _mutated,
        of_turned,
        memory.out_of_bounds,
        _no_kernel,
        memory.unordered,
        memory.never_written,
        of_values,
    )


def _of_error(error: dict[str, Any], source: bytes, case: Case | None) -> dict[str, Any]:
    if "ended" in error:
        return _of_end(error["ended"], source, case)
    what = f"{error['type']}: {error['message']}" if error["message"] else error["type"]
    common = {"case": case, "detail": what, "traceback": error["traceback"]}
    if error["type"] == "SyntaxError":
        return diagnosis("syntax-error", source, line=error["line"], **common)
    if error["type"] == "TypeError" and not error["entered"]:
        return diagnosis("wrong-signature", source, **common)
    if error["type"] == "Deadlock":
        return diagnosis("timeout", source, line=error["line"], case=case, detail=_waiting(error["message"]))
    if error["in_kernel"] and error["compiler"] and error["type"] != "MemoryError":
        return diagnosis("does-not-compile", source, line=error["line"], **common)
    return diagnosis("crash", source, line=error["line"], **common)


def _waiting(program: str) -> Text:
    return Text(
        f"program {program} waits for a value that no program will store", f"program {program} 在等一个没有人会写的值"
    )


def _of_end(ended: str | None, source: bytes, case: Case | None) -> dict[str, Any]:
    if ended == "timeout":
        return diagnosis("timeout", source, case=case, detail=Text("ended after its limit", "到了时限被终止"))
    return diagnosis("crash", source, case=case, detail=Text(f"the process {ended}", f"进程异常结束（{ended}）"))


def _ended(exercise: Exercise, failing: list[Outcome], passing: list[Outcome], source: bytes) -> list[dict[str, Any]]:
    for outcome in failing:
        if outcome.error is not None:
            return []  # it raised first, and only then ended
        if outcome.ended is not None:
            return [_of_end(outcome.ended, source, outcome.case)]
    return []


def _used_library(
    exercise: Exercise, failing: list[Outcome], passing: list[Outcome], source: bytes
) -> list[dict[str, Any]]:
    for outcome in failing:
        if outcome.operators:
            first = outcome.operators[0]
            name = ROADS.get(first["name"], first["name"])
            return [diagnosis("uses-library-op", source, line=first["line"], case=outcome.case, name=name)]
    for outcome in failing:
        if outcome.foreign and outcome.error is None:
            written = outcome.foreign[0]
            name = Text(f"'{written}' was written outside any kernel", f"'{written}' 不是由 kernel 写入的")
            return [diagnosis("uses-library-op", source, case=outcome.case, name=name)]
    for outcome in failing:
        if outcome.unconfirmed is not None:
            what, line = outcome.unconfirmed
            name = Text(
                f"it reaches for {what}, and its kernels alone, run again on other values, do not give the result",
                f"它用到了 {what}，而单独在另一组数据上重跑它的 kernel，得不到这个结果",
            )
            return [diagnosis("uses-library-op", source, line=line, case=outcome.case, name=name)]
    return []


def _raised(exercise: Exercise, failing: list[Outcome], passing: list[Outcome], source: bytes) -> list[dict[str, Any]]:
    for outcome in failing:
        if outcome.error is not None:
            return [_of_error(outcome.error, source, outcome.case)]
    return []


def _ignored_strides(
    exercise: Exercise, failing: list[Outcome], passing: list[Outcome], source: bytes
) -> list[dict[str, Any]]:
    """Right wherever tensors are contiguous, wrong in some way wherever they are not."""
    contiguous = [o for o in passing if not o.strided and o.published]
    failing = [o for o in failing if o.published]
    if not failing or not contiguous or any(not o.strided for o in failing):
        return []
    first = failing[0]
    strides = ", ".join(f"{name}: {' x '.join(s)}" for name, s in first.case.strides.items())
    return [diagnosis("ignores-strides", source, case=first.case, detail=strides)]


def _mutated(exercise: Exercise, failing: list[Outcome], passing: list[Outcome], source: bytes) -> list[dict[str, Any]]:
    for outcome in failing:
        if outcome.mutated:
            stores = [v for v in outcome.violations if v["kind"] != "load" and v["name"] in outcome.mutated]
            line = stores[0]["line"] if stores else None
            return [diagnosis("input-mutated", source, line=line, case=outcome.case, name=outcome.mutated[0])]
    return []


def _no_kernel(
    exercise: Exercise, failing: list[Outcome], passing: list[Outcome], source: bytes
) -> list[dict[str, Any]]:
    if any(o.launches == 0 for o in failing) and not passing:
        return [diagnosis("no-kernel", source, case=failing[0].case, name=exercise.entry)]
    return []
