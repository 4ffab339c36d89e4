"""FSRS scheduling, queue, sessions, statistics."""

from prep.review.fold import RebuildReport, rebuild
from prep.review.model import AlreadyAnswered, Counts, Preview, Rating, UndoneReview
from prep.review.queue import CardLike
from prep.review.reviewer import Reviewer
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
