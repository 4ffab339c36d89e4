"""What `prep check` says about the text of a card."""

from __future__ import annotations

import pytest

from prep.cards.prose import faults, links


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("fine\nthen $\\foo x$ here", 1, r"has \foo, which no terminal can show"),
        ("a\n\n$$\nx\n\\bar{x}\n\\frobnicate\n$$", 2, r"has \frobnicate"),
        ("it costs\n$5 a day", 1, "$5 may be read as a formula: write \\$5"),
        ("$5 for 中$x$文", 0, "Chinese inside $5 for 中$"),
        ("a $ alone", 0, "begins or ends no formula"),
        ("open $x^2 never closed", 0, "begins or ends no formula"),
        ("in $HOME of you", 0, "begins or ends no formula"),
        ("| a | b |\n|---|---|\n| $|x|$ | y |", 2, "inside $…$ ends the table's cell"),
        ("| a | b |\n|---|---|\n| $P(a \\| b)$ | y |", 2, "inside $…$ ends the table's cell"),
        ("| a | b |\n|---|---|\n| x | y |\n| $\\foo$ | y |", 3, r"has \foo"),
        ("- one\n- two $\\foo$", 1, r"has \foo"),
        ("> a\n> $\\foo$", 1, r"has \foo"),
        ("$显存 = 80$", 0, "Chinese inside"),
        ("first\n**“加粗。”**后面", 1, "** that makes nothing bold"),
        ("| a | b |\n|---|---|\n| `x | y` | z |", 2, "a ` that begins or ends no code"),
        ("a `b and c", 0, "a ` that begins or ends no code"),
    ],
)
def test_fault(text: str, line: int, message: str) -> None:
    found = faults(text)
    assert [(f.line, message in f.text) for f in found if message in f.text] == [(line, True)], found


@pytest.mark.parametrize(
    "text",
    [
        "$QK^T/\\sqrt{d_k}$ and $$x$$",
        "costs \\$5, or \\$6",
        "`$HOME` and `$5`\n\n```sh\necho $5 $\\foo$\n```",
        "| a | b |\n|---|---|\n| $P(a \\mid b)$ | `a \\| b` |",
        "| a | b |\n|---|---|\n| `$` | `$x` |",
        "| a | b |\n|---|---|\n| \\$5 | \\$6 |",
        "$\\text{显存} = 80\\,\\text{GB}$",
        "**加粗**，后面 `**` \\*\\* \\`",
        "a \\ b and \\frac outside of formulas",
    ],
)
def test_no_fault(text: str) -> None:
    assert faults(text) == []


def test_links_have_their_lines_and_code_has_none() -> None:
    text = "see [[one-card]]\nand\n[[two-card]], `[[not-this]]`\n\n```\n[[nor-this]]\n```\n- [[three-card]]"
    assert [(link.line, link.text) for link in links(text)] == [(0, "one-card"), (2, "two-card"), (7, "three-card")]
