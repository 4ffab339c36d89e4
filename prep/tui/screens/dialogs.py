"""Small questions and messages over a screen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from prep.errors import PrepError
from prep.locale import N_
from prep.locale import gettext as _
from prep.tui.screen import Dialog
from prep.tui.widgets.bars import KeyBar

BOX = """
{name} Vertical {{
    width: 70;
    max-width: 94%;
    height: auto;
    max-height: 90%;
    padding: 1 2 0 2;
    background: $surface;
    border: round {colour};
}}
{name} .text {{
    height: auto;
    margin-bottom: 1;
}}
"""


class ErrorDialog(Dialog[None]):
    """What is wrong, where, and what to do. Nothing that was typed is lost: it can be tried again."""

    DEFAULT_CSS = BOX.format(name="ErrorDialog", colour="$error")
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("r", "retry", N_("try again")),
        Binding("enter,space,q", "dismiss", N_("close"), key_display="Enter"),
        Binding("Q", "abandon", N_("leave prep")),
    ]

    def __init__(self, error: PrepError, retry: Callable[[], Any] | None = None) -> None:
        self.error = error
        self.retry = retry
        super().__init__()

    def compose(self) -> ComposeResult:
        lines = [Content.styled(self.error.message, "bold")]
        faults = getattr(self.error, "faults", ())
        if faults:
            # The first one is the message already: here each stands with its line.
            lines = [
                Content.styled(f"{fault.path.name}:{fault.line or 1}  {fault.message}", "bold") for fault in faults
            ]
        if location := self.error.location():
            lines.append(Content.styled(location, "$text-muted"))
        if self.error.hint:
            lines += [Content(""), Content(self.error.hint)]
        with Vertical():
            yield Static(Content("\n").join(lines), classes="text")
            yield KeyBar()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "retry":
            return self.retry is not None
        if action == "abandon":
            return bool(getattr(self.app, "failed", False))
        return True

    async def action_retry(self) -> None:
        self.dismiss()
        if self.retry is not None:
            retry = self.retry

            async def again() -> None:
                result = retry()
                if result is not None:
                    await result

            self.app.call_later(again)

    def action_abandon(self) -> None:
        self.app.exit(return_code=1)


class ConfirmDialog(Dialog[bool]):
    """A question with yes and no."""

    DEFAULT_CSS = BOX.format(name="ConfirmDialog", colour="$warning")
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y,enter", "answer(True)", N_("yes")),
        Binding("n,escape", "answer(False)", N_("no")),
    ]

    def __init__(self, question: str, detail: str = "") -> None:
        self.question = question
        self.detail = detail
        super().__init__()

    def compose(self) -> ComposeResult:
        text = Content.styled(self.question, "bold")
        if self.detail:
            text = Content.assemble(text, "\n", self.detail)
        with Vertical():
            yield Static(text, classes="text")
            yield KeyBar()

    def action_answer(self, answer: bool) -> None:
        self.dismiss(answer)


class ChoiceDialog(Dialog[str]):
    """One of a few options, by its digit (full-width ones too) or with arrows and Enter."""

    DEFAULT_CSS = BOX.format(name="ChoiceDialog", colour="$accent")
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", N_("up"), show=False),
        Binding("down,j", "move(1)", N_("down"), show=False),
        Binding("enter,space", "choose", N_("choose")),
        Binding("escape,q", "dismiss", N_("close")),
    ]

    def __init__(self, question: str, options: Sequence[tuple[str, str]], current: str | None = None) -> None:
        self.question = question
        self.options = list(options)
        self.cursor = next((i for i, (value, _label) in enumerate(self.options) if value == current), 0)
        super().__init__()

    def compose(self) -> ComposeResult:
        with Vertical():
            yield Static(Content.styled(self.question, "bold"), classes="text")
            yield Static(id="options", classes="text")
            yield KeyBar()

    def on_mount(self) -> None:
        self._draw()

    def _draw(self) -> None:
        lines = []
        for index, (_value, label) in enumerate(self.options):
            here = index == self.cursor
            lines.append(
                Content.assemble(
                    (f"{'>' if here else ' '} {index + 1} ", "bold $accent"), (label, "bold" if here else "")
                )
            )
        self.query_one("#options", Static).update(Content("\n").join(lines))

    def on_key(self, event: Any) -> None:
        digit = digit_of(event.character)
        if digit is not None and 1 <= digit <= len(self.options):
            event.stop()
            self.dismiss(self.options[digit - 1][0])

    def action_move(self, step: int) -> None:
        self.cursor = (self.cursor + step) % len(self.options)
        self._draw()

    def action_choose(self) -> None:
        self.dismiss(self.options[self.cursor][0])


def digit_of(character: str | None) -> int | None:
    """The digit that a key types, a full-width one of a Chinese input method included."""
    if character is None or len(character) != 1 or not character.isdecimal():
        return None
    return int(character)


def leave_question() -> tuple[str, list[tuple[str, str]]]:
    """What is asked before something half-written would be lost."""
    return _("Not saved yet."), [("save", _("save it")), ("stay", _("go on writing")), ("discard", _("throw it away"))]
