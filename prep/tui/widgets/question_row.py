"""One question of an interview on the form: its text, how it went, and the card that it belongs to."""

from __future__ import annotations

from dataclasses import replace

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Static

from prep.interviews.match import match_cards, match_exercise
from prep.interviews.model import Question
from prep.locale import gettext as _
from prep.tui.services import Services
from prep.tui.text import clip
from prep.tui.widgets.fields import Line, Outcome

MATCH_CELLS = 26


class QuestionRow(Horizontal):
    """A row; `question` is what it was filled with, so that what the form does not show is kept."""

    DEFAULT_CSS = """
    QuestionRow {
        height: 1;
        .number { width: 4; color: $text-muted; }
        .match { width: 26; color: $text-muted; }
        Line { margin-right: 1; }
    }
    """

    def __init__(self, number: int, question: Question | None = None) -> None:
        super().__init__()
        self.number = number
        self.question = question or Question("")
        self.matches: list[tuple[str, str, float]] = []
        """(kind, id, share) of what may be meant, best first; kind is `card` or `exercise`."""

        self.chosen = 0
        """Position in `matches`; one past the end is none of them."""

        self._matched_text: str | None = None
        if self.question.exercise_id:
            self.matches = [("exercise", self.question.exercise_id, 1.0)]
        elif self.question.card_id:
            self.matches = [("card", self.question.card_id, 1.0)]
        if self.question.text_md:
            self._matched_text = self.question.text_md

    def compose(self) -> ComposeResult:
        yield Static(f" {self.number}", classes="number")
        yield Line(self.question.text_md, placeholder=_("question"))
        yield Outcome(self.question.outcome)
        yield Static(classes="match")

    def on_mount(self) -> None:
        self._show_match()

    @property
    def text(self) -> str:
        return self.query_one(Line).value.strip()

    @property
    def outcome(self) -> str | None:
        return self.query_one(Outcome).value

    def renumber(self, number: int) -> None:
        self.number = number
        self.query_one(".number", Static).update(f" {number}")

    def filled(self) -> Question | None:
        """The question as the form has it now; None for an empty row."""
        if not self.text:
            return None
        kind, target = "", None
        if self.chosen < len(self.matches):
            kind, target, _share = self.matches[self.chosen]
        return replace(
            self.question,
            text_md=self.text,
            outcome=self.outcome,
            card_id=target if kind == "card" else None,
            exercise_id=target if kind == "exercise" else None,
        )

    def find_matches(self, services: Services) -> None:
        """Look for cards and exercises, after the text changed."""
        if self.text == self._matched_text:
            return
        self._matched_text = self.text
        found: list[tuple[str, str, float]] = []
        if self.text:
            exercise = match_exercise(self.text, services.exercises)
            if exercise is not None:
                found.append(("exercise", exercise, 1.0))
            found += [("card", match.card_id, match.share) for match in match_cards(self.text, services.library)]
        self.matches = found
        self.chosen = 0
        self._show_match()

    def other_match(self) -> None:
        """The next match; after the last one none, then the first again."""
        if self.matches:
            self.chosen = (self.chosen + 1) % (len(self.matches) + 1)
            self._show_match()

    def _show_match(self) -> None:
        widget = self.query_one(".match", Static)
        if not self.matches or not self._matched_text:
            widget.update("")
        elif self.chosen >= len(self.matches):
            widget.update(Content(_("→ no card")))
        else:
            kind, target, share = self.matches[self.chosen]
            percent = f" {share:.0%}" if kind == "card" and share < 1 else ""
            name = _("exercise {id}").format(id=target) if kind == "exercise" else target
            widget.update(Content("→ " + clip(name, MATCH_CELLS - 2 - len(percent)) + percent))
