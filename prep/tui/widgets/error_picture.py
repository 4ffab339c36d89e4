"""Where the errors of a case are, as a picture that grows with the window."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from textual.content import Content
from textual.geometry import Size
from textual.widget import Widget

from prep.grading.picture import Picture, picture
from prep.locale import gettext as _

# The shape of a cell says how much of it is wrong; the colour says it again.
_STYLES = {"·": "$text-muted", **dict.fromkeys("▘▖▌", "$warning"), **dict.fromkeys("▀▄█▛▙", "$error")}

_SHARE = 4
"""The picture takes at most one line in four of the screen: the words below it matter as much."""

_LINES = (4, 13)
"""At least and at most; the axis is one of them."""


class ErrorPicture(Widget):
    """Rows of the output downwards, its last axis across; takes no room where there is nothing to see."""

    DEFAULT_CSS = """
    ErrorPicture {
        width: 1fr;
        height: auto;
        padding: 0 0 0 2;
    }
    """

    def __init__(self, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._grid: Mapping[str, Any] | None = None
        self.display = False

    def show(self, grid: Mapping[str, Any] | None) -> None:
        """Show a verdict's `error_grid`, or nothing."""
        self._grid = grid
        # At the width of a usual window: whether there is anything to see does not depend on it.
        self.display = grid is not None and picture(grid, 80, _LINES[0]) is not None
        self.refresh(layout=True)

    def _picture(self, width: int) -> Picture | None:
        if self._grid is None:
            return None
        least, most = _LINES
        return picture(self._grid, width, max(least, min(most, self.screen.size.height // _SHARE)))

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        drawn = self._picture(width)
        return 0 if drawn is None else len(drawn.lines) + 2

    def render(self) -> Content:
        drawn = self._picture(self.content_size.width)
        if drawn is None:
            return Content("")
        gutter = drawn.gutter
        rows = [
            Content.assemble((f"{label:>{gutter}} ", "$text-muted"), *((cell, _STYLES[cell]) for cell in line))
            for label, line in zip(drawn.labels, drawn.lines, strict=True)
        ]
        rows.append(Content.styled(" " * (gutter + 1) + drawn.columns, "$text-muted"))
        legend = Content.assemble(
            (_("rows ↓  columns →"), "$text-muted"),
            ("   █ ", "$error"),
            (_("wrong"), "$text-muted"),
            ("   ▌ ", "$warning"),
            (_("in part"), "$text-muted"),
            ("   · " + _("right"), "$text-muted"),
        )
        rows.append(legend.truncate(self.content_size.width, ellipsis=True))
        return Content("\n").join(rows)
