"""Text that is measured in terminal cells: a Chinese character takes two."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from rich.cells import cell_len
from textual.content import Content

from prep.locale import current_language
from prep.locale import gettext as _

BLOCKS = "▁▂▃▄▅▆▇█"


def clip(text: str, width: int) -> str:
    """`text` in at most `width` cells; what does not fit is marked with an ellipsis."""
    if cell_len(text) <= width:
        return text
    kept, used = "", 0
    for character in text:
        cells = cell_len(character)
        if used + cells > width - 1:
            break
        kept += character
        used += cells
    return kept + "…" if width > 0 else ""


def fit(text: str, width: int) -> str:
    """`text` in exactly `width` cells: clipped, or padded on the right."""
    text = clip(text, width)
    return text + " " * (width - cell_len(text))


def right_aligned(text: str, width: int) -> str:
    """`text` in exactly `width` cells, spaces before it."""
    return " " * (width - cell_len(text)) + clip(text, width)


def two_ends(left: Content | str, right: Content | str, width: int) -> Content:
    """One line with `left` and `right` at its ends; the left is clipped first, the right dropped when nothing fits."""
    start = Content(left) if isinstance(left, str) else left
    end = Content(right) if isinstance(right, str) else right
    if end.cell_length > width - 8:
        return start.truncate(width, ellipsis=True)
    room = width - end.cell_length - (1 if end.cell_length else 0)
    start = start.truncate(room, ellipsis=True)
    return Content.assemble(start, " " * (width - start.cell_length - end.cell_length), end)


def sparkline(values: Sequence[int]) -> str:
    """One block a value, as high as the value is beside the greatest; nothing done is the lowest block."""
    top = max(values, default=0)
    if top <= 0:
        return BLOCKS[0] * len(values)
    return "".join(BLOCKS[0] if v <= 0 else BLOCKS[max(1, round(v / top * 7))] for v in values)


def progress_dots(done: int, total: int, width: int = 10) -> str:
    """●●●○○: how much of `total` is done."""
    filled = 0 if total <= 0 else min(width, done * width // total)
    return "●" * filled + "○" * (width - filled)


def duration(seconds: float) -> str:
    """`4:07` or `1:02:03`."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


_WEEKDAYS_ZH = "一二三四五六日"


def day_text(day: date) -> str:
    """`Sun 22 Nov` or `11月22日 周日`."""
    if current_language() == "zh":
        return f"{day.month}月{day.day}日 周{_WEEKDAYS_ZH[day.weekday()]}"
    return f"{day:%a} {day.day} {day:%b}"


def days_away(days: int) -> str:
    """`today`, `in 4 days`, `3 days ago`."""
    if days == 0:
        return _("today")
    if days == 1:
        return _("tomorrow")
    if days == -1:
        return _("yesterday")
    return _("in {n} days").format(n=days) if days > 0 else _("{n} days ago").format(n=-days)


def wait_text(ms: int, moment: datetime | None = None) -> str:
    """How long until something: `in 8 min`, `in 3 h`, `in 2 days`."""
    minutes = max(1, -(-ms // 60_000))
    if minutes < 60:
        return _("in {n} min").format(n=minutes)
    if minutes < 48 * 60:
        return _("in {n} h").format(n=round(minutes / 60))
    return _("in {n} days").format(n=round(minutes / 1440))
