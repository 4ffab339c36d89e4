"""Values and tolerance of every exercise, over the published cases and hundreds that are drawn as a run draws them.

Arithmetic in float32, in any order, passes; one precision less than asked for fails; and no exercise is degenerate, in
the sense of robust-kbench's filters: results depend on every input, are not constant, and stay in a sane range.
"""

from __future__ import annotations

import importlib.util
import random
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any

import pytest

from prep.exercises.draw import draw_cases
from prep.exercises.load import load_exercises
from prep.exercises.spec import Case, Exercise

np = pytest.importorskip("numpy")

# ruff: noqa: E402
from prep.grading.compare import compare, tolerance_of
from prep.grading.dtypes import DTYPES, Array, DType, to_float64, to_storage

EXERCISES = load_exercises()
PUBLISHED = [(e, case) for e in EXERCISES.values() for case in e.suite("cpu")]
DRAWN = 150
"""Cases drawn for each exercise, half of them of the regime `mixed` and large."""


def _module(exercise: Exercise) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"regimes_{exercise.entry}", exercise.reference_path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


MODULES = {e.id: _module(e) for e in EXERCISES.values()}


def _name(value: object) -> str:
    return value.id if isinstance(value, Exercise) else value.name if isinstance(value, Case) else ""


def _rounded(values: Array, dtype: DType) -> Array:
    return to_float64(to_storage(values, dtype), dtype)


class Made:
    """A case with values, as the judge makes them: inputs cast to their dtypes, the oracle's answer, the bound."""

    def __init__(self, exercise: Exercise, case: Case, seed: int) -> None:
        self.exercise, self.case, self.module = exercise, case, MODULES[exercise.id]
        made = self.module.make_inputs(case, np.random.default_rng(seed))
        self.dtypes = {p.name: DTYPES[exercise.dtype(p, case)] for p in exercise.params if p.role != "scalar"}
        self.scalars = {p.name: made[p.name] for p in exercise.params if p.role == "scalar"}
        self.inputs = {p.name: _rounded(made[p.name], self.dtypes[p.name]) for p in exercise.inputs}
        self.oracle = self.module.oracle(**self.inputs, **self.scalars)
        self.magnitude = self.module.magnitude(**self.inputs, **self.scalars)

    def bound(self, name: str) -> Array:
        """How far each element of an output may be from the oracle's."""
        expected = np.asarray(self.oracle[name], dtype=np.float64)
        sizes, inputs = dict(self.case.dims), DTYPES[self.case.dtype]
        return tolerance_of(
            expected, self.magnitude[name], self.exercise.tolerance, sizes, self.dtypes[name], inputs
        )

    def wrong(self, outputs: Mapping[str, Array]) -> int:
        """Elements of `outputs` that the judge would not accept."""
        count = 0
        for name, got in outputs.items():
            dtype = self.dtypes[name]
            expected = np.asarray(self.oracle[name], dtype=np.float64)
            stored = _rounded(got, dtype)
            count += compare(name, expected, stored, self.bound(name), dtype, np.zeros(got.shape, dtype=bool)).mismatched
        return count


