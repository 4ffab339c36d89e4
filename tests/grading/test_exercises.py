"""Every exercise of the folder: its starter fails, its solution passes, every mutant fails with its code.

A new exercise is covered by existing.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from prep import paths
from prep.exercises.load import load_exercises
from tests.grading import automutants
from tests.grading.conftest import Grade

EXERCISES = load_exercises()
MUTANTS = [(e.id, path) for e in EXERCISES.values() for path in sorted((e.folder / "mutants").glob("*.py"))]


def _solution(exercise_id: str) -> Path:
    return paths.solutions_dir() / exercise_id / "solution.py"


@pytest.mark.parametrize("exercise_id", EXERCISES)
def test_solution_passes(grade: Grade, exercise_id: str) -> None:
    verdict = grade(exercise_id, _solution(exercise_id))
    assert verdict["passed"], verdict["diagnosis"]
    assert verdict["diagnosis"] == []
    assert {case["status"] for case in verdict["cases"]} == {"passed"}


@pytest.mark.parametrize("exercise_id", EXERCISES)
def test_starter_runs_and_fails(grade: Grade, exercise_id: str) -> None:
    verdict = grade(exercise_id, EXERCISES[exercise_id].starter_path)
    assert not verdict["passed"]
    codes = [found["code"] for found in verdict["diagnosis"]]
    assert codes
    assert not {"syntax-error", "wrong-signature", "crash", "timeout", "does-not-compile"} & set(codes)


@pytest.mark.parametrize(("exercise_id", "mutant"), MUTANTS, ids=[f"{e}-{path.stem}" for e, path in MUTANTS])
def test_mutant_fails_with_its_code(grade: Grade, exercise_id: str, mutant: Path) -> None:
    expected = mutant.read_text(encoding="utf-8").splitlines()[0].removeprefix("# expect:").strip()
    verdict = grade(exercise_id, mutant)
    assert not verdict["passed"]
    found = verdict["diagnosis"][0]
    assert found["code"] == expected, found["message"]


@pytest.mark.parametrize("name", automutants.NAMES)
@pytest.mark.parametrize("exercise_id", EXERCISES)
def test_auto_mutant_fails(grade: Grade, exercise_id: str, name: str) -> None:
    if not automutants.applies(EXERCISES[exercise_id], name):
        pytest.skip("no two inputs have one shape")
    solution = _solution(exercise_id).read_text(encoding="utf-8")
    verdict = grade(exercise_id, automutants.source(EXERCISES[exercise_id], name, solution))
    assert not verdict["passed"]
    code = verdict["diagnosis"][0]["code"]
    allowed = {
        "zeros": {"constant-output"},
        "ones": {"constant-output"},
        "mean": {"constant-output", "numerically-wrong"},
        "NaN": {"nan-or-inf"},
        "nothing written": {"not-written"},
        "previous output": {"stale-output", "uses-library-op"},
        "last element dropped": {"not-written", "tail-wrong"},
        "last element of its neighbour": {"tail-wrong", "numerically-wrong"},
        "turned": {"transposed", "numerically-wrong"},
        "one precision lower": {"low-precision"},
        "first column everywhere": {"numerically-wrong", "constant-output", "tail-wrong", "hardcoded-shape"},
        "first row everywhere": {"numerically-wrong"},
        "rows in reverse": {"numerically-wrong"},
        "shape of another case": {"not-written"},
        "inputs swapped": {"numerically-wrong", "hardcoded-shape"},
    }
    assert code in allowed.get(name, {code}), verdict["diagnosis"][0]["message"]
    assert code not in ("crash", "timeout", "does-not-compile", "no-kernel", "wrong-signature")


@pytest.mark.parametrize("exercise_id", EXERCISES)
def test_cpu_cases_reach_what_breaks_kernels(exercise_id: str) -> None:
    """Size 1, a prime, a tail, strided input: what the suites must hold so that mutants have nowhere to hide."""
    cases = EXERCISES[exercise_id].suite("cpu")
    extents = {extent for case in cases for extent in case.dims.values()}
    assert 1 in extents
    assert any(n > 16 and all(n % k for k in range(2, n)) for n in extents)
    assert any(n > 16 and n & (n - 1) for n in extents)
    assert any(case.strides for case in cases)
    assert len({case.regime for case in cases}) > 1
    assert len({case.dtype for case in cases}) > 1
    assert all(case.dtype != "bfloat16" for case in cases)
