"""The memory model: stability and difficulty by FSRS-6, at the grain of study days.

py-fsrs does the arithmetic and nothing else. Its idea of a day is 24 hours, its steps and due dates are exact to the
second and its fuzz is not reproducible, so it runs without steps and fuzz on dates that are only as far apart as the
study days are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from fsrs import Scheduler

ALGO: Final = "fsrs-6"

DEFAULT_WEIGHTS: Final = (
    0.212, 1.2931, 2.3065, 8.2956, 6.4133, 0.8334, 3.0194, 0.001, 1.8722, 0.1666, 0.796,
    1.4835, 0.0614, 0.2629, 1.6483, 0.6014, 1.8729, 0.5425, 0.0912, 0.0658, 0.1542,
)  # fmt: skip
"""FSRS-6's own, from 350 million reviews; written here so that a release of the library cannot change the past."""


@dataclass(frozen=True, slots=True)
class Memory:
    s: float
    """Stability: days until the chance of recall has fallen to 0.9."""
    d: float
    """Difficulty, 1 to 10."""


@lru_cache(maxsize=64)
def _scheduler(weights: tuple[float, ...], retention: float, maximum: int) -> Scheduler:
    from fsrs import Scheduler  # 30 ms: only where something is graded

    return Scheduler(
        parameters=weights,
        desired_retention=retention,
        learning_steps=(),
        relearning_steps=(),
        maximum_interval=maximum,
        enable_fuzzing=False,
    )


def next_memory(
    memory: Memory | None,
    rating: int,
    elapsed_days: int,
    *,
    weights: tuple[float, ...] = DEFAULT_WEIGHTS,
    retention: float = 0.9,
    maximum: int = 36500,
) -> tuple[Memory, int]:
    """The memory after an answer, and the interval in days at whose end the chance of recall is `retention`.

    Args:
        memory: before the answer; None for a card never seen.
        rating: 1 again, 2 hard, 3 good, 4 easy.
        elapsed_days: study days since the last answer; 0 takes the same-day formula.
    """
    from datetime import UTC, datetime, timedelta

    from fsrs import Card, Rating, State

    first = datetime(2000, 1, 1, tzinfo=UTC)
    at = first + timedelta(days=elapsed_days)
    if memory is None:
        # An id is passed because py-fsrs sleeps a millisecond to make one.
        card = Card(card_id=1, state=State.Learning, step=0, due=first)
    else:
        card = Card(
            card_id=1, state=State.Review, stability=memory.s, difficulty=memory.d, due=first, last_review=first
        )
    after, _ = _scheduler(weights, retention, maximum).review_card(card, Rating(rating), at)
    assert after.stability is not None
    assert after.difficulty is not None
    return Memory(_rounded(after.stability), _rounded(after.difficulty)), (after.due - at).days


def _rounded(value: float) -> float:
    # Ten digits: pow() of two C libraries differs in the last bits, and a log that is replayed on another machine must
    # give the same state byte for byte.
    return float(f"{value:.10g}")


def retrievability(s: float, elapsed_days: int, weights: Sequence[float] = DEFAULT_WEIGHTS) -> float:
    """The chance of recall after so many days without a review."""
    decay = -weights[20]
    factor = 0.9 ** (1 / decay) - 1
    return float((1 + factor * max(0, elapsed_days) / s) ** decay)
