"""The parts of an exercise's screen, and which of them a window has room for."""

from __future__ import annotations

from typing import Literal

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.geometry import Size
from textual.widgets import Markdown, Static

from prep.cards.math import markdown_parser
from prep.tui.widgets.panes import Code, Pane
from prep.tui.widgets.verdict_view import VerdictView

View = Literal["statement", "file", "verdict"]

WIDE, TALL = 120, 34
"""From these sizes on statement and work stand side by side, and verdict and file one above the other."""


class ExercisePanes(Horizontal):
    """Statement beside work; the work is the verdict above the file."""

    def __init__(self, results: VerdictView) -> None:
        super().__init__(id="panes")
        self._results = results

    def compose(self) -> ComposeResult:
        with Pane(id="statement-pane", can_focus=False):
            yield Markdown(id="statement", parser_factory=markdown_parser)
        with Vertical(id="work"):
            yield self._results
            with Pane(id="file-pane", can_focus=False):
                yield Static(id="path")
                yield Code(id="code")

    def make_room(self, view: View, work: View, size: Size) -> None:
        """Show what `size` has room for: `view` always, and where there is room for one part of the work, `work`."""
        is_wide, is_tall = size.width >= WIDE, size.height >= TALL
        self.screen.set_class(is_wide, "-wide")
        self.screen.set_class(is_tall, "-tall")
        self.query_one("#statement-pane").display = is_wide or view == "statement"
        self.query_one("#work").display = is_wide or view != "statement"
        both = is_wide and is_tall
        self.query_one("#verdict-pane").display = both or work == "verdict"
        self.query_one("#file-pane").display = both or work == "file"
