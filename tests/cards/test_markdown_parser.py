"""The parser that the app's Markdown widget gets: formulas are code in Unicode, dollars that are money are not."""

from __future__ import annotations

import subprocess
import sys

import pytest
from markdown_it.token import Token

from prep.cards.math import markdown_parser


def leaves(markdown: str) -> list[Token]:
    return [child for token in markdown_parser().parse(markdown) for child in (token.children or [token])]


def shown(markdown: str) -> list[tuple[str, str]]:
    return [(t.type, t.content) for t in leaves(markdown) if t.content]


def test_an_inline_formula_is_code() -> None:
    assert shown(r"为什么要除以 $\sqrt{d_k}$？见 $QK^T/\sqrt{d_k}$。") == [
        ("text", "为什么要除以 "),
        ("code_inline", "√dₖ"),
        ("text", "？见 "),
        ("code_inline", "QKᵀ/√dₖ"),
        ("text", "。"),
    ]


def test_a_formula_block_is_a_fence() -> None:
    (block,) = leaves("$$\n\\begin{aligned} a &= b \\\\ c &= d \\end{aligned}\n$$")
    assert (block.type, block.tag, block.info, block.content) == ("fence", "code", "text", "a = b\nc = d\n")


def test_display_style_inside_a_paragraph() -> None:
    assert shown("so $$x^2$$ it is") == [("text", "so "), ("code_inline", "x²"), ("text", " it is")]


def test_markdown_does_not_read_a_formula_first() -> None:
    assert shown(r"$a^{*} b^{*}$ and $\{x\}$") == [("code_inline", "a* b*"), ("text", " and "), ("code_inline", "{x}")]


@pytest.mark.parametrize(
    ("markdown", "formulas"),
    [
        ("$5 and $6", []),
        ("中$x$文", ["x"]),
        ("2$x$3", ["x"]),
        (r"$w$ cost \$5", ["w"]),
        ("costs $5 while $x$ grows", ["x"]),
        ("from $5 to $6, then $n$ rows", ["n"]),
        (r"pay \$5 while $x$ grows", ["x"]),
        ("`$x$`", ["$x$"]),
        ("| a |\n|---|\n| $x_1$ |", ["x₁"]),
    ],
)
def test_dollars(markdown: str, formulas: list[str]) -> None:
    assert [content for kind, content in shown(markdown) if kind == "code_inline"] == formulas


def test_front_matter_is_hidden_and_html_is_text() -> None:
    assert [t.type for t in markdown_parser().parse("---\na: b\n---\n")] == ["front_matter"]
    assert shown("a vector<float> b<br>") == [("text", "a vector<float> b<br>")]


@pytest.mark.parametrize(
    ("markdown", "parts"),
    [
        ("共享\n内存", ["共享", "内存"]),
        ("共享。\n内存", ["共享。", "内存"]),
        ("共享\nmemory", ["共享", "softbreak", "memory"]),
        ("shared\nmemory", ["shared", "softbreak", "memory"]),
        ("共享\n`x`", ["共享", "softbreak", "x"]),
    ],
)
def test_a_line_break_inside_chinese_is_no_space(markdown: str, parts: list[str]) -> None:
    (inline,) = [token for token in markdown_parser().parse(markdown) if token.type == "inline"]
    assert [child.content or child.type for child in inline.children or ()] == parts


def test_a_file_name_is_no_link() -> None:
    assert shown("see setup.py and compiler.py") == [("text", "see setup.py and compiler.py")]


def test_the_core_imports_no_front_end() -> None:
    modules = "card, cache, check, fold, frontmatter, library, math, parse, prose, scan, search, symbols, tex, write"
    code = (
        f"import sys; from prep.cards import {modules}\n"
        "bad = {'textual', 'rich', 'click', 'torch', 'prep.tui', 'prep.cli'} & set(sys.modules); assert not bad, bad"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_fault_alone_loads_no_parser() -> None:
    code = "import sys; from prep.cards import Fault; assert not {'markdown_it', 'yaml', 'sqlite3'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
