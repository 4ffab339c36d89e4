"""Markdown as plain text: wrapped by cells, nothing lost."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prep.cards.text import one_line, render, wrap
from prep.cells import cell_width


@pytest.mark.parametrize(
    ("text", "columns", "lines"),
    [
        ("one two three", 7, ["one two", "three"]),
        ("分页管理显存", 8, ["分页管理", "显存"]),
        ("分页管理，显存", 8, ["分页管", "理，显存"]),  # no line begins with a comma
        ("看《论文》吧", 4, ["看", "《论", "文》", "吧"]),  # nor ends with an opening mark
        ("用 PagedAttention 分页", 10, ["用", "PagedAtten", "tion 分页"]),
        ("abcdefgh", 3, ["abc", "def", "gh"]),
        ("", 5, [""]),
        ("a\nb", 5, ["a", "b"]),
    ],
)
def test_wrap(text: str, columns: int, lines: list[str]) -> None:
    assert wrap(text, columns) == lines


@settings(deadline=None)
@given(st.text(alphabet="ab 分页，（）.\u0301", max_size=60), st.integers(4, 30))
def test_wrapping_fits_and_loses_nothing(text: str, columns: int) -> None:
    lines = wrap(text, columns)
    assert all(cell_width(line) <= columns for line in lines)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")


def test_blocks() -> None:
    text = """\
A **bold** `x` and $QK^T$, [docs](https://x.org/a) <https://y.org>.

- one
  - deeper
- two
  wrapped

3. three
4. four

> quoted

```python
## code
```

$$
\\begin{aligned} a &= b \\\\ c &= d \\end{aligned}
$$

---"""
    assert render(text, 80).split("\n") == [
        "A bold `x` and QKᵀ, docs (https://x.org/a) https://y.org.",
        "",
        "- one",
        "  - deeper",
        "- two wrapped",
        "",
        "3. three",
        "4. four",
        "",
        "| quoted",
        "",
        "    ## code",
        "",
        "    a = b",
        "    c = d",
        "",
        "─" * 40,
    ]


def test_a_line_break_in_chinese_is_no_space() -> None:
    assert render("共享\n内存 and\nmore", 80) == "共享内存 and more"


def test_table_is_aligned_by_cells() -> None:
    assert render("| 特性 | CUDA |\n|---|---|\n| 共享内存 | $2^{10}$ |\n| x | |", 80).split("\n") == [
        "特性     │ CUDA",
        "─────────┼─────",
        "共享内存 │ 2¹⁰",
        "x        │",
    ]


def test_a_wide_table_wraps_its_cells() -> None:
    table = "| a | b |\n|---|---|\n| x | " + "word " * 30 + "|"
    lines = render(table, 40).split("\n")
    assert all(cell_width(line) <= 40 for line in lines)
    assert " ".join(lines).count("word") == 30


@settings(max_examples=60, deadline=None)
@given(st.integers(2, 6), st.integers(20, 120))
def test_a_table_of_any_size_ends(count: int, columns: int) -> None:
    row = "|" + "|".join("中文 word " * (i + 1) for i in range(count)) + "|\n"
    assert render(row + "|" + "---|" * count + "\n" + row, columns)


PIECES = st.sampled_from([
    "# a\n", "- ", "1. ", "> ", "```\n", "$$\n", "| a | b |\n|---|---|\n", "| c |\n", "**", "`", "$x$", "[a](b)",
    "![i](j)", "text ", "中文", "\n", "\n\n", "  ", "\t", "---\n", "<br>", "\\", "\u001b[2J", "<https://a.b>",
    "~~x~~", "&amp;", "[[c]]",
])  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(st.lists(PIECES, max_size=20).map("".join), st.integers(0, 100))
def test_any_markdown_is_rendered(markdown: str, columns: int) -> None:
    assert "\x1b" not in render(markdown, columns)
    assert "\n" not in one_line(markdown)


def test_one_line() -> None:
    assert one_line("Why $x^2$\nand **that**?\n\n- a") == "Why x² and that? - a"
