"""One exercise: its statement, the user's file, grading with live progress, the verdict.

torch is never imported here: the grader is a process of its own, and its events come as dictionaries.
"""

from __future__ import annotations

import hashlib
from contextlib import aclosing
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Markdown, Static

from prep.cards.math import markdown_parser
from prep.errors import PrepError
from prep.exercises.load import load_exercise
from prep.exercises.statement import hints, statement
from prep.exercises.workspace import Workspace
from prep.locale import N_, current_language
from prep.locale import gettext as _
from prep.tui.screen import PrepScreen
from prep.tui.widgets.bars import KeyBar, TopBar
from prep.tui.widgets.panes import Code, Pane
from prep.tui.widgets.verdict_view import VerdictView

if TYPE_CHECKING:
    from prep.exercises.spec import Exercise
    from prep.tui.services import Services

View = Literal["statement", "file", "verdict"]

WIDE, TALL = 120, 34
"""From these sizes on statement and work stand side by side, and verdict and file one above the other."""

POLL_S = 0.5
"""How often the file is looked at: one stat, and it works on network drives, where notifications do not."""


class ExerciseScreen(PrepScreen):
    """An exercise, by its id."""

    CSS_PATH = "exercise.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("g", "grade", N_("grade")),
        Binding("e", "edit", N_("edit")),
        Binding("h", "hint", N_("hint")),
        Binding("s", "toggle_statement", N_("statement")),
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
        self.exercise_id = exercise_id
        self.exercise: Exercise | None = None
        self.workspace = Workspace()
        self.view: View = "statement"
        self.results = VerdictView(self._what_next, id="verdict-pane")
        self.hints_shown = 0
        self.is_watching = True
        self._seen: tuple[int, int] | None = None
        super().__init__()

    def compose(self) -> ComposeResult:
        yield TopBar()
        with Horizontal(id="panes"):
            with Pane(id="statement-pane", can_focus=False):
                yield Markdown(id="statement", parser_factory=markdown_parser)
            with Vertical(id="work"):
                yield self.results
                with Pane(id="file-pane", can_focus=False):
                    yield Static(id="path")
                    yield Code(id="code")
        yield KeyBar()

    async def on_mount(self) -> None:
        self._arrange()
        self.set_interval(POLL_S, self._poll_file)
        await super().on_mount()

    async def load(self, services: Services) -> None:
        self.exercise = services.exercises.get(self.exercise_id) or load_exercise(self.exercise_id)
        last = services.attempts.last(self.exercise_id)
        self._seen = self._stat()
        if last is not None:
            self.results.verdict = last.verdict
            if self.view == "statement" and self._source_sha() == last.source_sha:
                self.view = "verdict"
        self.hints_shown = 0

    async def resumed(self) -> None:
        await self._show_file()

    # the file

    @property
    def path(self) -> Path:
        return self.workspace.file(self.exercise_id)

    @property
    def has_file(self) -> bool:
        return self.workspace.has(self.exercise_id)

    @property
    def verdict(self) -> dict[str, Any] | None:
        """The last one, of this run of the app or an earlier one."""
        return self.results.verdict

    @property
    def is_grading(self) -> bool:
        return self.results.progress is not None

    @property
    def has_passed(self) -> bool:
        return self._ready and self.services.attempts.progress(self.exercise_id) == "passed"

    def _stat(self) -> tuple[int, int] | None:
        try:
            stat = self.path.stat()
        except OSError:
            return None
        return stat.st_mtime_ns, stat.st_size

    def _source_sha(self) -> str:
        try:
            return hashlib.sha256(self.path.read_bytes()).hexdigest()
        except OSError:
            return ""

    async def _poll_file(self) -> None:
        if not self._ready or self.is_grading:
            return
        now = self._stat()
        if now == self._seen:
            return
        self._seen = now
        await self._show_file()
        self.relabel_keys()
        if now is not None and self.is_watching and self.is_current:
            await self.action_grade()

    # what is seen

    async def show(self) -> None:
        if self.exercise is None:
            return
        await self.show_bars()
        await self.query_one("#statement", Markdown).update(statement(self.exercise, current_language()))
        await self._show_file()
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

    async def _show_file(self) -> None:
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

    def _what_next(self) -> list[Content]:
        following = self._following()
        rows = []
        if following is not None:
            title = following.title.get(current_language()) or following.title["en"]
            rows.append(Content.assemble(("n ", "bold $accent"), _("next: {title}").format(title=title)))
        rows.append(Content.assemble(("S ", "bold $accent"), _("the reference solution, explained")))
        return rows

    async def _show_hints(self) -> None:
        if self.exercise is not None:
            texts = hints(self.exercise, current_language())
            await self.results.show_hints(texts[: self.hints_shown], len(texts))

    def on_resize(self) -> None:
        self._arrange()

    def _arrange(self) -> None:
        """Show the panes that the size has room for; the chosen one always."""
        is_wide, is_tall = self.size.width >= WIDE, self.size.height >= TALL
        self.set_class(is_wide, "-wide")
        self.set_class(is_tall, "-tall")
        work: View = "file" if self.view == "file" else "verdict"
        if self.view == "statement" and self.verdict is None and not self.is_grading and not self.hints_shown:
            work = "file"
        self.query_one("#statement-pane").display = is_wide or self.view == "statement"
        self.query_one("#work").display = is_wide or self.view != "statement"
        both = is_wide and is_tall
        self.query_one("#verdict-pane").display = both or work == "verdict"
        self.query_one("#file-pane").display = both or work == "file"

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

    def action_toggle_statement(self) -> None:
        if self.view != "statement":
            self._set_view("statement")
        else:
            self._set_view("verdict" if self.verdict is not None or self.is_grading else "file")

    async def action_grade(self) -> None:
        """Grade the file as it is now, in a process of its own."""
        self.results.begin()
        self._seen = self._stat()
        self._set_view("verdict")
        self.start_work(self._grade, "grade")

    async def _grade(self) -> None:
        results = self.results
        try:
            # The bytes that are judged and recorded are read at the same moment as far as a user can tell.
            sha = self._source_sha()
            async with aclosing(self.prep.judge.grade(self.exercise_id, self.path)) as events:
                async for event in events:
                    if event["event"] == "verdict":
                        results.verdict = event["verdict"]
                        self._record(event["verdict"], sha)
                    elif results.progress is not None:
                        results.progress.take(event)
        except PrepError as error:
            results.error = error
        finally:
            if self.is_attached:
                results.end()
                self.relabel_keys()
        await self._show_file()
        self._arrange()

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
            self._seen = self._stat()
        line = min(self.results.wrong_lines(), default=None)
        await self.prep.edit(path, line)
        if self.view == "statement":
            self._set_view("file")
        await self._poll_file()
        await self._show_file()
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

    def action_solution(self) -> None:
        """The solution: at once after a pass, else after a question, since seeing it cannot be undone."""
        if self.has_passed:
            self._open_solution(True)
            return
        from prep.tui.screens.dialogs import ConfirmDialog

        self.app.push_screen(
            ConfirmDialog(_("See the solution before you have passed?"), _("That it was seen is noted.")),
            self._open_solution,
        )

    def _open_solution(self, confirmed: bool | None) -> None:
        if confirmed and self.exercise is not None:
            from prep.tui.screens.solution import SolutionScreen

            self.services.attempts.event(self.exercise_id, "solution")
            self.prep.open_screen(SolutionScreen(self.exercise))

    def action_cards(self) -> None:
        """The questions that this exercise practises."""
        from prep.tui.screens.library import LibraryScreen

        self.prep.open_screen(LibraryScreen(exercise=self.exercise_id))

    def action_start_over(self) -> None:
        from prep.tui.screens.dialogs import ConfirmDialog

        def answered(yes: bool | None) -> None:
            if yes and self.exercise is not None:
                started = self.workspace.put(self.exercise, force=True)
                self.services.attempts.event(self.exercise_id, "reset")
                self._seen = self._stat()
                if started.backup is not None:
                    self.notify(_("Your file is kept as {file}.").format(file=started.backup.name))
                self.call_later(self._show_file)

        question = _("Start over from the starter?")
        self.app.push_screen(ConfirmDialog(question, _("Your file is kept beside the new one.")), answered)

    def _following(self) -> Exercise | None:
        """The next exercise that has not been passed."""
        exercises = list(self.services.exercises)
        progress = self.services.attempts.progress_of_all()
        if self.exercise_id not in exercises:
            return None
        at = exercises.index(self.exercise_id)
        for other in exercises[at + 1 :] + exercises[:at]:
            if progress.get(other) != "passed":
                return self.services.exercises[other]
        return None

    def action_next(self) -> None:
        following = self._following()
        if following is not None:
            self.prep.open_screen(ExerciseScreen(following.id), replace=True)

    def action_scroll(self, lines: int) -> None:
        self._scrolled().scroll_relative(y=lines, animate=False)

    def action_page(self, step: int) -> None:
        pane = self._scrolled()
        pane.scroll_relative(y=step * max(1, pane.size.height - 2), animate=False)
