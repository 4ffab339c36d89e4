"""What today asks for, from cards, interviews and exercises together."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from prep.exercises.load import load_exercises
from prep.exercises.spec import Exercise
from prep.interviews.log import InterviewLog
from prep.interviews.model import InterviewDraft, Question
from prep.review import Rating, Reviewer
from prep.review.today import gather, weaknesses
from prep.settings import Settings
from prep.store.attempts import Attempts
from prep.store.database import Database
from tests.conftest import TestClock
from tests.review.conftest import PlainCard


@pytest.fixture
def log(db: Database, clock: TestClock) -> InterviewLog:
    return InterviewLog(db, clock)


@pytest.fixture
def attempts(db: Database, clock: TestClock) -> Attempts:
    return Attempts(db, clock)


@pytest.fixture(scope="module")
def exercises() -> dict[str, Exercise]:
    return dict(list(load_exercises().items())[:2])


def held(company: str, on: str, *questions: Question, **more: Any) -> InterviewDraft:
    return InterviewDraft(company=company, held_on=on, questions=list(questions), **more)


def verdict(exercise: str, passed: bool, failed: int = 0) -> dict[str, Any]:
    cases = [{"status": "failed" if n < failed else "passed"} for n in range(9)]
    diagnosis = [] if passed else [{"code": "missing-mask"}]
    return {"exercise": exercise, "device": "cpu", "passed": passed, "stages": [], "cases": cases,
            "diagnosis": diagnosis}  # fmt: skip


def test_a_first_day(reviewer: Reviewer, log: InterviewLog, attempts: Attempts, exercises: dict[str, Exercise]) -> None:
    today = gather(reviewer, log, attempts, exercises)
    first = next(iter(exercises))
    assert today.counts.new == 12
    assert (today.streak, today.week, today.open_questions) == (0, (0,) * 7, 0)
    assert (today.next_interview, today.days_until, today.last_interview, today.in_progress) == (None,) * 4
    assert today.suggested is not None
    assert today.suggested.exercise.id == first
    assert [(s.action, s.cards) for s in (today.suggestion, *today.others)] == [
        ("review", 12),
        ("exercise", 0),
        ("log", 0),
    ]


def test_parts_that_are_not_given_are_left_out(reviewer: Reviewer) -> None:
    today = gather(reviewer)
    assert (today.suggested, today.next_interview, today.weak) == (None, None, ())
    assert today.suggestion.action == "review"


def test_nothing_due_is_no_dead_end(db: Database, clock: TestClock) -> None:
    today = gather(Reviewer(db, {}, Settings(lang="en", editor=""), clock))
    assert [s.action for s in (today.suggestion, *today.others)] == ["log", "cards"]


def test_the_next_interview_and_what_is_weak_there(reviewer: Reviewer, log: InterviewLog) -> None:
    log.add(held("Kestrel", "2026-10-22", Question("?", "failed", topic="fp8"), Question("?", "partial", topic="kv")))
    log.add(held("Merlin", "2026-11-20", Question("?", "failed", topic="mma"), Question("?", "nailed", topic="kv")))
    log.add(held("Merlin", "2026-11-21", Question("?", "failed", topic="mma"), Question("?", "not_reached", topic="x")))
    log.add(InterviewDraft("Kestrel", held_on="2026-11-26", held_time="15:00"))
    log.add(InterviewDraft("Kestrel", held_on="2026-12-26"))
    today = gather(reviewer, log)
    assert today.next_interview is not None
    assert (today.next_interview.held_on, today.days_until) == ("2026-11-26", 4)
    weak = [(w.topic, w.asked, w.failed, w.here) for w in today.weak]
    assert weak == [("fp8", 1, 1, True), ("kv", 2, 0, True), ("mma", 2, 2, False)]


def test_a_failure_fades(log: InterviewLog) -> None:
    log.add(held("A", "2026-06-01", Question("?", "failed", topic="old"), Question("?", "failed", topic="old")))
    log.add(held("A", "2026-11-21", Question("?", "failed", topic="fresh")))
    assert [w.topic for w in weaknesses(log.all(), date(2026, 11, 22))] == ["fresh", "old"]


def test_an_interview_today_is_next_until_its_hour(reviewer: Reviewer, log: InterviewLog, clock: TestClock) -> None:
    log.add(InterviewDraft("Kestrel", held_on="2026-11-22", held_time="15:00"))
    today = gather(reviewer, log)
    assert today.days_until == 0
    assert today.last_interview is None
    clock.advance(hours=7)
    after = gather(reviewer, log)
    assert after.next_interview is None
    assert after.last_interview is not None


def test_questions_that_have_no_card_yet(reviewer: Reviewer, log: InterviewLog) -> None:
    log.add(held("Merlin", "2026-11-20", Question("open")))
    linked = Question("linked", card_id="card-01")
    log.add(held("Kestrel", "2026-11-21", Question("one"), linked, Question("two", exercise_id="softmax")))
    log.add(held("Kestrel", "2026-11-22", Question("mock question"), round_kind="mock"))
    today = gather(reviewer, log)
    assert today.last_interview is not None
    assert (today.last_interview.company, today.last_interview.held_on) == ("Kestrel", "2026-11-21")
    assert today.open_questions == 1
    suggestion = next(s for s in today.others if s.action == "log")
    assert suggestion.interview == today.last_interview


def test_the_exercise_in_progress_is_the_one_touched_last(
    reviewer: Reviewer, attempts: Attempts, exercises: dict[str, Exercise], clock: TestClock
) -> None:
    one, two = exercises
    attempts.record(verdict(one, False, failed=3), "sha")
    clock.advance(minutes=5)
    attempts.event(two, "started")
    today = gather(reviewer, attempts=attempts, exercises=exercises)
    assert today.in_progress is not None
    assert (today.in_progress.exercise.id, today.in_progress.progress) == (two, "started")
    assert (today.in_progress.cases_failed, today.in_progress.cases_total) == (0, 0)
    assert today.suggested is None  # both are begun
    clock.advance(minutes=5)
    attempts.record(verdict(one, False, failed=2), "sha")
    today = gather(reviewer, attempts=attempts, exercises=exercises)
    assert today.in_progress is not None
    assert (today.in_progress.exercise.id, today.in_progress.cases_failed) == (one, 2)
    attempts.record(verdict(one, True), "sha")
    today = gather(reviewer, attempts=attempts, exercises=exercises)
    assert today.in_progress is not None
    assert today.in_progress.exercise.id == two


def test_an_exercise_that_an_interviewer_asked_for_comes_first(
    reviewer: Reviewer, log: InterviewLog, attempts: Attempts, exercises: dict[str, Exercise]
) -> None:
    second = list(exercises)[1]
    log.add(held("Merlin", "2026-11-20", Question("write it", "failed", exercise_id=second)))
    today = gather(reviewer, log, attempts, exercises)
    assert today.suggested is not None
    assert (today.suggested.exercise.id, today.suggested.asked_by) == (second, "Merlin")
    log.update("1", held("Merlin", "2026-11-20", Question("write it", "nailed", exercise_id=second)))
    today = gather(reviewer, log, attempts, exercises)
    assert today.suggested is not None
    assert today.suggested.exercise.id != second


def test_boosted_cards_are_the_first_suggestion(
    reviewer: Reviewer, log: InterviewLog, cards: dict[str, PlainCard]
) -> None:
    log.add(InterviewDraft("Kestrel", held_on="2026-11-26"))
    for card_id in list(cards)[:3]:
        reviewer.boost(card_id, "Kestrel", date(2026, 11, 26))
    today = gather(reviewer, log)
    assert (today.boosted, today.suggestion.cards, today.suggestion.boosted) == (3, 3, True)
    assert today.suggestion.interview == today.next_interview
    reviewer.grade(next(iter(cards)), Rating.GOOD, face="en", duration_ms=1)
    assert gather(reviewer, log).suggestion.cards == 2
