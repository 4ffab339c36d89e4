"""Secret cases: what the block `draw` may say, and that what is drawn from it keeps to it."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from prep.exercises.draw import apart, draw_cases
from prep.exercises.load import check_exercises, load_exercise, load_exercises
from prep.exercises.spec import Exercise, evaluate

BLOCK = """\
draw:
  dims: {N: {from: 1, to: 40}}
  limits: {N * N: 900}
  values:
    - {dtypes: [float32, float16], regimes: [normal, large]}
  scalars: {factor: {from: 0.5, to: 2.0}}
  strides:
    - {x: [1 + pad]}
"""


def _with(root: Path, block: str) -> list[str]:
    path = root / "scale" / "exercise.yaml"
    path.write_text(path.read_text(encoding="utf-8") + block, encoding="utf-8")
    start = path.read_text(encoding="utf-8").splitlines().index("draw:") + 1
    faults = check_exercises(root)
    assert all(fault.path == path for fault in faults)
    return [f"{(fault.line or 0) - start} {fault.message}" for fault in faults]


def test_a_whole_block_has_no_fault_and_is_drawn_from(root: Path) -> None:
    assert _with(root, BLOCK) == []
    exercise = load_exercise("scale", root)
    rng = random.Random(1)
    seen = [case for _ in range(300) for case in draw_cases(exercise, 2, rng)]
    assert {case.dims["N"] for case in seen} == set(range(2, 31))  # one element is published
    assert {case.dtype for case in seen} == {"float32", "float16"}
    assert {case.regime for case in seen} == {"normal", "large"}
    assert all(0.5 <= case.scalars["factor"] <= 2.0 for case in seen)
    assert len({case.scalars["factor"] for case in seen}) == len(seen)
    assert {case.strides.get("x") for case in seen} >= {None, ("2",), ("32",)}
    # Chosen anew each time, and never what the file names.
    assert draw_cases(exercise, 2, rng) != draw_cases(exercise, 2, rng)


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("{N: {from: 1, to: 40}}", "{N: {from: 9, to: 4}}", "1 draw.dims.N: 'to' must be a whole number from 9"),
        ("{N: {from: 1, to: 40}}", "{N: []}", "1 draw.dims: N must be {from: 1, to: 40} or a list of sizes"),
        ("{N: {from: 1, to: 40}}", "{N: [0, 3]}", "1 draw.dims: N must be"),
        ("{N: {from: 1, to: 40}}", "{N: [3], M: [2]}", "1 draw.dims: the dimensions must be those of the cases, N"),
        ("N * N: 900", "N * Q: 900", "2 draw.limits: 'N * Q' is not an integer expression"),
        ("N * N: 900", "N + 9: 9", "2 draw.limits: 'N + 9' is 10 for the smallest sizes already"),
        ("N * N: 900", "N * N: much", "2 draw.limits: the most that 'N * N' may be must be a whole number"),
        ("float32, float16", "bfloat16", "4 draw.values[1]: 'bfloat16' is no dtype of a CPU case"),
        ("[normal, large]", "[normal, hidden]", "the regime 'hidden' of exercise.yaml does not occur"),
        ("{from: 0.5, to: 2.0}", "{from: 3.0, to: 2.0}", "5 draw.scalars.factor: needs numbers"),
        ("{from: 0.5, to: 2.0}", "[yes]", "5 draw.scalars: 'factor' must be a list of type float"),
        ("factor: {from: 0.5, to: 2.0}", "other: [1.0]", "5 draw.scalars: 'factor' is missing"),
        ("x: [1 + pad]", "x: [pad, 1]", "7 draw.strides[1]: x has 1 axes"),
        ("x: [1 + pad]", "x: [pad - 1]", "7 draw.strides[1]: x: with these strides two elements share one place"),
        ("x: [1 + pad]", "y: [1]", "7 draw.strides[1]: unknown key 'y'"),
        ("limits:", "bounds:", "2 draw: unknown key 'bounds'"),
    ],
)
def test_each_fault_has_its_line(root: Path, old: str, new: str, fault: str) -> None:
    assert old in BLOCK
    path = root / "scale" / "exercise.yaml"
    path.write_text(path.read_text(encoding="utf-8") + BLOCK.replace(old, new), encoding="utf-8")
    lines = path.read_text(encoding="utf-8").splitlines()
    found = [
        f"{(f.line or 0) - lines.index('draw:') - 1} {f.message}" if f.path == path else f.message
        for f in check_exercises(root)
    ]
    assert any(text.startswith(fault) for text in found), found


EXERCISES = load_exercises()


@pytest.mark.parametrize("exercise", EXERCISES.values(), ids=EXERCISES)
def test_every_exercise_draws_cases_within_its_limits(exercise: Exercise) -> None:
    assert exercise.draw is not None
    published = {name: {case.dims[name] for case in exercise.suite("cpu")} for name in exercise.draw.dims}
    for seed in range(200):
        first, second = draw_cases(exercise, 2, random.Random(seed))
        for case in (first, second):
            assert any(size not in published[name] for name, size in case.dims.items())
            assert all(evaluate(e, case.dims) <= most for e, most in exercise.draw.limits)
            for param in exercise.params:
                if param.role != "scalar":
                    assert apart(exercise.strides(param, case), exercise.shape(param, case))
        for name, size in first.dims.items():
            free = set(exercise.draw.dims[name]) - published[name]
            assert size not in published[name] or not free
            assert 3 * size > max(exercise.draw.dims[name])
