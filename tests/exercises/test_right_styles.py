"""A right kernel passes whatever its style: solutions/<id>/styles holds what other people would write."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from prep import paths

STYLES = sorted(paths.solutions_dir().glob("*/styles/*.py"))


@pytest.fixture(scope="module")
def judge() -> Iterator[Any]:
    pytest.importorskip("torch")
    pytest.importorskip("triton")
    from prep.grading.client import JudgeProcess

    with JudgeProcess() as process:
        yield process


@pytest.mark.parametrize("path", STYLES, ids=[f"{path.parent.parent.name}-{path.stem}" for path in STYLES])
def test_right_kernel_passes(judge: Any, path: Path) -> None:
    *_, last = judge.grade(path.parent.parent.name, path)
    verdict = last["verdict"]
    assert verdict["passed"], verdict["diagnosis"]
    assert {case["status"] for case in verdict["cases"]} == {"passed"}


def test_every_exercise_of_this_kind_has_some() -> None:
    assert {path.parent.parent.name for path in STYLES} >= {"softmax", "layernorm", "transpose"}
