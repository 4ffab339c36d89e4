"""The block `draw` of an exercise.yaml, and cases drawn from it: sizes, layouts and values that no file names.

A submission that knows the published cases, by their shapes or by their values, is right on them and on nothing else.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from prep.exercises.located import Table, Value
from prep.exercises.spec import DTYPES, Case, Draw, Exercise, Param, Span, evaluate

SUITE = "drawn"
FREE = ("pad", "gap")
"""Names that the strides of a draw may use beside the dimensions: numbers from 1 to WIDEST."""

WIDEST = 31
_ATTEMPTS = 2000
"""Draws until one keeps within the limits; those of the five exercises need 2 to 30."""


# Reading


def parse_draw(table: Table, params: Sequence[Param], names: Iterable[str]) -> Draw | None:
    """The block `draw` of an exercise, or None where there is none."""
    item = table.table("draw", required=False)
    if item is None:
        return None
    dims = _dims(item, set(names))
    draw = Draw(
        dims=dims,
        limits=_limits(item, {name: min(sizes) for name, sizes in dims.items()}),
        values=_pairs(item),
        scalars=_scalars(item, params),
        strides=tuple(_strides(value, f"draw.strides[{n}]", item, params, dims) for n, value in _layouts(item)),
    )
    item.close()
    return draw


def _dims(item: Table, names: set[str]) -> Mapping[str, Sequence[int]]:
    dims: dict[str, Sequence[int]] = {}
    table = item.table("dims")
    if table is None:
        return dims
    for name, value in table.entries():
        what = f"{table.prefix}{name}"
        sizes: Sequence[int] = ()
        if isinstance(value.data, dict):
            span = Table(value, f"{table.what}.{name}", table.faults)
            low = span.whole("from", 1, 1 << 20)
            sizes = range(low, span.whole("to", low, 1 << 20) + 1)
            span.close()
        elif isinstance(value.data, tuple):
            sizes = tuple(v.data for v in value.data if type(v.data) is int and v.data >= 1)
            if len(sizes) != len(value.data):
                sizes = ()
        if not sizes:
            table.faults.add(value.line, f"{what} must be {{from: 1, to: 40}} or a list of sizes, 1 or more each")
        dims[str(name)] = sizes or (1,)
    if names and set(dims) != names:
        listed = ", ".join(sorted(names))
        table.faults.add(table.line, f"{table.prefix}the dimensions must be those of the cases, {listed}")
    for name in set(dims) & set(FREE):
        table.faults.add(table.line, f"{table.prefix}'{name}' stands for a drawn number in the strides")
    return dims


def _limits(item: Table, smallest: Mapping[str, int]) -> tuple[tuple[str, int], ...]:
    limits: list[tuple[str, int]] = []
    table = item.table("limits", required=False)
    for expression, value in table.entries() if table is not None else ():
        if type(value.data) is not int or value.data < 1:
            item.faults.add(value.line, f"draw.limits: the most that '{expression}' may be must be a whole number")
            continue
        try:
            least = evaluate(str(expression), smallest)
        except (ValueError, ZeroDivisionError) as e:
            item.faults.add(value.line, f"draw.limits: {e}")
            continue
        if least > value.data:
            item.faults.add(value.line, f"draw.limits: '{expression}' is {least} for the smallest sizes already")
        limits.append((str(expression), value.data))
    return tuple(limits)


def _pairs(item: Table) -> tuple[tuple[str, str], ...]:
    pairs: list[tuple[str, str]] = []
    for number, value in enumerate(item.sequence("values"), 1):
        table = Table(value, f"draw.values[{number}]", item.faults)
        dtypes, regimes = table.words("dtypes"), table.words("regimes")
        table.close()
        for dtype in dtypes:
            if dtype not in DTYPES or dtype == "bfloat16":
                table.faults.add(table.line_of("dtypes"), f"{table.prefix}'{dtype}' is no dtype of a CPU case")
        pairs += [(dtype, regime) for dtype in dtypes for regime in regimes]
    if not pairs and "values" in item.items:
        item.faults.add(item.line_of("values"), "draw.values names no dtype and regime")
    return tuple(pairs)


def _scalars(item: Table, params: Sequence[Param]) -> Mapping[str, tuple[Any, ...] | Span]:
    wanted = {p.name: p.dtype for p in params if p.role == "scalar"}
    table = item.table("scalars", required=bool(wanted))
    scalars: dict[str, tuple[Any, ...] | Span] = {}
    types: dict[str, tuple[type, ...]] = {"int": (int,), "float": (int, float), "bool": (bool,)}
    for name, dtype in wanted.items() if table is not None else ():
        assert table is not None
        value = table.get(name)
        if value is None:
            continue
        if isinstance(value.data, dict) and dtype == "float":
            span = Table(value, f"{table.what}.{name}", table.faults)
            low, high = span.number("from", default=math.nan), span.number("to", default=math.nan)
            span.close()
            if not low <= high:
                table.faults.add(value.line, f"{span.prefix}needs numbers, from the smaller to the larger")
            scalars[name] = Span(low, high)
            continue
        choices = tuple(v.data for v in value.data) if isinstance(value.data, tuple) else ()
        right = [isinstance(c, types.get(dtype, (object,))) and isinstance(c, bool) == (dtype == "bool") for c in choices]
        if not choices or not all(right):
            table.faults.add(value.line, f"{table.prefix}'{name}' must be a list of type {dtype} (write 1.0e-5, not 1e-5)")
        scalars[name] = tuple(float(c) for c in choices) if dtype == "float" and all(right) else choices
    if table is not None:
        table.close()
    return scalars


def _layouts(item: Table) -> Iterable[tuple[int, Value]]:
    return enumerate(item.sequence("strides", required=False), 1)


def _strides(
    value: Value, what: str, item: Table, params: Sequence[Param], dims: Mapping[str, Sequence[int]]
) -> Mapping[str, tuple[str, ...]]:
    table = Table(value, what, item.faults)
    strides: dict[str, tuple[str, ...]] = {}
    for param in params:
        if param.role == "scalar" or param.name not in table.items:
            continue
        strides[param.name] = tuple(str(v.data) for v in table.sequence(param.name))
        line = table.line_of(param.name)
        if len(strides[param.name]) != len(param.shape):
            table.faults.add(line, f"{table.prefix}{param.name} has {len(param.shape)} axes")
            continue
        for pick, free in ((min, 1), (max, 1), (max, WIDEST)):
            known = {name: pick(sizes) for name, sizes in dims.items()} | dict.fromkeys(FREE, free)
            try:
                steps = [evaluate(e, known) for e in strides[param.name]]
                shape = [evaluate(e, known) for e in param.shape]
            except (ValueError, ZeroDivisionError) as e:
                table.faults.add(line, f"{table.prefix}{param.name}: {e}")
                break
            if not apart(steps, shape):
                table.faults.add(line, f"{table.prefix}{param.name}: with these strides two elements share one place")
                break
    table.close()
    return strides


def apart(strides: Iterable[int], shape: Iterable[int]) -> bool:
    """True where no two indices of `shape` share an offset: each axis steps over all that the finer ones reach."""
    reach = 0
    for stride, extent in sorted((s, n) for s, n in zip(strides, shape, strict=True) if n > 1):
        if stride <= reach:
            return False
        reach += stride * (extent - 1)
    return True


# Drawing


def draw_cases(exercise: Exercise, count: int, rng: random.Random) -> tuple[Case, ...]:
    """`count` cases that differ from the published ones in size.

    In the first, sizes are in the upper two thirds of what is allowed, none that is published, and values those of the
    regime `mixed` where it is legal: a case of one element says little about a kernel.
    """
    if exercise.draw is None:
        return ()
    published = {name: {case.dims[name] for case in exercise.suite("cpu")} for name in exercise.draw.dims}
    return tuple(_case(exercise, exercise.draw, number, published, rng) for number in range(1, count + 1))


def _case(exercise: Exercise, draw: Draw, number: int, published: Mapping[str, set[int]], rng: random.Random) -> Case:
    dims: dict[str, int] = {}
    for _ in range(_ATTEMPTS):
        dims = {name: _size(sizes, published[name], number == 1, rng) for name, sizes in draw.dims.items()}
        within = all(evaluate(expression, dims) <= most for expression, most in draw.limits)
        if within and any(size not in published[name] for name, size in dims.items()):
            break
    else:  # limits that hardly anything keeps: the smallest sizes do, as the parser has made sure
        dims = {name: min(sizes) for name, sizes in draw.dims.items()}
    mixed = [pair for pair in draw.values if pair[1] == "mixed"]
    dtype, regime = rng.choice(mixed if mixed and number == 1 else draw.values)
    free = {name: rng.randint(1, WIDEST) for name in FREE}
    # Contiguous as often as any other layout.
    layout = rng.choice(({}, *draw.strides))
    strides = {name: tuple(str(evaluate(e, dims | free)) for e in steps) for name, steps in layout.items()}
    return Case(
        name=f"drawn for this run, {number}",
        suite=SUITE,
        dims=dims,
        dtype=dtype,
        why="sizes, layout and values that no file names: a kernel must be right for all, not for the published ones",
        regime=regime,
        scalars={name: _scalar(choices, rng) for name, choices in draw.scalars.items()},
        strides=strides,
        why_zh="尺寸、内存布局和数值都是临时抽取的，任何文件里都没有：kernel 要对所有输入正确，而不只是公开的用例",
        name_zh=f"本次运行随机抽取，{number}",
    )


def _size(sizes: Sequence[int], published: set[int], large: bool, rng: random.Random) -> int:
    """A size: half of the time beside a power of two or the smallest, where blocks end, else any."""
    allowed = list(sizes)
    if large:
        allowed = [n for n in sizes if 3 * n > max(sizes)]
        allowed = [n for n in allowed if n not in published] or allowed
    edges = [n for n in allowed if n == min(allowed) or any(n + d & (n + d - 1) == 0 for d in (-1, 0, 1) if n + d > 0)]
    return rng.choice(edges if rng.random() < 0.5 and not large else allowed)


def _scalar(choices: tuple[Any, ...] | Span, rng: random.Random) -> Any:
    return rng.uniform(choices.low, choices.high) if isinstance(choices, Span) else rng.choice(choices)
