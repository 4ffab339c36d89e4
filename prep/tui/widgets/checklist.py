"""The key points of an answer, to be ticked off against what was said."""

from __future__ import annotations

from collections.abc import Sequence

from textual import events
from textual.containers import VerticalScroll
from textual.content import Content
from textual.geometry import Region, Size
from textual.message import Message
from textual.widget import Widget

from prep.locale import gettext as _
from prep.tui.inline import inline_content
from prep.tui.text import two_ends


class Checklist(Widget):
    """Key points with a cursor. The screen moves and ticks it, so that it needs no focus of its own."""

    DEFAULT_CSS = """
    Checklist {
        height: auto;
        padding: 0 2;
        margin: 1 0;
    }
    """

    class Ticked(Message):
        """A point was ticked or unticked."""

    def __init__(self, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.points: list[Content] = []
        self.ticked: list[bool] = []
        self.cursor = 0
        self.touched = False
        """Whether anything was ticked at all: who does not use the list gets no suggestion from it."""

    def set_points(self, points: Sequence[str], ticked: Sequence[bool] | None = None) -> None:
        """Show `points` (Markdown), unticked, or ticked as given where the number fits."""
        self.points = [inline_content(point) for point in points]
        keep = ticked is not None and len(ticked) == len(points)
        self.ticked = list(ticked or ()) if keep else [False] * len(points)
        self.touched = any(self.ticked)
        self.cursor = min(self.cursor, max(0, len(points) - 1)) if keep else 0
        self.refresh(layout=True)

    def move(self, step: int) -> bool:
        """Move the cursor; False where there is no further point."""
        target = self.cursor + step
        if not 0 <= target < len(self.points):
            return False
        self.cursor = target
        self.refresh()
        self._scroll_to_cursor()
        return True

    def tick(self, value: bool) -> None:
        """Tick or untick the point at the cursor; after a tick the cursor goes on to the next one."""
        if not self.points:
            return
        self.ticked[self.cursor] = value
        self.touched = True
        if value and self.cursor + 1 < len(self.points):
            self.cursor += 1
        self.refresh()
        self._scroll_to_cursor()
        self.post_message(self.Ticked())

    def suggestion(self) -> int | None:
        """The grade that the ticks speak for: all Good, half Hard, fewer Again; None before any tick."""
        if not self.touched or not self.points:
            return None
        share = sum(self.ticked) / len(self.ticked)
        return 3 if share == 1 else 2 if share >= 0.5 else 1

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return sum(len(lines) for lines in self._wrapped(width)) + bool(self.points)

    def _wrapped(self, width: int) -> list[list[Content]]:
        return [point.wrap(max(10, width - 6)) for point in self.points]

    def render(self) -> Content:
        width = self.content_size.width
        if not self.points:
            return Content("")
        said = _("{n} of {total}").format(n=sum(self.ticked), total=len(self.points))
        rows = [two_ends(Content.styled(_("Key points"), "bold"), Content.styled(said, "$text-muted"), width)]
        for index, lines in enumerate(self._wrapped(width)):
            ticked, here = self.ticked[index], index == self.cursor
            for number, line in enumerate(lines):
                if number:
                    prefix = Content(" " * 6)
                else:
                    mark = "[x]" if ticked else "[ ]"
                    prefix = Content.assemble(
                        ("> " if here else "  ", "bold $accent"), (f"{mark} ", "bold $success" if ticked else "")
                    )
                rows.append(Content.assemble(prefix, line.rstrip()))
        return Content("\n").join(rows)

    def _point_at(self, y: int) -> int | None:
        top = 1
        for index, lines in enumerate(self._wrapped(self.content_size.width)):
            if top <= y < top + len(lines):
                return index
            top += len(lines)
        return None

    def on_click(self, event: events.Click) -> None:
        point = self._point_at(event.get_content_offset_capture(self).y)
        if point is not None:
            self.cursor = point
            self.tick(not self.ticked[point])

    def _scroll_to_cursor(self) -> None:
        body = self.parent
        if isinstance(body, VerticalScroll) and self.is_attached:
            lines = self._wrapped(self.content_size.width)
            top = 1 + sum(len(each) for each in lines[: self.cursor])
            height = len(lines[self.cursor]) if lines else 1
            body.scroll_to_region(Region(0, self.virtual_region.y + top, 1, height), animate=False)
