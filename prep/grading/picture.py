"""A picture of where the errors are, in the cells of a terminal; what reads it needs no numpy.

Every cell holds two rows of the picture. A half that is wrong throughout is filled, one that is wrong in part is filled
on its left, so that the shape says all and colour only repeats it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

RIGHT, PART, WRONG = 0, 1, 2
"""Of what a cell stands for: nothing, some or all is wrong."""

GLYPHS = {
    (RIGHT, RIGHT): "·",
    (PART, RIGHT): "▘",
    (RIGHT, PART): "▖",
    (PART, PART): "▌",
    (WRONG, RIGHT): "▀",
    (RIGHT, WRONG): "▄",
    (WRONG, WRONG): "█",
    (WRONG, PART): "▛",
    (PART, WRONG): "▙",
}
"""(upper half, lower half) -> what is drawn."""

_ZOOM = 4
"""A plane of few columns is drawn at most this much wider, so that a handful of elements can be seen at all."""

_WIDE_ENOUGH = 24


@dataclass(frozen=True, slots=True)
class Picture:
    """Rows of text, all of one width, and what stands at the axes."""

    labels: list[str]
    """The rows of the output that each line shows, `0..15`."""

    lines: list[str]
    columns: str
    """The axis below: the first and the last column at their places."""

    shape: tuple[int, int]

    @property
    def gutter(self) -> int:
        return max(len(label) for label in self.labels)


def picture(grid: Mapping[str, Any], width: int, height: int) -> Picture | None:
    """`grid`, a verdict's `error_grid`, in at most `width` x `height` cells with its axes; None where there is nothing
    to see: every cell is wrong throughout, or there is no room."""
    levels = [[WRONG if c == "9" else RIGHT if c == "0" else PART for c in line] for line in grid["shares"]]
    if all(level == WRONG for line in levels for level in line):
        return None
    extent_rows, extent_columns = grid["shape"]
    gutter = 2 * len(str(extent_rows - 1)) + 2
    room = width - gutter - 2
    lines = max(1, height - 1)
    if room < 4:
        return None
    rows = _shrink(levels, 2 * lines)
    cells = [_shrink_line(row, room) for row in rows]
    zoom = max(1, min(_ZOOM, min(room, _WIDE_ENOUGH) // len(cells[0])))
    halves = [[level for level in row for _ in range(zoom)] for row in cells]
    # A single row fills its cell: half of one would look like two rows, one of them right.
    if len(halves) == 1:
        halves.append(halves[0])
        spans = [(0, extent_rows)]
    else:
        edges = _edges(len(levels), len(rows), extent_rows)
        spans = [(edges[i], edges[min(i + 2, len(rows))]) for i in range(0, len(rows), 2)]
    drawn = []
    for i in range(0, len(halves), 2):
        upper = halves[i]
        lower = halves[i + 1] if i + 1 < len(halves) else None
        if lower is None:  # an odd number of rows: below the last there is nothing, which is not "right"
            drawn.append("".join({RIGHT: "·", PART: "▘", WRONG: "▀"}[level] for level in upper))
        else:
            drawn.append("".join(GLYPHS[pair] for pair in zip(upper, lower, strict=True)))
    labels = [f"{top}" if bottom - top == 1 else f"{top}..{bottom - 1}" for top, bottom in spans]
    return Picture(labels, drawn, _axis(extent_columns, len(drawn[0])), (extent_rows, extent_columns))


def picture_lines(grid: Mapping[str, Any], width: int, height: int) -> list[str]:
    """The picture as plain text, with its labels; empty where there is none."""
    drawn = picture(grid, width, height)
    if drawn is None:
        return []
    gutter = drawn.gutter
    rows = [f"{label:>{gutter}} {line}" for label, line in zip(drawn.labels, drawn.lines, strict=True)]
    return [*rows, " " * (gutter + 1) + drawn.columns]


def _axis(extent: int, width: int) -> str:
    last = str(extent - 1)
    if extent == 1 or width < len(last) + 2:
        return "0" if extent == 1 else f"0..{last}"
    return "0" + last.rjust(width - 1)


def _edges(cells: int, lines: int, extent: int) -> list[int]:
    """Where each of `lines` begins that `cells` were shrunk to, and where the last one ends."""
    return [extent * (cells * i // lines) // cells for i in range(lines + 1)]


def _shrink(levels: Sequence[Sequence[int]], count: int) -> list[list[int]]:
    """`levels` in at most `count` rows."""
    count = min(count, len(levels))
    bounds = [len(levels) * i // count for i in range(count + 1)]
    rows = []
    for top, bottom in pairwise(bounds):
        rows.append([_merged(column) for column in zip(*levels[top:bottom], strict=True)])
    return rows


def _shrink_line(line: Sequence[int], count: int) -> list[int]:
    count = min(count, len(line))
    bounds = [len(line) * i // count for i in range(count + 1)]
    return [_merged(line[left:right]) for left, right in pairwise(bounds)]


def _merged(levels: Sequence[int]) -> int:
    return levels[0] if all(level == levels[0] for level in levels) else PART
