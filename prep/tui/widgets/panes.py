"""Scrolling parts of a screen, and source code in them."""

from __future__ import annotations

from collections.abc import Collection
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.highlight import highlight
from textual.widgets import OptionList, Static

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
        Binding("j", "cursor_down", "Down", show=False),
        Binding("k", "cursor_up", "Up", show=False),
    ]

    def on_mount(self) -> None:
        relabel(self)


class Code(Static):
    """Python source with line numbers, read-only; some lines can be marked."""

    DEFAULT_CSS = """
    Code {
        width: auto;
        text-wrap: nowrap;
    }
    """

    def show_source(self, source: str, marked: Collection[int] = ()) -> None:
        """Show `source`; `marked` are line numbers, counted from 1."""
        self.update(numbered(source, marked))


def numbered(source: str, marked: Collection[int] = ()) -> Content:
    """`source` highlighted, each line with its number."""
    lines = highlight(source.expandtabs(4), language="python").split("\n", allow_blank=True)
    if lines and not lines[-1].plain:
        lines = lines[:-1]
    width = max(2, len(str(len(lines))))
    rows = []
    for number, line in enumerate(lines, 1):
        is_marked = number in marked
        prefix = (f"{'>' if is_marked else ' '}{number:>{width}} │ ", "bold $error" if is_marked else "$text-muted")
        rows.append(Content.assemble(prefix, line))
    return Content("\n").join(rows)
