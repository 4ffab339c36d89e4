"""Attempts, hints and progress in the database."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from prep.errors import ContentError, HomeNotWritable, UsageError
from prep.exercises.hints import show_hint
from prep.exercises.load import load_exercise
from prep.exercises.statement import explanation, hints, solution, statement
from prep.store.attempts import Attempts
from prep.store.database import Database
from tests.conftest import TestClock


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    with Database.open(tmp_path / "data" / "prep.db") as database:
        yield database


@pytest.fixture
def attempts(db: Database, clock: TestClock) -> Attempts:
    return Attempts(db, clock)


def verdict(
    exercise: str = "scale", passed: bool = False, codes: tuple[str, ...] = ("missing-mask",)
) -> dict[str, Any]:
    return {
        "schema": 1,
        "exercise": exercise,
        "device": "cpu",
        "passed": passed,
        "stages": [{"name": "static", "seconds": 0.25}, {"name": "cpu", "seconds": 0.5}],
        "cases": [{"name": "甲", "status": "passed"}, {"name": "b", "status": "passed" if passed else "failed"}],
        "diagnosis": [] if passed else [{"code": code} for code in codes],
    }


def test_record_keeps_the_verdict(attempts: Attempts, clock: TestClock) -> None:
    given = verdict(codes=("tail-wrong", "missing-mask"))
    attempt_id = attempts.record(given, "abc123")
    attempt = attempts.last("scale")
    assert attempt is not None
    assert attempt.id == attempt_id
    assert attempt.verdict == given
    assert (attempt.at_ms, attempt.tz_offset_min) == (clock.instant.ms, 480)
    assert (attempt.passed, attempt.code, attempt.device, attempt.source_sha) == (False, "tail-wrong", "cpu", "abc123")
    assert (attempt.cases_passed, attempt.cases_total, attempt.seconds) == (1, 2, 0.75)


def test_a_pass_has_no_code_and_no_diagnosis_is_none(attempts: Attempts) -> None:
    attempts.record(verdict(passed=True), "a")
    attempts.record(verdict(codes=()), "b")
    assert [(a.passed, a.code) for a in attempts.history("scale")] == [(False, None), (True, None)]


def test_history_is_newest_first_and_of_one_exercise(attempts: Attempts, clock: TestClock) -> None:
    for sha in ("one", "two", "three"):
        attempts.record(verdict(), sha)
        clock.advance(seconds=1)
    attempts.record(verdict("softmax"), "other")
    assert [a.source_sha for a in attempts.history("scale")] == ["three", "two", "one"]
    assert attempts.history("layernorm") == []
    assert attempts.last("layernorm") is None


def test_progress(attempts: Attempts) -> None:
    assert attempts.progress("scale") == "new"
    attempts.event("scale", "started")
    assert attempts.progress("scale") == "started"
    attempts.record(verdict(), "a")
    assert attempts.progress("scale") == "failing"
    attempts.record(verdict(passed=True), "b")
    attempts.record(verdict(), "c")
    assert attempts.progress("scale") == "passed"
    attempts.hint_shown("softmax", 1)
    attempts.record(verdict("layernorm"), "d")
    assert attempts.progress_of_all() == {"scale": "passed", "softmax": "started", "layernorm": "failing"}


def test_unknown_event_is_refused(attempts: Attempts) -> None:
    import sqlite3

    with pytest.raises(sqlite3.IntegrityError):
        attempts.event("scale", "cheated")  # type: ignore[arg-type]


def test_a_verdict_that_is_none_leaves_no_row(attempts: Attempts) -> None:
    with pytest.raises(KeyError):
        attempts.record({"exercise": "scale"}, "a")
    assert attempts.last("scale") is None


def test_a_read_only_database_is_told(tmp_path: Path) -> None:
    Database.open(tmp_path / "prep.db").close()
    with Database.open(tmp_path / "prep.db", readonly=True) as db, pytest.raises(HomeNotWritable):
        Attempts(db).record(verdict(), "a")


def test_it_survives_the_process(tmp_path: Path, clock: TestClock) -> None:
    with Database.open(tmp_path / "prep.db") as db:
        Attempts(db, clock).record(verdict(passed=True), "a")
        Attempts(db, clock).hint_shown("scale", 2)
    with Database.open(tmp_path / "prep.db", readonly=True) as db:
        assert Attempts(db).progress("scale") == "passed"
        assert Attempts(db).hints_seen("scale") == 2


def test_hints_come_one_after_the_other(attempts: Attempts, root: Path) -> None:
    scale = load_exercise("scale", root)
    seen = [show_hint(scale, "en", attempts) for _ in range(4)]
    assert [(h.number, h.text, h.last) for h in seen] == [
        (1, "a nudge", False),
        (2, "more", False),
        (3, "nearly all", True),
        (3, "nearly all", True),
    ]
    assert attempts.hints_seen("scale") == 3
    assert show_hint(scale, "zh", attempts, 1).text == "一"
    assert attempts.hints_seen("scale") == 3


def test_a_hint_seen_again_is_noted_once(attempts: Attempts, db: Database, root: Path) -> None:
    scale = load_exercise("scale", root)
    for _ in range(3):
        show_hint(scale, "en", attempts, 1)
    assert db.execute("SELECT count(*) FROM exercise_events").fetchone() == (1,)


@pytest.mark.parametrize(
    ("number", "says"), [(0, "no hint 0"), (4, "no hint 4"), (-1, "no hint"), (2, "gives more away")]
)
def test_hints_that_cannot_be_shown(attempts: Attempts, root: Path, number: int, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        show_hint(load_exercise("scale", root), "en", attempts, number)
    assert attempts.hints_seen("scale") == 0


def test_solution_seen(attempts: Attempts) -> None:
    assert not attempts.solution_seen("scale")
    attempts.event("scale", "solution")
    assert attempts.solution_seen("scale")


def test_texts_in_both_languages(root: Path) -> None:
    scale = load_exercise("scale", root)
    assert statement(scale, "en") == "# Scale\n"
    assert statement(scale, "zh") == "# 缩放\n"
    assert explanation(scale, "en") == "Because.\n"
    assert explanation(scale, "zh") == "因为。\n"
    assert solution(scale).startswith("def scale")
    assert hints(scale, "zh") == ["一", "二", "三"]


def test_broken_hints_and_missing_texts_are_told(root: Path) -> None:
    scale = load_exercise("scale", root)
    path = root / "scale" / "hints.yaml"
    path.write_text("en: [one, two]\nzh: [一, 二, 三]\n", encoding="utf-8")
    with pytest.raises(ContentError, match="2 hints") as e:
        hints(scale, "en")
    assert e.value.where == path
    scale.statement_path("zh").unlink()
    with pytest.raises(ContentError, match="cannot be read"):
        statement(scale, "zh")
