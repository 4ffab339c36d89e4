"""An answer that is typed before the card's own is shown."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widgets import TextArea

from prep.locale import N_
from prep.tui.keys import relabel


class TypedAnswer(TextArea):
    """Kept only until the card is graded: for comparing, not for grading."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s", "screen.reveal_typed", N_("reveal"), priority=True),
        Binding("escape", "screen.stop_typing", N_("stop typing"), priority=True),
    ]

    def __init__(self) -> None:
        super().__init__(soft_wrap=True, show_line_numbers=False)
        relabel(self)
