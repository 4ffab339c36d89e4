"""The interview log: what is ahead first, then what was; the chosen one below in full."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from prep.interviews.dates import format_when
from prep.interviews.model import RESULTS, Interview
from prep.locale import N_
from prep.locale import gettext as _
from prep.tui.screen import PrepScreen
from prep.tui.screens.log_form import ROUND_NAMES
from prep.tui.text import days_away, fit
from prep.tui.widgets.bars import KeyBar, TopBar
from prep.tui.widgets.fields import OUTCOME_MARKS, OUTCOME_NAMES, OUTCOME_STYLES
from prep.tui.widgets.panes import Choices, Pane

if TYPE_CHECKING:
    from prep.tui.services import Services

RESULT_NAMES = {
    "pending": N_("pending"),
    "pass": N_("passed"),
    "fail": N_("rejected"),
    "ghosted": N_("no answer"),
    "withdrawn": N_("withdrawn"),
    "offer": N_("offer"),
}
RESULT_STYLES = {"pass": "$success", "offer": "bold $success", "fail": "$error"}


class LogScreen(PrepScreen):
    CSS_PATH = "log.tcss"
    AUTO_FOCUS = "Choices"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("a,n,l", "add", N_("add")),
        Binding("e", "edit", N_("edit"), show=False),
        Binding("r", "result", N_("result")),
        Binding("d,delete", "delete", N_("delete")),
        Binding("u", "undelete", N_("undo")),
    ]

    def __init__(self) -> None:
        self.interviews: list[Interview] = []
        self.deleted: list[str] = []
        """Ids deleted from this screen, newest last: `u` brings them back."""
        super().__init__()

    def compose(self) -> ComposeResult:
        yield TopBar()
        yield Choices(id="list")
        with Pane(id="detail", can_focus=False):
            yield Static(id="text")
        yield KeyBar()

    async def load(self, services: Services) -> None:
        log = services.interviews
        found = log.all("newest")
        ahead = [i for i in log.all("oldest") if log.is_upcoming(i)]
        known = {i.id for i in ahead}
        self.interviews = ahead + [i for i in found if i.id not in known]

    async def resumed(self) -> None:
        self.start_work(self._load_and_show, "load")

    async def show(self) -> None:
        bar = self.query_one(TopBar)
        bar.left = Content.styled(_("Interviews"), "bold")
        bar.right = Content(str(len(self.interviews)))
        choices = self.query_one(Choices)
        at = choices.highlighted
        choices.clear_options()
        choices.add_options([Option(self._row(i), id=i.id) for i in self.interviews])
        if self.interviews:
            choices.highlighted = 0 if at is None else min(at, len(self.interviews) - 1)
        self._show_detail()

    def on_resize(self) -> None:
        if self._ready:
            self.call_later(self.show)

    @property
    def chosen(self) -> Interview | None:
        at = self.query_one(Choices).highlighted
        return self.interviews[at] if at is not None and at < len(self.interviews) else None

    def _row(self, interview: Interview) -> Content:
        ahead = self.services.interviews.is_upcoming(interview)
        result = _(RESULT_NAMES[interview.result]) if not ahead else self._away(interview)
        style = "bold $warning" if ahead else RESULT_STYLES.get(interview.result, "$text-muted")
        width = self.size.width - 4
        kind = _(ROUND_NAMES[interview.round_kind]) if interview.round_kind else ""
        when = format_when(interview.held_on, interview.held_time, with_year=True) or interview.when_text or "?"
        who = " · ".join(filter(None, [interview.company, interview.role]))
        room = max(10, width - 20 - 12 - 13)
        return Content.assemble(
            (" → " if ahead else "   ", "bold $warning"),
            (fit(when, 17), "$text-muted"),
            (fit(who, room), "bold"),
            " " + fit(kind, 11),
            (" " + fit(result, 12), style),
        )

    def _away(self, interview: Interview) -> str:
        if interview.held_on is None:
            return _("ahead")
        return days_away((date.fromisoformat(interview.held_on) - self.services.interviews.today()).days)

    def on_option_list_option_highlighted(self) -> None:
        self._show_detail()
        self.relabel_keys()

    def _show_detail(self) -> None:
        interview = self.chosen
        text = self.query_one("#text", Static)
        if interview is None:
            text.update(Content(_("Nothing logged yet: a adds the first interview.")) if self._ready else "")
            return
        rows: list[Content] = []
        facts = []
        if interview.round_no is not None:
            facts.append(_("round {n}").format(n=interview.round_no))
        if interview.feeling is not None:
            facts.append(_("feeling {n}/5").format(n=interview.feeling))
        facts += filter(
            None, [interview.feeling_text, interview.result_text, interview.location, interview.interviewers]
        )
        if facts:
            rows.append(Content(" · ".join(facts)))
        if interview.when_text:
            rows.append(Content.styled(interview.when_text, "$text-muted"))
        for number, question in enumerate(interview.questions, 1):
            outcome = question.outcome
            mark = OUTCOME_MARKS[outcome] if outcome else " "
            name = _(OUTCOME_NAMES[outcome]) if outcome else ""
            target = question.card_id or question.exercise_id
            rows.append(
                Content.assemble(
                    f"{number:>2} ",
                    (fit(f"{mark} {name}", 13), OUTCOME_STYLES.get(outcome or "", "")),
                    question.text_md.replace("\n", " "),
                    (f"  → {target}" if target else "", "$text-muted"),
                )
            )
        if interview.notes_md:
            rows += [Content(""), Content(interview.notes_md)]
        text.update(Content("\n").join(rows) if rows else Content.styled(_("no questions noted"), "$text-muted"))

    # keys

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action in ("edit", "result", "delete"):
            return self._ready and self.chosen is not None
        if action == "undelete":
            return bool(self.deleted)
        if action == "add":
            return self._ready
        return True

    def action_add(self) -> None:
        self.prep.action_go("log_form")

    def on_option_list_option_selected(self, _event: OptionList.OptionSelected) -> None:
        self.action_edit()

    def action_edit(self) -> None:
        from prep.tui.screens.log_form import LogFormScreen

        if self.chosen is not None:
            self.prep.open_screen(LogFormScreen(self.chosen))

    def action_result(self) -> None:
        from prep.tui.screens.dialogs import ChoiceDialog

        interview = self.chosen
        assert interview is not None
        options = [(result, _(RESULT_NAMES[result])) for result in RESULTS]

        def answered(result: str | None) -> None:
            if result is not None:
                self._attempt(lambda: self.services.interviews.set_result(interview.id, result))

        self.app.push_screen(
            ChoiceDialog(_("Result of {company}?").format(company=interview.company), options, interview.result),
            answered,
        )

    def action_delete(self) -> None:
        interview = self.chosen
        assert interview is not None
        self.services.interviews.delete(interview.id)
        self.deleted.append(interview.id)
        self.notify(_("Deleted: {company} (u brings it back).").format(company=interview.company))
        self.start_work(self._load_and_show, "load")

    def action_undelete(self) -> None:
        self.services.interviews.undelete(self.deleted[-1])
        self.deleted.pop()
        self.start_work(self._load_and_show, "load")
