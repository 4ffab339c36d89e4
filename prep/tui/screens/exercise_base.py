"""What an exercise's screen knows of its exercise, and the keys that lead away from it or begin it anew."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from textual.content import Content

from prep.exercises.load import following
from prep.exercises.watched import WatchedFile
from prep.exercises.workspace import Workspace
from prep.locale import current_language
from prep.locale import gettext as _
from prep.tui.screen import PrepScreen

if TYPE_CHECKING:
    from prep.exercises.spec import Exercise


class ExerciseBase(PrepScreen):
    """An exercise, by its id, with the user's file for it."""

    def __init__(self, exercise_id: str) -> None:
        self.exercise_id = exercise_id
        self.exercise: Exercise | None = None
        self.workspace = Workspace()
        self.watched = WatchedFile(self.path)
        super().__init__()

    @property
    def path(self) -> Path:
        return self.workspace.file(self.exercise_id)

    @property
    def has_file(self) -> bool:
        return self.workspace.has(self.exercise_id)

    @property
    def has_passed(self) -> bool:
        return self._ready and self.services.attempts.progress(self.exercise_id) == "passed"

    async def show_file(self) -> None:
        """Show the file as it is now."""

    def _following(self) -> Exercise | None:
        """The next exercise that has not been passed."""
        return following(self.services.exercises, self.services.attempts.progress_of_all(), self.exercise_id)

    def what_next(self) -> list[Content]:
        """After a pass: what there is to do."""
        rows = []
        other = self._following()
        if other is not None:
            title = other.title.get(current_language()) or other.title["en"]
            rows.append(Content.assemble(("n ", "bold $accent"), _("next: {title}").format(title=title)))
        rows.append(Content.assemble(("S ", "bold $accent"), _("the reference solution, explained")))
        return rows

    def action_next(self) -> None:
        other = self._following()
        if other is not None:
            self.prep.open_screen(type(self)(other.id), replace=True)

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
                self.watched.mark_seen()
                if started.backup is not None:
                    self.notify(_("Your file is kept as {file}.").format(file=started.backup.name))
                self.call_later(self.show_file)

        question = _("Start over from the starter?")
        self.app.push_screen(ConfirmDialog(question, _("Your file is kept beside the new one.")), answered)
