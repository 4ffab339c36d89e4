"""Scrolling parts of a screen, and source code in them."""

from __future__ import annotations

from collections.abc import Collection
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.geometry import Size
from textual.highlight import highlight
from textual.widget import Widget
from textual.widgets import OptionList

from prep.locale import N_
from prep.tui.keys import relabel


class Pane(VerticalScroll):
    """A part that scrolls by itself; its keys are named in the interface's language."""

    DEFAULT_CSS = """
    Pane {
        padding: 0 1;
        scrollbar-size-vertical: 1;
        scrollbar-size-horizontal: 1;
    }
    """

    def on_mount(self) -> None:
        relabel(self)


class Choices(OptionList):
    """A list to choose from, with vi's keys too."""

    DEFAULT_CSS = """
    Choices {
        border: none;
        padding: 0;
        background: $background;
        height: 1fr;
        scrollbar-size-vertical: 1;
    }
    Choices:focus {
        border: none;
        background-tint: $foreground 0%;
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "select", N_("open")),
        Binding("j", "cursor_down", "Down", show=False),
        Binding("k", "cursor_up", "Up", show=False),
    ]

    def on_mount(self) -> None:
        relabel(self)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return self.option_count > 0 if action == "select" else True


class Code(Widget):
    """Python source with line numbers, read-only; some lines can be marked."""

    DEFAULT_CSS = """
    Code {
        width: 1fr;
        height: auto;
    }
    """

    def __init__(self, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._lines: list[Content] = []
        self._marked: frozenset[int] = frozenset()

    def show_source(self, source: str, marked: Collection[int] = ()) -> None:
        """Show `source`; `marked` are line numbers, counted from 1."""
        self._lines = highlight(source.rstrip().expandtabs(4), language="python").split("\n", allow_blank=True)
        self._marked = frozenset(marked)
        self.refresh(layout=True)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return len(self._rows(width))

    def render(self) -> Content:
        return Content("\n").join(self._rows(self.content_size.width))

    def _rows(self, width: int) -> list[Content]:
        """The lines with their numbers; a long one goes on below, indented, so that nothing is cut."""
        digits = max(2, len(str(len(self._lines))))
        room = max(12, width - digits - 4)
        rows = []
        for number, line in enumerate(self._lines, 1):
            is_marked = number in self._marked
            style = "bold $error" if is_marked else "$text-muted"
            for part, piece in enumerate(line.wrap(room) or [Content("")]):
                label = f"{'>' if is_marked else ' '}{number:>{digits}}" if not part else " " * (digits + 1)
                rows.append(Content.assemble((f"{label} {'┆' if part else '│'} ", style), piece))
        return rows
