"""Every key is in the footer or in the help, under one name in each language, and nowhere when it does nothing."""

from __future__ import annotations

from typing import Any

import pytest
from rich.cells import cell_len
from textual.command import CommandPalette

from prep.locale import set_language
from prep.settings import save_lang
from prep.tui.app import OPENERS
from prep.tui.commands import KeyCommands
from prep.tui.keys import key_name
from prep.tui.screens.card import CardScreen
from prep.tui.screens.exercise import ExerciseScreen
from prep.tui.widgets.bars import KeyBar
from tests.tui.conftest import Open, seen, until

SCREENS: dict[str, Any] = {
    **OPENERS,
    "exercise": lambda: ExerciseScreen("softmax"),
    "card": lambda: CardScreen("card-01"),
}


@pytest.mark.parametrize("name", SCREENS)
async def test_the_footer_fits_and_has_help_and_the_way_out(opened: Open, name: str) -> None:
    async with opened(SCREENS[name]) as (app, pilot):
        for lang in ("en", "zh"):
            for width, height in ((60, 20), (80, 24), (120, 40)):
                await pilot.resize_terminal(width, height)
                await pilot.pause()
                bar = app.screen.query_one(KeyBar)
                text = bar.fit_keys(width - 2).plain
                assert cell_len(text) <= width - 2, text
                assert not text.endswith("…")
                assert ("help" if lang == "en" else "帮助") in text
                assert ("leave" if lang == "en" else "离开") in text
            await app.run_action("language")
            await until(pilot, lambda: app.screen.ready)


@pytest.mark.parametrize("name", SCREENS)
async def test_every_footer_key_is_in_the_palette_and_the_help(opened: Open, name: str) -> None:
    async with opened(SCREENS[name], size=(200, 60)) as (app, pilot):
        bindings = [b.binding for b in app.screen.active_bindings.values() if b.enabled and not b.binding.system]
        nameless = [b.key for b in bindings if not b.description]
        assert nameless == [], "each key says what it does"
        provider = KeyCommands(app.screen)
        offered = {name for name, _key, _run in provider._commands()}
        shown = {b.description for b in bindings if b.show and b.action != "command_palette"}
        assert shown <= offered
        await pilot.press("f1")
        await until(pilot, lambda: bool(app.screen.query("HelpPanel")))
        await until(pilot, lambda: "Ctrl" in seen(app) or "^q" in seen(app))
        for description in shown:
            assert description.split("…")[0][:12] in seen(app), description
        await pilot.press("f1")
        await until(pilot, lambda: not app.screen.query("HelpPanel"))


@pytest.mark.parametrize("name", SCREENS)
async def test_names_are_in_the_language(opened: Open, name: str) -> None:
    set_language("zh")
    save_lang("zh")
    async with opened(SCREENS[name]) as (app, _pilot):
        assert "帮助" in seen(app)
        names = {b.binding.description for b in app.screen.active_bindings.values() if b.binding.description}
        # "kernel" and an exercise's id are no English in Chinese text; "English" is what `L` switches to.
        english = {name for name in names if name.isascii()} - {"English", "kernel", "softmax"}
        assert english == set()


async def test_the_palette_does_what_the_key_does(opened: Open) -> None:
    async with opened(SCREENS["review"]) as (app, pilot):
        await pilot.press("ctrl+p")
        await until(pilot, lambda: CommandPalette.is_open(app))
        for character in "reveal":
            await pilot.press(character)
        await until(pilot, lambda: "reveal" in seen(app).split("Type")[-1])
        await pilot.pause(0.5)
        await pilot.press("enter")
        await until(pilot, lambda: not CommandPalette.is_open(app) and app.screen.is_revealed)


async def test_a_key_that_does_nothing_now_is_not_shown(opened: Open) -> None:
    async with opened(SCREENS["review"]) as (app, pilot):
        bar = app.screen.query_one(KeyBar)
        assert "unfold" not in bar.fit_keys(300).plain
        assert "hint" in bar.fit_keys(300).plain
        await pilot.press("space")
        await until(pilot, lambda: app.screen.is_revealed)
        assert "unfold" in bar.fit_keys(300).plain
        assert "hint" not in bar.fit_keys(300).plain


async def test_a_text_field_takes_letters_so_they_are_no_keys(opened: Open) -> None:
    async with opened(SCREENS["log_form"]) as (app, _pilot):
        text = app.screen.query_one(KeyBar).fit_keys(300).plain
        assert "Esc leave" in text
        assert "F1 help" in text
        assert "q leave" not in text
        assert "/ search" not in text


async def test_a_key_in_the_footer_can_be_clicked(opened: Open) -> None:
    async with opened(SCREENS["review"]) as (app, pilot):
        assert not app.screen.is_revealed
        await pilot.click(KeyBar, offset=(3, 1))
        await until(pilot, lambda: app.screen.is_revealed)


async def test_a_crowded_footer_keeps_the_first_keys(opened: Open) -> None:
    async with opened(SCREENS["review"]) as (app, _pilot):
        bar = app.screen.query_one(KeyBar)
        names = [
            f"{key_name(app, b.binding)} {b.binding.description}"
            for b in app.screen.active_bindings.values()
            if b.binding.show and b.binding.action not in KeyBar.PINNED
        ]
        kept = bar.fit_keys(44).plain
        assert names[0] in kept
        assert names[-1] not in kept
