"""What a sitting shows and says: grades, previews, counts, what was undone."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from prep.errors import StoreError
from prep.store.reviews import CardState


class Rating(IntEnum):
    AGAIN = 1
    HARD = 2
    GOOD = 3
    EASY = 4


class AlreadyAnswered(StoreError):
    """The card was answered elsewhere after it was shown here; nothing was written."""


@dataclass(frozen=True, slots=True)
class Preview:
    """What a grade would do."""

    rating: Rating
    interval_text: str
    """ "10 min", "3 d": the same in both languages."""
    due_ms: int
    interval_days: int
    """0 for a step."""


@dataclass(frozen=True, slots=True)
class Counts:
    due: int
    learning: int
    new: int
    total: int
    minutes: int
    """How long all of it takes, by the person's own median time for an answer."""


@dataclass(frozen=True, slots=True)
class UndoneReview:
    review_id: str
    card_id: str
    """Its present id."""
    rating: Rating | None
    """None where a reset was undone."""
    kind: str
    reviewed_at_ms: int
    state: CardState | None
    """The card's state now, as it was before the review."""


def interval_text(interval_days: int, due_ms: int, at_ms: int) -> str:
    """An interval for a person."""
    if interval_days:
        return f"{interval_days} d"
    return f"{max(1, round((due_ms - at_ms) / 60_000))} min"
