"""Formulas in cards: the LaTeX converter, and the Markdown parser that shows formulas as Unicode."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from markdown_it import MarkdownIt
from markdown_it.rules_core import StateCore
from markdown_it.token import Token
from mdit_py_plugins.dollarmath import dollarmath_plugin
from mdit_py_plugins.front_matter import front_matter_plugin

from prep.cards.tex import to_lines, to_unicode

__all__ = ["CARD_LINK", "is_wide", "markdown_parser", "prose_parser", "to_lines", "to_unicode"]


CARD_LINK: Final = re.compile(r"\[\[([a-z0-9][a-z0-9-]{2,63})\]\]")
"""`[[card-id]]`, as cards link to each other."""


def prose_parser() -> MarkdownIt:
    """The Markdown that cards are written in, formulas as tokens of dollarmath.

    Raw HTML is off: a terminal would drop `vector<float>` without a word. Linkify is off: it takes `setup.py` for an
    address in Paraguay.
    """
    parser = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
    # allow_space=False leaves `$5 and $6` text; allow_digits=False would kill valid formulas before a price.
    parser.use(dollarmath_plugin, allow_space=False, allow_digits=True, allow_labels=False, double_inline=True)
    return parser.use(front_matter_plugin)


def markdown_parser() -> MarkdownIt:
    """A parser for `textual.widgets.Markdown(parser_factory=markdown_parser)`: formulas become code, in Unicode, and
    `[[card-id]]` a link to `card:card-id`.

    Conversion happens on tokens, neither on the source nor on the rendered text: Markdown itself would turn `\\{` into
    `{` and read the stars of `a^{*}` as emphasis first.
    """
    parser = prose_parser()
    parser.core.ruler.push("formulas_as_code", _formulas_as_code)
    parser.core.ruler.push("card_links", _card_links)
    parser.core.ruler.push("chinese_lines", _chinese_lines)
    return parser


def _formulas_as_code(state: StateCore) -> None:
    for token in state.tokens:
        if token.type == "math_block":
            _rewrite(token, "fence", "```")
            token.info = "text"
            token.content = "\n".join(to_lines(token.content)) + "\n"
        for child in token.children or ():
            if child.type in ("math_inline", "math_inline_double"):
                _rewrite(child, "code_inline", "`")
                child.content = to_unicode(child.content)


def _card_links(state: StateCore) -> None:
    for token in state.tokens:
        if "[[" in token.content and token.children:
            token.children = [part for child in token.children for part in _linked(child)]


def _linked(token: Token) -> list[Token]:
    """A text with a link for each `[[card-id]]` in it; any other token as it is."""
    if token.type != "text":
        return [token]
    parts: list[Token] = []
    for at, piece in enumerate(CARD_LINK.split(token.content)):
        text = Token("text", "", 0, content=piece, level=token.level)
        if at % 2:
            parts += [Token("link_open", "a", 1, attrs={"href": f"card:{piece}"}), text, Token("link_close", "a", -1)]
        elif piece:
            parts.append(text)
    return parts


def _chinese_lines(state: StateCore) -> None:
    """Drop line breaks between two Chinese characters: they would be shown as spaces inside a sentence."""
    for token in state.tokens:
        children = token.children or []
        token.children = [
            child
            for i, child in enumerate(children)
            if not (
                child.type == "softbreak"
                and 0 < i < len(children) - 1
                and is_wide(children[i - 1].content[-1:])
                and is_wide(children[i + 1].content[:1])
            )
        ] or token.children


def is_wide(char: str) -> bool:
    """Whether a character takes two cells, as Chinese ones and their punctuation do."""
    return bool(char) and unicodedata.east_asian_width(char) in ("W", "F")


def _rewrite(token: Token, kind: str, markup: str) -> None:
    token.type, token.tag, token.markup = kind, "code", markup
