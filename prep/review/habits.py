"""Numbers about the person rather than the cards: pace, streak, days."""

from __future__ import annotations

import statistics
from datetime import date, timedelta

from prep.store.reviews import Reviews

# Before there is a median of one's own: a long-form answer said aloud, and read again.
FIRST_GUESS_MS = 45_000
MEDIAN_NEEDS = 5


def median_ms(reviews: Reviews, cap_min: int) -> int:
    """The median time of the last 200 answers, each counted with at most `cap_min`."""
    durations = reviews.recent_durations()
    if len(durations) < MEDIAN_NEEDS:
        return FIRST_GUESS_MS
    return int(statistics.median(min(ms, cap_min * 60_000) for ms in durations))


def streak(reviews: Reviews, today: date) -> int:
    """Study days in a row with a grade, ending today, or yesterday while today still has none."""
    day = today if reviews.on_day(today.isoformat()) else today - timedelta(days=1)
    if not reviews.on_day(day.isoformat()):
        return 0
    length = 1
    while reviews.last_day_before(day.isoformat()) == (day - timedelta(days=1)).isoformat():
        day -= timedelta(days=1)
        length += 1
    return length


def daily_counts(reviews: Reviews, today: date, days: int) -> list[int]:
    """Grades on each of the last study days, today last."""
    return [reviews.on_day((today - timedelta(days=back)).isoformat()) for back in range(days - 1, -1, -1)]
