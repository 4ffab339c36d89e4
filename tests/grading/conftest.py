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


@pytest.fixture(scope="session")
def judges() -> Iterator[Callable[[str], Any]]:
    """A warm judge for each level of isolation that this machine has; skips where it has not."""
    pytest.importorskip("torch")
    pytest.importorskip("triton")
    from prep.grading.client import JudgeProcess
    from prep.grading.process import isolation
    from prep.grading.process.isolation import probe

    started: dict[str, JudgeProcess] = {}

    def judge(level: str) -> JudgeProcess:
        lacks = probe.lacking(level)
        if lacks is not None:
            pytest.skip(f"{level}: {lacks}")
        if level not in started:
            started[level] = JudgeProcess()
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv(isolation.VARIABLE, level)
            started[level].start()
        return started[level]

    yield judge
    for process in started.values():
        process.close()


@pytest.fixture
def grade_at(judges: Any, tmp_path: Path) -> Callable[..., dict[str, Any]]:
    """Grade a source text for softmax at a level of isolation; returns the verdict."""
    numbers = itertools.count()

    def run(level: str, source: str, **options: Any) -> dict[str, Any]:
        file = tmp_path / f"submission_{next(numbers)}.py"
        file.write_text(source, encoding="utf-8")
        *_, last = judges(level).grade("softmax", file, **options)
        verdict: dict[str, Any] = last["verdict"]
        assert verdict["environment"]["isolation"] == level
        return verdict

    return run
