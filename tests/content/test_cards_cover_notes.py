"""Every question of the notes that prep grew from has a card."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
import yaml

CONTENT = Path(__file__).parents[2] / "content"
QUESTIONS = [f"notes:Q{number}" for number in range(1, 16)] + ["notes:table"]


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


def test_origins_of_the_notes_are_spelled_alike(cards_by_origin: dict[str, list[str]]) -> None:
    """`notes:q3` or `notes:Q03` would be silently uncovered."""
    numbered = {origin for origin in cards_by_origin if origin.lower().startswith("notes:q")}
    assert numbered <= set(QUESTIONS)
