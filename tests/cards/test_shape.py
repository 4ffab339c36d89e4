"""A card fits four screens, its code is not folded, its boxes close."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from prep.cards import parse_card, shape
from prep.cards.check import check_cards, check_file

WriteCard = Callable[..., Path]

CLOSED = """\
```text
+ ┌─ SM 0 ──┐   ┌────┐   a ┌ branch
  │ 显存 ok │   │ 块 │     └ other
  ├────┬────┤   └────┘
  │ a  │ b  │
  └────┴────┘
```
"""


@pytest.mark.parametrize(
    "text",
    [
        CLOSED,
        "plain ┌──┐ in a sentence",
        "`" + "x" * 90 + "`",
        "```\n" + "x" * 70 + "\n```",
        "```\n" + "显" * 35 + "\n```",
        "~~~text\n```\n┌─┐\n└─┘\n~~~",
    ],
)
def test_no_fault(text: str) -> None:
    assert shape.faults(text) == []


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("intro\n```\nok\n" + "x" * 71 + "\n```", 3, "71 cells of code"),
        ("```\n" + "显" * 36 + "\n```", 1, "72 cells of code"),
        (CLOSED.replace("显存 ok │   │", "显存  ok │  │"), 1, "the box at cell 3 does not close"),
        (CLOSED.replace("│ 块 │", "│ 块  │"), 1, "the box at cell 17 does not close"),
        (CLOSED.replace("└────┴────┘", "└────┴───┘"), 1, "the box at cell 3 does not close"),
        ("```\n┌──┐\n│  │\n```", 1, "the box at cell 1 does not close"),
        ("```\n┌──┐\n│  │\n└─ │\n   ┘\n```", 1, "the box at cell 1 does not close"),
        ("```\n╭──╮\n│ab\n╰──╯\n```", 1, "the box at cell 1 does not close"),
    ],
)
def test_fault(text: str, line: int, message: str) -> None:
    found = shape.faults(text)
    assert [finding.line for finding in found] == [line]
    assert found[0].text.startswith(message)


def test_rows_are_those_that_are_printed(card: str) -> None:
    from prep.cli.card_text import card_lines

    parsed = parse_card(card, Path("serving/kv-cache-paging.md"))
    for lang in ("en", "zh"):
        printed = "\n".join(card_lines(parsed, lang, shape.COLUMNS)).split("\n")
        question = next(at for at, line in enumerate(printed) if "vLLM" in line)
        sources = next(at for at, line in enumerate(printed) if line in ("SOURCES", "出处"))
        assert shape.rows(parsed.faces[lang]) == sources - 1 - question


@pytest.mark.parametrize(("rows", "is_fault"), [(96, False), (97, True)])
def test_four_screens_are_the_most(root: Path, write_card: WriteCard, card: str, rows: int, is_fault: bool) -> None:
    taken = shape.rows(parse_card(card, Path("serving/kv-cache-paging.md")).faces["en"])
    path = write_card("aaa-one", "serving", ("slots.", "slots.\n\n```text" + "\nx" * (rows - taken - 1) + "\n```"))
    found = [(fault.line, fault.message) for fault in check_cards([root]).faults]
    text = f"the en face takes {rows} rows, more than 4 screens of 80x24: make it two cards"
    assert found == ([(16, text)] if is_fault else [])
    assert [(fault.line, fault.message) for fault in check_file(path, [])] == found


def test_a_missing_language_is_not_measured_twice(root: Path, write_card: WriteCard, card: str) -> None:
    long = "slots.\n\n```text" + "\nx" * 96 + "\n```"
    write_card("aaa-one", "serving", ("slots.", long), (card[card.index("# zh") :], ""))
    assert [fault.message[:6] for fault in check_cards([root]).faults if "screens" in fault.message] == ["the en"]
