"""What to do now: opens first. The suggestion is one Enter away.

Only what the first frame needs is imported here; numbers come in when the services are there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content

from prep.errors import PrepError
from prep.locale import N_, current_language, ngettext
from prep.locale import gettext as _
from prep.tui.screen import PrepScreen
from prep.tui.text import day_text, days_away, fit, sparkline, two_ends, wait_text
from prep.tui.widgets.bars import KeyBar, TopBar
from prep.tui.widgets.lines import Lines

if TYPE_CHECKING:
    from collections.abc import Callable

    from prep.interviews.model import Interview
    from prep.review.today import ExerciseToday, Suggestion, Today
    from prep.tui.services import Services

LABEL_WIDTH = 17


class TodayScreen(PrepScreen):
    CSS_PATH = "today.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter,space", "start", N_("start")),
        Binding("r", "review", N_("review")),
        Binding("k", "exercise", N_("kernel")),
        Binding("K", "app.go('exercises')", N_("all kernels")),
        Binding("c", "app.go('library')", N_("cards"), show=False),
        Binding("l", "app.go('log_form')", N_("log one")),
        Binding("i", "app.go('log')", N_("interviews")),
        Binding("u", "undo", N_("undo the last grade"), show=False),
        Binding("down,j", "move(1)", N_("next suggestion"), show=False),
        Binding("up", "move(-1)", N_("previous suggestion"), show=False),
    ]

    def __init__(self) -> None:
        self.today: Today | None = None
        self.chosen = 0
        self._error: PrepError | None = None
        self._typed_ahead: Callable[[], None] | None = None
        super().__init__()

    def compose(self) -> ComposeResult:
        yield TopBar()
        with VerticalScroll(id="body", can_focus=False):
            yield Lines(self._fact_rows, id="facts")
            yield Lines(self._option_rows, id="options")
        yield KeyBar()

    async def load(self, services: Services) -> None:
        from prep.review.today import gather

        self.today = gather(services.reviewer, services.interviews, services.attempts, services.exercises)
        self.chosen = min(self.chosen, len(self.today.others))
        self._error = services.contents.fault

    async def resumed(self) -> None:
        self.start_work(self._load_and_show, "load")

    def work_failed(self, error: PrepError) -> None:
        self._error = error
        self._draw()
        super().work_failed(error)

    async def show_bars(self) -> None:
        bar = self.query_one(TopBar)
        bar.left = Content.styled("prep", "bold")
        day = self.today.day if self.today is not None else self.prep.clock().local().date()
        zh = current_language() == "zh"
        parts: list[Content | tuple[str, str]] = [Content(day_text(day)), ("   ", "")]
        if self.today is not None and self.today.streak:
            parts += [(_("streak {n}").format(n=self.today.streak), "$success"), ("   ", "")]
        parts += [("EN", "" if zh else "bold"), (" | ", "$text-muted"), ("中", "bold" if zh else "")]
        bar.right = Content.assemble(*parts)

    async def show(self) -> None:
        await self.show_bars()
        self._draw()
        if self._typed_ahead is not None:
            action, self._typed_ahead = self._typed_ahead, None
            action()

    # what is seen

    def _draw(self) -> None:
        self.query_one("#facts", Lines).show(self._fact_rows)
        self.query_one("#options", Lines).show(self._option_rows)

    def _fact_rows(self, width: int) -> list[Content]:
        rows: list[Content] = []
        if self._error is not None:
            rows.append(Content.styled(str(self._error), "$text-error"))
            if self._error.hint:
                rows.append(Content.styled(self._error.hint, "$text-muted"))
            rows.append(Content(""))
        if self.today is not None:
            rows += fact_lines(self.today, width, self.prep.clock().ms)
        elif self._error is None:
            rows.append(Content(_("Looking what is due…")))
        return rows

    def _option_rows(self, width: int) -> list[Content]:
        if self.today is None:
            return []
        rows = []
        for index, option in enumerate([self.today.suggestion, *self.today.others]):
            here = index == self.chosen
            key = "Enter" if here else {"review": "r", "exercise": "k", "log": "l", "cards": "c"}[option.action]
            left = Content.assemble(
                ("> " if here else "  ", "bold $accent"), (suggestion_text(option), "bold" if here else "")
            )
            rows.append(two_ends(left, Content.styled(f"[{key}]", "$text-muted"), width))
        return rows

    # keys

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action in ("start", "exercise", "review", "undo"):
            # Before the numbers are there these keys are kept, not lost: who knows the way types ahead.
            return self.today is not None or self._error is None
        if action == "move":
            return self.today is not None
        return True

    def action_move(self, step: int) -> None:
        assert self.today is not None
        self.chosen = (self.chosen + step) % (1 + len(self.today.others))
        self._draw()

    def action_start(self) -> None:
        if self.today is None:
            self._typed_ahead = self.action_start
            return
        option = [self.today.suggestion, *self.today.others][self.chosen]
        if option.action == "review":
            self.action_review()
        elif option.action == "exercise" and option.exercise is not None:
            self._open_exercise(option.exercise)
        elif option.action == "log":
            if option.interview is not None:
                from prep.tui.screens.log_form import LogFormScreen

                self.prep.open_screen(LogFormScreen(option.interview))
            else:
                self.prep.action_go("log_form")
        else:
            self.prep.action_go("library")

    def action_review(self) -> None:
        self.prep.action_go("review")

    def action_exercise(self) -> None:
        if self.today is None:
            self._typed_ahead = self.action_exercise
            return
        exercise = self.today.in_progress or self.today.suggested
        if exercise is None:
            self.prep.action_go("exercises")
        else:
            self._open_exercise(exercise)

    def action_undo(self) -> None:
        from prep.tui.screens.review import ReviewScreen

        self.prep.open_screen(ReviewScreen(undo_first=True))

    def _open_exercise(self, exercise: ExerciseToday) -> None:
        from prep.tui.screens.exercise import ExerciseScreen

        self.prep.open_screen(ExerciseScreen(exercise.exercise.id))


def suggestion_text(option: Suggestion) -> str:
    """What a suggestion asks to do, in one line."""
    n = option.cards
    match option.action:
        case "review" if option.boosted and option.interview is not None:
            return _("Review the {n} cards for {company} first").format(n=n, company=option.interview.company)
        case "review" if n == 1:
            return _("Review the card that is due")
        case "review":
            return _("Review {n} cards").format(n=n)
        case "exercise" if option.exercise is not None:
            title = exercise_title(option.exercise)
            if option.exercise.progress == "new":
                return _("Start the kernel {title}").format(title=title)
            return _("Go on with {title}").format(title=title)
        case "log" if option.interview is not None:
            return _("Turn the questions of {company} into cards").format(company=option.interview.company)
        case "log":
            return _("Log an interview")
    return _("Read a card: nothing is due")


def exercise_title(exercise: ExerciseToday) -> str:
    title = exercise.exercise.title
    return title.get(current_language()) or title["en"]


def fact_lines(today: Today, width: int, now_ms: int) -> list[Content]:
    """What is due, in progress and ahead: a label and a line each."""
    lines: list[Content] = []

    def row(label: str, text: Content | str, right: Content | str = "") -> None:
        line = two_ends(text, right, width - LABEL_WIDTH)
        lines.append(Content.assemble((fit(label, LABEL_WIDTH), "$text-muted"), line))

    if today.next_interview is not None:
        when = days_away(today.days_until) if today.days_until is not None else ""
        row(_("Next interview"), interview_text(today.next_interview), Content.styled(when, "bold $warning"))
        here = [w for w in today.weak if w.here] or list(today.weak)
        if here:
            topics = ", ".join(
                _("{topic} (asked {asked}x, failed {failed}x)").format(topic=w.topic, asked=w.asked, failed=w.failed)
                for w in here
            )
            weak = _("weak here: {topics}") if here[0].here else _("weak: {topics}")
            row("", weak.format(topics=topics))
        lines.append(Content(""))
    counts = today.counts
    week = Content.assemble((sparkline(today.week), "$success"), " ", (_("7 days"), "$text-muted"))
    if counts.total:
        due = counts.due + counts.learning
        parts = [Content.styled(_("{n} due").format(n=due), "bold $warning" if due else "")]
        parts.append(Content(_("{n} new").format(n=counts.new)))
        parts.append(Content(_("about {n} min").format(n=max(1, counts.minutes))))
        due_text = Content(" · ").join(parts)
        fits = due_text.cell_length + week.cell_length < width - LABEL_WIDTH
        row(_("Cards"), due_text, week if fits else "")
    elif today.next_due_ms is not None:
        text = _("nothing due · next {when}").format(when=wait_text(today.next_due_ms - now_ms))
        row(_("Cards"), text, week)
    else:
        row(_("Cards"), _("nothing due"), week)
    label = _("Kernels")
    if today.in_progress is not None:
        row(label, progress_text(today.in_progress))
        label = ""
    if today.suggested is not None:
        text = _("suggested: {title}").format(title=exercise_title(today.suggested))
        if today.suggested.asked_by:
            text += _(" (asked by {company})").format(company=today.suggested.asked_by)
        row(label, text)
        label = ""
    if label:
        row(label, _("all passed") if today.in_progress is None else "")
    if today.last_interview is not None:
        text = today.last_interview.company
        if today.open_questions:
            text += " · " + ngettext(
                "{n} question to turn into a card", "{n} questions to turn into cards", today.open_questions
            ).format(n=today.open_questions)
        row(_("Last interview"), text)
    return lines


def progress_text(exercise: ExerciseToday) -> str:
    title = exercise_title(exercise)
    if exercise.cases_failed:
        return _("{title}: in progress, {failed} of {total} cases fail").format(
            title=title, failed=exercise.cases_failed, total=exercise.cases_total
        )
    return _("{title}: in progress").format(title=title)


def interview_text(interview: Interview) -> str:
    """Company, role, day and time."""
    from datetime import date

    parts = [interview.company]
    if interview.role:
        parts.append(interview.role)
    if interview.held_on:
        parts.append(" ".join(filter(None, [day_text(date.fromisoformat(interview.held_on)), interview.held_time])))
    elif interview.when_text:
        parts.append(interview.when_text)
    return " · ".join(parts)
