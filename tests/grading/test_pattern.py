"""Where errors are, in words: every pattern that the judge names, with and without the trace's owners."""

from __future__ import annotations

from typing import Any

import pytest

np = pytest.importorskip("numpy")

# ruff: noqa: E402
from prep.grading.diagnosis import pattern
from prep.grading.dtypes import Array

S = np.s_
PLACES: list[tuple[str, tuple[int, ...], Any, str]] = [
    ("everything", (3, 5), S[:], "15 of 15, everything"),
    ("one-element", (3, 5), S[1, 2], "1 of 15, [1, 2] alone"),
    ("tail-columns", (33, 1000), S[:, 976:], "792 of 33,000, all in columns 976..999"),
    ("tail-columns", (33, 1000), S[:, 999], "33 of 33,000, all in column 999"),
    ("tail-rows", (33, 1000), S[32:], "1,000 of 33,000, all in row 32"),
    ("head-rows", (33, 1000), S[:16], "16,000 of 33,000, all in rows 0..15"),
    ("head-columns", (8, 100), S[:, :7], "56 of 800, all in columns 0..6"),
    ("rows", (33, 10), S[5:9], "40 of 330, all in rows 5..8"),
    ("one-row", (33, 10), S[5], "10 of 330, all in row 5"),
    ("one-column", (33, 10), S[:, 7], "33 of 330, all in column 7"),
    ("row-stripes", (33, 10), S[::2], "170 of 330, all in every second row, from 0"),
    ("column-stripes", (33, 10), S[:, 1::3], "99 of 330, all in every third column, from 1"),
    ("block", (33, 40), S[5:9, 10:20], "40 of 1,320, all in rows 5..8, columns 10..19"),
    ("diagonal", (20, 20), np.eye(20, dtype=bool), "20 of 400, all on the diagonal"),
    ("band", (20, 20), np.abs(np.subtract.outer(range(20), range(20))) <= 2, "94 of 400, all within 2 of the diagonal"),
    ("above-diagonal", (20, 20), np.triu_indices(20, 1), "190 of 400, all above the diagonal"),
    ("below-diagonal", (20, 20), np.tril_indices(20, -1), "190 of 400, all below the diagonal"),
    ("scattered", (8, 10), ([1, 3, 6, 7], [2, 5, 0, 9]), "4 of 80, in 4 of 8 rows: 1, 3, 6, 7"),
    ("scattered", (4, 4), ([0, 1, 2, 3, 0], [3, 1, 0, 2, 0]), "5 of 16, scattered over all rows and columns"),
    ("tail-rows", (2, 3, 8, 10), S[:, :, 5:], "180 of 480, all in rows 5..7"),
    ("tail-slices", (2, 3, 8, 10), S[1], "240 of 480, all in index 1 of axis 0"),
    ("tail-columns", (100,), S[96:], "4 of 100, all in columns 96..99"),
    ("everything", (), S[()], "1 of 1, everything"),
]


def _wrong(shape: tuple[int, ...], place: Any) -> Array:
    wrong: Array = np.zeros(shape, dtype=bool)
    wrong[place] = True
    return wrong


@pytest.mark.parametrize(("code", "shape", "place", "text"), PLACES, ids=[p[3] for p in PLACES])
def test_places(code: str, shape: tuple[int, ...], place: Any, text: str) -> None:
    found = pattern.find(_wrong(shape, place))
    assert found == (code, (text, found.text.zh))
    # The same numbers in the other language.
    assert all(number in found.text.zh for number in text.split(", ")[0].split(" of "))


OWNERS = np.repeat(np.arange(4), 2)[:, None] * np.ones((1, 10), dtype=int)
PROGRAMS = [[x, y, 0] for y in range(2) for x in range(2)]


@pytest.mark.parametrize(
    ("code", "place", "text"),
    [
        ("one-program", S[2:4], "20 of 80, all stored by program (1, 0, 0)"),
        ("one-program", S[6, 3:], "7 of 80, all stored by program (1, 1, 0)"),
        ("tiles", S[[2, 3, 6, 7]], "40 of 80, everything that 2 of 4 programs stored, the first being (1, 0, 0)"),
        ("tail-columns", S[:, 8:], "16 of 80, all in columns 8..9"),
    ],
)
def test_programs_are_named_where_the_trace_knows_them(code: str, place: Any, text: str) -> None:
    found = pattern.find(_wrong((8, 10), place), OWNERS, PROGRAMS)
    assert (found.code, found.text.en) == (code, text)


def test_a_tile_has_its_program_and_a_place_in_what_that_stored() -> None:
    assert pattern.tile(OWNERS, PROGRAMS, [7, 3]) == {"program": [1, 1, 0], "index": [1, 3]}
    assert pattern.tile(np.full((8, 10), -1), PROGRAMS, [7, 3]) is None
    assert pattern.find(_wrong((8, 10), S[6]), np.full((8, 10), -1), PROGRAMS).code == "one-row"
