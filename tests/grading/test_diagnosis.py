"""What a diagnosis says beside its code: how sure it is, which line, which program, in which of the drawn cases."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from prep import paths
from prep.exercises.load import load_exercise
from prep.exercises.spec import Case
from prep.grading.compare import Comparison
from prep.grading.diagnosis.outcome import Outcome
from prep.grading.diagnosis.values import of_values
from tests.grading.conftest import Grade


def _mutant(exercise: str, name: str) -> Path:
    return paths.exercises_dir() / exercise / "mutants" / f"{name}.py"


def _wrong(verdict: dict[str, Any]) -> list[dict[str, Any]]:
    return [case for case in verdict["cases"] if case["status"] == "failed"]


@pytest.mark.parametrize(
    ("exercise", "name", "code", "confidence"),
    [
        ("softmax", "widths_of_the_task", "hardcoded-shape", "certain"),
        ("softmax", "maximum_of_the_last_columns", "distribution-dependent", "certain"),
        ("layernorm", "normalises_columns", "wrong-axis", "likely"),
        ("softmax", "load_without_mask", "missing-mask", "certain"),
    ],
)
def test_how_sure_it_is(grade: Grade, exercise: str, name: str, code: str, confidence: str) -> None:
    found = grade(exercise, _mutant(exercise, name))["diagnosis"][0]
    assert (found["code"], found["confidence"]) == (code, confidence)
    assert found["confidences"]["zh"]
    assert found["question"]["en"].strip()


def test_a_submission_for_the_published_cases_fails_in_those_that_are_drawn(grade: Grade) -> None:
    verdict = grade("transpose", _mutant("transpose", "shapes_of_the_task"))
    assert {case["name"] for case in _wrong(verdict)} <= {"drawn for this run, 1", "drawn for this run, 2"}
    found = verdict["diagnosis"][0]
    assert found["code"] == "hardcoded-shape"
    assert "'本次运行随机抽取，" in found["messages"]["zh"]


def test_drawn_cases_differ_from_run_to_run(grade: Grade) -> None:
    file = _mutant("softmax", "base_two_without_log2e")
    runs = [
        [case["dims"] for case in grade("softmax", file)["cases"] if case["name"].startswith("drawn")] for _ in "ab"
    ]
    assert len(runs[0]) == len(runs[1]) == 2
    assert runs[0] != runs[1]


def test_the_first_wrong_element_has_its_program_and_its_line(grade: Grade) -> None:
    verdict = grade("softmax", _mutant("softmax", "quotients_of_the_next_row"))
    case = _wrong(verdict)[0]
    tile = case["first_wrong"]["tile"]
    row, column = case["first_wrong"]["index"]
    rows = case["dims"]["M"]
    assert tile == {"program": [(row - 1) % rows, 0, 0][: len(tile["program"])], "index": [0, column]}
    found = verdict["diagnosis"][0]
    assert found["code"] == "numerically-wrong"
    assert found["line_of"] == "store"
    assert found["source"].startswith("tl.store(")


def test_where_errors_are_is_said_in_both_languages(grade: Grade) -> None:
    case = _wrong(grade("softmax", _mutant("softmax", "last_group_of_rows_left_out")))[0]
    assert case["pattern"] == "tail-rows"
    assert case["patterns"]["en"] == "67 of 335, all in row 4"
    assert case["patterns"]["zh"] == "335 个元素中 67 个，都在第 4 行"


def _judged(columns: int, wrong: bool, relative_error: float) -> Outcome:
    expected = np.ones((4, columns))
    compared = Comparison("out", expected, expected + 1.0, np.zeros_like(expected), np.full(expected.shape, wrong))
    case = Case(f"{columns} columns", "cpu", {"M": 4, "N": columns}, "float32", "")
    return Outcome(case, comparisons=[compared], low_precision=2.0, relative_error=relative_error)


@pytest.mark.parametrize(("error", "code"), [(0.5, "hardcoded-shape"), (0.002, "numerically-wrong")])
def test_one_right_size_is_no_proof_where_the_errors_are_small(error: float, code: str) -> None:
    failing = [_judged(columns, True, error) for columns in (3, 50, 128)]
    found = of_values(load_exercise("softmax"), failing, [_judged(64, False, 0.0)], b"")
    assert found[0]["code"] == code
