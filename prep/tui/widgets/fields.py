"""Fields of the interview form: each is one line, and none needs more than a key or two."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.geometry import Size
from textual.message import Message
from textual.reactive import reactive
from textual.widget import Widget
from textual.widgets import Input

from prep.interviews.model import OUTCOMES
from prep.locale import N_
from prep.locale import gettext as _
from prep.tui.keys import relabel
from prep.tui.screens.dialogs import digit_of
from prep.tui.text import fit

OUTCOME_NAMES = {
    "not_reached": N_("not reached"),
    "failed": N_("failed"),
    "partial": N_("partial"),
    "nailed": N_("nailed"),
}
OUTCOME_STYLES = {"not_reached": "$text-muted", "failed": "$error", "partial": "$warning", "nailed": "$success"}
OUTCOME_MARKS = {"not_reached": "·", "failed": "✗", "partial": "~", "nailed": "✓"}


class Line(Input):
    """A text field of one line without a frame."""

    DEFAULT_CSS = """
    Line {
        width: 1fr;
        height: 1;
        border: none;
        padding: 0;
        background: $surface;
        &:focus { border: none; background: $panel; }
    }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down", "app.focus_next", N_("next field"), show=False),
        Binding("up", "app.focus_previous", N_("previous field"), show=False),
    ]

    def on_mount(self) -> None:
        relabel(self)


class Choice(Widget, can_focus=True):
    """One of a few options, by its digit (full-width ones too) or with the arrows; Delete takes it back."""

    DEFAULT_CSS = """
    Choice {
        width: 1fr;
        height: auto;
        &:focus { background: $panel; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "step(-1)", N_("previous"), show=False),
        Binding("right", "step(1)", N_("next option"), show=False),
        Binding("backspace,delete", "clear", N_("clear"), show=False),
        Binding("enter", "accept", N_("next")),
    ]

    value: reactive[str | None] = reactive(None)

    class Changed(Message):
        def __init__(self, choice: Choice) -> None:
            super().__init__()
            self.choice = choice

    class Accepted(Message):
        """Enter: on to the next field."""

        def __init__(self, choice: Choice) -> None:
            super().__init__()
            self.choice = choice

        @property
        def control(self) -> Choice:
            return self.choice

    def __init__(self, options: Sequence[tuple[str, str]], value: str | None = None, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.options = list(options)
        self.set_reactive(Choice.value, value)
        relabel(self)

    def watch_value(self) -> None:
        self.post_message(self.Changed(self))

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return len(self._lines(width))

    def _lines(self, width: int) -> list[Content]:
        """The options in as many lines as they need; none is broken in two."""
        lines = [Content("")]
        for number, (value, label) in enumerate(self.options, 1):
            chosen = value == self.value
            text = " ".join(filter(None, [str(number) if number <= 9 else "", _(label)]))
            item = Content.styled(f"[{text}]" if chosen else f" {text} ", "bold $success" if chosen else "")
            if lines[-1].cell_length + item.cell_length > width and lines[-1]:
                lines.append(Content(""))
            lines[-1] = Content.assemble(lines[-1], item)
        return lines

    def render(self) -> Content:
        return Content("\n").join(self._lines(max(10, self.content_size.width)))

    def on_key(self, event: events.Key) -> None:
        digit = digit_of(event.character)
        if digit is not None and 1 <= digit <= len(self.options):
            event.stop()
            self.value = self.options[digit - 1][0]
        elif digit == 0:
            event.stop()
            self.value = None

    def action_step(self, step: int) -> None:
        values = [value for value, _label in self.options]
        at = values.index(self.value) if self.value in values else (-1 if step > 0 else 0)
        self.value = values[(at + step) % len(values)]

    def action_clear(self) -> None:
        self.value = None

    def action_accept(self) -> None:
        self.post_message(self.Accepted(self))


class Outcome(Widget, can_focus=True):
    """How a question went, by a digit: 0 not reached, 1 failed, 2 partial, 3 nailed."""

    DEFAULT_CSS = """
    Outcome {
        width: 15;
        height: 1;
        &:focus { background: $panel; text-style: bold; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("0,０", "set(0)", N_("not reached")),
        Binding("1,１", "set(1)", N_("failed")),
        Binding("2,２", "set(2)", N_("partial")),
        Binding("3,３", "set(3)", N_("nailed")),
        Binding("m", "match", N_("other match")),
        Binding("enter", "accept", N_("next")),
        Binding("backspace,delete", "clear", N_("clear"), show=False),
    ]

    value: reactive[str | None] = reactive(None)

    class Answered(Message):
        """A digit or Enter: on to the next question."""

        def __init__(self, outcome: Outcome) -> None:
            super().__init__()
            self.outcome = outcome

    class OtherMatch(Message):
        """`m`: another card for this question, or none."""

        def __init__(self, outcome: Outcome) -> None:
            super().__init__()
            self.outcome = outcome

    def __init__(self, value: str | None = None) -> None:
        super().__init__()
        self.set_reactive(Outcome.value, value)
        relabel(self)

    def render(self) -> Content:
        if self.value is None:
            return Content.styled(f"[{fit('0 1 2 3', 11)}]" if self.has_focus else f"[{' ' * 11}]", "$text-muted")
        text = fit(f"{OUTCOME_MARKS[self.value]} {_(OUTCOME_NAMES[self.value])}", 11)
        return Content.styled(f"[{text}]", OUTCOME_STYLES[self.value])

    def action_set(self, number: int) -> None:
        self.value = OUTCOMES[number]
        self.post_message(self.Answered(self))

    def action_clear(self) -> None:
        self.value = None

    def action_match(self) -> None:
        self.post_message(self.OtherMatch(self))

    def action_accept(self) -> None:
        self.post_message(self.Answered(self))
