"""Every card in both languages at 80 columns, and a quarter of them at 120: all of the text is drawn, in its place."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from markdown_it.token import Token
from textual.geometry import Region
from textual.widget import Widget
from textual.widgets import Markdown

from prep import paths
from prep.cards.card import LANGS, Lang
from prep.cards.math import CARD_LINK, prose_parser, to_lines, to_unicode
from prep.clock import now
from prep.settings import load_settings
from prep.tui.app import PrepApp
from prep.tui.screens.card import CardScreen
from tests.tui.conftest import until

AREAS = sorted(path.name for path in paths.content_dir().iterdir() if path.is_dir())
HEIGHT = 420
"""Rows: no card is cut off at the bottom, where it would be scrolled to."""

_BLANK = re.compile(r"\s+")


def squeezed(text: str) -> str:
    """Without spaces and line breaks, which wrapping moves."""
    return _BLANK.sub("", text)


def drawn(rows: list[list[str]], region: Region) -> str:
    """What is on the screen inside of `region`."""
    return "\n".join("".join(row[region.x : region.right]) for row in rows[region.y : region.bottom])


def screen_cells(app: PrepApp) -> list[list[str]]:
    """The screen cell by cell; the second cell of a wide character is empty."""
    from prep.cells import cell_width

    rows = []
    for strip in app.screen._compositor.render_strips():
        text = "".join(segment.text for segment in strip)
        if text.isascii():
            rows.append(list(text))
            continue
        cells: list[str] = []
        for char in text:
            width = cell_width(char)
            if width == 0 and cells:
                cells[-1] += char
            cells += [char, ""][:width]
        rows.append(cells)
    return rows


def leaves(tokens: list[Token]) -> Iterator[str]:
    """The pieces of text that a reader of the Markdown must see."""
    for token in tokens:
        if token.type == "math_block":
            yield from to_lines(token.content)
        elif token.type in ("fence", "code_block"):
            yield token.content
        for child in token.children or ():
            if child.type in ("math_inline", "math_inline_double"):
                yield to_unicode(child.content)
            elif child.type == "text":
                yield CARD_LINK.sub(r"\1", child.content)
            elif child.type == "code_inline":
                yield child.content


def faults(app: PrepApp, markdown: Markdown, columns: int) -> list[str]:
    """What of the card is not where it should be on the screen."""
    rows = screen_cells(app)
    found: list[str] = []
    pieces: list[str] = []
    for widget in markdown.query("*"):
        text = plain(widget)
        if text is None:
            continue
        pieces.append(text)
        region = widget.region
        if region.right > columns or region.bottom > HEIGHT or not region.area:
            found.append(f"outside of the screen: {region} {text[:60]!r}")
        elif squeezed(drawn(rows, region)) != squeezed(text):
            found.append(f"drawn as {drawn(rows, region)!r}: {text[:60]!r}")
    everything = squeezed("".join(pieces))
    for leaf in leaves(prose_parser().parse(markdown.source)):
        if squeezed(leaf) not in everything:
            found.append(f"not shown: {leaf[:60]!r}")
    return found


def plain(widget: Widget) -> str | None:
    """The text that a widget itself draws; None for one that only holds others."""
    if next(iter(widget.children), None) is not None:
        return None
    content: Any = widget.render()
    text = getattr(content, "plain", None)
    return text if text is not None and text.strip() else None


@pytest.mark.parametrize("columns", [80, 120])
@pytest.mark.parametrize("lang", LANGS)
@pytest.mark.parametrize("area", AREAS)
async def test_all_of_a_card_is_drawn(home: Path, area: str, lang: Lang, columns: int) -> None:
    app = PrepApp(lambda: CardScreen(""), settings=replace(load_settings(), lang=lang), clock=now)
    async with app.run_test(size=(columns, HEIGHT)) as pilot:
        await until(pilot, lambda: getattr(app.screen, "ready", False))
        screen = app.screen
        assert isinstance(screen, CardScreen)
        cards = [card for card in screen.services.library.cards.values() if card.area == area]
        assert cards
        if columns == 120:  # 80 is what cuts; here a quarter of the cards: all would take a core four minutes more
            cards = cards[2 * LANGS.index(lang) :: 4] or cards[:1]
        for card in cards:
            screen.card_id, screen.card = card.id, card
            with app.batch_update():  # no painting until all of it stands
                await screen.show()
            await pilot.pause()
            assert faults(app, screen.query_one(Markdown), columns) == [], f"{card.id} in {lang}"


TEXTS = {
    "a line of code that a terminal folds is drawn all the same": ("```text\n" + "ab " * 40 + "\n```", 80, None),
    "raw HTML is shown as text": ("vector<float> and <b>bold</b>", 80, None),
    "a word too long for a table is folded": (f"| a | b |\n|---|---|\n| {'x' * 60} | {'y' * 60} |", 80, None),
    "what is below the screen is missed": ("x\n\n" * 300, 80, "outside of the screen"),
}


@pytest.mark.parametrize("name", TEXTS)
async def test_the_check_itself(home: Path, name: str) -> None:
    """What it accepts and what it must reject."""
    text, columns, message = TEXTS[name]
    app = PrepApp(lambda: CardScreen(""), settings=load_settings(), clock=now)
    async with app.run_test(size=(columns, HEIGHT)) as pilot:
        await until(pilot, lambda: getattr(app.screen, "ready", False))
        markdown = app.screen.query_one(Markdown)
        await markdown.update(text)
        await pilot.pause()
        found = faults(app, markdown, columns)
        assert (found == []) if message is None else any(message in line for line in found)


async def test_the_check_sees_text_that_is_cut_or_lost(home: Path) -> None:
    app = PrepApp(lambda: CardScreen(""), settings=load_settings(), clock=now)
    async with app.run_test(size=(80, HEIGHT)) as pilot:
        await until(pilot, lambda: getattr(app.screen, "ready", False))
        markdown = app.screen.query_one(Markdown)
        await markdown.update("a sentence of some length\n\n```text\ncode\n```")
        markdown.children[0].styles.width = 10
        markdown.children[0].styles.height = 1
        await pilot.pause()
        assert [line.split(" ", 1)[0] for line in faults(app, markdown, 80)] == ["drawn"]
        await markdown.children[1].remove()
        await pilot.pause()
        assert faults(app, markdown, 80)[-1] == "not shown: 'code\\n'"
