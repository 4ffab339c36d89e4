"""Reviewing with keys: nothing is graded by accident, nothing is lost."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from prep import paths
from prep.tui.screens.dialogs import ErrorDialog
from prep.tui.screens.review import ReviewScreen
from prep.tui.widgets.checklist import Checklist
from tests.tui.conftest import Open, log_rows, seen, until


async def test_keys_before_the_reveal_grade_nothing(opened: Open) -> None:
    async with opened(ReviewScreen) as (app, pilot):
        card = app.screen.sitting.card.id
        for key in ("1", "3", "4", "３", "v", "right", "z"):
            await pilot.press(key)
        assert app.screen.sitting.card.id == card
        assert not app.screen.is_revealed
    assert log_rows() == []


async def test_reveal_then_grade_writes_one_row(opened: Open) -> None:
    async with opened(ReviewScreen) as (app, pilot):
        card = app.screen.sitting.card.id
        assert "Question" in seen(app)
        assert "Answer" not in seen(app)
        await pilot.press("space")
        await until(pilot, lambda: "good" in seen(app))
        assert "Answer" in seen(app)
        assert "1 again" in seen(app)
        await pilot.press("2")
        await until(pilot, lambda: app.screen.sitting.done == 1)
        assert app.screen.sitting.card.id != card
        assert not app.screen.is_revealed
    (row,) = log_rows()
    assert (row["card_id"], row["rating"], row["face"]) == (card, 2, "en")
    assert row["content_sha"]
    assert row["session_id"]
    assert 0 <= row["duration_ms"] < 60_000


async def test_full_width_digits_grade(opened: Open) -> None:
    async with opened(ReviewScreen) as (app, pilot):
        await pilot.press("enter", "１")
        await until(pilot, lambda: app.screen.sitting.done == 1)
        await pilot.press("enter", "４")
        await until(pilot, lambda: app.screen.sitting.done == 2)
    assert [row["rating"] for row in log_rows()] == [1, 4]


async def test_a_double_space_reveals_and_does_not_grade(opened: Open) -> None:
    async with opened(ReviewScreen) as (app, pilot):
        await app.screen.action_proceed()
        await app.screen.action_proceed()
        assert app.screen.is_revealed
        assert log_rows() == []
        await pilot.pause(0.2)
        await pilot.press("space")
        await until(pilot, lambda: app.screen.sitting.done == 1)
    assert [row["rating"] for row in log_rows()] == [3]


async def test_a_wrong_key_after_the_reveal_does_nothing(opened: Open) -> None:
    async with opened(ReviewScreen) as (app, pilot):
        await pilot.press("space")
        for key in ("5", "0", "9", "z", "f5"):
            await pilot.press(key)
        assert app.screen.is_revealed
    assert log_rows() == []


async def test_undo_brings_the_card_back_revealed(opened: Open) -> None:
    async with opened(ReviewScreen) as (app, pilot):
        card = app.screen.sitting.card.id
        await pilot.press("space", "1")
        await until(pilot, lambda: app.screen.sitting.done == 1)
        await pilot.press("u")
        await until(pilot, lambda: app.screen.sitting.done == 0)
        assert app.screen.sitting.card.id == card
        assert app.screen.is_revealed
        await pilot.press("4")
        await until(pilot, lambda: app.screen.sitting.done == 1)
    rows = log_rows()
    assert [(row["rating"], row["undone_at_ms"] is None) for row in rows] == [(1, False), (4, True)]


async def test_undo_after_a_restart(opened: Open) -> None:
    async with opened(ReviewScreen) as (app, pilot):
        card = app.screen.sitting.card.id
        await pilot.press("space", "3")
        await until(pilot, lambda: app.screen.sitting.done == 1)
    async with opened(ReviewScreen) as (app, pilot):
        assert app.screen.sitting.card.id != card
        await pilot.press("u")
        await until(pilot, lambda: app.screen.sitting.card.id == card)
        assert app.screen.is_revealed
    assert log_rows()[0]["undone_at_ms"] is not None


async def test_undo_with_nothing_to_undo_says_so(opened: Open) -> None:
    async with opened(ReviewScreen) as (app, pilot):
        card = app.screen.sitting.card.id
        await pilot.press("u")
        await until(pilot, lambda: "nothing to undo" in seen(app))
        assert app.screen.sitting.card.id == card


async def test_undo_works_on_the_end_screen(opened: Open) -> None:
    async with opened(lambda: ReviewScreen(limit=1)) as (app, pilot):
        card = app.screen.sitting.card.id
        await pilot.press("space", "3")
        await until(pilot, lambda: app.screen.is_over)
        assert "1 card done." in seen(app)
        assert "11 cards are waiting." in seen(app)
        await pilot.press("u")
        await until(pilot, lambda: not app.screen.is_over)
        assert app.screen.sitting.card.id == card
    assert log_rows()[0]["undone_at_ms"] is not None


async def test_the_end_is_no_dead_end(opened: Open) -> None:
    async with opened(lambda: ReviewScreen(limit=1)) as (app, pilot):
        await pilot.press("space", "3")
        await until(pilot, lambda: app.screen.is_over)
        await pilot.press("enter")
        await until(pilot, lambda: not app.screen.is_over)
        for done in range(1, 12):
            await pilot.press("space", "4")
            await until(pilot, partial(lambda n: app.screen.sitting.done == n, done + 1))
        assert app.screen.is_over
        assert "The next card is due" in seen(app)
        await pilot.press("enter")
        await until(pilot, lambda: type(app.screen).__name__ == "ExercisesScreen")


async def test_the_language_shown_is_the_language_logged(opened: Open) -> None:
    async with opened(ReviewScreen) as (app, pilot):
        await pilot.press("L")
        await until(pilot, lambda: "什么是分块" in seen(app))
        await pilot.press("space")
        await until(pilot, lambda: "答案" in seen(app))
        assert "忘了" in seen(app)
        await pilot.press("L")
        await until(pilot, lambda: "Answer" in seen(app))
        assert app.screen.is_revealed
        await pilot.press("L")
        await until(pilot, lambda: "答案" in seen(app))
        await pilot.press("3")
        await until(pilot, lambda: app.screen.sitting.done == 1)
    assert [row["face"] for row in log_rows()] == ["zh"]
    assert 'lang = "zh"' in (paths.config_dir() / "config.toml").read_text()


async def test_ticking_suggests_a_grade(opened: Open) -> None:
    async with opened(ReviewScreen, size=(100, 40)) as (app, pilot):
        await pilot.press("space")
        await until(pilot, lambda: "Key points" in seen(app))
        assert "suggested" not in seen(app)
        expected = {1: 1, 2: 2, 3: 3}
        for ticks, grade in expected.items():
            await pilot.press("right")
            await pilot.pause()
            assert app.screen.query_one(Checklist).suggestion() == grade
            assert f"{ticks} of 3" in seen(app)
            assert f"suggested: {grade}" in seen(app)
        await pilot.press("left")
        await pilot.pause()
        assert app.screen.query_one(Checklist).suggestion() == 2
    assert log_rows() == []


async def test_unfolding_shows_details_and_sources(opened: Open) -> None:
    async with opened(ReviewScreen, size=(100, 60)) as (app, pilot):
        await pilot.press("space")
        await until(pilot, lambda: "Sources (1, checked 2026-11-22)" in seen(app))
        assert "Not a thread" not in seen(app)
        await pilot.press("v")
        await until(pilot, lambda: "Not a thread" in seen(app))
        assert "The manual" in seen(app)
        await pilot.press("v")
        await until(pilot, lambda: "Not a thread" not in seen(app))


async def test_hints_come_one_by_one_and_end(opened: Open) -> None:
    async with opened(ReviewScreen) as (app, pilot):
        for n in range(1, 4):
            await pilot.press("h")
            await until(pilot, partial(lambda n: f"hint {n}: " in seen(app), n))
        await pilot.press("h")
        assert app.screen.view.hints_shown == 3
        assert not app.screen.is_revealed


async def test_an_edit_comes_back_to_the_same_card(
    opened: Open, editor: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch, bundle: Path
) -> None:
    editor("sleep 0.3; sed -i 's/a block of elements/a rewritten answer/' \"$1\"")
    # The bundled cards count as the checkout's own, as when prep is developed: edited in place.
    monkeypatch.setattr(paths, "is_checkout", lambda: True)
    async with opened(ReviewScreen) as (app, pilot):
        card = app.screen.sitting.card.id
        await pilot.press("space")
        await until(pilot, lambda: "a block of elements" in seen(app))
        before = app.screen.sitting.watch.seconds
        await pilot.press("e")
        await until(pilot, lambda: "a rewritten answer" in seen(app))
        assert app.screen.sitting.card.id == card
        assert app.screen.is_revealed
        assert app.screen.sitting.watch.seconds - before < 0.3, "the time in the editor is not the card's"
        await pilot.press("3")
        await until(pilot, lambda: app.screen.sitting.done == 1)
    assert len(log_rows()) == 1


async def test_a_bundled_card_is_edited_as_a_copy(opened: Open, editor: Callable[[str], Path], bundle: Path) -> None:
    editor("sed -i 's/what is a tile/what is my tile/' \"$1\"")
    async with opened(ReviewScreen) as (app, pilot):
        card = app.screen.sitting.card
        original = card.path.read_text()
        await pilot.press("e")
        await until(pilot, lambda: "what is my tile" in seen(app))
        assert not app.screen.is_revealed
        assert card.path.read_text() == original
        assert (paths.user_cards_dir() / "triton" / f"{card.id}.md").is_file()


async def test_a_broken_edit_shows_its_faults_and_keeps_the_card(opened: Open, editor: Callable[[str], Path]) -> None:
    editor("sed -i 's/^level: 1$/level: nine/' \"$1\"")
    async with opened(ReviewScreen) as (app, pilot):
        card = app.screen.sitting.card.id
        await pilot.press("e")
        await until(pilot, lambda: isinstance(app.screen, ErrorDialog))
        assert f"{card}.md:5" in seen(app)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, ReviewScreen))
        assert app.screen.sitting.card.id == card
        await pilot.press("space", "3")
        await until(pilot, lambda: app.screen.sitting.done == 1)


async def test_an_editor_that_fails_still_shows_the_file_as_it_is(opened: Open, editor: Callable[[str], Path]) -> None:
    editor("sed -i 's/what is a tile/what is my tile/' \"$1\"; exit 3")
    async with opened(ReviewScreen) as (app, pilot):
        await pilot.press("e")
        await until(pilot, lambda: "what is my tile" in seen(app))
        assert "status 3" in seen(app)


async def test_a_missing_editor_is_one_message(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDITOR", "no-such-editor --wait")
    async with opened(ReviewScreen) as (app, pilot):
        await pilot.press("e")
        await until(pilot, lambda: isinstance(app.screen, ErrorDialog))
        assert "no-such-editor" in seen(app)
        assert "$EDITOR" in seen(app)


@pytest.mark.parametrize("key", ["b", "S"])
async def test_bury_and_suspend_are_undone(opened: Open, key: str) -> None:
    async with opened(ReviewScreen) as (app, pilot):
        card = app.screen.sitting.card.id
        await pilot.press(key)
        await until(pilot, lambda: app.screen.sitting.card.id != card)
        assert card not in app.screen.services.reviewer.queue()
        await pilot.press("u")
        await until(pilot, lambda: app.screen.sitting.card.id == card)
        assert card in app.screen.services.reviewer.queue()
    assert log_rows() == []


async def test_x_goes_to_the_exercise_and_comes_back(opened: Open) -> None:
    async with opened(ReviewScreen) as (app, pilot):
        if app.screen.sitting.card.id == "card-02":  # the one without an exercise: its key is not offered
            await pilot.press("x")
            assert isinstance(app.screen, ReviewScreen)
            await pilot.press("b")
        card = app.screen.sitting.card.id
        await pilot.press("space", "x")
        await until(pilot, lambda: type(app.screen).__name__ == "ExerciseScreen")
        await until(pilot, lambda: app.screen.ready)
        await pilot.press("q")
        await until(pilot, lambda: isinstance(app.screen, ReviewScreen))
        assert app.screen.sitting.card.id == card
        assert app.screen.is_revealed


async def test_f_follows_a_link_once_the_answer_is_shown(opened: Open) -> None:
    async with opened(ReviewScreen) as (app, pilot):
        if app.screen.sitting.card.id == "card-01":  # it links to itself only
            await pilot.press("b")
        card = app.screen.sitting.card.id
        await pilot.press("f")
        await pilot.pause()
        assert type(app.screen).__name__ == "ReviewScreen"
        await pilot.press("space", "f")
        await until(pilot, lambda: type(app.screen).__name__ == "CardScreen")
        assert app.screen.card_id == "card-01"
        await pilot.press("q")
        await until(pilot, lambda: isinstance(app.screen, ReviewScreen))
        assert app.screen.sitting.card.id == card
        assert app.screen.is_revealed


async def test_a_typed_answer_stands_beside_the_card(opened: Open) -> None:
    async with opened(ReviewScreen, size=(80, 40)) as (app, pilot):
        await pilot.press("t")
        await until(pilot, lambda: bool(app.screen.query("TypedAnswer")))
        await pilot.press("m", "y", "space", "3", "ctrl+s")
        await until(pilot, lambda: app.screen.is_revealed)
        assert "You said" in seen(app)
        assert "my 3" in seen(app)
        assert log_rows() == []
        await pilot.press("3")
        await until(pilot, lambda: app.screen.sitting.done == 1)
        assert "my 3" not in seen(app)


async def test_a_locked_database_loses_no_grade(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    async with opened(ReviewScreen) as (app, pilot):
        card = app.screen.sitting.card.id
        app.loaded.db.connection.execute("PRAGMA busy_timeout = 50")
        other = sqlite3.connect(paths.database_path(), isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        await pilot.press("space", "3")
        await until(pilot, lambda: isinstance(app.screen, ErrorDialog))
        assert log_rows() == []
        other.execute("ROLLBACK")
        other.close()
        await pilot.press("r")
        await until(pilot, lambda: isinstance(app.screen, ReviewScreen))
        await until(pilot, lambda: app.screen.sitting.done == 1)
    (row,) = log_rows()
    assert (row["card_id"], row["rating"]) == (card, 3)


async def test_a_card_answered_elsewhere_is_not_answered_twice(opened: Open, clock: Any) -> None:
    async with opened(ReviewScreen) as (app, pilot):
        card = app.screen.sitting.card.id
        await pilot.press("space")
        await until(pilot, lambda: app.screen.is_revealed)
        other = type(app.loaded).open(app.loaded.contents, app.settings, clock)
        other.reviewer.grade(card, 4, face="en", duration_ms=1)
        other.close()
        await pilot.press("3")
        await until(pilot, lambda: isinstance(app.screen, ErrorDialog))
        assert "answered in another window" in seen(app)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, ReviewScreen))
        assert app.screen.sitting.card.id != card
        await pilot.press("3")
    assert [row["rating"] for row in log_rows()] == [4]


@pytest.mark.parametrize("size", [(60, 20), (80, 24), (120, 40)])
@pytest.mark.parametrize("lang", ["en", "zh"])
async def test_every_size_has_question_answer_and_grades(opened: Open, size: tuple[int, int], lang: str) -> None:
    async with opened(ReviewScreen, size=size) as (app, pilot):
        if lang == "zh":
            await pilot.press("L")
        question, answer = ("Question", "Answer") if lang == "en" else ("问题", "答案")
        await until(pilot, lambda: question in seen(app))
        await pilot.press("space")
        await until(pilot, lambda: answer in seen(app))
        text: Any = seen(app)
        assert "10 min" in text
        assert all(rating in text for rating in (" 1 ", "   2 ", "   3 ", "   4 "))
