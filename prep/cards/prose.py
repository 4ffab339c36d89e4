"""The text of a section: formulas that a terminal cannot show, dollars that are no formula, links to other cards."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Final, NamedTuple

from markdown_it import MarkdownIt
from markdown_it.token import Token

from prep.cards.math import prose_parser
from prep.cards.tex import to_unicode

_MATHS: Final = frozenset({"math_inline", "math_inline_double", "math_block"})
_LINK: Final = re.compile(r"\[\[([^\[\]\n]+)\]\]")
_LEFT_OVER: Final = re.compile(r"\\[A-Za-z]+|\\.?")
_UPRIGHT: Final = re.compile(r"\\(?:text\w*|mbox|mathrm|operatorname\*?)\s*\{[^{}]*\}")
_WIDE: Final = re.compile("[\u2e80-\u9fff\uf900-\ufaff\uff01-\uffef]")
_CODE: Final = re.compile(r"(`+)(?!`)(.*?[^`])\1(?!`)|``+")


class Finding(NamedTuple):
    line: int
    """Of the text, from 0."""

    text: str


@cache
def _parser() -> MarkdownIt:
    # Without text_join an escaped dollar stays a token of its own, apart from a bare one.
    return prose_parser().disable("text_join")


def faults(text: str) -> list[Finding]:
    """Formulas and dollars in Markdown `text` that will not be shown as they are meant."""
    found: list[Finding] = []
    rows: set[int] = set()
    source = text.split("\n")
    tokens = _parser().parse(text)
    for token in tokens:
        if token.type == "tr_open" and token.map is not None:
            rows.add(token.map[0])
    torn = {line for line in rows if line < len(source) and _has_bar_in_formula(source[line])}
    found += [Finding(line, "a | inside $…$ ends the table's cell: write \\mid (or \\Vert)") for line in torn]
    for line, token in _leaves(tokens):
        if token.type in _MATHS:
            found += [Finding(line, message) for message in _formula(token.content)]
        elif token.type == "text":
            if "$" in token.content and line not in torn:
                found.append(Finding(line, _dollar(token.content)))
            if "**" in token.content:
                found.append(
                    Finding(line, "** that makes nothing bold: beside Chinese, keep punctuation outside of it")
                )
            if "`" in token.content:
                found.append(Finding(line, "a ` that begins or ends no code"))
    return sorted(set(found))


def links(text: str) -> list[Finding]:
    """The targets of `[[…]]` in Markdown `text`; not those in code."""
    return [
        Finding(line, match[1].strip())
        for line, token in _leaves(_parser().parse(text))
        if token.type == "text"
        for match in _LINK.finditer(token.content)
    ]


def _leaves(tokens: list[Token]) -> Iterator[tuple[int, Token]]:
    """Formula blocks and the children of inline tokens, each with its line."""
    for token in tokens:
        line = token.map[0] if token.map is not None else 0
        if token.type == "math_block":
            yield line, token
        for child in token.children or ():
            if child.type in ("softbreak", "hardbreak"):
                line += 1
            else:
                yield line, child


def _formula(latex: str) -> list[str]:
    messages: list[str] = []
    shown = to_unicode(latex)
    if "\\" in shown:
        names = ", ".join(dict.fromkeys(_LEFT_OVER.findall(shown)))
        messages.append(f"the formula ${_short(latex)}$ has {names}, which no terminal can show")
    if _WIDE.search(_UPRIGHT.sub("", latex)):
        messages.append(f"Chinese inside ${_short(latex)}$: use \\text{{…}}; money is written \\$")
    return messages


def _dollar(text: str) -> str:
    after = text[text.index("$") + 1 :]
    if after[:1].isdigit():
        return f"${after.split()[0]} may be read as a formula: write \\${after.split()[0]}"
    return "a $ that begins or ends no formula: close it, or write \\$"


def _has_bar_in_formula(row: str) -> bool:
    """Whether a cell of the table row is cut inside a formula: it then has an odd number of dollars."""
    plain = _CODE.sub("", row)
    dollars = 0
    for i, c in enumerate(plain):
        escaped = i > 0 and plain[i - 1] == "\\"
        if c == "$" and not escaped:
            dollars += 1
        elif c == "|" and dollars % 2 == 1 and "$" in plain[i:]:
            return True
    return False


def _short(latex: str) -> str:
    text = " ".join(latex.split())
    return text if len(text) <= 40 else text[:39] + "…"
