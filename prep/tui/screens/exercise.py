"""One exercise: its statement, the user's file, grading with live progress, the verdict.

torch is never imported here: the grader is a process of its own, and its events come as dictionaries.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import Markdown, Static

from prep.errors import PrepError
from prep.exercises.load import load_exercise
from prep.exercises.statement import hints, statement
from prep.exercises.watched import LOOK_S
from prep.grading.regrade import Regrader, source_sha
from prep.locale import N_, current_language
from prep.locale import gettext as _
from prep.tui.screens.exercise_base import ExerciseBase
from prep.tui.widgets.bars import KeyBar, TopBar
from prep.tui.widgets.exercise_panes import ExercisePanes, View
from prep.tui.widgets.panes import Code, Pane
from prep.tui.widgets.verdict_view import Mode, VerdictView

if TYPE_CHECKING:
    from prep.grading.client import Event
    from prep.tui.services import Services


class ExerciseScreen(ExerciseBase):
    """Statement, file and verdict of an exercise; watches the file and grades it on every save."""

    CSS_PATH = "exercise.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("g", "grade", N_("grade")),
        Binding("e", "edit", N_("edit")),
        Binding("h", "hint", N_("hint")),
        Binding("s", "toggle_statement", N_("statement")),
        Binding("x", "facts('xray')", N_("X-ray")),
        Binding("d", "facts('difference')", N_("difference")),
        Binding("f", "view('file')", N_("your file")),
        Binding("v", "view('verdict')", N_("verdict")),
        Binding("n", "next", N_("next")),
        Binding("c", "cards", N_("cards")),
        Binding("S", "solution", N_("solution")),
        Binding("w", "watch", N_("watch the file or not"), show=False),
        Binding("X", "start_over", N_("start over from the starter"), show=False),
        Binding("j", "scroll(3)", N_("scroll down"), show=False),
        Binding("k", "scroll(-3)", N_("scroll up"), show=False),
        Binding("down", "scroll(1)", N_("scroll down"), show=False),
        Binding("up", "scroll(-1)", N_("scroll up"), show=False),
        Binding("pagedown,space", "page(1)", N_("a page down"), show=False),
        Binding("pageup", "page(-1)", N_("a page up"), show=False),
        Binding("slash", "app.go('library')", N_("search"), show=False),
    ]

    def __init__(self, exercise_id: str) -> None:
        self.view: View = "statement"
        self.results = VerdictView(self.what_next, id="verdict-pane")
        self.hints_shown = 0
        self.is_watching = True
        self._regrader: Regrader | None = None
        super().__init__(exercise_id)

    def compose(self) -> ComposeResult:
        yield TopBar()
        yield ExercisePanes(self.results)
        yield KeyBar()

    async def on_mount(self) -> None:
        self._arrange()
        self.set_interval(LOOK_S, self._look)
        await super().on_mount()

    async def load(self, services: Services) -> None:
        self.exercise = services.exercises.get(self.exercise_id) or load_exercise(self.exercise_id)
        last = services.attempts.last(self.exercise_id)
        self.watched.mark_seen()
        if last is not None:
            self.results.verdict = last.verdict
            if self.view == "statement" and source_sha(self.path) == last.source_sha:
                self.view = "verdict"
        self.hints_shown = 0

    async def resumed(self) -> None:
        await self.show_file()

    # the file

    @property
    def verdict(self) -> dict[str, Any] | None:
        """The last one, of this run of the app or an earlier one."""
        return self.results.verdict

    @property
    def is_grading(self) -> bool:
        return self.results.progress is not None

    async def _look(self) -> None:
        """Look whether the file was saved, and grade it if so."""
        if not self._ready:
            return
        happened = self.watched.look(time.monotonic())
        if happened is None:
            return
        await self.show_file()
        self.relabel_keys()
        if happened == "gone" or not self.is_watching or not self.is_current:
            return
        if self._regrader is not None:
            self._regrader.overtake()
        else:
            await self.action_grade()

    # what is seen

    async def show(self) -> None:
        if self.exercise is None:
            return
        await self.show_bars()
        await self.query_one("#statement", Markdown).update(statement(self.exercise, current_language()))
        await self.show_file()
        self.results.show()
        await self._show_hints()
        self._arrange()

    async def show_bars(self) -> None:
        bar = self.query_one(TopBar)
        exercise = self.exercise
        if exercise is None:
            bar.left = Content(self.exercise_id)
            return
        title = exercise.title.get(current_language()) or exercise.title["en"]
        about = f"   {_('level {n}').format(n=exercise.level)} · {exercise.track}"
        bar.left = Content.assemble((title, "bold"), (about, "$text-muted"))
        if not self.has_file:
            text = _("not started: e starts it")
        elif self.is_watching:
            text = _("watching {file}").format(file=self.path.name)
        else:
            text = self.path.name
        bar.right = Content.styled(text, "$text-muted")

    async def show_file(self) -> None:
        code, path = self.query_one("#code", Code), self.query_one("#path", Static)
        if not self.has_file:
            path.update(Content(_("{path} does not exist yet. e starts it from the starter.").format(path=self.path)))
            code.show_source("")
        else:
            path.update(Content(str(self.path)))
            try:
                source = self.path.read_text(encoding="utf-8", errors="replace")
            except OSError as error:
                path.update(Content(str(error)))
            else:
                code.show_source(source, self.results.wrong_lines())
        await self.show_bars()

    async def _show_hints(self) -> None:
        if self.exercise is not None:
            texts = hints(self.exercise, current_language())
            await self.results.show_hints(texts[: self.hints_shown], len(texts))

    def on_resize(self) -> None:
        self._arrange()

    def _arrange(self) -> None:
        """Show the panes that the size has room for; the chosen one always."""
        work: View = "file" if self.view == "file" else "verdict"
        if self.view == "statement" and self.verdict is None and not self.is_grading and not self.hints_shown:
            work = "file"
        self.query_one(ExercisePanes).make_room(self.view, work, self.size)

    def _scrolled(self) -> Pane:
        """The pane that the scroll keys move."""
        return self.query_one(f"#{self.view}-pane", Pane)

    # keys

    def key_labels(self) -> dict[str, str]:
        labels = {}
        if self.is_grading:
            labels["leave"] = _("cancel")
        if self._ready and self.exercise is not None:
            shown = self.hints_shown
            labels["hint"] = _("hint {n}/{total}").format(n=min(shown + 1, 3), total=3)
            if not self.has_file:
                labels["edit"] = _("start")
            if self.results.mode != "verdict":
                labels[f"facts('{self.results.mode}')"] = _("verdict")
            if self.view == "statement":
                labels["toggle_statement"] = _("verdict") if self.verdict else _("your file")
        return labels

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if not self._ready:
            return action in ("leave", "go") or action.startswith("app.")
        match action:
            case "grade":
                return self.has_file and not self.is_grading
            case "hint":
                return self.hints_shown < 3 or self.view != "verdict"
            case "edit" | "start_over":
                return not self.is_grading and (action == "edit" or self.has_file)
            case "solution":
                return not self.is_grading
            case "cards":
                return self.exercise is not None and any(self.services.library.get(c) for c in self.exercise.cards)
            case "facts":
                return self.view == "verdict" and self.results.has(parameters[0])  # type: ignore[arg-type]
            case "next":
                return self.has_passed and self._following() is not None
            case "view":
                if parameters == ("verdict",):
                    return self.view == "file" and (self.verdict is not None or self.is_grading)
                # Where there is no verdict yet, `s` goes to the file already.
                return self.view == "verdict" or (self.view == "statement" and self.verdict is not None)
            case "watch":
                return self.has_file
        return True

    def action_leave(self) -> None:
        if self.is_grading:
            self.workers.cancel_group(self, "grade")
            return
        self.prep.leave_screen()

    def _set_view(self, view: View) -> None:
        self.view = view
        self._arrange()
        self.relabel_keys()

    def action_view(self, view: View) -> None:
        self._set_view(view)

    def action_facts(self, mode: Mode) -> None:
        """What the compiler saw, or the wrong elements one by one, in place of the verdict and back."""
        self.results.toggle(mode)
        self.relabel_keys()

    def action_toggle_statement(self) -> None:
        if self.view != "statement":
            self._set_view("statement")
        else:
            self._set_view("verdict" if self.verdict is not None or self.is_grading else "file")

    async def action_grade(self) -> None:
        """Grade the file as it is now, in a process of its own."""
        self.results.begin()
        self.watched.mark_seen()
        self._set_view("verdict")
        self.start_work(self._grade, "grade")

    async def _grade(self) -> None:
        results = self.results
        self._regrader = Regrader(self.prep.judge, self._take)
        try:
            graded = await self._regrader.grade(self.exercise_id, self.path)
            results.verdict = graded.verdict
            self._record(graded.verdict, graded.source_sha)
        except PrepError as error:
            results.error = error
        finally:
            self._regrader = None
            if self.is_attached:
                results.end()
                self.relabel_keys()
        await self.show_file()
        self._arrange()

    def _take(self, event: Event) -> None:
        if self.results.progress is not None:
            self.results.progress.take(event)

    def _record(self, verdict: dict[str, Any], sha: str) -> None:
        """Keep the attempt; where that fails the verdict is shown all the same, and keeping it can be tried again."""
        try:
            self.services.attempts.record(verdict, sha)
        except PrepError as error:
            self.prep.show_error(error, lambda: self._record(verdict, sha))

    async def action_edit(self) -> None:
        """Open the file in the editor, from the starter where there is none; a change is graded on return."""
        assert self.exercise is not None
        is_new = not self.has_file
        path = self.workspace.start(self.exercise)
        if is_new:
            self.services.attempts.event(self.exercise_id, "started")
            self.watched.mark_seen()
        line = min(self.results.wrong_lines(), default=None)
        await self.prep.edit(path, line)
        if self.view == "statement":
            self._set_view("file")
        await self._look()
        await self.show_file()
        self.relabel_keys()

    async def action_hint(self) -> None:
        assert self.exercise is not None
        if self.hints_shown < 3:
            self.hints_shown += 1
            self.services.attempts.hint_shown(self.exercise_id, self.hints_shown)
        self._set_view("verdict")
        await self._show_hints()
        self.call_after_refresh(self.query_one("#verdict-pane").scroll_end, animate=False)

    def action_watch(self) -> None:
        self.is_watching = not self.is_watching
        self.call_later(self.show_bars)

    def action_scroll(self, lines: int) -> None:
        self._scrolled().scroll_relative(y=lines, animate=False)

    def action_page(self, step: int) -> None:
        pane = self._scrolled()
        pane.scroll_relative(y=step * max(1, pane.size.height - 2), animate=False)
