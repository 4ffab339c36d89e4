"""FSRS scheduling, queue, sessions, statistics."""

from prep.review.fold import RebuildReport, rebuild
from prep.review.queue import CardLike
from prep.review.reviewer import AlreadyAnswered, Counts, Preview, Rating, Reviewer, UndoneReview
from prep.store.reviews import CardState

__all__ = [
    "AlreadyAnswered",
    "CardLike",
    "CardState",
    "Counts",
    "Preview",
    "Rating",
    "RebuildReport",
    "Reviewer",
    "UndoneReview",
    "rebuild",
]
