"""The exercises and how far each is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from prep.locale import current_language
from prep.locale import gettext as _
from prep.tui.screen import PrepScreen
from prep.tui.text import fit
from prep.tui.widgets.bars import KeyBar, TopBar
from prep.tui.widgets.panes import Choices

if TYPE_CHECKING:
    from prep.exercises.spec import Exercise
    from prep.tui.services import Services

MARKS = {
    "new": ("·", "$text-muted"),
    "started": ("…", "$warning"),
    "failing": ("✗", "$error"),
    "passed": ("✓", "$success"),
}


class ExercisesScreen(PrepScreen):
    """All exercises, or those of `only`."""

    CSS_PATH = "exercises.tcss"
    AUTO_FOCUS = "Choices"

    def __init__(self, only: Sequence[str] | None = None) -> None:
        self.only = only
        self.exercises: list[Exercise] = []
        self.progress: dict[str, str] = {}
        super().__init__()

    def compose(self) -> ComposeResult:
        yield TopBar()
        yield Choices()
        yield KeyBar()

    async def load(self, services: Services) -> None:
        if services.contents.fault is not None:
            raise services.contents.fault
        self.exercises = [e for e in services.exercises.values() if self.only is None or e.id in self.only]
        self.progress = dict(services.attempts.progress_of_all())

    async def resumed(self) -> None:
        self.start_work(self._load_and_show, "load")

    async def show(self) -> None:
        bar = self.query_one(TopBar)
        bar.left = Content.styled(_("Kernels"), "bold")
        passed = sum(self.progress.get(e.id) == "passed" for e in self.exercises)
        bar.right = Content(_("{n} of {total} passed").format(n=passed, total=len(self.exercises)))
        choices = self.query_one(Choices)
        at = choices.highlighted
        choices.clear_options()
        choices.add_options([Option(self._row(e), id=e.id) for e in self.exercises])
        if self.exercises:
            first_open = next((i for i, e in enumerate(self.exercises) if self.progress.get(e.id) != "passed"), 0)
            choices.highlighted = first_open if at is None else min(at, len(self.exercises) - 1)

    def on_resize(self) -> None:
        if self._ready:
            self.call_later(self.show)

    def _row(self, exercise: Exercise) -> Content:
        progress = self.progress.get(exercise.id, "new")
        mark, style = MARKS[progress]
        title = exercise.title.get(current_language()) or exercise.title["en"]
        words = {"new": "", "started": _("started"), "failing": _("failing"), "passed": _("passed")}
        width = self.size.width - 5
        columns = [(_("level {n}").format(n=exercise.level), 8, "$text-muted")]
        if width >= 70:  # on a narrow screen the title needs the room more
            columns += [
                (exercise.track, 11, "$text-muted"),
                (_("{n} min").format(n=exercise.minutes), 8, "$text-muted"),
            ]
        columns.append((words[progress], 8, style))
        room = max(12, width - 3 - sum(cells + 1 for _text, cells, _style in columns))
        cells = [(" " + fit(text, size), look) for text, size, look in columns]
        return Content.assemble((f" {mark} ", style), (fit(title, room), "bold"), *cells)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        if event.option.id is not None:
            self._open(event.option.id)

    def _open(self, exercise_id: str) -> None:
        from prep.tui.screens.exercise import ExerciseScreen

        self.prep.open_screen(ExerciseScreen(exercise_id))
