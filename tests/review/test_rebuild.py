"""Rebuild finds and repairs every row that differs from the log by as little as one bit."""

from __future__ import annotations

import math
import random

import pytest

from prep.errors import StoreError
from prep.review import Rating, Reviewer, rebuild
from prep.settings import Settings
from prep.store.database import Database
from tests.conftest import TestClock
from tests.review.conftest import PlainCard


@pytest.fixture
def history(
    db: Database, cards: dict[str, PlainCard], settings: Settings, clock: TestClock
) -> list[tuple[object, ...]]:
    reviewer = Reviewer(db, cards, settings, clock)
    dice = random.Random(7)
    for _ in range(300):
        reviewer.grade(dice.choice(list(cards)), dice.choice(list(Rating)), face="en", duration_ms=1)
        clock.advance(hours=dice.uniform(0, 30))
        if dice.random() < 0.1:
            reviewer.undo()
    return states(db)


def states(db: Database) -> list[tuple[object, ...]]:
    return db.execute("SELECT * FROM card_state ORDER BY card_id").fetchall()


def test_a_sound_database_stays_as_it_is(db: Database, history: list[tuple[object, ...]]) -> None:
    report = rebuild(db)
    assert (report.cards, report.changed_rows) == (12, 0)
    assert states(db) == history


def test_the_smallest_difference_is_found(db: Database, history: list[tuple[object, ...]]) -> None:
    (s,) = db.execute("SELECT s FROM card_state WHERE card_id = 'card-04'").fetchone()
    db.execute("UPDATE card_state SET s = ? WHERE card_id = 'card-04'", (math.nextafter(s, 1e9),))
    assert rebuild(db).changed == ("card-04",)
    assert states(db) == history


@pytest.mark.parametrize(
    ("spoil", "changed"),
    [
        ("UPDATE card_state SET due_ms = due_ms + 1 WHERE card_id IN ('card-01', 'card-02')", 2),
        ("UPDATE card_state SET reps = reps + 1 WHERE card_id = 'card-01'", 1),
        ("DELETE FROM card_state", 12),
        ("INSERT INTO card_state SELECT 'nobody', state, step, s, d, due_ms, due_day, last_ms, last_day,"
         " interval_days, reps, lapses FROM card_state WHERE card_id = 'card-01'", 1),
    ],
)  # fmt: skip
def test_what_differs_is_repaired(db: Database, history: list[tuple[object, ...]], spoil: str, changed: int) -> None:
    db.execute(spoil)
    assert states(db) != history
    assert rebuild(db).changed_rows == changed
    assert states(db) == history
    assert rebuild(db).changed_rows == 0


def test_new_settings_do_not_rewrite_the_past(
    db: Database, history: list[tuple[object, ...]], cards: dict[str, PlainCard], clock: TestClock
) -> None:
    other = Settings(desired_retention=0.8, maximum_interval=20, learning_step_min=3, rollover_hour=0)
    reviewer = Reviewer(db, cards, other, clock)
    reviewer.grade("card-00", Rating.GOOD, face="en", duration_ms=1)
    assert rebuild(db).changed_rows == 0
    assert db.execute("SELECT count(*) FROM fsrs_params").fetchone() == (2,)
    assert [row for row in states(db) if row[0] != "card-00"] == [row for row in history if row[0] != "card-00"]


def test_a_log_that_another_scheduler_wrote_is_left_alone(db: Database, history: list[tuple[object, ...]]) -> None:
    db.execute("UPDATE fsrs_params SET algo = 'fsrs-8'")
    with pytest.raises(StoreError, match="fsrs-8") as caught:
        rebuild(db)
    assert caught.value.hint
    assert states(db) == history
