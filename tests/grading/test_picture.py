"""Where the errors are, drawn: what is wrong shows, what is right shows, and the axes say where that is."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

from prep.cells import cell_width
from prep.grading.compare import GRID_COLUMNS, GRID_ROWS, error_grid
from prep.grading.picture import picture, picture_lines


def drawn(shape: tuple[int, ...], wrong: Any, width: int = 60, height: int = 8) -> list[str]:
    mask = np.zeros(shape, dtype=bool)
    mask[wrong] = True
    return picture_lines(error_grid(mask), width, height)


def test_the_tail_columns() -> None:
    lines = drawn((33, 1000), np.s_[:, 976:])
    assert [line.split()[0] for line in lines[:-1]] == ["0..3", "4..7", "8..12", "13..16", "17..22", "23..26", "27..32"]
    assert {line[-1] for line in lines[:-1]} == {"█"}
    assert all(set(line.split()[1][:-2]) == {"·"} for line in lines[:-1])
    assert lines[-1].split() == ["0", "999"]
    assert len({len(line) for line in lines}) == 1


def test_half_a_cell_is_one_row() -> None:
    assert [line.split() for line in drawn((4, 2), np.s_[1, 1])] == [
        ["0..1", "····▄▄▄▄"],
        ["2..3", "········"],
        ["0", "1"],
    ]


def test_one_wrong_element_of_a_million_shows() -> None:
    lines = drawn((1000, 1000), np.s_[999, 999])
    assert lines[-2].rstrip()[-1] == "▖"
    assert sum(c not in "·. 0123456789" for line in lines for c in line) == 1


def test_one_right_element_of_a_million_shows() -> None:
    mask = np.ones((1000, 1000), dtype=bool)
    mask[0, 0] = False
    assert picture_lines(error_grid(mask), 60, 8)[0].split()[1][0] == "▙"


def test_nothing_but_wrong_is_no_picture() -> None:
    assert drawn((5, 7), np.s_[:, :]) == []
    assert drawn((), ()) == []


def test_leading_axes_become_rows() -> None:
    grid = error_grid(np.zeros((2, 3, 4, 5), dtype=bool))
    assert grid["shape"] == [24, 5]


@pytest.mark.parametrize("shape", [(1, 1), (1, 130), (7, 1), (130, 7), (24, 96), (25, 97), (10**4, 3), (3, 10**4)])
@pytest.mark.parametrize("width", [10, 20, 40, 80, 200])
@pytest.mark.parametrize("height", [2, 5, 40])
def test_it_keeps_to_its_room_and_its_edges(shape: tuple[int, int], width: int, height: int) -> None:
    mask = np.zeros(shape, dtype=bool)
    grid = error_grid(mask)
    assert len(grid["shares"]) <= GRID_ROWS
    assert len(grid["shares"][0]) <= GRID_COLUMNS
    found = picture(grid, width, height)
    if found is None:
        assert width < 2 * len(str(shape[0] - 1)) + 8, "only where there is no room"
        return
    assert len(found.lines) + 1 <= max(2, height)
    assert all(cell_width(line) == cell_width(found.lines[0]) <= width - found.gutter - 1 for line in found.lines)
    bounds = [tuple(map(int, label.split(".."))) for label in found.labels]
    assert bounds[0][0] == 0
    assert bounds[-1][-1] == shape[0] - 1
    assert all(a[-1] + 1 == b[0] for a, b in itertools.pairwise(bounds))


def test_shares_count_what_is_wrong() -> None:
    rng = np.random.default_rng(0)
    mask = rng.random((50, 200)) < 0.3
    grid = error_grid(mask, rows=7, columns=9)
    for i, line in enumerate(grid["shares"]):
        for j, digit in enumerate(line):
            cell = mask[50 * i // 7 : 50 * (i + 1) // 7, 200 * j // 9 : 200 * (j + 1) // 9]
            assert int(digit) == min(8, max(1, int(9 * cell.mean())))
