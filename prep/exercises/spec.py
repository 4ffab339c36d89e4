"""An exercise as its folder describes it: exercise.yaml, read and checked.

Numpy, torch and triton are not needed to read a spec: listing exercises must work without them.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from prep.errors import ContentError

Lang = Literal["en", "zh"]
Role = Literal["in", "out", "inout", "scalar"]
Device = Literal["cpu", "cuda"]

DTYPES = ("float64", "float32", "float16", "bfloat16", "int8", "int16", "int32", "int64", "uint8", "bool")
ROLES = ("in", "out", "inout", "scalar")
SUITES = ("cpu", "gpu", "perf")
REGIMES = ("memory", "compute", "latency")
TRACKS = ("reductions", "layout", "matmul", "attention")
"""In the order that a learner takes them."""

KINDS = ("kernel", "python")
SCALAR_DTYPES = ("int", "float", "bool")


@dataclass(frozen=True, slots=True)
class Param:
    """One parameter of the entry, in order."""

    name: str
    role: Role
    dtype: str
    """A name of DTYPES, or `case`: the dtype that the case asks for; of SCALAR_DTYPES where the role is scalar."""

    shape: tuple[str, ...]
    """One expression over the case's dimensions for each axis; empty for a scalar."""


@dataclass(frozen=True, slots=True)
class Case:
    """One set of dimensions that a submission is run on."""

    name: str
    suite: str
    dims: Mapping[str, int]
    dtype: str
    why: str
    """Why the case is there, in English: what a wrong kernel would get away with if it were not."""

    regime: str = "normal"
    """The kind of values; a name that the exercise's make_inputs knows."""

    scalars: Mapping[str, Any] = field(default_factory=dict)
    strides: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Parameter name -> strides in elements, as expressions over the dimensions; contiguous where absent."""

    why_zh: str = ""
    """`why` in Chinese; empty where the author has not written it, which `prep check` reports."""

    name_zh: str = ""
    """`name` in Chinese, as it is shown; programs know a case by its English name."""


@dataclass(frozen=True, slots=True)
class Span:
    """The floating-point numbers from `low` to `high`."""

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Draw:
    """What the cases that no file names are drawn from, anew in every run; see prep.exercises.draw."""

    dims: Mapping[str, Sequence[int]]
    """Dimension -> the sizes it may have."""

    limits: tuple[tuple[str, int], ...]
    """Expressions over the dimensions and the most that each may come to, which bounds a case's time."""

    values: tuple[tuple[str, str], ...]
    """Pairs of a dtype and a regime."""

    scalars: Mapping[str, tuple[Any, ...] | Span]
    strides: tuple[Mapping[str, tuple[str, ...]], ...]
    """Layouts beside the contiguous one; their expressions may name `pad` and `gap` too, two drawn numbers."""


@dataclass(frozen=True, slots=True)
class Tolerance:
    """How far a right answer may be from the float64 oracle; see prep.grading.compare for the formula."""

    depth: str = "1"
    """Expression: the number of terms in the longest sum that an output element takes."""

    compute: str = "float32"
    """The precision that arithmetic must keep, whatever the dtype of the tensors."""

    intermediate: bool = False
    """True where a value on the way may be rounded to the dtype of the inputs, as P is in flash attention."""

    factor: float = 4.0
    """Multiplies the bound of the arithmetic, not the half unit of rounding the result."""


@dataclass(frozen=True, slots=True)
class Work:
    """What the task costs at least, as expressions over the dimensions and `itemsize`."""

    bytes: str
    flops: str
    regime: str


@dataclass(frozen=True, slots=True)
class Exercise:
    id: str
    folder: Path
    title: Mapping[str, str]
    level: int
    track: str
    kind: str
    tags: tuple[str, ...]
    cards: tuple[str, ...]
    minutes: int
    entry: str
    params: tuple[Param, ...]
    cases: tuple[Case, ...]
    tolerance: Tolerance
    work: Work
    allowed_ops: tuple[str, ...]
    xray: tuple[Mapping[str, Any], ...]
    goals: Mapping[str, float]
    draw: Draw | None = None
    """None where an author has not written the block: then no secret case is run."""

    forbid_copies: bool = False
    """True where the exercise is itself a copy of layout, so that `contiguous` and `copy_` would be the answer."""

    def suite(self, name: str) -> tuple[Case, ...]:
        """The cases of `cpu`, `gpu` or `perf`."""
        return tuple(case for case in self.cases if case.suite == name)

    @property
    def inputs(self) -> tuple[Param, ...]:
        return tuple(p for p in self.params if p.role in ("in", "inout"))

    @property
    def outputs(self) -> tuple[Param, ...]:
        return tuple(p for p in self.params if p.role in ("out", "inout"))

    @property
    def reference_path(self) -> Path:
        return self.folder / "reference.py"

    @property
    def starter_path(self) -> Path:
        return self.folder / "starter.py"

    def statement_path(self, lang: str) -> Path:
        return self.folder / ("README.zh.md" if lang == "zh" else "README.md")

    def shape(self, param: Param, case: Case) -> tuple[int, ...]:
        """The shape of `param` in `case`."""
        return tuple(evaluate(e, case.dims) for e in param.shape)

    def dtype(self, param: Param, case: Case) -> str:
        return case.dtype if param.dtype == "case" else param.dtype

    def strides(self, param: Param, case: Case) -> tuple[int, ...]:
        """Strides in elements: the case's own, or row-major."""
        if param.name in case.strides:
            return tuple(evaluate(e, case.dims) for e in case.strides[param.name])
        strides: list[int] = []
        step = 1
        for extent in reversed(self.shape(param, case)):
            strides.append(step)
            step *= max(extent, 1)
        return tuple(reversed(strides))


_OPERATORS: dict[type[ast.AST], Callable[[int, int], int]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
}


def evaluate(expression: str | int, names: Mapping[str, int]) -> int:
    """The value of an integer expression over `names`: + - * // % ** and parentheses, no calls.

    Raises:
        ValueError: another construct, or an unknown name.
    """
    if isinstance(expression, int):
        return expression

    def value(node: ast.AST) -> int:
        match node:
            case ast.Constant(value=int(number)):
                return number
            case ast.Name(id=name) if name in names:
                return int(names[name])
            case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATORS:
                return _OPERATORS[type(op)](value(left), value(right))
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return -value(operand)
        raise ValueError(f"'{expression}' is not an integer expression over {', '.join(names) or 'nothing'}")

    try:
        tree = ast.parse(expression, mode="eval")
    except SyntaxError as e:
        raise ValueError(f"'{expression}' is not an expression") from e
    return value(tree.body)


__all__ = ["DTYPES", "KINDS", "REGIMES", "ROLES", "SCALAR_DTYPES", "SUITES", "TRACKS", "Case", "ContentError", "Device"]
__all__ += ["Draw", "Exercise", "Lang", "Param", "Role", "Span", "Tolerance", "Work", "evaluate"]
