"""Logging an interview: one minute in all. Enter goes on, a digit says how a question went, Ctrl+S keeps it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import TYPE_CHECKING, Any, ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.suggester import SuggestFromList
from textual.widgets import Input, Static

from prep.errors import PrepError
from prep.interviews.dates import format_when, parse_when
from prep.interviews.model import ROUND_KINDS, Interview, InterviewDraft, Question
from prep.locale import N_
from prep.locale import gettext as _
from prep.tui.form_draft import FormDraft, forget, keep, kept
from prep.tui.screen import PrepScreen
from prep.tui.screens.dialogs import ChoiceDialog, leave_question
from prep.tui.text import day_text
from prep.tui.widgets.bars import KeyBar, TopBar
from prep.tui.widgets.fields import Choice, Line, Outcome
from prep.tui.widgets.question_row import QuestionRow

if TYPE_CHECKING:
    from prep.tui.services import Services

ROUND_NAMES = {
    "phone": N_("phone"),
    "coding": N_("coding"),
    "kernel": N_("kernel"),
    "system": N_("system"),
    "ml": N_("ML"),
    "behavioural": N_("behavioural"),
    "hm": N_("manager"),
    "onsite": N_("onsite"),
    "hr": N_("HR"),
    "take-home": N_("take-home"),
    "mock": N_("mock"),
}


def label(text: str, id: str | None = None) -> Static:  # noqa: A002
    """A field's name, which follows the language: it is kept as the widget's name."""
    return Static(_(text), name=text, classes="label", id=id)


class LogFormScreen(PrepScreen):
    """A new interview, or an existing one to be changed."""

    CSS_PATH = "log_form.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s", "save", N_("save")),
        Binding("down", "app.focus_next", N_("next field"), show=False),
        Binding("up", "app.focus_previous", N_("previous field"), show=False),
    ]

    def __init__(self, interview: Interview | None = None) -> None:
        self.interview = interview
        self._initial: tuple[Any, ...] | None = None
        self._restored: FormDraft | None = None
        super().__init__()

    def compose(self) -> ComposeResult:
        filled = self._filled_before()
        feelings = [(str(n), name) for n, name in enumerate((N_("badly"), "", "", "", N_("well")), 1)]
        rounds = [(kind, ROUND_NAMES[kind]) for kind in ROUND_KINDS]
        yield TopBar()
        with VerticalScroll(id="form", can_focus=False):
            with Horizontal(classes="field"):
                yield label(N_("When"))
                yield Line(filled.when, id="when", placeholder=_("today 19:00 · 5/19 20:00 · Thu 15:00"))
                yield Static(id="when-read", classes="read")
            with Horizontal(classes="field"):
                yield label(N_("Company"))
                yield Line(filled.company, id="company")
            with Horizontal(classes="field"):
                yield label(N_("Role"))
                yield Line(filled.role, id="role")
            with Horizontal(classes="field"):
                yield label(N_("Round"))
                yield Choice(rounds, filled.round_kind, id="round")
            with Horizontal(classes="field"):
                yield label(N_("Feeling"))
                yield Choice(feelings, filled.feeling, id="feeling")
            yield label(N_("Questions"), id="questions-title")
            with Vertical(id="questions"):
                if self.interview is not None:
                    questions = list(self.interview.questions)
                else:
                    questions = [Question(text, outcome) for text, outcome in filled.questions]
                for number, question in enumerate([*questions, None], 1):
                    yield QuestionRow(number, question)
        yield KeyBar()

    def _filled_before(self) -> FormDraft:
        """What the fields begin with: the interview's values, or a form that was not saved."""
        interview = self.interview
        if interview is None:
            self._restored = kept()
            return self._restored or FormDraft()
        when = format_when(interview.held_on, interview.held_time, with_year=True) or interview.when_text or ""
        feeling = str(interview.feeling) if interview.feeling else None
        return FormDraft(when, interview.company, interview.role or "", interview.round_kind, feeling)

    async def load(self, services: Services) -> None:
        names = services.interviews.companies()
        self.query_one("#company", Line).suggester = SuggestFromList(names, case_sensitive=False)
        if self._initial is None:
            # A form that was restored is not saved yet, whatever it begins with.
            self._initial = ("", "", "", None, None) if self._restored else self._values()
            self.query_one("#when", Line).focus()
            if self._restored:
                self.notify(_("This is the form that you had not saved."))

    async def show(self) -> None:
        await self.show_bars()
        for widget in self.query(".label").results(Static):
            widget.update(_(widget.name or ""))
        self.query(Choice).refresh(layout=True)
        self._show_when()

    async def show_bars(self) -> None:
        bar = self.query_one(TopBar)
        bar.left = Content.styled(_("Log an interview") if self.interview is None else _("Edit an interview"), "bold")
        self._show_saved()

    def _show_saved(self) -> None:
        changed = self._initial is not None and self.is_dirty
        self.query_one(TopBar).right = Content.styled(_("not saved"), "$warning") if changed else Content("")

    def _keep(self) -> None:
        """Put a copy of an unsaved new form on disk; called where a field is done, not at every letter."""
        if self.interview is None and self.is_dirty:
            when, company, role, round_kind, feeling, *questions = self._values()
            keep(FormDraft(when, company, role, round_kind, feeling, questions))

    # what was filled in

    @property
    def rows(self) -> list[QuestionRow]:
        return list(self.query(QuestionRow))

    def _values(self) -> tuple[Any, ...]:
        lines = tuple(self.query_one(name, Line).value.strip() for name in ("#when", "#company", "#role"))
        choices = tuple(self.query_one(name, Choice).value for name in ("#round", "#feeling"))
        # Links that were found by themselves are no change of the user's.
        return (*lines, *choices, *((row.text, row.outcome) for row in self.rows if row.text))

    @property
    def is_dirty(self) -> bool:
        """Whether leaving now would lose something."""
        return self._initial is not None and self._values() != self._initial

    def _today(self) -> date:
        return self.prep.clock().local().date()

    def draft(self) -> InterviewDraft:
        """The interview as the form has it; what the form does not show stays as it was."""
        draft = self.interview.draft() if self.interview is not None else InterviewDraft("")
        draft.company = self.query_one("#company", Line).value.strip()
        draft.role = self.query_one("#role", Line).value.strip() or None
        text = self.query_one("#when", Line).value.strip()
        if self._initial is None or text != self._initial[0] or self.interview is None:
            today = self._today()
            when = parse_when(text, year=today.year, today=today)
            draft.held_on, draft.held_time = when.held_on, when.held_time
            draft.minutes = when.minutes or draft.minutes
            # The words are kept where the date does not say all that they say.
            draft.when_text = text if text and (when.held_on is None or when.rest or when.problems) else None
        draft.round_kind = self.query_one("#round", Choice).value
        feeling = self.query_one("#feeling", Choice).value
        draft.feeling = int(feeling) if feeling else None
        for row in self.rows:
            row.find_matches(self.services)
        draft.questions = [question for row in self.rows if (question := row.filled()) is not None]
        return draft

    def _show_when(self) -> None:
        """Say beside the field how its text is understood."""
        text = self.query_one("#when", Line).value.strip()
        read = self.query_one("#when-read", Static)
        if not text:
            read.update("")
            return
        today = self._today()
        when = parse_when(text, year=today.year, today=today)
        if when.held_on is None:
            read.update(Content.styled(_("no date read: kept as text"), "$warning"))
            return
        moment = " ".join(filter(None, [day_text(date.fromisoformat(when.held_on)), when.held_time]))
        read.update(Content(f"→ {moment}"))

    # keys

    def on_input_changed(self, event: Input.Changed) -> None:
        if event.input.id == "when":
            self._show_when()
        self._show_saved()

    def on_choice_changed(self) -> None:
        self._show_saved()
        self._keep()

    @on(Input.Submitted)
    def next_field(self, event: Input.Submitted) -> None:
        """Enter in a field: on to the next; in a question's text to its outcome."""
        row = event.input.parent
        if not isinstance(row, QuestionRow):
            self.screen.focus_next()
        elif row.text:
            row.find_matches(self.services)
            row.query_one(Outcome).focus()

    def on_choice_accepted(self, event: Choice.Accepted) -> None:
        if event.choice.id == "feeling":
            self.rows[-1].query_one(Line).focus()
        else:
            self.screen.focus_next()

    def on_descendant_blur(self, event: events.DescendantBlur) -> None:
        row = event.widget.parent
        if isinstance(row, QuestionRow) and isinstance(event.widget, Line) and self._ready:
            row.find_matches(self.services)
        self._keep()

    async def on_outcome_answered(self, event: Outcome.Answered) -> None:
        """A question is done: the next row, a fresh one after the last."""
        self._show_saved()
        self._keep()
        rows = self.rows
        row = event.outcome.parent
        assert isinstance(row, QuestionRow)
        at = rows.index(row)
        if at + 1 == len(rows):
            fresh = QuestionRow(len(rows) + 1)
            await self.query_one("#questions").mount(fresh)
            fresh.query_one(Line).focus()
        else:
            rows[at + 1].query_one(Line).focus()

    def on_outcome_other_match(self, event: Outcome.OtherMatch) -> None:
        row = event.outcome.parent
        if isinstance(row, QuestionRow):
            row.find_matches(self.services)
            row.other_match()

    async def on_key(self, event: events.Key) -> None:
        """Backspace in an empty question takes its row away."""
        focused = self.focused
        row = focused.parent if focused is not None else None
        if event.key != "backspace" or not isinstance(focused, Line) or not isinstance(row, QuestionRow):
            return
        rows = self.rows
        if not focused.value and len(rows) > 1:
            at = rows.index(row)
            event.stop()
            rows[at - 1 if at else 1].query_one(Line).focus()
            await row.remove()
            for number, each in enumerate(self.rows, 1):
                each.renumber(number)
            self._show_saved()

    def action_save(self) -> None:
        """Keep the interview and go back."""
        draft = self.draft()
        log = self.services.interviews
        if not draft.company:
            self.query_one("#company", Line).focus()
            self.notify(_("The company is missing."), severity="warning")
            return
        if self.interview is None:
            log.add(draft)
        else:
            log.update(self.interview.id, draft)
        self._initial = self._values()
        if self.interview is None:
            forget()
        self.notify(_("Saved: {company}.").format(company=draft.company))
        self.prep.leave_screen()

    # leaving

    def may_leave(self) -> bool:
        return not self.is_dirty

    def ask_to_leave(self, leave: Callable[[], None]) -> None:
        """Ask what becomes of the half-filled form, then `leave`."""

        def answered(answer: str | None) -> None:
            if answer == "discard":
                if self.interview is None:
                    self._initial = self._values()
                    forget()
                leave()
            elif answer == "save":
                try:
                    self.action_save()
                except PrepError as error:
                    self.prep.show_error(error)

        question, options = leave_question()
        self.app.push_screen(ChoiceDialog(question, options), answered)

    def action_leave(self) -> None:
        if self.may_leave():
            self.prep.leave_screen()
        else:
            self.ask_to_leave(self.prep.leave_screen)
