"""Terminal cells: what the log's tables align by."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from prep.cells import cell_width, cut, one_line, pad, safe_lines


@pytest.mark.parametrize(
    ("text", "width"),
    [
        ("", 0), ("ab", 2), ("字节", 4), ("Ａ：", 4), ("…", 1), ("e\u0301", 1), ("👍", 2), ("👍🏽", 2), ("👨‍👩‍👧", 2),
        ("❤\ufe0f", 2), ("\u200b", 0), ("\u200d ", 1), ("a🏻", 3), (" \ufe0f", 1),
    ],
)  # fmt: skip
def test_width(text: str, width: int) -> None:
    assert cell_width(text) == width


@given(st.text("abc字节，：…éñ 0", max_size=20))
def test_it_agrees_with_what_the_app_measures(text: str) -> None:
    assert cell_width(text) == cell_len(text)


@given(st.text("ab字节👨‍👩‍👧e\u0301 ", max_size=20), st.integers(1, 12))
def test_a_cut_text_fits_and_says_that_it_was_cut(text: str, width: int) -> None:
    shown = cut(text, width)
    assert cell_width(shown) <= width
    assert shown == text if cell_width(text) <= width else shown.endswith("…")
    assert cell_width(pad(shown, width)) == width


def test_a_note_cannot_drive_the_terminal() -> None:
    assert one_line("a\n b\t\x1b[31mc\u202e") == "a b \ufffd[31mc\ufffd"
    assert safe_lines("a\tb\n\x07c　d") == "a\tb\n\ufffdc　d"
    assert one_line("👨‍👩‍👧 e\u0301") == "👨‍👩‍👧 e\u0301"
