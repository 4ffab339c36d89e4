"""The interview log: filled in with keys alone, and never lost without asking."""

from __future__ import annotations

from typing import Any

import pytest
from textual import events

from prep.interviews.model import InterviewDraft, Question
from prep.tui.screens.dialogs import ChoiceDialog
from prep.tui.screens.log import LogScreen
from prep.tui.screens.log_form import LogFormScreen
from prep.tui.screens.today import TodayScreen
from prep.tui.widgets.fields import Choice, Line, Outcome
from tests.tui.conftest import Open, seen, until


async def type_text(pilot: Any, text: str) -> None:
    """Key by key, as a person would."""
    for character in text:
        if character.isascii() or character.isalnum():
            await pilot.press("space" if character == " " else character)
        else:  # the pilot's own table of names lacks full-width marks; a terminal sends them as they are
            pilot.app.post_message(events.Key(f"U+{ord(character):04X}", character))
            await pilot.pause()


async def open_form(app: Any, pilot: Any) -> None:
    await pilot.press("l")
    await until(pilot, lambda: isinstance(app.screen, LogFormScreen) and app.screen.ready)


async def test_a_whole_interview_with_enter_and_digits(opened: Open) -> None:
    async with opened() as (app, pilot):
        await open_form(app, pilot)
        await type_text(pilot, "5/19 20：00")
        await until(pilot, lambda: "→ Tue 19 May 20:00" in seen(app))
        await pilot.press("enter")
        await type_text(pilot, "Initech")
        await pilot.press("enter")
        await type_text(pilot, "LLM inference")
        await pilot.press("enter", "2", "enter", "３", "enter")
        await type_text(pilot, "what is a tile")
        await pilot.press("enter", "1")
        await type_text(pilot, "softmax 手撕")
        await pilot.press("enter")
        assert "exercise softmax" in seen(app)
        await pilot.press("３")
        await pilot.press("ctrl+s")
        await until(pilot, lambda: isinstance(app.screen, TodayScreen))
        (interview,) = app.loaded.interviews.all()
    assert (interview.company, interview.role) == ("Initech", "LLM inference")
    assert (interview.held_on, interview.held_time) == ("2026-05-19", "20:00")
    assert (interview.round_kind, interview.feeling, interview.result) == ("coding", 3, "pending")
    first, second = interview.questions
    assert (first.text_md, first.outcome) == ("what is a tile", "failed")
    assert first.card_id is not None
    assert (second.text_md, second.outcome, second.exercise_id) == ("softmax 手撕", "nailed", "softmax")


async def test_a_date_that_cannot_be_read_is_kept_as_text(opened: Open) -> None:
    async with opened() as (app, pilot):
        await open_form(app, pilot)
        await type_text(pilot, "sometime")
        assert "kept as text" in seen(app)
        await pilot.press("enter")
        await type_text(pilot, "Initech")
        await pilot.press("ctrl+s")
        await until(pilot, lambda: isinstance(app.screen, TodayScreen))
        (interview,) = app.loaded.interviews.all()
    assert (interview.held_on, interview.when_text) == (None, "sometime")


async def test_without_a_company_nothing_is_saved_and_nothing_lost(opened: Open) -> None:
    async with opened() as (app, pilot):
        await open_form(app, pilot)
        await type_text(pilot, "today")
        await pilot.press("ctrl+s")
        await pilot.pause()
        assert isinstance(app.screen, LogFormScreen)
        assert app.screen.query_one("#when", Line).value == "today"
        assert app.focused is app.screen.query_one("#company")
        assert app.loaded.interviews.all() == []


@pytest.mark.parametrize("way_out", ["escape", "ctrl+q"])
async def test_a_half_filled_form_is_not_left_without_asking(opened: Open, way_out: str) -> None:
    async with opened() as (app, pilot):
        await open_form(app, pilot)
        await type_text(pilot, "q")
        assert app.screen.query_one("#when", Line).value == "q", "a letter is text, not a key"
        await pilot.press("enter")
        await type_text(pilot, "Initech")
        await pilot.press(way_out)
        await until(pilot, lambda: isinstance(app.screen, ChoiceDialog))
        await pilot.press("2")
        await until(pilot, lambda: isinstance(app.screen, LogFormScreen))
        assert app.screen.query_one("#company", Line).value == "Initech"
        await pilot.press(way_out)
        await until(pilot, lambda: isinstance(app.screen, ChoiceDialog))
        await pilot.press("1")
        await until(pilot, lambda: isinstance(app.screen, TodayScreen))
        assert [i.company for i in app.loaded.interviews.all()] == ["Initech"]


async def test_throwing_it_away_is_a_choice(opened: Open) -> None:
    async with opened() as (app, pilot):
        await open_form(app, pilot)
        await type_text(pilot, "today")
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, ChoiceDialog))
        await pilot.press("3")
        await until(pilot, lambda: isinstance(app.screen, TodayScreen))
        assert app.loaded.interviews.all() == []


async def test_a_form_survives_the_end_of_the_process(opened: Open) -> None:
    async with opened() as (app, pilot):
        await open_form(app, pilot)
        await type_text(pilot, "today")
        await pilot.press("enter")
        await type_text(pilot, "Initech")
        await pilot.press("enter", "enter", "2", "enter", "enter")
        await type_text(pilot, "why pages")
        await pilot.press("enter", "2")
        await pilot.pause()
        # and here the terminal goes away
    async with opened() as (app, pilot):
        await open_form(app, pilot)
        assert "had not saved" in seen(app)
        assert app.screen.query_one("#company", Line).value == "Initech"
        assert app.screen.query_one("#round", Choice).value == "coding"
        assert (app.screen.rows[0].text, app.screen.rows[0].outcome) == ("why pages", "partial")
        assert app.screen.is_dirty
        await pilot.press("ctrl+s")
        await until(pilot, lambda: isinstance(app.screen, TodayScreen))
        await open_form(app, pilot)
        assert app.screen.query_one("#company", Line).value == ""


