"""A paragraph of a card's Markdown as styled text, for lists and lines, where a Markdown widget would cost too much."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from textual.content import Content

if TYPE_CHECKING:
    from markdown_it import MarkdownIt


@lru_cache(1)
def _parser() -> MarkdownIt:
    from prep.cards.math import markdown_parser

    return markdown_parser()


def inline_content(markdown: str) -> Content:
    """`markdown` in one run of text; blocks are joined by spaces, formulas shown as Unicode."""
    parts: list[tuple[str, str]] = []
    styles: list[str] = []
    for token in _parser().parse(markdown):
        if parts and token.type in ("inline", "fence", "code_block"):
            parts.append((" ", ""))
        if token.type in ("fence", "code_block"):
            parts.append((" ".join(token.content.split()), "$text-warning"))
        for child in token.children or ():
            if child.type.endswith("_open"):
                styles.append({"strong_open": "bold", "em_open": "italic", "s_open": "strike"}.get(child.type, ""))
            elif child.type.endswith("_close"):
                styles.pop()
            elif child.type == "code_inline":
                parts.append((child.content, "$text-warning"))
            elif child.type in ("softbreak", "hardbreak"):
                parts.append((" ", ""))
            else:
                parts.append((child.content, " ".join(filter(None, styles))))
    return Content.assemble(*parts)
