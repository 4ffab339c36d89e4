"""Hints, one at a time: which comes next, and the record that it was seen."""

from __future__ import annotations

from dataclasses import dataclass

from prep.errors import UsageError
from prep.exercises.spec import Exercise
from prep.exercises.statement import hints
from prep.store.attempts import Attempts

__all__ = ["Hint", "hints", "show_hint"]


@dataclass(frozen=True, slots=True)
class Hint:
    number: int
    total: int
    text: str
    """Markdown."""

    @property
    def last(self) -> bool:
        return self.number == self.total


def show_hint(exercise: Exercise, lang: str, attempts: Attempts, number: int | None = None) -> Hint:
    """The hint `number`, by default the first that was not seen yet (the last one once all were), noted as seen.

    Raises:
        UsageError: there is no hint of that number, or an earlier one was not seen yet.
    """
    texts = hints(exercise, lang)
    seen = attempts.hints_seen(exercise.id)
    if number is None:
        number = min(seen + 1, len(texts))
    if not 1 <= number <= len(texts):
        raise UsageError(f"there is no hint {number}", hint=f"{exercise.id} has hints 1 to {len(texts)}")
    if number > seen + 1:
        raise UsageError(
            f"hint {number} gives more away than hint {seen + 1}, which you have not seen",
            hint=f"`prep hint {exercise.id}` shows hint {seen + 1}",
        )
    attempts.hint_shown(exercise.id, number)
    return Hint(number, len(texts), texts[number - 1])
