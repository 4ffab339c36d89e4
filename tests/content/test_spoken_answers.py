"""Answers are said in 60 to 90 seconds: some 150 words of English a minute, 200 words and characters of Chinese."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from prep.cards.card import Lang
from prep.cards.math import prose_parser
from tests.content.reading import CONTENT, face

CARDS = sorted(path.relative_to(CONTENT).with_suffix("").as_posix() for path in Path(CONTENT).glob("*/*.md"))
WORD = re.compile(r"[\u4e00-\u9fff]|[A-Za-z0-9][\w.%/'-]*")
# A third more or less than 60 to 90 seconds: people differ, and a formula takes longer to say than to read.
WORDS: dict[Lang, range] = {"en": range(100, 240), "zh": range(140, 340)}


def spoken(text: str) -> int:
    """Words, a Chinese character counted as one."""
    return len(WORD.findall(text))


def test_what_counts_as_a_word() -> None:
    assert spoken("vLLM 的 KV cache 按 16 个 token 分块") == 10
    assert spoken("It moves 8MN + 4M elements, not 2.5x.") == 7


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("name", CARDS)
def test_the_answer_is_said_in_about_a_minute(name: str, lang: Lang) -> None:
    answer = face(name, lang).answer
    assert spoken(answer) in WORDS[lang], f"{spoken(answer)} words"
    blocks = {token.type for token in prose_parser().parse(answer) if token.level == 0}
    assert blocks <= {"paragraph_open", "inline", "paragraph_close"}, "lists, tables and code belong in the Details"
