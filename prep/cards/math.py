"""Formulas in cards: the LaTeX converter, and the Markdown parser that shows formulas as Unicode."""

from __future__ import annotations

import unicodedata

from markdown_it import MarkdownIt
from markdown_it.rules_core import StateCore
from markdown_it.token import Token
from mdit_py_plugins.dollarmath import dollarmath_plugin
from mdit_py_plugins.front_matter import front_matter_plugin

from prep.cards.tex import to_lines, to_unicode

__all__ = ["is_wide", "markdown_parser", "prose_parser", "to_lines", "to_unicode"]


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
    """A parser for `textual.widgets.Markdown(parser_factory=markdown_parser)`: formulas become code, in Unicode.

    Conversion happens on tokens, neither on the source nor on the rendered text: Markdown itself would turn `\\{` into
    `{` and read the stars of `a^{*}` as emphasis first.
    """
    parser = prose_parser()
    parser.core.ruler.push("formulas_as_code", _formulas_as_code)
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
