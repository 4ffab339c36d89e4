"""exercise.yaml -> Exercise, with the line of everything that is wrong with it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from prep.exercises.draw import parse_draw
from prep.exercises.located import Faults, Table, Value, read_yaml
from prep.exercises.spec import (
    DTYPES,
    KINDS,
    REGIMES,
    ROLES,
    SCALAR_DTYPES,
    SUITES,
    TRACKS,
    Case,
    Exercise,
    Param,
    Tolerance,
    Work,
    evaluate,
)

ID = re.compile(r"[a-z0-9][a-z0-9-]{2,63}")
_COMPUTE = ("float16", "float32", "float64", "int32", "int64")


def parse_exercise(folder: Path) -> tuple[Exercise, Faults]:
    """Read `folder`/exercise.yaml. The Exercise is to be used only where there are no faults."""
    path = folder / "exercise.yaml"
    faults = Faults(path)
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        faults.add(0, "the file is missing")
        text = None
    except (OSError, UnicodeDecodeError) as e:
        faults.add(0, f"cannot be read: {getattr(e, 'strerror', None) or e.__class__.__name__}")
        text = None
    root = None if text is None else read_yaml(text, faults)
    # A stand-in without contents would repeat one fault for every key, so an unreadable file is parsed silently.
    table = Table(root, "", faults) if root is not None else Table(Value({}, 1), "", Faults(path))
    return _exercise(table, folder), faults


def _exercise(table: Table, folder: Path) -> Exercise:
    faults = table.faults
    exercise_id = table.text("id")
    if exercise_id and (exercise_id != folder.name or not ID.fullmatch(exercise_id)):
        faults.add(table.line_of("id"), f"id '{exercise_id}' must be the folder's name, lower case with hyphens")
    entry = table.text("entry")
    if entry and not entry.isidentifier():
        faults.add(table.line_of("entry"), f"entry '{entry}' is not a Python name")
    params = _params(table)
    cases = _cases(table, params)
    names = set(cases[0].dims) if cases else set()
    exercise = Exercise(
        id=exercise_id or folder.name,
        folder=folder,
        title=_title(table),
        level=table.whole("level", 1, 5),
        track=table.choice("track", TRACKS),
        kind=table.choice("kind", KINDS),
        tags=table.words("tags"),
        cards=table.words("cards"),
        minutes=table.whole("minutes", 1, 600),
        entry=entry,
        params=params,
        cases=cases,
        tolerance=_tolerance(table, names),
        work=_work(table, names),
        allowed_ops=table.words("allowed_ops", required=False),
        xray=_xray(table),
        goals=_goals(table),
        draw=parse_draw(table, params, names),
        forbid_copies=table.flag("forbid_copies"),
    )
    table.close()
    return exercise


def _title(table: Table) -> Mapping[str, str]:
    title = table.table("title")
    if title is None:
        return {"en": "", "zh": ""}
    both = {lang: title.text(lang) for lang in ("en", "zh")}
    title.close()
    return both


def _params(table: Table) -> tuple[Param, ...]:
    faults = table.faults
    params: list[Param] = []
    for number, value in enumerate(table.sequence("params"), 1):
        item = Table(value, f"params[{number}]", faults)
        name = item.text("name")
        role = item.choice("role", ROLES)
        dtype = item.choice("dtype", SCALAR_DTYPES if role == "scalar" else ("case", *DTYPES))
        shape = _expressions(item, "shape")
        item.close()
        if name and (not name.isidentifier() or name in {p.name for p in params}):
            faults.add(item.line_of("name"), f"{item.prefix}name '{name}' is not a Python name of its own")
        if role == "scalar" and shape:
            faults.add(item.line_of("shape"), f"{item.prefix}a scalar has the shape []")
        tensors_out = [p for p in params if p.role in ("out", "inout")]
        if role == "in" and tensors_out:
            faults.add(item.line, f"{item.prefix}outputs come last: '{name}' stands behind '{tensors_out[-1].name}'")
        params.append(Param(name, role, dtype, shape))  # type: ignore[arg-type]
    if params and not any(p.role in ("out", "inout") for p in params):
        faults.add(table.line_of("params"), "no parameter has the role out or inout: nothing could be graded")
    return tuple(params)


def _expressions(table: Table, key: str) -> tuple[str, ...]:
    return tuple(
        _expression(value, f"{table.prefix}an entry of '{key}'", table.faults) for value in table.sequence(key)
    )


def _expression(value: Value, what: str, faults: Faults) -> str:
    if isinstance(value.data, bool) or not isinstance(value.data, int | str):
        faults.add(value.line, f"{what} must be an expression such as M * N")
        return "1"
    return str(value.data)


def _value(expression: str, names: Mapping[str, int], line: int, what: str, faults: Faults, low: int = 1) -> int:
    """What `expression` evaluates to; a fault where it does not, or where that is below `low`."""
    try:
        result = evaluate(expression, names)
    except (ValueError, ZeroDivisionError, OverflowError) as e:
        faults.add(line, f"{what}: {e}")
        return low
    if result < low:
        faults.add(line, f"{what}: '{expression}' gives {result}, less than {low}")
        return low
    return result


def _cases(table: Table, params: tuple[Param, ...]) -> tuple[Case, ...]:
    suites = table.table("cases")
    if suites is None:
        return ()
    cases: list[Case] = []
    # Only a kernel has something to show on a GPU.
    required = SUITES if "kind" in table.items and table.items["kind"].data == "kernel" else ("cpu",)
    for suite in SUITES:
        values = suites.sequence(suite, required=suite in required)
        if not values and suite in suites.items:
            table.faults.add(suites.line_of(suite), f"cases.{suite} is empty")
        names: set[str] = set()
        for number, value in enumerate(values, 1):
            item = Table(value, f"cases.{suite}[{number}]", table.faults)
            case = _case(item, suite, params, cases[0].dims if cases else None)
            if case.name in names:
                table.faults.add(item.line_of("name"), f"{item.prefix}the name '{case.name}' stands twice")
            names.add(case.name)
            cases.append(case)
    suites.close()
    return tuple(cases)


def _case(item: Table, suite: str, params: tuple[Param, ...], like: Mapping[str, int] | None) -> Case:
    faults = item.faults
    dims: dict[str, int] = {}
    dims_table = item.table("dims")
    if dims_table is not None:
        for key, value in dims_table.entries():
            if isinstance(value.data, bool) or not isinstance(value.data, int) or value.data < 1:
                faults.add(value.line, f"{item.prefix}dimension {key} must be a whole number, 1 or more")
                dims[str(key)] = 1
            else:
                dims[str(key)] = value.data
        if like is not None and set(dims) != set(like):
            faults.add(
                item.line_of("dims"),
                f"{item.prefix}dimensions {', '.join(dims)} differ from the first case's {', '.join(like)}",
            )
        for param in params:
            for expression in param.shape:
                what = f"{item.prefix}shape of {param.name}"
                _value(expression, dims, item.line_of("dims"), what, faults)
    dtype = item.choice("dtype", DTYPES)
    if suite == "cpu" and dtype == "bfloat16":
        faults.add(
            item.line_of("dtype"), f"{item.prefix}no bfloat16 on the CPU: Triton's interpreter computes on its raw bits"
        )
    why, why_zh = _two_languages(item, "why")
    name, name_zh = _two_languages(item, "name")
    case = Case(
        name=name,
        suite=suite,
        dims=dims,
        dtype=dtype,
        why=why,
        regime=item.text("regime", required=False, default="normal"),
        scalars=_scalars(item, params),
        strides=_strides(item, params, dims),
        why_zh=why_zh,
        name_zh=name_zh,
    )
    item.close()
    return case


def _two_languages(item: Table, key: str) -> tuple[str, str]:
    """A text in English and in Chinese: a plain text is the English one alone, a mapping holds both."""
    value = item.items.get(key)
    if value is None or not isinstance(value.data, dict):
        return item.text(key), ""
    item.get(key)
    both = Table(value, f"{item.prefix}{key}", item.faults)
    texts = both.text("en"), both.text("zh")
    both.close()
    return texts


def _scalars(item: Table, params: tuple[Param, ...]) -> Mapping[str, Any]:
    wanted = {p.name: p.dtype for p in params if p.role == "scalar"}
    if not wanted and "scalars" not in item.items:
        return {}
    table = item.table("scalars")
    if table is None:
        return {}
    types: dict[str, tuple[type, ...]] = {"int": (int,), "float": (int, float), "bool": (bool,)}
    scalars: dict[str, Any] = {}
    for name, dtype in wanted.items():
        value = table.get(name)
        if value is None:
            continue
        is_bool = isinstance(value.data, bool)
        if not isinstance(value.data, types.get(dtype, (object,))) or is_bool != (dtype == "bool"):
            table.faults.add(value.line, f"{table.prefix}'{name}' must be of type {dtype} (write 1.0e-5, not 1e-5)")
        scalars[name] = float(value.data) if dtype == "float" and isinstance(value.data, int) else value.data
    table.close()
    return scalars


def _strides(item: Table, params: tuple[Param, ...], dims: Mapping[str, int]) -> Mapping[str, tuple[str, ...]]:
    table = item.table("strides", required=False)
    if table is None:
        return {}
    strides: dict[str, tuple[str, ...]] = {}
    for param in params:
        if param.role == "scalar" or param.name not in table.items:
            continue
        expressions = _expressions(table, param.name)
        line = table.line_of(param.name)
        if len(expressions) != len(param.shape):
            table.faults.add(line, f"{table.prefix}{param.name} has {len(param.shape)} axes, not {len(expressions)}")
            continue
        steps = [_value(e, dims, line, f"{table.prefix}{param.name}", table.faults) for e in expressions]
        if param.shape and not _apart(steps, [_quiet(e, dims) for e in param.shape]):
            table.faults.add(line, f"{table.prefix}{param.name}: with these strides two elements share one place")
        strides[param.name] = expressions
    table.close()
    return strides


def _quiet(expression: str, dims: Mapping[str, int]) -> int:
    try:
        return evaluate(expression, dims)
    except (ValueError, ZeroDivisionError):
        return 1


def _apart(strides: Iterable[int], shape: Iterable[int]) -> bool:
    """True where no two indices of `shape` share an offset: each axis steps over all that the finer ones reach."""
    reach = 0
    for stride, extent in sorted((s, n) for s, n in zip(strides, shape, strict=True) if n > 1):
        if stride <= reach:
            return False
        reach += stride * (extent - 1)
    return True


def _tolerance(table: Table, names: set[str]) -> Tolerance:
    item = table.table("tolerance")
    if item is None:
        return Tolerance()
    depth = item.get("depth")
    text = "1" if depth is None else _expression(depth, "tolerance.depth", table.faults)
    _value(text, dict.fromkeys(names, 64), item.line_of("depth"), "tolerance.depth", table.faults)
    factor = item.number("factor", default=Tolerance().factor)
    if factor <= 0:
        table.faults.add(item.line_of("factor"), "tolerance.factor must be above 0")
    tolerance = Tolerance(text, item.choice("compute", _COMPUTE, default="float32"), item.flag("intermediate"), factor)
    item.close()
    return tolerance


def _work(table: Table, names: set[str]) -> Work:
    item = table.table("work")
    if item is None:
        return Work("0", "0", "memory")
    formulas = {}
    for key in ("bytes", "flops"):
        value = item.get(key)
        formulas[key] = "0" if value is None else _expression(value, f"work.{key}", table.faults)
        known = dict.fromkeys(names, 64) | {"itemsize": 2}
        _value(formulas[key], known, item.line_of(key), f"work.{key}", table.faults, low=0)
    work = Work(formulas["bytes"], formulas["flops"], item.choice("regime", REGIMES))
    item.close()
    return work


def _xray(table: Table) -> tuple[Mapping[str, Any], ...]:
    entries = []
    for number, value in enumerate(table.sequence("xray", required=False), 1):
        if isinstance(value.data, dict):
            entries.append(value.plain())
        else:
            table.faults.add(value.line, f"xray[{number}] must be a mapping")
    return tuple(entries)


def _goals(table: Table) -> Mapping[str, float]:
    item = table.table("goals")
    if item is None:
        return {}
    goals = {}
    for medal in ("bronze", "silver", "gold"):
        if item.get(medal) is not None:
            goals[medal] = item.number(medal, default=0.5)
    ordered = list(goals.values())
    if ordered != sorted(ordered) or not all(0 < share <= 1 for share in ordered):
        table.faults.add(item.line, "goals must rise from bronze to gold and lie above 0 and at most at 1")
    item.close()
    return goals
