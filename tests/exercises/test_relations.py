"""A card that names an exercise is named by it, and the other way round."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from prep.exercises.load import load_exercises
from prep.exercises.relations import one_sided
from prep.exercises.spec import Exercise


@dataclass
class Card:
    id: str
    exercises: tuple[str, ...]


FILE = Path("content/cuda/aaa-one.md")


@pytest.fixture
def softmax() -> Exercise:
    return replace(load_exercises()["softmax"], cards=("aaa-one",))


def test_both_sides(softmax: Exercise) -> None:
    assert one_sided({FILE: (Card("aaa-one", ("softmax",)), 7)}, [softmax], {}) == []


def test_a_former_id_counts(softmax: Exercise) -> None:
    assert one_sided({FILE: (Card("bbb-two", ("softmax",)), 7)}, [softmax], {"aaa-one": "bbb-two"}) == []


def test_only_the_card(softmax: Exercise) -> None:
    (fault,) = one_sided({FILE: (Card("bbb-two", ("softmax",)), 7)}, [softmax], {})
    assert (fault.path, fault.line) == (FILE, 7)
    assert fault.message == "the exercise softmax does not name this card: add bbb-two to its `cards`"


def test_only_the_exercise(softmax: Exercise) -> None:
    (fault,) = one_sided({FILE: (Card("aaa-one", ()), 7)}, [softmax], {})
    assert fault.message == "the exercise softmax names this card: add softmax to `exercises`"


def test_what_does_not_exist_is_reported_elsewhere(softmax: Exercise) -> None:
    assert one_sided({FILE: (Card("zzz", ("nothing",)), 7)}, [softmax], {}) == []
