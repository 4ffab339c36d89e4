"""Searching and reading cards."""

from __future__ import annotations

from pathlib import Path

from prep.tui.screens.card import CardScreen
from prep.tui.screens.library import LibraryScreen
from tests.tui.conftest import Open, seen, until


async def test_two_chinese_characters_find_cards(opened: Open) -> None:
    async with opened(LibraryScreen) as (app, pilot):
        assert "12 cards" in seen(app)
        for character in "分块":
            await pilot.press(character)
        await until(pilot, lambda: len(app.screen.found) == 12)
        for character in " 7":
            await pilot.press("space" if character == " " else character)
        await until(pilot, lambda: app.screen.found == ["card-07"])
        assert "1 card" in seen(app)


async def test_nothing_found_opens_nothing(opened: Open) -> None:
    async with opened(LibraryScreen) as (app, pilot):
        for character in "zzzz":
            await pilot.press(character)
        await until(pilot, lambda: app.screen.found == [])
        await pilot.press("enter", "down")
        assert isinstance(app.screen, LibraryScreen)


async def test_arrows_choose_while_the_query_keeps_the_keys(opened: Open) -> None:
    async with opened(LibraryScreen) as (app, pilot):
        await pilot.press("down", "down", "enter")
        await until(pilot, lambda: isinstance(app.screen, CardScreen) and app.screen.ready)
        assert app.screen.card_id == "card-03"
        assert "Question 3" in seen(app)
        await pilot.press("L")
        await until(pilot, lambda: "问题 3" in seen(app))
        await pilot.press("q")
        await until(pilot, lambda: isinstance(app.screen, LibraryScreen))
        assert "问题 3" in seen(app)


async def test_a_suspended_card_is_asked_again(opened: Open) -> None:
    async with opened(lambda: CardScreen("card-05")) as (app, pilot):
        await pilot.press("S")
        await until(pilot, lambda: "suspended" in seen(app))
        assert "card-05" not in app.loaded.reviewer.queue()
        await pilot.press("S")
        await until(pilot, lambda: "suspended" not in seen(app))
        assert "card-05" in app.loaded.reviewer.queue()


async def test_a_link_to_a_card_is_followed(opened: Open) -> None:
    async with opened(lambda: CardScreen("card-05"), size=(90, 60)) as (app, pilot):
        from prep.tui.links import follow_link

        assert "card-01" in seen(app)
        follow_link(app, "card:card-01")
        await until(pilot, lambda: isinstance(app.screen, CardScreen) and app.screen.card_id == "card-01")
        await until(pilot, lambda: "Question 1" in seen(app))


async def test_f_follows_the_only_link(opened: Open) -> None:
    async with opened(lambda: CardScreen("card-05")) as (app, pilot):
        await pilot.press("f")
        await until(pilot, lambda: isinstance(app.screen, CardScreen) and app.screen.card_id == "card-01")


async def test_f_asks_which_of_several_links(opened: Open, bundle: Path) -> None:
    path = bundle / "content" / "triton" / "card-05.md"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("Not a thread.", "Not a thread: [[card-03]], `[[card-09]]`."), encoding="utf-8")
    async with opened(lambda: CardScreen("card-05"), size=(90, 60)) as (app, pilot):
        assert "[[card-03]]" not in seen(app)
        await pilot.press("f")
        await until(pilot, lambda: "Go on with which card?" in seen(app))
        assert "1 Question 1: what is a tile?" in seen(app)
        assert "2 Question 3: what is a tile?" in seen(app)
        assert "Question 9" not in seen(app)
        await pilot.press("2")
        await until(pilot, lambda: isinstance(app.screen, CardScreen) and app.screen.card_id == "card-03")
        await until(pilot, lambda: "Question 3" in seen(app))
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, CardScreen) and app.screen.card_id == "card-05")


async def test_f_without_a_link_does_nothing(opened: Open, bundle: Path) -> None:
    path = bundle / "content" / "triton" / "card-05.md"
    path.write_text(path.read_text(encoding="utf-8").replace("[[card-01]]", "nothing"), encoding="utf-8")
    async with opened(lambda: CardScreen("card-05")) as (app, pilot):
        await pilot.press("f")
        await pilot.pause()
        assert isinstance(app.screen, CardScreen)
        assert app.screen.card_id == "card-05"


async def test_a_card_that_is_gone_says_so(opened: Open) -> None:
    async with opened(lambda: CardScreen("no-such-card")) as (app, pilot):
        await until(pilot, lambda: "There is no card" in seen(app))
        await pilot.press("e", "S", "x")
        assert isinstance(app.screen, CardScreen)