def _drawn(exercise: Exercise, count: int = DRAWN) -> list[Case]:
    rng = random.Random(exercise.id)
    return [case for _ in range(count // 2) for case in draw_cases(exercise, 2, rng)]


# Right: float32 in other orders than the oracle's


def _softmax(x: Array, half: bool) -> Array:
    x = x.astype(np.float32)
    e = np.exp2((x - x.max(axis=1, keepdims=True)) * np.float32(1.4426950408889634))
    total = np.zeros((len(x), 1), np.float32)
    for column in e.T[:: -1 if half else 1]:
        total += column[:, None]
    result: Array = e * (np.float32(1) / total)
    return result


def _layernorm(x: Array, weight: Array, bias: Array, eps: float, half: bool) -> Array:
    x, weight, bias = (v.astype(np.float32) for v in (x, weight, bias))
    n = np.float32(x.shape[1])
    mean = np.zeros((len(x), 1), np.float32)
    for column in x.T[:: -1 if half else 1]:
        mean += column[:, None]
    mean /= n
    centred = x - mean
    variance = (centred * centred).sum(axis=1, keepdims=True, dtype=np.float32) / n
    result: Array = centred * (np.float32(1) / np.sqrt(variance + np.float32(eps))) * weight + bias
    return result


def _matmul(a: Array, b: Array, half: bool) -> Array:
    a, b = a.astype(np.float32), b.astype(np.float32)
    total = np.zeros((a.shape[0], b.shape[1]), np.float32)
    step = 16 if half else 1
    for start in range(0, a.shape[1], step):
        total += a[:, start : start + step] @ b[start : start + step]
    result: Array = total
    return result


def _attention(q: Array, k: Array, v: Array, causal: bool, scale: float, half: bool) -> Array:
    """Online softmax over blocks of 16 keys, the weights rounded to float16 before the second product where `half`."""
    q, k, v = (x.astype(np.float32) for x in (q, k, v))
    length = q.shape[2]
    top = np.full(q.shape[:3], -np.inf, np.float32)
    total, out = np.zeros_like(top), np.zeros_like(q)
    for start in range(0, length, 16):
        keys = slice(start, start + 16)
        scores = np.float32(scale) * (q @ np.swapaxes(k[:, :, keys], -1, -2))
        if causal:
            hidden = np.arange(length)[:, None] < np.arange(start, min(start + 16, length))[None, :]
            scores = np.where(hidden, np.float32(-np.inf), scores)
        higher = np.maximum(top, scores.max(axis=-1))
        p = np.exp(scores - higher[..., None])
        rescale = np.exp(top - higher)
        total = total * rescale + p.sum(axis=-1, dtype=np.float32)
        p = p.astype(np.float16).astype(np.float32) if half else p
        out = out * rescale[..., None] + p @ v[:, :, keys]
        top = higher
    result: Array = out / total[..., None]
    return result


RIGHT: dict[str, Callable[[dict[str, Any], bool], Array]] = {
    "softmax": lambda inputs, half: _softmax(**inputs, half=half),
    "layernorm": lambda inputs, half: _layernorm(**inputs, half=half),
    "matmul": lambda inputs, half: _matmul(**inputs, half=half),
    "flash-attention": lambda inputs, half: _attention(**inputs, half=half),
    "transpose": lambda inputs, half: inputs["x"].T,
}


@pytest.mark.parametrize("exercise", EXERCISES.values(), ids=_name)
def test_float32_in_any_order_passes_over_hundreds_of_drawn_cases(exercise: Exercise) -> None:
    right = RIGHT.get(exercise.id)
    if right is None:
        pytest.skip("no right answer in NumPy here")
    cases = [*_drawn(exercise), *exercise.suite("cpu")]
    for seed, case in enumerate(cases):
        made = Made(exercise, case, seed)
        # Only attention may round on the way, and only to the dtype of its inputs.
        orders = [False] + ([True] if case.dtype == "float16" or not exercise.tolerance.intermediate else [])
        for half in orders:
            with np.errstate(all="ignore"):
                got = right({**made.inputs, **made.scalars}, half)
            assert made.wrong({exercise.outputs[0].name: got}) == 0, (case.name, dict(case.dims), case.regime, seed)


# Wrong: one precision less


def _fewer_bits(values: Array, bits: int) -> Array:
    """Rounded to a mantissa of `bits` bits at any exponent: 10 as float16 and tf32 have, 7 as bfloat16 has."""
    with np.errstate(invalid="ignore"):
        mantissa, exponent = np.frexp(values)
        short = np.ldexp(np.round(mantissa * 2.0 ** (bits + 1)) / 2.0 ** (bits + 1), exponent)
    result: Array = np.where(np.isfinite(values), short, values)
    return result


# Where a lower precision cannot be told from float32, because float32 itself is no better there.
NOT_DISTINGUISHABLE = {
    ("softmax", "one element"): "the answer is 1 in any precision",
    ("layernorm", "constant rows"): "a last digit of the mean is multiplied by 1000 = 1 / sqrt(eps)",
    ("flash-attention", "large scores"): "a last digit of a score of 300 changes a weight by 3e-5, and 128 terms add up",
    ("flash-attention", "low scores causal"): "the same",
}


@pytest.mark.parametrize(("exercise", "case"), PUBLISHED, ids=_name)
def test_one_precision_less_fails_in_every_published_case(exercise: Exercise, case: Case) -> None:
    if not case.dtype.startswith("float") or (exercise.id, case.name) in NOT_DISTINGUISHABLE:
        pytest.skip(NOT_DISTINGUISHABLE.get((exercise.id, case.name), "nothing is rounded here"))
    bits = {"float32": 10, "float16": 7}[case.dtype]
    made = Made(exercise, case, 1)
    with np.errstate(all="ignore"):
        short = {name: _fewer_bits(values, bits) for name, values in made.inputs.items()}
        lower = made.module.oracle(**short, **made.scalars)
    assert made.wrong({name: _fewer_bits(values, bits) for name, values in lower.items()}) > 0


@pytest.mark.parametrize("exercise", EXERCISES.values(), ids=_name)
def test_one_precision_less_fails_in_drawn_cases(exercise: Exercise) -> None:
    """Wherever the arithmetic may not be that far off anyway, which is so in few cases."""
    tried = loose = 0
    for seed, case in enumerate(_drawn(exercise, 80)):
        if not case.dtype.startswith("float") or min(case.dims.values()) == 1:
            continue
        bits = {"float32": 10, "float16": 7}[case.dtype]
        made = Made(exercise, case, seed)
        name = exercise.outputs[0].name
        expected = np.asarray(made.oracle[name])
        tried += 1
        with np.errstate(invalid="ignore"):
            error = np.abs(_fewer_bits(expected, bits) - expected)
            if not (error > 1.5 * made.bound(name)).any():
                loose += 1
                continue
        assert made.wrong({name: _fewer_bits(expected, bits)}) > 0, (dict(case.dims), case.dtype, case.regime, seed)
    assert loose <= 0.1 * tried, (loose, tried)


# Not degenerate


@pytest.mark.parametrize(("exercise", "case"), PUBLISHED, ids=_name)
def test_results_are_finite_vary_and_depend_on_every_input(exercise: Exercise, case: Case) -> None:
    made, other = Made(exercise, case, 1), Made(exercise, case, 2)
    out = np.asarray(made.oracle[exercise.outputs[0].name], dtype=np.float64)
    if case.regime != "special":  # NaN and infinity on purpose
        assert np.isfinite(out).all()
    if case.dtype.startswith("float") and case.regime != "special":
        assert np.abs(out).max() <= DTYPES[case.dtype].largest
    if out.size > 1:
        assert np.nanstd(out[np.isfinite(out)]) > 0
        # No axis along which everything repeats: one row, column or head could stand for all.
        finite = np.where(np.isfinite(out), out, 0.0)
        for axis in range(out.ndim):
            if out.shape[axis] > 1 and not (exercise.id == "layernorm" and case.regime == "constant"):
                assert finite.std(axis=axis).max() > 0
    for name in made.inputs:
        if out.size <= 1 or (exercise.id == "flash-attention" and case.dims["S"] == 1 and name != "v"):
            continue  # softmax over one element is 1 whatever it is
        if exercise.id == "layernorm" and case.regime == "constant" and name != "bias":
            continue  # a variance of 0: only the bias is left, which is what the case is there for
        swapped = {**made.inputs, name: other.inputs[name]}
        with np.errstate(all="ignore"):
            assert made.wrong(made.module.oracle(**swapped, **made.scalars)) > 0, name


@pytest.mark.parametrize("exercise", EXERCISES.values(), ids=_name)
def test_mixed_rows_differ_in_scale_and_structure(exercise: Exercise) -> None:
    """What `normal` values hide: the drawn regime holds scales apart by a factor of a hundred and more, and ties."""
    case = next(c for c in _drawn(exercise, 40) if c.regime == "mixed")
    values = np.abs(next(iter(Made(exercise, case, 3).inputs.values())))
    values = values[np.isfinite(values) & (values > 0)]
    assert values.max() > 100 * np.quantile(values, 0.1)
    assert len(np.unique(values)) < values.size
