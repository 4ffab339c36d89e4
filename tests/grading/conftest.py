"""One warm judge for all grading tests: torch and triton are imported once."""

from __future__ import annotations

import itertools
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

Grade = Callable[..., dict[str, Any]]


@pytest.fixture(scope="session")
def judge() -> Iterator[Any]:
    pytest.importorskip("torch")
    pytest.importorskip("triton")
    from prep.grading.client import JudgeProcess

    with JudgeProcess() as process:
        yield process


@pytest.fixture
def grade(judge: Any, tmp_path: Path) -> Grade:
    """Grade a file, or a source text, for an exercise; returns the verdict."""
    numbers = itertools.count()

    def run(exercise: str, submission: str | Path, **options: Any) -> dict[str, Any]:
        if isinstance(submission, Path):
            file = submission
        else:
            file = tmp_path / f"submission_{next(numbers)}.py"
            file.write_text(textwrap.dedent(submission), encoding="utf-8")
        *_, last = judge.grade(exercise, file, **options)
        verdict: dict[str, Any] = last["verdict"]
        return verdict

    return run
