"""Text measured in terminal cells: a Chinese character takes two, a combining mark none."""

from __future__ import annotations

import unicodedata


def width(text: str) -> int:
    """The number of cells that `text` takes."""
    cells = 0
    for char in text:
        if unicodedata.combining(char) or unicodedata.category(char) in ("Cc", "Cf", "Me"):
            continue
        cells += 2 if unicodedata.east_asian_width(char) in ("W", "F") else 1
    return cells


def pad(text: str, cells: int) -> str:
    """`text` with spaces behind it, `cells` wide in all; longer text is returned as it is."""
    return text + " " * max(0, cells - width(text))


def fit(text: str, cells: int) -> str:
    """`text` cut to at most `cells`, the last of them `…` where something was cut off."""
    if width(text) <= cells:
        return text
    kept = ""
    for char in text:
        if width(kept + char) > cells - 1:
            break
        kept += char
    return kept.rstrip() + "…" if cells > 0 else ""
