"""One row of the log, and many: steps, lapses, kinds, renames."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from prep.clock import Instant
from prep.review.days import day_start_ms, study_day
from prep.review.fold import Answer, Scheduling, apply, kind_of
from prep.review.fuzz import NO_FUZZ
from prep.review.renames import Aliases, merged
from prep.settings import Settings
from prep.store.reviews import CardState

AGAIN, HARD, GOOD, EASY = 1, 2, 3, 4
MINUTE, DAY = 60_000, 86_400_000
START = 1_795_309_200_000  # Sunday 2026-11-22, 09:00 at UTC+8
plain = Scheduling(fuzz=NO_FUZZ)


def step(
    state: CardState | None, rating: int | None, at_ms: int = START, kind: str | None = None, offset: int = 480
) -> CardState | None:
    day = study_day(Instant(at_ms, offset))
    return apply(state, Answer("card", at_ms, offset, day, rating, kind or kind_of(state, day), 0.9), plain)


def graded(*ratings: int) -> CardState:
    """The card after these answers, each given when it is due."""
    state: CardState | None = None
    for rating in ratings:
        state = step(state, rating, START if state is None else state.due_ms)
    assert state is not None
    return state


@pytest.mark.parametrize(
    ("before", "rating", "name", "wait_min"),
    [
        ((), AGAIN, "learning", 10),
        ((), HARD, "learning", 15),
        ((), GOOD, "review", None),
        ((), EASY, "review", None),
        ((AGAIN,), AGAIN, "learning", 10),
        ((AGAIN,), HARD, "learning", 15),
        ((AGAIN,), GOOD, "review", None),
        ((GOOD,), AGAIN, "relearning", 10),
        ((GOOD,), HARD, "review", None),
        ((GOOD, AGAIN), AGAIN, "relearning", 10),
        ((GOOD, AGAIN), HARD, "relearning", 15),
        ((GOOD, AGAIN), GOOD, "review", None),
        ((GOOD, AGAIN), EASY, "review", None),
    ],
)
def test_one_step_of_ten_minutes(before: tuple[int, ...], rating: int, name: str, wait_min: int | None) -> None:
    state = graded(*before, rating)
    assert state.state == name
    if wait_min is not None:
        assert state.due_ms - state.last_ms == wait_min * MINUTE
        assert (state.step, state.due_day, state.interval_days) == (0, None, 0)
    else:
        assert state.step is None
        assert state.interval_days >= 1
        assert state.due_day is not None
        assert state.due_ms == day_start_ms(date.fromisoformat(state.due_day), 480)
        days = (date.fromisoformat(state.due_day) - date.fromisoformat(state.last_day)).days
        assert days == state.interval_days


def test_fuzz_differs_by_card_and_by_repetition() -> None:
    def easy(card_id: str, state: CardState | None) -> CardState:
        day = date(2026, 11, 22)
        after = apply(state, Answer(card_id, START, 480, day, EASY, "learn", 0.9), Scheduling())
        assert after is not None
        return after

    firsts = {easy(f"card-{n}", None).interval_days for n in range(60)}
    assert firsts == {6, 7, 8, 9, 10}
    seen = easy("card-1", None)
    again = {easy("card-1", replace(seen, state="learning", interval_days=0, reps=n)).interval_days for n in range(40)}
    assert len(again) > 2
    plain_interval = apply(None, Answer("card", START, 480, date(2026, 11, 22), EASY, "learn", 0.9), plain)
    assert plain_interval is not None
    assert plain_interval.interval_days == 8


def test_only_a_failed_review_is_a_lapse() -> None:
    assert graded(AGAIN, AGAIN).lapses == 0
    assert graded(GOOD, AGAIN).lapses == 1
    assert graded(GOOD, AGAIN, AGAIN, HARD).lapses == 1
    assert graded(GOOD, AGAIN, GOOD, AGAIN).lapses == 2
    assert graded(GOOD, AGAIN, GOOD, AGAIN).reps == 4


def test_the_longest_interval_is_the_maximum() -> None:
    state = graded(*[EASY] * 8)
    assert state.interval_days == 180


def test_kinds_say_what_the_card_was() -> None:
    new, learning, review, relearning = None, graded(AGAIN), graded(GOOD), graded(GOOD, AGAIN)
    day = date(2026, 11, 22)
    assert [kind_of(s, day) for s in (new, learning, relearning)] == ["learn", "learn", "relearn"]
    assert review.due_day == "2026-11-24"
    assert kind_of(review, date(2026, 11, 23)) == "early"
    assert kind_of(review, date(2026, 11, 24)) == "review"
    assert kind_of(review, date(2026, 12, 24)) == "review"


@pytest.mark.parametrize("kind", ["cram", "manual"])
def test_what_does_not_schedule_changes_nothing(kind: str) -> None:
    state = graded(GOOD)
    assert step(state, AGAIN, state.due_ms, kind) is state
    assert step(None, AGAIN, START, kind) is None


def test_a_reset_makes_the_card_new() -> None:
    assert step(graded(GOOD, AGAIN), None, START + DAY, "reset") is None


def test_an_interview_schedules() -> None:
    state = graded(GOOD)
    after = step(state, AGAIN, state.due_ms, "interview")
    assert after is not None
    assert (after.state, after.lapses) == ("relearning", 1)


def test_a_graded_row_needs_its_rating() -> None:
    with pytest.raises(ValueError, match="rating"):
        step(None, None, START, "learn")


def test_an_evening_and_the_next_evening_an_hour_earlier_are_a_day_apart() -> None:
    evening = START + 13 * 3_600_000  # 22:00
    first = step(None, EASY, evening)
    same_night = step(first, GOOD, evening + 3_600_000)
    next_day = step(first, GOOD, evening + 23 * 3_600_000)
    assert first is not None
    assert same_night is not None
    assert next_day is not None
    assert same_night.s == pytest.approx(first.s)
    assert next_day.s > first.s * 1.3


def test_time_that_goes_backwards_counts_as_none() -> None:
    state = graded(EASY)
    back = step(state, GOOD, state.last_ms - 3 * DAY)
    same = step(state, GOOD, state.last_ms)
    assert back is not None
    assert same is not None
    assert (back.s, back.d) == (same.s, same.d)


def test_settings_and_row_describe_the_same_scheduling() -> None:
    settings = Settings(maximum_interval=90, learning_step_min=5, relearning_step_min=7, rollover_hour=3)
    scheduling = Scheduling.of(settings)
    again = Scheduling.from_row(scheduling.algo, scheduling.params_json(), scheduling.settings_json())
    assert again == scheduling
    assert scheduling != Scheduling.of(Settings())


def test_chains_of_renames() -> None:
    aliases = Aliases({"a": "b", "b": "c", "x": "y", "y": "x"})
    assert [aliases.present(i) for i in "abc"] == ["c", "c", "c"]
    assert sorted(aliases.all_ids("c")) == ["a", "b", "c"]
    assert aliases.present("x") == "x"  # a ring names nobody: both stay who they are
    assert aliases.all_ids("q") == ("q",)


def test_aliases_stay_for_a_card_that_went_away_and_yield_to_one_that_is_back() -> None:
    assert merged({"a": "b"}, {}, {}) == {"a": "b"}
    assert merged({"a": "b"}, {"a": "c", "d": "d"}, {"c": 0}) == {"a": "c"}
    assert merged({"a": "b"}, {}, {"a": 0, "b": 0}) == {}
