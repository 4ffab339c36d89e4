"""Today: the first thing that is seen, also when something is wrong."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from prep import paths
from prep.interviews.model import InterviewDraft, Question
from prep.store.schema import MIGRATIONS
from prep.tui.screens.dialogs import ErrorDialog
from prep.tui.screens.exercise import ExerciseScreen
from prep.tui.screens.review import ReviewScreen
from prep.tui.screens.today import TodayScreen
from tests.tui.conftest import Open, log_rows, seen, until


async def test_it_says_what_is_due_and_enter_starts_it(opened: Open) -> None:
    async with opened() as (app, pilot):
        text = seen(app)
        assert "12 new" in text
        assert "Sun 22 Nov" in text
        assert "> Review 12 cards" in text
        assert "Softmax over rows" in text
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, ReviewScreen))
        await until(pilot, lambda: app.screen.ready)
        await pilot.press("space", "3")
        await until(pilot, lambda: app.screen.sitting.done == 1)
        await pilot.press("q")
        await until(pilot, lambda: isinstance(app.screen, TodayScreen) and "streak 1" in seen(app))
        assert "> Review 11 cards" in seen(app)


async def test_the_first_frame_needs_no_services(opened: Open) -> None:
    async with opened(wait=False) as (app, pilot):
        await pilot.pause()
        assert "prep" in seen(app)
        assert "Looking what is due" in seen(app) or app.loaded is not None
        await until(pilot, lambda: app.loaded is not None)


@pytest.mark.parametrize(("key", "screen"), [("enter", ReviewScreen), ("r", ReviewScreen), ("k", ExerciseScreen)])
async def test_a_key_typed_ahead_is_not_lost(opened: Open, key: str, screen: Any) -> None:
    async with opened(wait=False) as (app, pilot):
        await pilot.press(key)
        await until(pilot, lambda: isinstance(app.screen, screen) and app.screen.ready)


async def test_the_next_interview_comes_first(opened: Open) -> None:
    async with opened() as (app, pilot):
        app.loaded.interviews.add(
            InterviewDraft("Acme [Labs]", role="inference engine", held_on="2026-11-26", held_time="15:00")
        )
        app.loaded.interviews.add(
            InterviewDraft(
                "Initech", held_on="2026-11-20", questions=[Question("paging?", outcome="failed", topic="kv")]
            )
        )
        await app.screen.resumed()
        await until(pilot, lambda: "Acme [Labs]" in seen(app))
        text = seen(app)
        assert "Thu 26 Nov 15:00" in text
        assert "in 4 days" in text
        assert "kv (asked 1x, failed 1x)" in text
        assert "1 question to turn into a card" in text


async def test_k_goes_on_with_the_kernel(opened: Open) -> None:
    async with opened() as (app, pilot):
        await pilot.press("k")
        await until(pilot, lambda: isinstance(app.screen, ExerciseScreen))
        await until(pilot, lambda: app.screen.ready)
        await pilot.press("q")
        await until(pilot, lambda: isinstance(app.screen, TodayScreen))


async def test_the_chosen_suggestion_is_the_one_that_starts(opened: Open) -> None:
    async with opened() as (app, pilot):
        await pilot.press("down")
        assert "> Start the kernel" in seen(app)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, ExerciseScreen))


async def test_undo_from_today_opens_the_card_that_was_graded(opened: Open) -> None:
    async with opened(ReviewScreen) as (app, pilot):
        card = app.screen.sitting.card.id
        await pilot.press("space", "1")
        await until(pilot, lambda: app.screen.sitting.done == 1)
    async with opened() as (app, pilot):
        await pilot.press("u")
        await until(pilot, lambda: isinstance(app.screen, ReviewScreen) and app.screen.ready)
        assert app.screen.sitting.card.id == card
        assert app.screen.is_revealed
    assert log_rows()[0]["undone_at_ms"] is not None


async def test_the_language_is_switched_and_kept(opened: Open) -> None:
    async with opened() as (app, pilot):
        await pilot.press("L")
        await until(pilot, lambda: "复习 12 张卡片" in seen(app))
        assert "11月22日 周日" in seen(app)
        assert "L English" in seen(app) or "复习" in seen(app)
    async with opened() as (app, pilot):
        assert "复习 12 张卡片" in seen(app)


def newer_database() -> None:
    path = paths.ensure_dir(paths.data_dir()) / paths.database_path().name
    with sqlite3.connect(path) as connection:
        connection.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 7}")
        connection.execute("CREATE TABLE reviews (id TEXT)")
    connection.close()


async def test_a_newer_database_is_a_message_and_status_1(opened: Open) -> None:
    newer_database()
    async with opened(wait=False) as (app, pilot):
        await until(pilot, lambda: isinstance(app.screen, ErrorDialog))
        assert "newer" in seen(app)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, TodayScreen))
        assert "newer" in seen(app), "the screen says it too after the message is closed"
        await pilot.press("r", "enter", "k")  # nothing to work on: nothing happens
        assert isinstance(app.screen, TodayScreen)
        await pilot.press("q")
    assert app.return_code == 1


async def test_a_database_that_was_mended_is_opened_by_trying_again(opened: Open) -> None:
    newer_database()
    async with opened(wait=False) as (app, pilot):
        await until(pilot, lambda: isinstance(app.screen, ErrorDialog))
        paths.database_path().unlink()
        await pilot.press("r")
        await until(pilot, lambda: isinstance(app.screen, TodayScreen) and "12 new" in seen(app))
        await pilot.press("q")
    assert app.return_code == 0


async def test_a_home_that_cannot_be_made_is_a_message(opened: Open, home: Path) -> None:
    home.mkdir()
    (home / "data").write_text("a file where the folder should be")
    async with opened(wait=False) as (app, pilot):
        await until(pilot, lambda: isinstance(app.screen, ErrorDialog))
        assert "PREP_HOME" in seen(app)
        await pilot.press("Q")
    assert app.return_code == 1


async def test_a_broken_exercise_leaves_cards_usable(opened: Open, bundle: Path) -> None:
    (bundle / "exercises" / "softmax" / "exercise.yaml").write_text("id: [")
    async with opened() as (app, pilot):
        assert "exercise.yaml" in seen(app)
        await pilot.press("r")
        await until(pilot, lambda: isinstance(app.screen, ReviewScreen) and app.screen.ready)


async def test_no_cards_is_no_dead_end(opened: Open, bundle: Path) -> None:
    import shutil

    shutil.rmtree(bundle / "content")
    async with opened() as (app, pilot):
        assert "nothing due" in seen(app)
        await pilot.press("r")
        await until(pilot, lambda: isinstance(app.screen, ReviewScreen) and app.screen.ready)
        assert "There are no cards yet" in seen(app)


@pytest.mark.parametrize("size", [(60, 20), (80, 24), (120, 40), (40, 10)])
async def test_it_is_drawn_at_every_size(opened: Open, size: tuple[int, int]) -> None:
    async with opened(size=size) as (app, pilot):
        text: Any = seen(app)
        assert "12 new" in text
        assert "? help" in text
        await pilot.resize_terminal(100, 30)
        await pilot.pause()
        assert "12 new" in seen(app)
