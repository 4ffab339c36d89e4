"""Breaking lines of Chinese text, which has no spaces to break at.

textual breaks at spaces only: a clause that does not fit goes to the next line whole, and leaves half a line empty.
Here a line may end after any Chinese character, with the usual exceptions: none begins with a closing mark or a comma,
and none ends with an opening one.
"""

from __future__ import annotations

from collections.abc import Iterator

from rich._wrap import divide_line as divide_at_spaces
from rich.cells import cell_len, chop_cells, get_character_cell_size

_NOT_FIRST = frozenset("，。、；：？！）》」』】〉〕…—～·”’,.;:?!)]}%")
_NOT_LAST = frozenset("（《「『【〈〔“‘([{")


def _units(text: str) -> Iterator[tuple[int, int]]:
    """Start and end of each piece that must stay on one line, with the spaces after it."""
    start = 0
    before_is_wide = False
    for at, character in enumerate(text):
        is_wide = get_character_cell_size(character) == 2
        if at and not character.isspace():
            before = text[at - 1]
            may_break = before.isspace() or (
                (is_wide or before_is_wide) and character not in _NOT_FIRST and before not in _NOT_LAST
            )
            if may_break and text[start:at].strip():
                yield start, at
                start = at
        before_is_wide = is_wide
    if start < len(text):
        yield start, len(text)


def divide_line(text: str, width: int, fold: bool = True) -> list[int]:
    """Where to break `text` so that no line is wider than `width` cells; same contract as rich's own."""
    if text.isascii():
        return divide_at_spaces(text, width, fold)
    breaks: list[int] = []
    used = 0
    for start, end in _units(text):
        unit = text[start:end]
        length = cell_len(unit.rstrip())
        if used + length <= width:
            used += cell_len(unit)
        elif length > width and fold:
            at = start
            for number, piece in enumerate(chop_cells(unit, width)):
                if at and (number or used):
                    breaks.append(at)
                at += len(piece)
                used = cell_len(piece)
        else:
            if start:
                breaks.append(start)
            used = cell_len(unit)
    return breaks


def install() -> None:
    """Let textual break lines so; it offers no place to say it."""
    import textual.content

    textual.content.divide_line = divide_line  # type: ignore[attr-defined]
