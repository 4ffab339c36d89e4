"""Tables in Markdown files: found by markdown-it-py, so that what a renderer shows is what is read; and written."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from prep.cells import cell_width, pad

_BREAK = re.compile(r"\s*<br\s*/?>\s*", re.IGNORECASE)


@dataclass(slots=True)
class TableRow:
    """One line of a table's body."""

    line: int
    """In the file, from 1."""
    cells: list[str]
    """Trimmed, pipes unescaped; as many as the table has columns, or more when the line has more."""


@dataclass(slots=True)
class Table:
    """A table as it stands in a file."""

    line: int
    columns: list[str]
    rows: list[TableRow]
    heading: str
    """The nearest heading above it, or an empty string."""


def find_tables(text: str) -> list[Table]:
    """Every pipe table of a Markdown text, in order; one inside a code fence is none."""
    from markdown_it import MarkdownIt

    tokens = MarkdownIt("commonmark").enable("table").parse(text)
    # As markdown-it normalises its source, so that a token's line numbers count the same lines.
    lines = re.sub(r"\r\n?", "\n", text).replace("\0", "\ufffd").split("\n")
    tables: list[Table] = []
    heading = ""
    row: TableRow | None = None
    for index, token in enumerate(tokens):
        if token.type == "heading_open":
            heading = tokens[index + 1].content
        elif token.type == "table_open":
            assert token.map is not None
            tables.append(Table(token.map[0] + 1, [], [], heading))
        elif token.type == "tr_open":
            assert token.map is not None
            row = TableRow(token.map[0] + 1, [])
        elif token.type == "inline" and tokens[index - 1].type in ("th_open", "td_open"):
            assert row is not None
            row.cells.append(token.content)
        elif token.type == "tr_close":
            assert row is not None
            if tables[-1].columns:
                row.cells += _cells_beyond(lines[row.line - 1], len(tables[-1].columns))
                tables[-1].rows.append(row)
            else:
                tables[-1].columns = row.cells
    return tables


def _cells_beyond(line: str, count: int) -> list[str]:
    """Cells of a line that has more of them than the table has columns: a renderer drops them, a log must not."""
    cells = re.split(r"(?<!\\)\|", line.lstrip("> \t").rstrip())
    if cells and not cells[0].strip():
        cells.pop(0)
    while len(cells) > count and not cells[-1].strip():
        cells.pop()
    return [cell.replace("\\|", "|").strip() for cell in cells[count:]]


def decode_cell(cell: str) -> str:
    """What a cell says: `<br>` is a line break."""
    return _BREAK.sub("\n", cell)


def encode_cell(text: str) -> str:
    """`text` on one line, for `escape_cell` to write; `decode_cell` reads it back but for blanks around line breaks."""
    return re.sub(r"[^\S\n]*(?:\r\n|\n|\r)[^\S\n]*", "<br>", text.strip())


def format_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A pipe table whose columns align in a terminal, Chinese included. A row may have more cells than `columns`."""
    escaped = [[cell.replace("|", "\\|") for cell in row] for row in (columns, *rows)]
    widths = [max(3, *(cell_width(row[i]) for row in escaped if i < len(row))) for i in range(len(columns))]
    lines = []
    for row in escaped:
        padded = [pad(cell, widths[i]) if i < len(widths) else cell for i, cell in enumerate(row)]
        lines.append("| " + " | ".join(padded) + " |")
    lines.insert(1, "| " + " | ".join("-" * w for w in widths) + " |")
    return "\n".join(lines) + "\n"
