"""Every part of the notes that prep grew from has a card, every topic of the map too; their errors are put right.

topics.txt is the map of cards; corrections.yaml names, for each wrong statement of the notes, the card that corrects it
and the words that do, in both languages.
"""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
import yaml

from prep.cards.card import LANGS, Lang
from tests.content.reading import card, everything

CONTENT = Path(__file__).parents[2] / "content"
HERE = Path(__file__).parent
HEADINGS = (
    "table", "self-introduction", "lowcode-project", "challenges", "dp-pp-tp", "zero", "optimizer", "sgd", "momentum",
    "swiglu", "vllm", "paged-attention", "sampling", "rag", "mla-rope", "mha-mqa-gqa", "persuading", "grievance",
    "pressure",
)  # fmt: skip
QUESTIONS = [
    *(f"notes:Q{number}" for number in range(1, 16)),
    *(f"notes:interview-{number}" for number in range(1, 17)),
    *(f"notes:{heading}" for heading in HEADINGS),
]
TOPICS = (HERE / "topics.txt").read_text(encoding="utf-8").split()
ERRORS = 95
"""Wrong, misleading or outdated statements that were found in the notes; the 96th fault is LEFTOVERS."""

LEAST: dict[Lang, int] = {"en": 20, "zh": 8}
"""Characters."""

LEFTOVERS = ("Thinking...", "好的，我来", "嗯，", "嗯...")
"""Of the transcript that the notes' answers came from."""


def front_matter(path: Path) -> dict[str, Any]:
    text = path.read_text(encoding="utf-8")
    opening, head, _ = text.split("---\n", 2)
    assert opening == "", f"{path} does not begin with its front matter"
    loaded = yaml.safe_load(head)
    assert isinstance(loaded, dict), f"{path} has no front matter"
    return loaded


@pytest.fixture(scope="module")
def cards_by_origin() -> dict[str, list[str]]:
    found = defaultdict(list)
    for path in CONTENT.glob("*/*.md"):
        matter = front_matter(path)
        if matter.get("status", "active") != "draft":
            for origin in matter["origin"]:
                found[origin].append(matter["id"])
    return dict(found)


@pytest.mark.parametrize("question", QUESTIONS)
def test_question_has_a_card(cards_by_origin: dict[str, list[str]], question: str) -> None:
    assert cards_by_origin.get(question), f"no card has the origin {question}"


def test_origins_are_known(cards_by_origin: dict[str, list[str]]) -> None:
    """`notes:q3` or `notes:Q03` would be silently uncovered."""
    assert set(cards_by_origin) <= {*QUESTIONS, "log", "new", "demand"}


def test_the_map_has_no_row_twice() -> None:
    assert len(TOPICS) == len(set(TOPICS)) == 177


@pytest.mark.parametrize("topic", TOPICS)
def test_topic_has_a_card_in_both_languages(topic: str) -> None:
    found = card(topic)
    assert found.status == "active"
    assert [found.faces[lang].lang for lang in LANGS] == list(LANGS)


@pytest.fixture(scope="module")
def corrections() -> dict[int, dict[str, str]]:
    loaded = yaml.safe_load((HERE / "corrections.yaml").read_text(encoding="utf-8"))
    assert isinstance(loaded, dict)
    return loaded


def squeezed(text: str) -> str:
    return re.sub(r"\s+", "", text)


@pytest.mark.parametrize("number", range(1, ERRORS + 1))
def test_error_of_the_notes_is_put_right(corrections: dict[int, dict[str, str]], number: int) -> None:
    row = corrections[number]
    assert row["wrong"]
    for lang in LANGS:
        words = squeezed(row[lang])
        assert len(words) >= LEAST[lang], "too few words to say what is right"
        assert words in squeezed(everything(row["card"], lang)), f"{row['card']} does not say in {lang}: {row[lang]}"


@pytest.mark.parametrize("lang", LANGS)
def test_nothing_of_the_transcript_is_left(lang: Lang) -> None:
    for topic in TOPICS:
        text = everything(topic, lang)
        assert [words for words in LEFTOVERS if words in text] == [], topic
