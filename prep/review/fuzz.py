"""Spreading cards that were learned together over nearby days, the same way at every replay.

The ranges are Anki's. py-fsrs has them too, but rounds where Anki takes the floor, so that one in six intervals of
three days lies beyond the range, and draws from the global random generator, so that no replay repeats.
"""

from __future__ import annotations

import hashlib

# From 2.5 days on: one day, and this share of the part of the interval in each range.
_RANGES = ((2.5, 7.0, 0.15), (7.0, 20.0, 0.10), (20.0, float("inf"), 0.05))
RULE = "anki-ranges-floor-1"
"""Names this rule in the log, so that a later one does not change what was."""

NO_FUZZ = "none"
"""Names its absence: intervals as the memory model gives them."""


def fuzz_bounds(interval: int, maximum: int) -> tuple[int, int]:
    """The least and the greatest number of days that `interval` may become."""
    if interval < 2.5:
        return min(interval, maximum), min(interval, maximum)
    delta = 1.0 + sum(share * max(0.0, min(interval, end) - start) for start, end, share in _RANGES)
    upper = min(round(interval + delta), maximum)
    return min(max(2, round(interval - delta)), upper), upper


def fuzz_factor(card_id: str, reps: int) -> float:
    """A number in [0, 1) that depends on the card and on how often it was seen, and on nothing else."""
    digest = hashlib.blake2b(f"{card_id}\0{reps}".encode(), digest_size=6).digest()
    return int.from_bytes(digest) / (1 << 48)


def fuzzed(interval: int, previous: int, factor: float, maximum: int) -> int:
    """The interval with its fuzz, in days.

    Args:
        interval: what the memory model asks for, at least 1.
        previous: the interval before; when `interval` is longer, so is the result.
        factor: in [0, 1), from `fuzz_factor`.
        maximum: the longest interval allowed.
    """
    lower, upper = fuzz_bounds(interval, maximum)
    if interval > previous:
        lower = min(max(lower, previous + 1), upper)
    return lower + int(factor * (upper - lower + 1))
