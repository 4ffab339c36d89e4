"""Both faces of a card lead to the same cards and give the same figures; on the Triton cards formulas agree too."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from rich.cells import cell_len

from tests.content.reading import CONTENT

CARDS = sorted(CONTENT.glob("*/*.md"))
TRITON = sorted(CONTENT.glob("triton/*.md"))


def faces(path: Path) -> tuple[str, str]:
    _, english, chinese = re.split(r"^# (?:en|zh)$", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return english, chinese


def table_numbers(text: str) -> list[str]:
    rows = "\n".join(line for line in text.splitlines() if line.startswith("|"))
    return sorted(re.findall(r"\d+(?:[.,]\d+)*", rows))


def figures(text: str) -> list[str]:
    """The digits of the numbers in tables that have three or more: 6.74 B and 67.4 亿 are one figure."""
    digits = (re.sub(r"\D", "", number).strip("0") for number in table_numbers(text))
    return sorted(number for number in digits if len(number) >= 3)


def links(text: str) -> set[str]:
    return set(re.findall(r"\[\[[a-z0-9-]+\]\]", text))


def test_there_are_cards() -> None:
    assert len(CARDS) >= 160
    assert len(TRITON) >= 9


def test_what_counts_as_a_figure() -> None:
    assert figures("| of 6.74 B | 16 | 1,024 |") == figures("| 67.4 亿 | 1024 |") == ["1024", "674"]
    assert figures("| 6.74 |") != figures("| 6.47 |")


@pytest.mark.parametrize("path", CARDS, ids=lambda path: path.stem)
def test_figures_and_links_agree_between_the_languages(path: Path) -> None:
    english, chinese = faces(path)
    assert figures(english) == figures(chinese)
    assert links(english) == links(chinese)


@pytest.mark.parametrize("path", TRITON, ids=lambda path: path.stem)
def test_numbers_and_code_agree_between_the_languages(path: Path) -> None:
    english, chinese = faces(path)
    assert table_numbers(english) == table_numbers(chinese)
    assert re.findall(r"\$[^$\n]+\$", english) == re.findall(r"\$[^$\n]+\$", chinese)
    assert sorted(re.findall(r"\[\[[^\]]+\]\]", english)) == sorted(re.findall(r"\[\[[^\]]+\]\]", chinese))


@pytest.mark.parametrize("path", TRITON, ids=lambda path: path.stem)
def test_tables_fit_76_columns(path: Path) -> None:
    lines = path.read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if line.startswith("|") and cell_len(line) > 76] == []
