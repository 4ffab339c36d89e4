"""The memory model against py-fsrs's published vectors, py-fsrs itself, and fsrs-rs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

import fsrs
import fsrs_rs_python
import pytest
from hypothesis import given
from hypothesis import strategies as st

from prep.clock import Instant
from prep.review.days import study_day
from prep.review.fold import Answer, Scheduling, apply, kind_of
from prep.review.fuzz import NO_FUZZ
from prep.review.memory import DEFAULT_WEIGHTS, Memory, next_memory, retrievability
from prep.store.reviews import CardState

OTHER_WEIGHTS = (
    0.1456, 0.4186, 1.1104, 4.1315, 5.2417, 1.3098, 0.8975, 0.0010, 1.5674, 0.0567, 0.9661, 2.0275, 0.1592, 0.2446,
    1.5071, 0.2272, 2.8755, 1.234, 0.56789, 0.1437, 0.2,
)  # fmt: skip

START_MS = 1_795_309_200_000
plain = Scheduling(maximum_interval=36500, fuzz=NO_FUZZ)


def answer(state: CardState | None, at_ms: int, rating: int, scheduling: Scheduling = plain) -> CardState:
    day = study_day(Instant(at_ms, 0))
    after = apply(state, Answer("card", at_ms, 0, day, rating, kind_of(state, day), 0.9), scheduling)
    assert after is not None
    return after


def test_the_weights_are_the_libraries() -> None:
    assert fsrs.scheduler.DEFAULT_PARAMETERS == DEFAULT_WEIGHTS
    assert pytest.approx(fsrs_rs_python.DEFAULT_PARAMETERS, rel=1e-6) == DEFAULT_WEIGHTS


def test_py_fsrs_intervals_with_its_default_steps() -> None:
    scheduling = Scheduling(
        learning_steps_min=(1, 10), relearning_steps_min=(10,), maximum_interval=36500, fuzz=NO_FUZZ
    )
    state: CardState | None = None
    at_ms, intervals = START_MS, []
    for rating in (3, 3, 3, 3, 3, 3, 1, 1, 3, 3, 3, 3, 3):
        state = answer(state, at_ms, rating, scheduling)
        intervals.append(state.interval_days)
        at_ms = state.due_ms
    assert intervals == [0, 2, 11, 46, 163, 498, 0, 0, 2, 4, 7, 12, 21]


def test_py_fsrs_memory_state() -> None:
    state: CardState | None = None
    at_ms = START_MS
    for rating, gap in zip((1, 3, 3, 3, 3, 3), (0, 0, 1, 3, 8, 21), strict=True):
        at_ms += gap * 86_400_000
        state = answer(state, at_ms, rating)
    assert state is not None
    assert state.s == pytest.approx(53.62691, abs=1e-4)
    assert state.d == pytest.approx(6.3574867, abs=1e-4)


def test_py_fsrs_difficulty_stops_at_one() -> None:
    state: CardState | None = None
    for n in range(10):
        state = answer(state, START_MS + n, 4)
    assert state is not None
    assert state.d == 1.0


@pytest.mark.parametrize(
    ("rating", "interval", "s", "d"),
    [(1, 1, 0.212, 6.4133), (2, 1, 1.2931, 5.1122), (3, 2, 2.3065, 2.1181), (4, 8, 8.2956, 1.0)],
)
def test_first_answers_without_steps(rating: int, interval: int, s: float, d: float) -> None:
    state = answer(None, START_MS, rating, Scheduling(learning_steps_min=(), relearning_steps_min=(), fuzz=NO_FUZZ))
    assert (state.state, state.interval_days) == ("review", interval)
    assert state.s == pytest.approx(s, abs=1e-4)
    assert state.d == pytest.approx(d, abs=1e-4)


@pytest.mark.parametrize(
    ("retention", "expected"),
    [(0.80, [8, 75, 521]), (0.85, [4, 31, 173]), (0.90, [2, 11, 46, 163, 497]), (0.93, [1, 4, 14, 42, 111]),
     (0.95, [1, 3, 8, 19, 43, 89])],
)  # fmt: skip
def test_intervals_by_desired_retention(retention: float, expected: list[int]) -> None:
    memory: Memory | None = None
    elapsed, intervals = 0, []
    for _ in expected:
        memory, elapsed = next_memory(memory, 3, elapsed, retention=retention)
        intervals.append(elapsed)
    assert intervals == expected


histories = st.lists(st.tuples(st.integers(1, 4), st.integers(0, 400)), min_size=1, max_size=14)


@given(histories, st.sampled_from([DEFAULT_WEIGHTS, OTHER_WEIGHTS]), st.floats(0.75, 0.97))
def test_it_is_py_fsrs_at_the_grain_of_days(
    history: Sequence[tuple[int, int]], weights: tuple[float, ...], retention: float
) -> None:
    """States, stability, difficulty and interval, over any history, with one step of ten minutes as prep has it."""
    theirs = fsrs.Scheduler(
        parameters=weights, desired_retention=retention, learning_steps=(timedelta(minutes=10),),
        relearning_steps=(timedelta(minutes=10),), maximum_interval=36500, enable_fuzzing=False,
    )  # fmt: skip
    scheduling = Scheduling(weights=weights, maximum_interval=36500, fuzz=NO_FUZZ)
    card = fsrs.Card(card_id=1)
    state: CardState | None = None
    day, at = date(2026, 1, 1), datetime(2026, 1, 1, 12, tzinfo=UTC)
    for rating, gap in history:
        day, at = day + timedelta(days=gap), at + timedelta(days=gap)
        at_ms = int(at.timestamp() * 1000)
        state = apply(state, Answer("card", at_ms, 0, day, rating, "review", retention), scheduling)
        card, _ = theirs.review_card(card, fsrs.Rating(rating), at)
        assert state is not None
        assert state.s == pytest.approx(card.stability, rel=1e-6)
        assert state.d == pytest.approx(card.difficulty, rel=1e-6)
        assert state.state == card.state.name.lower()
        assert state.step == card.step
        if card.state is fsrs.State.Review:
            assert state.interval_days == (card.due - at).days
        else:
            assert state.due_ms - at_ms == (card.due - at).total_seconds() * 1000


@given(histories, st.floats(0.75, 0.97))
def test_it_is_fsrs_rs_over_any_history(history: Sequence[tuple[int, int]], retention: float) -> None:
    theirs = fsrs_rs_python.FSRS(list(DEFAULT_WEIGHTS))
    ours: Memory | None = None
    memory = None
    for n, (rating, gap) in enumerate(history):
        elapsed = gap if n else 0
        ours, interval = next_memory(ours, rating, elapsed, retention=retention)
        states = theirs.next_states(memory, retention, elapsed)
        chosen = (states.again, states.hard, states.good, states.easy)[rating - 1]
        memory = chosen.memory
        assert ours.s == pytest.approx(memory.stability, rel=1e-4)
        assert ours.d == pytest.approx(memory.difficulty, rel=1e-4)
        # Theirs is not rounded; single precision may fall on the other side of a half.
        assert abs(interval - max(1.0, chosen.interval)) <= 0.5 + 1e-4 * interval


@given(st.floats(0.01, 36500), st.integers(0, 3000))
def test_retrievability_is_py_fsrs(s: float, elapsed: int) -> None:
    last = datetime(2026, 1, 1, tzinfo=UTC)
    card = fsrs.Card(card_id=1, state=fsrs.State.Review, stability=s, difficulty=5.0, due=last, last_review=last)
    theirs = fsrs.Scheduler().get_card_retrievability(card, last + timedelta(days=elapsed))
    assert retrievability(s, elapsed) == pytest.approx(theirs, rel=1e-12)


def test_stability_is_when_recall_has_fallen_to_nine_tenths() -> None:
    assert retrievability(30.0, 30) == pytest.approx(0.9)
    assert retrievability(30.0, 0) == 1.0
    assert retrievability(30.0, -5) == 1.0
