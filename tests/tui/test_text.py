"""Measuring, aligning and breaking text in cells."""

from __future__ import annotations

from datetime import date
from itertools import pairwise

import pytest
from rich.cells import cell_len

from prep.locale import set_language
from prep.tui.inline import inline_content
from prep.tui.sitting import StopWatch
from prep.tui.text import clip, day_text, days_away, duration, fit, progress_dots, sparkline, two_ends, wait_text
from prep.tui.wrap import divide_line


@pytest.mark.parametrize("text", ["plain", "中文字符", "混 mixed 文", ""])
@pytest.mark.parametrize("width", [0, 1, 2, 3, 5, 8, 20])
def test_clip_and_fit_count_cells(text: str, width: int) -> None:
    assert cell_len(clip(text, width)) <= width
    assert cell_len(fit(text, width)) == width
    if cell_len(text) > width > 0:
        assert clip(text, width).endswith("…")


def test_two_ends_fill_the_line_exactly() -> None:
    line = two_ends("左边的文字", "right", 30)
    assert line.cell_length == 30
    assert line.plain.startswith("左边的文字")
    assert line.plain.endswith("right")
    assert two_ends("a long left side of the line", "right", 20).plain.endswith("… right")
    assert two_ends("left", "far too long on the right", 12).plain == "left"


def test_sparkline_shows_a_day_with_little_as_more_than_nothing() -> None:
    assert sparkline([0, 1, 100]) == "▁▂█"
    assert sparkline([0, 0]) == "▁▁"
    assert sparkline([]) == ""


def test_small_texts() -> None:
    assert progress_dots(3, 6, 4) == "●●○○"
    assert progress_dots(9, 0, 4) == "○○○○"
    assert duration(247) == "4:07"
    assert duration(3723) == "1:02:03"
    assert day_text(date(2026, 11, 22)) == "Sun 22 Nov"
    assert [days_away(n) for n in (0, 1, 4, -1, -3)] == ["today", "tomorrow", "in 4 days", "yesterday", "3 days ago"]
    assert [wait_text(m * 60_000) for m in (0, 8, 90, 3 * 1440)] == ["in 1 min", "in 8 min", "in 2 h", "in 3 days"]
    set_language("zh")
    assert day_text(date(2026, 11, 22)) == "11月22日 周日"


def lines_of(text: str, width: int) -> list[str]:
    offsets = [0, *divide_line(text, width), len(text)]
    return [text[a:b] for a, b in pairwise(offsets)]


def test_chinese_lines_are_filled() -> None:
    text = "编程单位从线程变成了 tile。我只写一个 program 对一个块做什么，哪个线程拿哪个元素都由编译器决定。"
    lines = lines_of(text, 40)
    assert "".join(lines) == text
    assert all(cell_len(line.rstrip()) <= 40 for line in lines)
    assert all(cell_len(line.rstrip()) >= 34 for line in lines[:-1]), "no line is left half empty"


@pytest.mark.parametrize("width", range(4, 60))
def test_no_line_begins_with_a_comma_or_ends_with_a_bracket(width: int) -> None:
    text = "第一，（第二）、「第三」。Latin，words（in）中文，和 more words：都要对。"
    lines = lines_of(text, width)
    assert "".join(lines) == text
    assert all(cell_len(line.rstrip()) <= width for line in lines)
    if width >= 12:  # narrower, a word with its marks does not fit, and is folded anywhere
        assert not any(line[0] in "，。、）」：" for line in lines)
        assert not any(line.rstrip()[-1] in "（「" for line in lines)


def test_text_without_chinese_is_broken_at_spaces() -> None:
    assert lines_of("one two three", 8) == ["one two ", "three"]
    assert lines_of("naïve words here", 8) == ["naïve ", "words ", "here"]


def test_textual_breaks_lines_with_it() -> None:
    from textual.content import Content

    from prep.tui.wrap import install

    install()
    wrapped = [line.plain for line in Content("abc 一二三四五六七八九十").wrap(12)]
    assert wrapped[0].strip() == "abc 一二三四"


def test_inline_markdown() -> None:
    content = inline_content("a **bold** `code` and $x_1$, *em*\nnext")
    assert content.plain == "a bold code and x₁, em next"
    assert inline_content("see [[card-01]], not `[[nodiscard]]`").plain == "see card-01, not [[nodiscard]]"


def test_the_stop_watch_stands_still_while_paused() -> None:
    now = 0.0

    def monotonic() -> float:
        return now

    watch = StopWatch(monotonic)
    now = 3.0
    watch.pause()
    watch.pause()
    now = 100.0
    assert watch.seconds == 3
    watch.resume()
    watch.resume()
    now = 102.0
    assert watch.seconds == 5
