"""A sample of the mechanical mutants of the solutions; `python -m tests.grading.source_mutants` grades all of them."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from prep.exercises.load import load_exercises
from tests.grading import source_mutants
from tests.grading.conftest import Grade

SEED = 4
SAMPLE = 6
"""Mutants of each exercise: all 500 take five minutes."""


def _sample() -> list[source_mutants.SourceMutant]:
    found = []
    for exercise_id in load_exercises():
        wrong = [m for m in source_mutants.of_solution(exercise_id) if not source_mutants.equivalent(m)]
        found += random.Random(SEED).sample(wrong, min(SAMPLE, len(wrong)))
    return found


@pytest.mark.parametrize("mutant", _sample(), ids=lambda m: m.name)
def test_a_slip_of_the_hand_is_found(grade: Grade, tmp_path: Path, mutant: source_mutants.SourceMutant) -> None:
    file = tmp_path / "submission.py"
    file.write_text(mutant.source, encoding="utf-8")
    verdict = grade(mutant.exercise, file, case_timeout=5.0)
    assert not verdict["passed"], f"{mutant.name}: {mutant.changed}"


def test_every_listed_exception_still_exists() -> None:
    exercises = load_exercises()
    there = {(m.exercise, m.changed) for exercise_id in exercises for m in source_mutants.of_solution(exercise_id)}
    assert set(source_mutants.EQUIVALENT) <= there


def test_what_is_changed() -> None:
    source = (
        "@triton.jit\ndef k(x, N, B: tl.constexpr):\n"
        "    at = tl.arange(0, B)\n    v = tl.load(x + at, mask=at < N, other=0.0)\n    tl.store(x + at, v)\n"
    )
    changed = {m.changed for m in source_mutants.mutants("softmax", source)}
    assert changed >= {
        "v = tl.load(x + at, other=0.0)",
        "v = tl.load(x + at, mask=at < N, other=1.0)",
        "v = tl.load(x + at, mask=at <= N, other=0.0)",
        "v = tl.load(x - at, mask=at < N, other=0.0)",
        "tl.store(0 + at, v)",
    }
    assert all(m.source != source for m in source_mutants.mutants("softmax", source))
