"""Text that is laid out for the width it gets, and again when that changes: aligned ends, wrapped parts."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from textual.content import Content
from textual.geometry import Size
from textual.widget import Widget

Layout = Callable[[int], Sequence[Content]]
"""Width in cells -> the lines; a line that is longer wraps."""


class Lines(Widget):
    """Shows what a layout makes of the present width; takes no room while it has none."""

    DEFAULT_CSS = """
    Lines {
        width: 1fr;
        height: auto;
    }
    """

    def __init__(self, layout: Layout | None = None, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._make = layout
        self.display = layout is not None

    def show(self, layout: Layout | None) -> None:
        """Show another layout, or hide."""
        self._make = layout
        self.display = layout is not None
        self.refresh(layout=True)

    def _rows(self, width: int) -> list[Content]:
        if self._make is None or width <= 0:
            return []
        return [line for row in self._make(width) for line in (row.wrap(width) or [Content("")])]

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return len(self._rows(width))

    def render(self) -> Content:
        return Content("\n").join(self._rows(self.content_size.width))
