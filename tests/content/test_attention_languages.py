"""Both faces of the attention and sampling cards say the same numbers and hold the same code and pictures."""

from __future__ import annotations

import re

import pytest

from tests.content.reading import CONTENT, details, numbers

AREAS = ("attention", "sampling")
CARDS = [f"{area}/{path.stem}" for area in AREAS for path in sorted((CONTENT / area).glob("*.md"))]


def fences(text: str) -> list[str]:
    return re.findall(r"^```.*?^```", text, re.S | re.M)


def table_numbers(text: str) -> list[list[float]]:
    """The numbers of each line of the tables; a measured one is held in place by its twin in the other language."""
    return [sorted(numbers(line)) for line in text.splitlines() if re.match(r"\|.*[^-|\s]", line)]


def test_all_cards_of_the_two_areas_are_here() -> None:
    assert len(CARDS) >= 20


@pytest.mark.parametrize("card", CARDS)
def test_code_and_pictures_are_the_same(card: str) -> None:
    assert fences(details(card, "en")) == fences(details(card, "zh"))


@pytest.mark.parametrize("card", CARDS)
def test_tables_hold_the_same_numbers(card: str) -> None:
    assert table_numbers(details(card, "en")) == table_numbers(details(card, "zh"))


@pytest.mark.parametrize("card", CARDS)
def test_details_hold_the_same_numbers(card: str) -> None:
    english, chinese = (set(numbers(details(card, lang))) for lang in ("en", "zh"))
    small = {float(n) for n in range(13)}  # "half", "two" and "twice" are words in one language, digits in the other
    assert english - chinese <= small
    assert chinese - english <= small
