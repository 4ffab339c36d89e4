"""Cards and exercises name each other: from a question to its practice, and back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Protocol

from prep.exercises.load import Fault
from prep.exercises.spec import Exercise


class CardLike(Protocol):
    """What matters of a card here."""

    @property
    def id(self) -> str: ...
    @property
    def exercises(self) -> tuple[str, ...]: ...


def one_sided(
    cards: Mapping[Path, tuple[CardLike, int | None]], exercises: Iterable[Exercise], aliases: Mapping[str, str]
) -> list[Fault]:
    """Every relation that only one side names; names of what does not exist are not looked at here.

    Args:
        cards: by file, with the line of the front matter's `exercises`.
        aliases: former ids of cards, which an exercise may still name.
    """
    by_id = {card.id: (path, line, card) for path, (card, line) in cards.items()}
    faults: list[Fault] = []
    practised: dict[str, set[str]] = {}
    for exercise in exercises:
        named = practised[exercise.id] = {aliases.get(card, card) for card in exercise.cards}
        for name in sorted(named & by_id.keys()):
            path, line, card = by_id[name]
            if exercise.id not in card.exercises:
                faults.append(
                    Fault(path, line, f"the exercise {exercise.id} names this card: add {exercise.id} to `exercises`")
                )
    for path, line, card in by_id.values():
        faults += [
            Fault(path, line, f"the exercise {name} does not name this card: add {card.id} to its `cards`")
            for name in card.exercises
            if name in practised and card.id not in practised[name]
        ]
    return faults
