"""What watch mode draws: a verdict, hints and statements as lines that fit a terminal."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import Any

import click

from prep.cards.text import wrap
from prep.cells import cell_width, cut
from prep.exercises.spec import Exercise
from prep.exercises.statement import hints
from prep.grading.report import PICTURE_LINES, verdict_lines
from prep.locale import gettext as _

_OTHER_LINES = 19
"""Of a verdict beside its picture, roughly: a low window gets a low picture."""

_READABLE = 100
"""Cells of a line of prose, however wide the terminal is."""


Key = tuple[str, str, str]
"""A key, its name, and what it does."""


def key_line(keys: list[Key], progress: str, columns: int) -> str:
    """One line of less than `columns` cells: what is going on, then the keys; the longest names are left out first."""
    names = {key: f"{key} {name}" for key, name, _does in keys}
    while True:
        line = "  ".join(filter(None, [progress, *names.values()]))
        longest = max(names, key=lambda key: cell_width(names[key]))
        if cell_width(line) < columns or names[longest] == longest:
            return cut(line, columns - 1)
        names[longest] = longest


def wrapped(lines: Iterable[str], columns: int) -> list[str]:
    """`lines` in at most `columns` cells each, what goes on below indented as its beginning."""
    found = []
    for line in lines:
        text = line.lstrip()
        indent = line[: len(line) - len(text)]
        fits = cell_width(line) <= columns
        found += [line] if fits else [indent + part for part in wrap(text, columns - len(indent))]
    return found


def rendered(markdown: str, columns: int) -> list[str]:
    """Markdown as text; as it is written where the parser is not installed."""
    try:
        from prep.cards.text import render

        return wrapped(render(markdown, min(columns, _READABLE)).rstrip().splitlines(), columns)
    except ImportError:
        return wrapped(markdown.rstrip().splitlines(), columns)


def verdict_page(verdict: Mapping[str, Any], lang: str, columns: int, rows: int) -> list[str]:
    """The report, its first line in the colour of its result."""
    height = max(3, min(PICTURE_LINES, rows - _OTHER_LINES))
    result, *rest = verdict_lines(verdict, lang, columns, height)
    head = wrapped([result], columns)
    if "NO_COLOR" not in os.environ:
        head = [click.style(part, fg="green" if verdict["passed"] else "red", bold=True) for part in head]
    return head + wrapped(rest, columns)


def hints_page(exercise: Exercise, lang: str, shown: int, columns: int) -> list[str]:
    """The first `shown` hints."""
    lines: list[str] = []
    texts = hints(exercise, lang) if shown else []
    for n, text in enumerate(texts[:shown], 1):
        lines += ["", _("Hint {n} of {total}").format(n=n, total=len(texts)), *rendered(text, columns)]
    return lines
