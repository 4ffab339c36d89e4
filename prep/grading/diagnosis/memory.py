"""What the worker saw of memory: accesses outside a tensor, races, memory that nobody wrote.

An access outside its tensor fails a submission by itself. A conflict of two programs and a load of memory that nobody
wrote do so only where the result depends on it: they explain a wrong result, of this run or of one in another order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from prep.exercises.spec import Exercise
from prep.grading.diagnosis.messages import diagnosis
from prep.grading.diagnosis.outcome import Outcome
from prep.grading.diagnosis.words import Text

_ORDERS = {
    "backward": Text("the last program first", "从最后一个 program 开始倒着执行"),
    "shuffled": Text("programs in shuffled order", "打乱 program 的执行顺序"),
    "stale": Text("loads served before the other program's store", "让 load 先于另一个 program 的 store 完成"),
}


def out_of_bounds(
    exercise: Exercise, failing: list[Outcome], passing: list[Outcome], source: bytes
) -> list[dict[str, Any]]:
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
                case=outcome.case,
                name=violation["name"] or Text("its tensor", "自己的张量"),
                detail=_by(violation) if code == "out-of-bounds-write" else _place(violation),
                program=_numbers(violation["program"]),
                lanes=violation["lanes"],
            )
    if not named:
        for outcome in failing:
            for name, strays in outcome.strays.items():
                extent = next((c.wrong.size for c in outcome.comparisons if c.name == name), 0)
                at = _place({"offset": int(strays[0]), "extent": extent, "index": [], "shape": []})
                return [
                    diagnosis("out-of-bounds-write", source, case=outcome.case, name=name, detail=at, lanes=strays.size)
                ]
    return list(named.values())


def unordered(
    exercise: Exercise, failing: list[Outcome], passing: list[Outcome], source: bytes
) -> list[dict[str, Any]]:
    """Wrong results that are other ones in another order of programs."""
    return _by_order([o for o in failing if o.disordered], source)


def reordered(
    exercise: Exercise, failing: list[Outcome], passing: list[Outcome], source: bytes
) -> list[dict[str, Any]]:
    """Right results that another order of programs makes wrong, or that change by themselves."""
    return _by_order([o for o in failing if o.other or o.unequal], source)


def _by_order(changing: list[Outcome], source: bytes) -> list[dict[str, Any]]:
    for outcome in changing:
        if outcome.conflicts:
            conflict = min(outcome.conflicts, key=lambda c: _KINDS.index(c["kind"]))
            return [
                diagnosis(
                    "race",
                    source,
                    line=conflict["second"]["line"] or None,
                    case=outcome.case,
                    name=_name(conflict),
                    detail=_meeting(conflict),
                    program=_numbers(conflict["second"]["program"]),
                    other=_numbers(conflict["first"]["program"]),
                )
            ]
        if outcome.uninitialised:
            return [_uninitialised(outcome, source)]
        if outcome.shared or outcome.atomics:
            return [diagnosis("order-dependent", source, case=outcome.case, detail=_changed(outcome))]
        return [diagnosis("nondeterministic", source, case=outcome.case, detail=_changed(outcome))]
    return []


def never_written(
    exercise: Exercise, failing: list[Outcome], passing: list[Outcome], source: bytes
) -> list[dict[str, Any]]:
    """Wrong wherever memory was loaded that nobody had written, and only there; the NaN that it held came out."""
    if any(not o.uninitialised for o in failing) or any(o.uninitialised for o in passing):
        return []
    nan = any(np.isnan(c.got[c.wrong & ~c.unwritten]).any() for o in failing for c in o.comparisons if not c.passed)
    return [_uninitialised(failing[0], source)] if nan else []


def _uninitialised(outcome: Outcome, source: bytes) -> dict[str, Any]:
    read = outcome.uninitialised[0]
    where = f"{_name(read)}{_index(read)}"
    program = _numbers(read["program"])
    return diagnosis(
        "uninitialised-read",
        source,
        line=read["line"],
        case=outcome.case,
        name=_name(read),
        detail=Text(f"program {program} loads {where}", f"program {program} 读取 {where}"),
        program=program,
        lanes=read["lanes"],
    )


_KINDS = ("load", "store", "overwrite", "mixed", "lanes")
"""Of a conflict, the most telling first."""


def _meeting(conflict: Mapping[str, Any]) -> Text:
    first, second = conflict["first"], conflict["second"]
    one, other = _numbers(first["program"]), _numbers(second["program"])
    what = f"{_name(conflict)}{_index(conflict)}"
    line, lines = second["line"], f"{first['line']}, {second['line']}"
    if conflict["kind"] == "load":
        return Text(
            f"program {other} loads {what} at line {line}, which program {one} stores at line {first['line']}",
            f"program {other} 在第 {line} 行读 {what}，而 program {one} 在第 {first['line']} 行写它",
        )
    if conflict["kind"] == "overwrite":
        return Text(
            f"program {other} stores {what} at line {line}, which program {one} loads at line {first['line']}",
            f"program {other} 在第 {line} 行写 {what}，而 program {one} 在第 {first['line']} 行读它",
        )
    if conflict["kind"] == "mixed":
        return Text(
            f"program {other} updates {what} atomically at line {line}, program {one} stores it plainly at line "
            f"{first['line']}",
            f"program {other} 在第 {line} 行用原子操作更新 {what}，"
            f"program {one} 却在第 {first['line']} 行用普通 store 写它",
        )
    if conflict["kind"] == "lanes":
        return Text(
            f"two lanes of program {other} store different values into {what} at line {line}",
            f"program {other} 的两个 lane 在第 {line} 行往 {what} 写不同的值",
        )
    at = Text(f"line {line}", f"第 {line} 行") if first["line"] == line else Text(f"lines {lines}", f"第 {lines} 行")
    return Text(
        f"programs {one} and {other} both store {what} at {at.en}, with different values",
        f"program {one} 和 program {other} 都写 {what}（{at.zh}），值不同",
    )


def _changed(outcome: Outcome) -> Text:
    run = outcome.other
    if run is None:
        return Text("other bits for the same input", "输入相同，结果的比特不同")
    how = _ORDERS[outcome.other_order]
    if run.ended is not None:
        return Text(f"{how.en}, it did not finish ({run.ended})", f"{how.zh}，没有跑完（{run.ended}）")
    if run.error is not None:
        said = f"{run.error['type']}: {run.error['message']}"
        return Text(f"{how.en}: {said}", f"{how.zh}：{said}")
    wrong = run.wrong.first_wrong() if run.wrong is not None else None
    if wrong is None:
        return how
    what = f"{wrong['output']}[{', '.join(map(str, wrong['index']))}]"
    got, expected = (f"{v:.6g}" if isinstance(v, float) else v for v in (wrong["got"], wrong["expected"]))
    return Text(f"{how.en}, {what} is {got}, expected {expected}", f"{how.zh}，{what} 得到 {got}，应为 {expected}")


def _name(seen: Mapping[str, Any]) -> str:
    return seen["name"] or "scratch"


def _index(seen: Mapping[str, Any]) -> str:
    return f"[{', '.join(map(str, seen['index']))}]" if seen["index"] else ""


def _numbers(program: Sequence[int]) -> str:
    text = ", ".join(map(str, program))
    return text if len(program) == 1 else f"({text})"


def _by(violation: Mapping[str, Any]) -> Text:
    program, place = _numbers(violation["program"]), _place(violation)
    return Text(f"program {program}, {place.en}", f"program {program}，{place.zh}")


def _place(violation: Mapping[str, Any]) -> Text:
    offset, extent = violation["offset"], violation["extent"]
    index, shape = violation["index"], violation["shape"]
    if not extent:
        return Text("outside every tensor", "在所有张量之外")
    if len(shape) > 1:
        where = f"[{', '.join(map(str, index))}]"
        of = " x ".join(map(str, shape))
        at = Text(f"element {where} of {of}", f"元素 {where}，张量大小 {of}")
    else:
        at = Text(f"element {offset}", f"第 {offset} 个元素")
    if offset >= extent:
        past = offset - extent + 1
        return Text(f"{at.en}, {past} past the last one", f"{at.zh}，超出末尾 {past} 个")
    if offset < 0:
        return Text(f"{at.en}, before the first one", f"{at.zh}，在第一个之前")
    return Text(f"{at.en}, in the gap between two rows", f"{at.zh}，位于两行之间的空隙")
