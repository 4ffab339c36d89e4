"""Grading, previews, undo, marks and counts, as the app and the command line use them."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from prep.errors import HomeNotWritable
from prep.review import AlreadyAnswered, Rating, Reviewer, rebuild
from prep.settings import Settings
from prep.store.database import Database
from tests.conftest import TestClock
from tests.review.conftest import PlainCard

AGAIN, HARD, GOOD, EASY = Rating


def grade(reviewer: Reviewer, card_id: str, rating: Rating = GOOD, **more: Any) -> str:
    return reviewer.grade(card_id, rating, **{"face": "en", "duration_ms": 30_000, **more})


def rows(db: Database, columns: str = "*", where: str = "1") -> list[tuple[Any, ...]]:
    return db.execute(f"SELECT {columns} FROM reviews WHERE {where} ORDER BY rowid").fetchall()


def test_a_grade_writes_all_that_the_log_promises(db: Database, reviewer: Reviewer, clock: TestClock) -> None:
    first = grade(reviewer, "card-01", AGAIN, session_id="s1", content_sha="abc", face="zh")
    clock.advance(minutes=11)
    grade(reviewer, "card-01", GOOD)
    (row,) = rows(
        db,
        "card_id, face, reviewed_at_ms, tz_offset_min, study_day, rating, kind, duration_ms, session_id, content_sha,"
        " algo, desired_retention, undone_at_ms",
        f"id = '{first}'",
    )
    start = clock.instant.ms - 11 * 60_000
    assert row == (
        "card-01", "zh", start, 480, "2026-11-22", 1, "learn", 30_000, "s1", "abc", "fsrs-6", 0.9, None
    )  # fmt: skip
    (one, two) = rows(db, "before_json, after_json, params_id")
    assert one[0] is None
    assert two[0] == one[1]
    state = reviewer.state("card-01")
    assert state is not None
    assert json.loads(two[1])["due_day"] == state.due_day
    assert one[2] == two[2]
    (params,) = db.execute("SELECT params_json, settings_json FROM fsrs_params").fetchall()
    assert len(json.loads(params[0])) == 21
    assert json.loads(params[1]) == {
        "fuzz": "anki-ranges-floor-1",
        "learning_steps_min": [10],
        "maximum_interval": 180,
        "relearning_steps_min": [10],
        "rollover_hour": 4,
    }


@pytest.mark.parametrize("before", [(), (AGAIN,), (EASY,), (GOOD, AGAIN), (EASY, GOOD)])
def test_a_preview_is_what_the_grade_then_does(
    db_path: Path, cards: dict[str, PlainCard], settings: Settings, clock: TestClock, before: tuple[Rating, ...]
) -> None:
    for rating in Rating:
        with Database.open(db_path.with_name(f"{rating}.db")) as db:
            reviewer = Reviewer(db, cards, settings, clock)
            for earlier in before:
                grade(reviewer, "card-05", earlier)
                clock.advance(days=9)
            preview = reviewer.previews("card-05")[rating]
            grade(reviewer, "card-05", rating)
            state = reviewer.state("card-05")
            assert state is not None
            assert (preview.due_ms, preview.interval_days) == (state.due_ms, state.interval_days)
            assert preview.interval_text == (
                f"{state.interval_days} d" if state.interval_days else preview.interval_text
            )


def test_previews_of_a_new_card(reviewer: Reviewer) -> None:
    texts = {rating: preview.interval_text for rating, preview in reviewer.previews("card-00").items()}
    assert texts[AGAIN] == "10 min"
    assert texts[HARD] == "15 min"
    assert texts[GOOD] == "2 d"
    assert 6 <= int(texts[EASY].removesuffix(" d")) <= 10


def test_a_better_grade_waits_longer(reviewer: Reviewer, clock: TestClock) -> None:
    for _ in range(6):
        previews = reviewer.previews("card-00")
        due = [previews[rating].due_ms for rating in Rating]
        assert due == sorted(due)
        grade(reviewer, "card-00", GOOD)
        state = reviewer.state("card-00")
        assert state is not None
        clock.advance(days=state.interval_days)


def test_good_never_shrinks_an_interval_that_fsrs_lets_grow(db: Database, settings: Settings, clock: TestClock) -> None:
    cards = {f"c{n}": PlainCard() for n in range(40)}
    reviewer = Reviewer(db, cards, settings, clock)
    for card_id in cards:
        previous = 0
        for _ in range(6):
            grade(reviewer, card_id, GOOD)
            state = reviewer.state(card_id)
            assert state is not None
            assert state.interval_days > previous or state.interval_days == 180 or previous > 150
            previous = state.interval_days
            clock.advance(days=previous)


def test_a_sitting_from_first_to_last_card(db: Database, reviewer: Reviewer, clock: TestClock) -> None:
    assert reviewer.counts().new == 12
    seen = []
    while (card_id := reviewer.next_card()) is not None:
        seen.append(card_id)
        grade(reviewer, card_id, AGAIN if seen.count(card_id) == 1 and card_id == "card-03" else GOOD)
        clock.advance(seconds=40)
    assert len(seen) == 13
    assert seen[-1] == "card-03"  # its step was the last thing left
    assert (reviewer.counts().total, reviewer.queue()) == (0, [])
    assert reviewer.next_due_ms() is not None
    assert rebuild(db).changed_rows == 0


def test_the_queue_in_memory_is_the_queue_on_disk(
    db: Database, reviewer: Reviewer, cards: dict[str, PlainCard], settings: Settings, clock: TestClock
) -> None:
    for n in range(60):
        fresh = Reviewer(db, cards, settings, clock)
        assert reviewer.counts() == fresh.counts()
        assert sorted(reviewer.queue()) == sorted(fresh.queue())
        card_id = reviewer.next_card()
        if card_id is None:
            clock.advance(hours=15)
            continue
        grade(reviewer, card_id, Rating(n % 4 + 1))
        clock.advance(minutes=2)
        if n % 7 == 3:
            reviewer.undo()
    assert rebuild(db).changed_rows == 0


def test_the_next_day_brings_reviews_and_new_cards(db: Database, clock: TestClock) -> None:
    cards = {f"c{n}": PlainCard() for n in range(20)}
    reviewer = Reviewer(db, cards, Settings(new_per_day=3, lang="en"), clock)
    for _ in range(3):
        card_id = reviewer.next_card()
        assert card_id is not None
        grade(reviewer, card_id, GOOD)
    assert reviewer.next_card() is None
    due = reviewer.next_due_ms()
    assert due is not None
    clock.advance(hours=18)  # 03:00: still the same study day
    assert reviewer.next_card() is None
    clock.advance(hours=1, minutes=1)
    assert reviewer.counts().new == 3
    clock.advance(days=1)
    assert (reviewer.counts().due, reviewer.counts().new) == (3, 3)


def test_undo_of_a_new_card_gives_its_place_back(reviewer: Reviewer) -> None:
    before = reviewer.counts()
    card_id = reviewer.next_card()
    assert card_id is not None
    grade(reviewer, card_id)
    undone = reviewer.undo()
    assert undone is not None
    assert (undone.card_id, undone.rating, undone.kind, undone.state) == (card_id, GOOD, "learn", None)
    assert reviewer.state(card_id) is None
    assert reviewer.counts() == before
    assert reviewer.next_card() == card_id
    assert reviewer.undo() is None


def test_undo_is_a_tombstone_and_exact(db: Database, reviewer: Reviewer, clock: TestClock) -> None:
    grade(reviewer, "card-01", GOOD)
    clock.advance(days=2)
    before = reviewer.state("card-01")
    review_id = grade(reviewer, "card-01", EASY)
    clock.advance(minutes=1)
    undone = reviewer.undo()
    assert undone is not None
    assert undone.review_id == review_id
    assert undone.state == before == reviewer.state("card-01")
    assert rows(db, "undone_at_ms", f"id = '{review_id}'") == [(clock.instant.ms,)]
    assert len(rows(db)) == 2
    assert rebuild(db).changed_rows == 0


def test_undo_survives_a_restart_and_days(
    db_path: Path, cards: dict[str, PlainCard], settings: Settings, clock: TestClock
) -> None:
    with Database.open(db_path) as db:
        reviewer = Reviewer(db, cards, settings, clock)
        for card_id in ("card-01", "card-02", "card-03"):
            grade(reviewer, card_id, GOOD)
            clock.advance(seconds=5)
    clock.advance(days=3)
    for expected in ("card-03", "card-02", "card-01"):
        with Database.open(db_path) as db:
            undone = Reviewer(db, cards, settings, clock).undo()
            assert undone is not None
            assert undone.card_id == expected
            assert rebuild(db).changed_rows == 0
    with Database.open(db_path) as db:
        assert Reviewer(db, cards, settings, clock).undo() is None
        assert db.execute("SELECT count(*) FROM card_state").fetchone() == (0,)


def test_undo_takes_the_newest_of_any_process(
    db_path: Path, cards: dict[str, PlainCard], settings: Settings, clock: TestClock
) -> None:
    with Database.open(db_path) as here, Database.open(db_path) as there:
        app, cli = Reviewer(here, cards, settings, clock), Reviewer(there, cards, settings, clock)
        grade(app, "card-01")
        clock.advance(hours=-1)  # a clock set back: what was done last is still what undo takes back
        grade(cli, "card-02")
        undone = app.undo()
        assert undone is not None
        assert undone.card_id == "card-02"
        assert cli.state("card-02") is None


def test_undo_leaves_an_interviews_answer_alone(reviewer: Reviewer) -> None:
    grade(reviewer, "card-01")
    grade(reviewer, "card-02", AGAIN, kind="interview", interview_q_id="q1")
    undone = reviewer.undo()
    assert undone is not None
    assert undone.card_id == "card-01"
    assert reviewer.state("card-02") is not None


def test_an_interviews_answer_is_taken_whatever_is_on_the_screen(
    db_path: Path, cards: dict[str, PlainCard], settings: Settings, clock: TestClock
) -> None:
    with Database.open(db_path) as here, Database.open(db_path) as there:
        app, cli = Reviewer(here, cards, settings, clock), Reviewer(there, cards, settings, clock)
        card_id = app.next_card()
        assert card_id is not None
        grade(cli, card_id, GOOD)
        grade(app, card_id, AGAIN, kind="interview")
        assert rows(here, "kind, rating") == [("learn", 3), ("interview", 1)]


def test_a_new_card_counts_on_the_day_it_was_first_seen(db: Database, clock: TestClock) -> None:
    cards = {f"c{n}": PlainCard() for n in range(20)}
    reviewer = Reviewer(db, cards, Settings(new_per_day=5, lang="en", editor=""), clock)
    clock.advance(hours=-4)  # 05:00
    first = reviewer.next_card()
    assert first is not None
    grade(reviewer, first, AGAIN)
    clock.advance(hours=22)  # 03:00, still that day
    reviewer.refresh()
    assert reviewer.counts().new == 4
    clock.advance(hours=6)
    assert reviewer.counts().new == 5
    grade(reviewer, first, GOOD)  # still learning, but not new today
    reviewer.refresh()
    assert reviewer.counts().new == 5


def test_a_cram_is_logged_and_schedules_nothing(db: Database, reviewer: Reviewer) -> None:
    grade(reviewer, "card-01", EASY)
    before = reviewer.state("card-01")
    grade(reviewer, "card-01", AGAIN, kind="cram")
    assert reviewer.state("card-01") == before
    assert rows(db, "kind, rating") == [("learn", 4), ("cram", 1)]
    assert rebuild(db).changed_rows == 0


def test_a_reset_can_be_undone(db: Database, reviewer: Reviewer) -> None:
    grade(reviewer, "card-01", EASY)
    before = reviewer.state("card-01")
    reviewer.reset("card-01")
    assert reviewer.state("card-01") is None
    assert rebuild(db).changed_rows == 0
    grade(reviewer, "card-01", GOOD)
    assert reviewer.undo() is not None
    undone = reviewer.undo()
    assert undone is not None
    assert (undone.kind, undone.rating, undone.state) == ("reset", None, before)


def test_the_same_answer_from_two_processes_counts_once(
    db_path: Path, cards: dict[str, PlainCard], settings: Settings, clock: TestClock
) -> None:
    with Database.open(db_path) as here, Database.open(db_path) as there:
        app, cli = Reviewer(here, cards, settings, clock), Reviewer(there, cards, settings, clock)
        card_id = app.next_card()
        assert card_id is not None
        assert cli.next_card() == card_id
        grade(cli, card_id, GOOD)
        after = cli.state(card_id)
        with pytest.raises(AlreadyAnswered) as caught:
            grade(app, card_id, GOOD)
        assert caught.value.hint
        assert len(rows(here)) == 1
        assert app.state(card_id) == after
        assert app.next_card() != card_id
        assert app.previews(card_id)[GOOD].interval_days >= 1
        grade(app, card_id, GOOD)  # shown again since: that is a second answer
        assert rows(here, "kind") == [("learn",), ("early",)]
        assert rebuild(here).changed_rows == 0


def test_what_another_process_did_is_seen(
    db_path: Path, cards: dict[str, PlainCard], settings: Settings, clock: TestClock
) -> None:
    with Database.open(db_path) as here, Database.open(db_path) as there:
        app, cli = Reviewer(here, cards, settings, clock), Reviewer(there, cards, settings, clock)
        left = app.counts().new
        for n in range(3):
            card_id = cli.next_card()
            assert card_id is not None
            grade(cli, card_id)
            assert app.counts().new == left - n - 1
            assert card_id not in app.queue()
        assert app.streak() == 1


def test_what_another_process_did_just_before_ones_own_answer_is_seen(
    db_path: Path, cards: dict[str, PlainCard], settings: Settings, clock: TestClock
) -> None:
    with Database.open(db_path) as here, Database.open(db_path) as there:
        app, cli = Reviewer(here, cards, settings, clock), Reviewer(there, cards, settings, clock)
        mine, theirs = app.queue()[:2]
        grade(cli, theirs)
        grade(app, mine)
        assert not {mine, theirs} & set(app.queue())
        assert app.counts().new == 10


def test_a_write_that_fails_leaves_everything_as_it_was(
    db: Database, reviewer: Reviewer, monkeypatch: pytest.MonkeyPatch
) -> None:
    card_id = reviewer.next_card()
    assert card_id is not None
    (pages,) = db.execute("PRAGMA page_count").fetchone()
    db.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(HomeNotWritable, match="full"):
        grade(reviewer, card_id, content_sha="x" * 100_000)
    db.execute("PRAGMA max_page_count = 100000")
    assert rows(db) == []
    assert reviewer.state(card_id) is None
    assert reviewer.next_card() == card_id
    grade(reviewer, card_id)
    assert len(rows(db)) == 1


def test_a_clock_set_back_keeps_the_order_of_answers(db: Database, reviewer: Reviewer, clock: TestClock) -> None:
    grade(reviewer, "card-01", AGAIN)
    clock.advance(hours=-3)
    grade(reviewer, "card-01", GOOD)
    state = reviewer.state("card-01")
    assert state is not None
    assert (state.state, state.reps, state.last_day) == ("review", 2, "2026-11-22")
    times = [ms for (ms,) in rows(db, "reviewed_at_ms")]
    assert times == sorted(times)
    assert rebuild(db).changed_rows == 0
    assert "card-01" not in reviewer.queue()


def test_marks_take_cards_out_and_bring_them_back(reviewer: Reviewer, clock: TestClock) -> None:
    reviewer.suspend("card-01")
    reviewer.bury("card-02")
    assert not {"card-01", "card-02"} & set(reviewer.queue())
    assert reviewer.marks("card-01").suspended
    clock.advance(days=1)
    assert "card-02" in reviewer.queue()
    assert "card-01" not in reviewer.queue()
    reviewer.unsuspend("card-01")
    reviewer.bury("card-02")
    reviewer.unbury("card-02")
    assert {"card-01", "card-02"} <= set(reviewer.queue())


def test_a_rebuild_touches_no_mark(db: Database, reviewer: Reviewer) -> None:
    grade(reviewer, "card-01")
    reviewer.suspend("card-01")
    reviewer.boost("card-02", "Kestrel", date(2026, 11, 26))
    reviewer.flag("card-03", "the number is old")
    before = db.execute("SELECT * FROM card_marks ORDER BY card_id").fetchall()
    assert len(before) == 3
    rebuild(db)
    assert db.execute("SELECT * FROM card_marks ORDER BY card_id").fetchall() == before


def test_boosted_cards_come_first_once(reviewer: Reviewer, clock: TestClock) -> None:
    grade(reviewer, "card-07", EASY)
    clock.advance(days=1)
    reviewer.boost("card-07", "Kestrel", date(2026, 11, 26))
    assert reviewer.boosted() == 1
    assert reviewer.next_card() == "card-07"
    grade(reviewer, "card-07", GOOD)
    assert reviewer.history("card-07")[-1].kind == "early"
    assert reviewer.boosted() == 0
    assert "card-07" not in reviewer.queue()
    clock.advance(days=1)
    assert reviewer.boosted() == 0


def test_a_rename_moves_the_history(
    db_path: Path, cards: dict[str, PlainCard], settings: Settings, clock: TestClock
) -> None:
    with Database.open(db_path) as db:
        old = Reviewer(db, cards, settings, clock)
        grade(old, "card-01", GOOD)
        clock.advance(days=2)
        grade(old, "card-01", GOOD)
        old.suspend("card-01")
        before = old.state("card-01")
    renamed = {**cards, "card-new": cards["card-01"]}
    del renamed["card-01"]
    with Database.open(db_path) as db:
        reviewer = Reviewer(db, renamed, settings, clock, {"card-01": "card-new"})
        assert reviewer.state("card-new") == reviewer.state("card-01") == before
        assert reviewer.marks("card-new").suspended
        assert [r.card_id for r in reviewer.history("card-new")] == ["card-01", "card-01"]
        assert rebuild(db).changed_rows == 0
        reviewer.unsuspend("card-01")
        clock.advance(days=30)
        assert "card-new" in reviewer.queue()
        grade(reviewer, "card-01", GOOD)
        assert rows(db, "card_id")[-1] == ("card-new",)
        assert rebuild(db).changed_rows == 0
        undone = reviewer.undo()
        assert undone is not None
        assert (undone.card_id, undone.state) == ("card-new", before)
    with Database.open(db_path) as db:  # the id is a card again: each has its own history
        reviewer = Reviewer(db, cards | renamed, settings, clock)
        assert reviewer.state("card-01") == before
        assert reviewer.state("card-new") is None
        assert rebuild(db).changed_rows == 0


def test_a_card_whose_file_went_away_keeps_its_history(
    db: Database, cards: dict[str, PlainCard], settings: Settings, clock: TestClock
) -> None:
    reviewer = Reviewer(db, cards, settings, clock)
    grade(reviewer, "card-01", EASY)
    before = reviewer.state("card-01")
    clock.advance(days=30)
    fewer = {i: c for i, c in cards.items() if i != "card-01"}
    assert "card-01" not in Reviewer(db, fewer, settings, clock).queue()
    assert rebuild(db).changed_rows == 0
    again = Reviewer(db, cards, settings, clock)
    assert again.state("card-01") == before
    assert "card-01" in again.queue()


def test_streak_and_daily_counts(reviewer: Reviewer, clock: TestClock) -> None:
    assert (reviewer.streak(), reviewer.daily_counts()) == (0, [0] * 7)
    for n in range(3):
        for card in range(n + 1):
            grade(reviewer, f"card-{card:02}")
        clock.advance(days=1)
    assert reviewer.streak() == 3  # today has none yet, and that breaks nothing
    assert reviewer.daily_counts() == [0, 0, 0, 1, 2, 3, 0]
    grade(reviewer, "card-09")
    assert reviewer.streak() == 4
    reviewer.undo()
    assert reviewer.streak() == 3
    clock.advance(days=1)
    assert reviewer.streak() == 0
    assert reviewer.daily_counts(3) == [3, 0, 0]


def test_minutes_come_from_ones_own_pace(reviewer: Reviewer) -> None:
    assert reviewer.counts().minutes == 9  # 12 cards of 45 s
    for n in range(5):
        grade(reviewer, f"card-{n:02}", EASY, duration_ms=[60_000, 120_000, 120_000, 120_000, 90 * 60_000][n])
    assert reviewer.median_ms() == 120_000
    assert reviewer.counts().total == 7
    assert reviewer.counts().minutes == 14


def test_a_leech_is_one_that_failed_six_times(reviewer: Reviewer, clock: TestClock) -> None:
    grade(reviewer, "card-01", GOOD)
    for lapse in range(6):
        assert not reviewer.is_leech("card-01")
        clock.advance(days=3)
        grade(reviewer, "card-01", AGAIN)
        clock.advance(minutes=10)
        grade(reviewer, "card-01", GOOD)
        state = reviewer.state("card-01")
        assert state is not None
        assert state.lapses == lapse + 1
    assert reviewer.is_leech("card-01")


def test_a_changed_answer_is_noticed_by_face(reviewer: Reviewer) -> None:
    assert not reviewer.answer_changed("card-01", "en", "one")
    grade(reviewer, "card-01", content_sha="one")
    assert not reviewer.answer_changed("card-01", "en", "one")
    assert reviewer.answer_changed("card-01", "en", "two")
    assert not reviewer.answer_changed("card-01", "zh", "two")


def test_a_read_only_reviewer_looks_and_does_not_write(
    db: Database, db_path: Path, cards: dict[str, PlainCard], settings: Settings, clock: TestClock
) -> None:
    grade(Reviewer(db, cards, settings, clock), "card-01", EASY)
    renamed = {**cards, "card-new": cards["card-01"]}
    del renamed["card-01"]
    with Database.open(db_path, readonly=True) as looking:
        reviewer = Reviewer(looking, renamed, settings, clock, {"card-01": "card-new"})
        assert reviewer.counts().new == 11
        assert "card-new" not in reviewer.queue()
        for write in (lambda: grade(reviewer, "card-02"), reviewer.undo, lambda: reviewer.suspend("card-02")):
            assert_refused(write)


def assert_refused(write: Callable[[], object]) -> None:
    with pytest.raises(HomeNotWritable):
        write()
