"""Fuzz: Anki's ranges, hit evenly and only within, the same at every replay, never backwards."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prep.review.fuzz import fuzz_bounds, fuzz_factor, fuzzed


@pytest.mark.parametrize(
    ("interval", "bounds"),
    [(1, (1, 1)), (2, (2, 2)), (3, (2, 4)), (7, (5, 9)), (10, (8, 12)), (17, (14, 20)), (20, (17, 23)), (30, (27, 33)),
     (37, (33, 41)), (100, (93, 107))],
)  # fmt: skip
def test_the_ranges_are_ankis(interval: int, bounds: tuple[int, int]) -> None:
    assert fuzz_bounds(interval, 36500) == bounds


@pytest.mark.parametrize("interval", [3, 7, 10, 30, 100])
def test_every_value_of_the_range_comes_equally_often(interval: int) -> None:
    lower, upper = fuzz_bounds(interval, 36500)
    drawn = Counter(fuzzed(interval, interval, fuzz_factor(f"card-{n}", n % 7), 36500) for n in range(20_000))
    assert set(drawn) == set(range(lower, upper + 1))
    even = 20_000 / (upper - lower + 1)
    # Five standard deviations; py-fsrs's rounding would give both ends half of it.
    assert all(abs(count - even) < 5 * even**0.5 for count in drawn.values())


factors = st.floats(0, 1, exclude_max=True)


@given(st.integers(1, 400), st.integers(0, 400), factors, st.integers(1, 400))
def test_it_stays_within_the_bounds_and_the_maximum(interval: int, previous: int, factor: float, maximum: int) -> None:
    interval = min(interval, maximum)
    lower, upper = fuzz_bounds(interval, maximum)
    result = fuzzed(interval, previous, factor, maximum)
    assert lower <= result <= upper <= maximum


@given(st.integers(2, 400), st.data(), factors)
def test_what_grew_without_fuzz_grows_with_it(interval: int, data: st.DataObject, factor: float) -> None:
    previous = data.draw(st.integers(0, interval - 1))
    assert fuzzed(interval, previous, factor, 36500) >= previous + 1


@given(st.integers(1, 400), st.integers(1, 400), st.integers(0, 400), factors, st.integers(30, 36500))
def test_a_better_grade_never_gets_a_shorter_interval(a: int, b: int, previous: int, factor: float, top: int) -> None:
    low, high = sorted((min(a, top), min(b, top)))
    assert fuzzed(low, previous, factor, top) <= fuzzed(high, previous, factor, top)


def test_the_seed_is_the_card_and_its_repetitions() -> None:
    assert fuzz_factor("triton-autotune", 3) == fuzz_factor("triton-autotune", 3)
    several = {fuzz_factor(card, reps) for card in ("a", "b", "c1") for reps in (0, 1, 11)}
    assert len(several) == 9


def test_it_is_the_same_in_every_process_and_release() -> None:
    # Another value would move due dates of the past: that takes a rule of another name.
    assert fuzz_factor("triton-autotune", 3) == 0.10013317887873896
    code = "from prep.review.fuzz import fuzz_factor; print(repr(fuzz_factor('triton-autotune', 3)))"
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert float(other.stdout) == fuzz_factor("triton-autotune", 3)
