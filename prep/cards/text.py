"""Markdown as plain text for a terminal: wrapped at its cells, formulas in Unicode, tables aligned."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from prep.cells import cell_width, pad

if TYPE_CHECKING:
    from markdown_it.tree import SyntaxTreeNode

_UNITS: Final = re.compile(r"\s+|[^\s]")
# Kinsoku: what may not begin a line, and what may not end one.
_NOT_FIRST: Final = frozenset("，。、；：？！）》」』】〉”’…—％·,.;:?!)]}%")
_NOT_LAST: Final = frozenset("（《「『【〈“‘([{")
_MIN_COLUMN: Final = 6
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def render(markdown: str, columns: int) -> str:
    """`markdown` as lines of at most `columns` cells; code and formulas on lines of their own keep their length."""
    from markdown_it.tree import SyntaxTreeNode

    from prep.cards.math import prose_parser

    root = SyntaxTreeNode(prose_parser().parse(markdown))
    return _CONTROL.sub("\ufffd", "\n".join(_blocks(root.children, max(columns, 20))))


def one_line(markdown: str) -> str:
    """`markdown` on one line without its markup, for lists."""
    from markdown_it.tree import SyntaxTreeNode

    from prep.cards.math import prose_parser

    root = SyntaxTreeNode(prose_parser().parse(markdown))
    return _CONTROL.sub("\ufffd", " ".join(" ".join(_blocks(root.children, 10_000, tight=True)).split()))


def wrap(text: str, columns: int) -> list[str]:
    """`text` in lines of at most `columns` cells, broken at spaces and between Chinese characters."""
    lines: list[str] = []
    for paragraph in text.split("\n"):
        line, cells = "", 0
        for unit in _units(paragraph):
            size = cell_width(unit)
            if cells + size <= columns:
                line, cells = line + unit, cells + size
                continue
            if line.strip():
                lines.append(line.rstrip())
            line = unit.lstrip()
            while cell_width(line) > columns:  # a word longer than a line
                head = _take(line, columns)
                lines.append(head)
                line = line[len(head) :]
            cells = cell_width(line)
        lines.append(line.rstrip())
    return lines


def _units(text: str) -> list[str]:
    """Pieces that stay in one piece: a word with the spaces before it, a Chinese character with its punctuation."""
    units: list[str] = []
    for piece in _UNITS.findall(text):
        last = units[-1][-1:] if units else ""
        glued = last and not last.isspace() and not piece.isspace()
        if piece.isspace():
            units.append(" ")
        elif not units or (units[-1].isspace() and len(units) == 1):
            units.append(piece)
        elif units[-1] == " ":
            units[-1] = " " + piece
        elif glued and (_joins(last, piece)):
            units[-1] += piece
        else:
            units.append(piece)
    return units


def _joins(last: str, piece: str) -> bool:
    if piece in _NOT_FIRST or last in _NOT_LAST or unicodedata.combining(piece):
        return True
    return not (_is_wide(last) or _is_wide(piece))


def _is_wide(char: str) -> bool:
    return unicodedata.east_asian_width(char) in ("W", "F")


def _take(text: str, columns: int) -> str:
    cells = 0
    for i, char in enumerate(text):
        cells += cell_width(char)
        if cells > columns:
            return text[: max(i, 1)]
    return text


def _blocks(nodes: Sequence[SyntaxTreeNode], columns: int, *, tight: bool = False) -> list[str]:
    lines: list[str] = []
    for node in nodes:
        block = _block(node, columns)
        if lines and block and not tight:
            lines.append("")
        lines += block
    return lines


def _block(node: SyntaxTreeNode, columns: int) -> list[str]:
    from prep.cards.math import to_lines

    match node.type:
        case "paragraph" | "heading":
            return wrap(_inline(node.children), columns)
        case "bullet_list" | "ordered_list":
            return _list(node, columns)
        case "blockquote":
            return [f"| {line}".rstrip() for line in _blocks(node.children, columns - 2)]
        case "fence" | "code_block":
            return [f"    {line}".rstrip() for line in node.content.rstrip("\n").split("\n")]
        case "math_block":
            return [f"    {line}" for line in to_lines(node.content)]
        case "table":
            return _table(node, columns)
        case "hr":
            return ["─" * min(columns, 40)]
        case "front_matter":
            return []
    return wrap(_inline(node.children), columns)


def _list(node: SyntaxTreeNode, columns: int) -> list[str]:
    lines: list[str] = []
    number = int(node.attrs.get("start", 1)) if node.type == "ordered_list" else None
    for item in node.children:
        marker = "- " if number is None else f"{number}. "
        tight = all(child.type != "paragraph" or child.hidden for child in item.children)
        body = _blocks(item.children, columns - len(marker), tight=tight) or [""]
        lines += [(marker if i == 0 else " " * len(marker)) + line for i, line in enumerate(body)]
        number = None if number is None else number + 1
    return [line.rstrip() for line in lines]


def _inline(nodes: Sequence[SyntaxTreeNode]) -> str:
    from prep.cards.math import to_unicode

    text = ""
    for node in nodes:
        match node.type:
            case "softbreak":
                text += "\n"
            case "hardbreak":
                text += "\v"
            case "code_inline":
                text += f"`{node.content}`"
            case "math_inline" | "math_inline_double":
                text += to_unicode(node.content)
            case "link":
                shown, target = _inline(node.children), str(node.attrs.get("href", ""))
                text += shown if shown == target else f"{shown} ({target})"
            case "image":
                text += f"[{_inline(node.children)}]"
            case _:
                text += _inline(node.children) if node.children else node.content
    # A line break of the source is a space, and nothing between two Chinese characters.
    joined = [
        "" if char == "\n" and 0 < i < len(text) - 1 and _is_wide(text[i - 1]) and _is_wide(text[i + 1]) else char
        for i, char in enumerate(text)
    ]
    return "".join(joined).replace("\n", " ").replace("\v", "\n")


def _table(node: SyntaxTreeNode, columns: int) -> list[str]:
    rows = [[_inline(cell.children) for cell in row.children] for part in node.children for row in part.children]
    count = max(len(row) for row in rows)
    rows = [row + [""] * (count - len(row)) for row in rows]
    widths = [max(cell_width(row[i]) for row in rows) for i in range(count)]
    spare = columns - 3 * (count - 1)
    while sum(widths) > spare and max(widths) > _MIN_COLUMN:
        # The widest columns give first: narrow ones hold numbers and names, which must not break.
        widest = widths.index(max(widths))
        second = max([w for w in widths if w < widths[widest]], default=_MIN_COLUMN)
        widths[widest] = max(_MIN_COLUMN, second, widths[widest] - max(1, sum(widths) - spare))
        if widths[widest] == second:
            widths[widest] = max(_MIN_COLUMN, second - 1)
    lines: list[str] = []
    for at, row in enumerate(rows):
        cells = [wrap(text, size) for text, size in zip(row, widths, strict=True)]
        for i in range(max(len(cell) for cell in cells)):
            parts = [pad(cell[i] if i < len(cell) else "", size) for cell, size in zip(cells, widths, strict=True)]
            lines.append(" │ ".join(parts).rstrip())
        if at == 0:
            lines.append("─┼─".join("─" * size for size in widths))
    return lines


__all__ = ["one_line", "render", "wrap"]
