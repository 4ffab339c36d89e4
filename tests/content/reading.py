"""What the checks of facts read from a card: its faces, tables, code and numbers."""

from __future__ import annotations

import itertools
import re
from functools import cache
from pathlib import Path
from typing import Any

from prep.cards import parse_card
from prep.cards.card import LANGS, Card, Face, Lang

CONTENT = Path(__file__).parents[2] / "content"


@cache
def card(name: str) -> Card:
    """The card of content/<area>/<id>.md; `name` is "area/id"."""
    path = CONTENT / f"{name}.md"
    return parse_card(path.read_text(encoding="utf-8"), path)


def face(name: str, lang: Lang) -> Face:
    return card(name).face(lang)


def details(name: str, lang: Lang) -> str:
    return face(name, lang).details


def everything(name: str, lang: Lang) -> str:
    """All text of a face, for a number that may stand in any section."""
    shown = face(name, lang)
    parts = (shown.question, shown.answer, *shown.key_points, shown.details, shown.pitfalls, shown.follow_ups)
    return "\n".join(parts)


def table(name: str, lang: Lang, column: str) -> list[list[str]]:
    """The rows of the first table in the Details whose header holds `column`; cells without backticks."""
    lines = itertools.groupby(details(name, lang).splitlines(), lambda line: line.startswith("|"))
    for is_table, group in lines:
        if not is_table:
            continue
        rows = [[cell.strip().strip("`") for cell in line.strip("|").split("|")] for line in group]
        if any(column in cell for cell in rows[0]):
            return rows[2:]
    raise AssertionError(f"{name} ({lang}) has no table with a column {column}")


def code(name: str, lang: Lang, language: str, at: int = 0) -> str:
    """The content of the `at`-th fence of `language` in the Details."""
    found = re.findall(rf"^```{re.escape(language)}\n(.*?)^```", details(name, lang), re.S | re.M)
    assert len(found) > at, f"{name} ({lang}) has {len(found)} fences of {language}"
    return str(found[at])


def numbers(text: str) -> list[float]:
    """Every number in `text`, thousands separated by commas or not: "1,024 of 20.4 %" -> [1024.0, 20.4]."""
    return [float(n.replace(",", "")) for n in re.findall(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?", text)]


def defined(name: str, lang: Lang, at: int = 0, **names: object) -> dict[str, Any]:
    """What the `at`-th Python fence of a card defines, run with `names` at hand."""
    scope: dict[str, Any] = dict(names)
    exec(code(name, lang, "python", at), scope)
    return scope


def states(name: str, *values: str) -> None:
    """Each of `values` stands on both faces of the card as a number of its own."""
    for lang in LANGS:
        text = everything(name, lang)
        for value in values:
            assert re.search(rf"(?<![\d.]){re.escape(value)}(?!\.?\d)", text), (name, lang, value)


def says(name: str, lang: Lang, *parts: str) -> None:
    """Each of `parts` stands on that face of the card."""
    text = everything(name, lang)
    missing = [part for part in parts if part not in text]
    assert not missing, f"{name} ({lang}) does not say {missing}"


def near(printed: float, value: float, digits: int) -> bool:
    """Whether a figure with so many decimals is the value, rounded."""
    return bool(abs(printed - value) <= 0.5000001 * 10**-digits)
