"""Whether a card fits a terminal: the rows of a face, the width of code, boxes that close."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from prep.cards.card import Face
from prep.cards.prose import Finding
from prep.cells import cell_width

COLUMNS: Final = 80
ROWS: Final = 24
SCREENS: Final = 4
"""What one sits still for: longer than four screens is two cards."""

CODE_CELLS: Final = 70
"""The widest line of code: under review the app has 71 cells for it at 80 columns, and folds what is longer."""

_FENCE: Final = re.compile(r" {0,3}(`{3,}|~{3,})")
_EDGES: Final = {"down": frozenset("│┃║├┤┼┝┥╎┆┊╪╫╟╢"), "last left": frozenset("└╰┗╚"), "last right": frozenset("┘╯┛╝")}
_LEFT_CORNERS: Final = frozenset("┌╭┏╔")
_RIGHT_CORNERS: Final = frozenset("┐╮┓╗")


def rows(face: Face) -> int:
    """The rows that a face takes at 80 columns, as `prep cards show` prints it, without heading and sources."""
    from prep.cards.text import render

    points = "\n".join("- [ ] " + point.replace("\n", "\n  ") for point in face.key_points)
    parts = [face.question, face.answer, points, face.details, face.pitfalls, face.follow_ups]
    # A blank line and a title before each part but question and answer, which have a rule between them.
    return sum(render(part, COLUMNS).count("\n") + 3 for part in parts if part) - 3


def faults(text: str) -> list[Finding]:
    """Lines of code in Markdown `text` that are too wide, and boxes drawn in it that do not close."""
    found: list[Finding] = []
    for first, lines in _code(text):
        for at, line in enumerate(lines):
            if (cells := cell_width(line)) > CODE_CELLS:
                found.append(
                    Finding(first + at, f"{cells} cells of code: at 80 columns more than {CODE_CELLS} are folded")
                )
        found += [Finding(first + at, message) for at, message in _open_boxes(lines)]
    return found


def _code(text: str) -> Iterator[tuple[int, list[str]]]:
    """The fenced blocks of `text`: the line of the first content, and the content."""
    fence, start, block = "", 0, list[str]()
    for number, line in enumerate(text.split("\n")):
        match = _FENCE.match(line)
        if not fence and match:
            fence, start, block = match[1], number + 1, []
        elif fence and match and match[1].startswith(fence) and not line.strip().strip(fence[0]):
            yield start, block
            fence = ""
        elif fence:
            block.append(line)


def _open_boxes(lines: list[str]) -> Iterator[tuple[int, str]]:
    """Boxes whose sides are not below their corners, cell by cell: Chinese characters take two cells."""
    grid = [_cells(line) for line in lines]
    for top, row in enumerate(grid):
        for left, char in enumerate(row):
            if char not in _LEFT_CORNERS:
                continue
            right = next((at for at in range(left + 1, len(row)) if row[at] in _RIGHT_CORNERS), None)
            if right is None:  # a branch or a bracket, no box
                continue
            ends = {_foot(grid, top, left, "last left"), _foot(grid, top, right, "last right")}
            if None in ends or len(ends) > 1:
                yield top, f"the box at cell {left + 1} does not close: count cells, a Chinese character takes two"


def _foot(grid: list[list[str]], top: int, column: int, corner: str) -> int | None:
    """The row in which the side below a corner ends; None where it breaks off."""
    for at in range(top + 1, len(grid)):
        char = grid[at][column] if column < len(grid[at]) else " "
        if char in _EDGES[corner]:
            return at
        if char not in _EDGES["down"]:
            return None
    return None


def _cells(line: str) -> list[str]:
    """The line cell by cell; the second cell of a wide character is empty."""
    cells: list[str] = []
    for char in line:
        cells += [char, ""][: cell_width(char)]
    return cells