async def test_the_form_follows_the_language(opened: Open) -> None:
    async with opened() as (app, pilot):
        await open_form(app, pilot)
        app.screen.query_one("#round", Choice).focus()
        await pilot.press("L")
        await until(pilot, lambda: "系统设计" in seen(app))
        assert "公司" in seen(app)


async def test_an_empty_form_is_left_at_once(opened: Open) -> None:
    async with opened() as (app, pilot):
        await open_form(app, pilot)
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, TodayScreen))


async def test_editing_keeps_what_the_form_does_not_show(opened: Open) -> None:
    async with opened(LogScreen) as (app, pilot):
        draft = InterviewDraft("Initech", held_on="2026-11-20", notes_md="two\nlines", interviewers="A. B.", feeling=2)
        draft.questions = [Question("what is a warp", outcome="partial", what_i_said="32 threads", gap="depth")]
        app.loaded.interviews.add(draft)
        await app.screen.resumed()
        await until(pilot, lambda: "what is a warp" in seen(app))
        await pilot.press("e")
        await until(pilot, lambda: isinstance(app.screen, LogFormScreen) and app.screen.ready)
        assert not app.screen.is_dirty
        app.screen.query_one("#feeling", Choice).value = "4"
        app.screen.query(Outcome).first().action_set(3)
        await pilot.press("ctrl+s")
        await until(pilot, lambda: isinstance(app.screen, LogScreen))
        (interview,) = app.loaded.interviews.all()
    assert (interview.feeling, interview.notes_md, interview.interviewers) == (4, "two\nlines", "A. B.")
    (question,) = interview.questions
    assert (question.outcome, question.what_i_said, question.gap) == ("nailed", "32 threads", "depth")


async def test_backspace_takes_an_empty_row_away(opened: Open) -> None:
    async with opened() as (app, pilot):
        await open_form(app, pilot)
        app.screen.rows[0].query_one(Line).focus()
        await type_text(pilot, "one")
        await pilot.press("enter", "2")
        await until(pilot, lambda: len(app.screen.rows) == 2)
        await pilot.press("backspace")
        await until(pilot, lambda: len(app.screen.rows) == 1)
        assert app.screen.rows[0].text == "one"


async def test_m_takes_another_match_or_none(opened: Open) -> None:
    async with opened() as (app, pilot):
        await open_form(app, pilot)
        row = app.screen.rows[0]
        row.query_one(Line).focus()
        await type_text(pilot, "softmax over rows")
        await pilot.press("enter")
        assert row.filled().exercise_id == "softmax"
        for _ in row.matches:
            await pilot.press("m")
        await pilot.pause()
        assert "no card" in seen(app)
        assert (row.filled().exercise_id, row.filled().card_id) == (None, None)


async def test_the_list_has_what_is_ahead_first(opened: Open) -> None:
    async with opened(LogScreen) as (app, pilot):
        log = app.loaded.interviews
        log.add(InterviewDraft("Past", held_on="2026-11-20", result="fail"))
        log.add(InterviewDraft("Later", held_on="2026-12-09"))
        log.add(InterviewDraft("Sooner", held_on="2026-11-26", held_time="15:00"))
        await app.screen.resumed()
        await until(pilot, lambda: "Sooner" in seen(app))
        assert [i.company for i in app.screen.interviews] == ["Sooner", "Later", "Past"]
        assert "in 4 days" in seen(app)
        assert "rejected" in seen(app)


async def test_a_result_by_its_digit(opened: Open) -> None:
    async with opened(LogScreen) as (app, pilot):
        app.loaded.interviews.add(InterviewDraft("Initech", held_on="2026-11-20"))
        await app.screen.resumed()
        await until(pilot, lambda: "Initech" in seen(app))
        await pilot.press("r")
        await until(pilot, lambda: isinstance(app.screen, ChoiceDialog))
        await pilot.press("２")
        await until(pilot, lambda: app.loaded.interviews.all()[0].result == "pass")
        await until(pilot, lambda: "passed" in seen(app))


async def test_delete_is_undone(opened: Open) -> None:
    async with opened(LogScreen) as (app, pilot):
        app.loaded.interviews.add(InterviewDraft("Initech", held_on="2026-11-20"))
        await app.screen.resumed()
        await until(pilot, lambda: "Initech" in seen(app))
        await pilot.press("u")  # nothing to undo yet: nothing happens
        await pilot.press("d")
        await until(pilot, lambda: app.loaded.interviews.all() == [])
        await until(pilot, lambda: "Nothing logged yet" in seen(app))
        await pilot.press("u")
        await until(pilot, lambda: [i.company for i in app.loaded.interviews.all()] == ["Initech"])
        await until(pilot, lambda: "Initech" in seen(app))


@pytest.mark.parametrize("size", [(60, 20), (80, 24), (120, 40)])
async def test_the_form_works_at_every_size(opened: Open, size: tuple[int, int]) -> None:
    async with opened(size=size) as (app, pilot):
        await open_form(app, pilot)
        await type_text(pilot, "today 19:00")
        await pilot.press("enter")
        await type_text(pilot, "甲公司")
        assert "甲公司" in seen(app)
        assert "Ctrl+S save" in seen(app)
        for _ in range(8):
            await pilot.press("tab")
        assert app.focused is not None
