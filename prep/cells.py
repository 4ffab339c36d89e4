"""Widths in terminal cells: a Chinese character takes two, a combining mark none."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

_ZWJ = "\u200d"
_EMOJI_PRESENTATION = "\ufe0f"


def cell_width(text: str) -> int:
    """How many cells a terminal takes for `text`, on one line."""
    if text.isascii():
        return sum(c.isprintable() for c in text)
    return sum(width for _, width in _clusters(text))


def cut(text: str, width: int) -> str:
    """`text` in at most `width` cells; where it is shortened it ends with …."""
    if cell_width(text) <= width:
        return text
    if width < 1:
        return ""
    kept, used = "", 0
    for cluster, cells in _clusters(text):
        if used + cells > width - 1:
            break
        kept += cluster
        used += cells
    return kept.rstrip() + "…"


def pad(text: str, width: int) -> str:
    """`text` with spaces up to `width` cells."""
    return text + " " * (width - cell_width(text))


def one_line(text: str) -> str:
    """`text` without line breaks, and with control characters made visible: a note must not drive the terminal."""
    joined = " ".join(text.split())
    if joined.isprintable():
        return joined
    return "".join(c if c.isprintable() or _is_mark(c) else "\ufffd" for c in joined)


def safe_lines(text: str) -> str:
    """`text` with its line breaks and tabs, other control characters made visible."""
    return "\n".join(
        "".join(c if c.isprintable() or c == "\t" or _is_mark(c) else "\ufffd" for c in line)
        for line in text.splitlines()
    )


def _is_mark(char: str) -> bool:
    return char in (_ZWJ, "\u3000") or unicodedata.category(char) in ("Mn", "Me", "Zs")


def _clusters(text: str) -> Iterator[tuple[str, int]]:
    """(characters drawn in one place, their cells): marks, selectors and joined emoji go with what they follow."""
    cluster, cells, joined = "", 0, False
    for char in text:
        category = unicodedata.category(char)
        attaches = category in ("Mn", "Me") or char == _ZWJ
        # A skin tone colours an emoji and stands alone after anything else; the same for what a joiner precedes.
        attaches = attaches or (cells == 2 and 0x1F3FB <= ord(char) <= 0x1F3FF) or (joined and category == "So")
        joined = char == _ZWJ
        if cluster and attaches:
            cluster += char
            if char == _EMOJI_PRESENTATION and unicodedata.category(cluster[0]) in ("So", "Sm"):
                cells = 2
            continue
        if cluster:
            yield cluster, cells
        cluster, cells = char, _char_width(char, category)
    if cluster:
        yield cluster, cells


def _char_width(char: str, category: str) -> int:
    if category in ("Mn", "Me", "Cc", "Cf"):
        return 0
    # East Asian "ambiguous" (…, “ ”, ①) is one cell in every terminal that is not set to a legacy Chinese width.
    return 2 if unicodedata.east_asian_width(char) in ("W", "F") else 1
