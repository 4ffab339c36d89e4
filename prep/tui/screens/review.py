"""Reviewing cards: the question, then the answer, then a grade. Space reveals; everything is kept at once."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import Markdown, Static

from prep.cards import CardFaults
from prep.locale import LANGUAGE_NAMES, N_, current_language, other_language
from prep.locale import gettext as _
from prep.review.model import AlreadyAnswered
from prep.tui.links import choose_link, follow_link, linked_cards
from prep.tui.markup import card_heading
from prep.tui.screen import PrepScreen
from prep.tui.screens.review_end import end_text, next_step
from prep.tui.sitting import Mark, Sitting
from prep.tui.text import duration, progress_dots
from prep.tui.widgets.bars import KeyBar, TopBar
from prep.tui.widgets.card_view import CardView
from prep.tui.widgets.grade_bar import GradeBar, rating_name

if TYPE_CHECKING:
    from prep.cards import Card, Face
    from prep.review.model import Preview
    from prep.tui.services import Services

DEBOUNCE_S = 0.15
"""A second Space so soon after the reveal is a double press, not a grade."""


class ReviewScreen(PrepScreen):
    """A sitting.

    Args:
        area: only cards of this area.
        limit: at most so many grades.
        undo_first: begin by taking back the newest grade.
    """

    CSS_PATH = "review.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space,enter", "proceed", N_("reveal")),
        Binding("1,１", "grade(1)", N_("again: not recalled"), show=False),
        Binding("2,２", "grade(2)", N_("hard: recalled with effort; if you failed, press 1"), show=False),
        Binding("3,３", "grade(3)", N_("good: recalled"), show=False),
        Binding("4,４", "grade(4)", N_("easy: recalled at once"), show=False),
        Binding("t", "type", N_("type it")),
        Binding("h", "hint", N_("hint")),
        Binding("v", "fold", N_("unfold")),
        Binding("right", "tick(True)", N_("tick")),
        Binding("left", "tick(False)", N_("untick"), show=False),
        Binding("down", "point(1)", N_("next point, or scroll"), show=False),
        Binding("up", "point(-1)", N_("previous point, or scroll"), show=False),
        Binding("j", "scroll(3)", N_("scroll down"), show=False),
        Binding("k", "scroll(-3)", N_("scroll up"), show=False),
        Binding("pagedown", "page(1)", N_("a page down"), show=False),
        Binding("pageup", "page(-1)", N_("a page up"), show=False),
        Binding("L", "app.language", N_("language")),
        Binding("u", "undo", N_("undo")),
        Binding("e", "edit", N_("edit")),
        Binding("f", "follow", N_("follow a link"), show=False),
        Binding("x", "exercise", N_("exercise")),
        Binding("b", "mark('bury')", N_("bury until tomorrow"), show=False),
        Binding("S", "mark('suspend')", N_("suspend"), show=False),
        Binding("R", "reset", N_("learn anew"), show=False),
        Binding("slash", "app.go('library')", N_("search"), show=False),
    ]

    def __init__(self, area: str | None = None, limit: int | None = None, undo_first: bool = False) -> None:
        self.sitting: Sitting | None = None
        self.previews: list[Preview] = []
        self._area, self._limit, self._undo_first = area, limit, undo_first
        self._revealed_at = 0.0
        super().__init__()

    def compose(self) -> ComposeResult:
        end = Static(id="end")
        end.display = False
        yield TopBar()
        yield CardView()
        yield end
        yield GradeBar()
        yield KeyBar()

    async def on_mount(self) -> None:
        self.set_interval(1, self._tick_clock)
        await super().on_mount()

    async def load(self, services: Services) -> None:
        self.sitting = Sitting(services, self._area, self._limit)
        if self._undo_first:
            await self.action_undo()
        if self.sitting.card is None:
            self.sitting.go_on()

    async def resumed(self) -> None:
        sitting = self.sitting
        if sitting is None:
            return
        sitting.watch.resume()
        sitting.total_watch.resume()
        if sitting.card is None:
            await self._next()
            return
        card = self.services.library.get(sitting.card.id)
        if card is not None and card is not sitting.card:  # edited from another screen
            sitting.card = card
            await self.show()

    def on_screen_suspend(self) -> None:
        if self.sitting is not None:
            self.sitting.watch.pause()
            self.sitting.total_watch.pause()

    # what is seen

    @property
    def face(self) -> Face:
        assert self.sitting is not None
        return self.sitting.face(current_language())

    @property
    def is_over(self) -> bool:
        return self._ready and self.sitting is not None and self.sitting.card is None

    @property
    def is_revealed(self) -> bool:
        return self.sitting is not None and self.sitting.card is not None and self.sitting.is_revealed

    @property
    def is_asking(self) -> bool:
        return self.sitting is not None and self.sitting.card is not None and not self.sitting.is_revealed

    @property
    def view(self) -> CardView:
        return self.query_one(CardView)

    async def show(self) -> None:
        """Show the present card, or the end."""
        sitting = self.sitting
        if sitting is None:
            return
        card = sitting.card
        with self.app.batch_update():
            self.view.display = card is not None
            self.query_one("#end").display = card is None
            if card is not None:
                await self.view.show_card(card, self.face, sitting.is_revealed, self._notice(card, self.face))
            else:
                self.query_one("#end", Static).update(end_text(sitting))
            self._show_grades()
            self._show_bar()
        self.relabel_keys()

    def _notice(self, card: Card, face: Face) -> str:
        lines = []
        if face.lang != current_language():
            lines.append(_("There is no {language} text yet.").format(language=LANGUAGE_NAMES[current_language()]))
        if self.services.reviewer.answer_changed(card.id, face.lang, face.sha):
            lines.append(_("The text has changed since you last saw it: R learns it anew."))
        if self.services.reviewer.is_leech(card.id):
            lines.append(_("Forgotten often: rewriting it (e) helps more than seeing it again."))
        return "\n".join(lines)

    def _show_grades(self) -> None:
        self.previews = []
        if self.is_revealed and self.sitting is not None and self.sitting.card is not None:
            previews = self.services.reviewer.previews(self.sitting.card.id)
            self.previews = [preview for rating, preview in previews.items() if self._offers(rating)]
        self.query_one(GradeBar).offer(self.previews, self.view.checklist.suggestion())

    def _offers(self, rating: int) -> bool:
        return self.prep.settings.grades == 4 or rating in (1, 3)

    def _show_bar(self) -> None:
        sitting = self.sitting
        if sitting is None:
            return
        bar = self.query_one(TopBar)
        left = sitting.remaining()
        total = sitting.done + left
        clock = duration(sitting.total_watch.seconds)
        if sitting.card is None:
            bar.left = Content.styled(_("Review"), "bold")
            bar.right = Content(clock)
            return
        bar.left = card_heading(sitting.card)
        position = min(sitting.done + 1, max(total, 1))
        bar.right = Content.assemble(
            f"{position} / {max(total, position)}   ", (progress_dots(sitting.done, total), "$success"), f"   {clock}"
        )

    def _tick_clock(self) -> None:
        if not self._ready or not self.is_current or self.sitting is None:
            return
        self._show_bar()
        if self.is_over and not self.sitting.at_limit and self.services.reviewer.queue(self._area, 1):
            # A learning step has become due meanwhile: the end is not the end any more.
            self.query_one("#end", Static).update(end_text(self.sitting))
            self.relabel_keys()

    # keys

    def key_labels(self) -> dict[str, str]:
        labels = {"app.language": LANGUAGE_NAMES[other_language()]}
        if self.is_over and self.sitting is not None:
            labels["proceed"] = next_step(self.sitting)[1]
        elif self.is_revealed:
            labels["proceed"] = _("good")
        if self.sitting is not None and self.sitting.card is not None:
            points = self.face.key_points
            if points and self.view.hints_shown:
                labels["hint"] = _("hint {n}/{total}").format(n=self.view.hints_shown, total=len(points))
            exercises = self._exercises()
            if len(exercises) == 1:
                labels["exercise"] = exercises[0]
            if self.view.is_unfolded:
                labels["fold"] = _("fold")
        for preview in self.previews if self.is_revealed else ():
            labels[f"grade({int(preview.rating)})"] = f"{rating_name(preview.rating)} · {preview.interval_text}"
        return labels

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if self.sitting is None or not self._ready:
            return action in ("leave", "go") or action.startswith("app.")
        match action:
            case "grade":
                rating = parameters[0]
                return self.is_revealed and isinstance(rating, int) and self._offers(rating)
            case "type":
                return self.is_asking
            case "hint":
                return self.is_asking and self.view.hints_shown < len(self.face.key_points)
            case "fold" | "tick" | "point" if not self.is_revealed:
                return action == "point" and self.is_asking
            case "tick":
                return bool(self.face.key_points)
            case "edit" | "mark" | "scroll" | "page":
                return not self.is_over
            case "exercise":
                return not self.is_over and bool(self._exercises())
            case "follow":  # not before the answer: what a card leads to gives it away
                return self.is_revealed and bool(linked_cards(self.services.library, self.face))
            case "reset":
                return not self.is_over and self.sitting.card is not None and self._has_changed()
        return True

    def _has_changed(self) -> bool:
        assert self.sitting is not None
        assert self.sitting.card is not None
        return self.services.reviewer.answer_changed(self.sitting.card.id, self.face.lang, self.face.sha)

    def _exercises(self) -> list[str]:
        assert self.sitting is not None
        card = self.sitting.card
        return [e for e in card.exercises if e in self.services.exercises] if card is not None else []

    async def action_proceed(self) -> None:
        """Space and Enter: reveal; then Good; at the end, what comes next."""
        if self.sitting is None:
            return
        if self.is_over:
            await self._follow_end()
        elif not self.is_revealed:
            await self.reveal()
        elif time.monotonic() - self._revealed_at >= DEBOUNCE_S:
            await self.action_grade(3)

    async def reveal(self) -> None:
        assert self.sitting is not None
        self.sitting.is_revealed = True
        await self.view.end_typing()
        await self.show()
        self._revealed_at = time.monotonic()

    async def action_grade(self, rating: int) -> None:
        assert self.sitting is not None
        try:
            self.sitting.grade(rating, current_language())
        except AlreadyAnswered as error:
            # Another window was faster: asking again for a grade would count the card twice.
            self.prep.show_error(error)
        await self._next()

    async def _next(self) -> None:
        assert self.sitting is not None
        self.sitting.go_on()
        await self._show_fresh()

    async def _show_fresh(self) -> None:
        """Show the present card from its top, with nothing of the one before."""
        await self.view.begin()
        await self.show()

    async def action_undo(self) -> None:
        assert self.sitting is not None
        undone = self.sitting.undo()
        if undone is None:
            self.notify(_("There is nothing to undo."))
            return
        card = self.services.library.get(undone.card_id)
        if card is None:
            self.notify(_("Undone. The card {card} itself is gone from the library.").format(card=undone.card_id))
            if self._ready:
                await self._next()
            return
        # A grade is undone to give another one: the answer is shown at once.
        self.sitting.show(card, revealed=not isinstance(undone, Mark))
        if isinstance(undone, Mark):
            self.notify(_("The card is back."))
        elif undone.rating is not None:
            self.notify(_("Undone: {grade}.").format(grade=rating_name(undone.rating)))
        if self._ready:
            await self._show_fresh()

    async def action_mark(self, kind: str) -> None:
        assert self.sitting is not None
        self.sitting.mark("bury" if kind == "bury" else "suspend")
        self.notify(
            _("Put off until tomorrow (u takes it back).")
            if kind == "bury"
            else _("Suspended: it will not be asked again (u takes it back).")
        )
        await self._next()

    async def action_reset(self) -> None:
        assert self.sitting is not None
        assert self.sitting.card is not None
        self.services.reviewer.reset(self.sitting.card.id, session_id=self.sitting.session_id)
        self.notify(_("The card is new again (u takes it back)."))
        await self._next()

    def action_hint(self) -> None:
        self.view.show_hint()
        self.relabel_keys()

    async def action_fold(self) -> None:
        await self.view.toggle_fold()
        self.relabel_keys()

    def action_tick(self, value: bool) -> None:
        self.view.checklist.tick(value)
        self._show_grades()

    def on_checklist_ticked(self) -> None:
        """A point was ticked with the mouse."""
        self._show_grades()

    def action_point(self, step: int) -> None:
        self.view.move(step)

    def action_scroll(self, lines: int) -> None:
        self.view.scroll_lines(lines)

    def action_page(self, step: int) -> None:
        self.view.scroll_pages(step)

    async def action_type(self) -> None:
        await self.view.start_typing()

    async def action_reveal_typed(self) -> None:
        if self.is_asking:
            await self.reveal()

    def action_stop_typing(self) -> None:
        self.set_focus(None)

    async def action_edit(self) -> None:
        """Open the card's file in the editor, and come back to it as it is then."""
        assert self.sitting is not None
        assert self.sitting.card is not None
        from prep.cards import editable_path

        card_id = self.sitting.card.id
        self.sitting.watch.pause()
        self.sitting.total_watch.pause()
        try:
            await self.prep.edit(editable_path(self.sitting.card))
        finally:
            self.sitting.watch.resume()
            self.sitting.total_watch.resume()
        try:
            self.sitting.card = self.services.library.reload(card_id)
        except CardFaults as faults:
            # The card as it was stays on: the file can be mended with another `e`.
            self.prep.show_error(faults)
            return
        await self.show()

    def action_exercise(self) -> None:
        from prep.tui.screens.exercise import ExerciseScreen
        from prep.tui.screens.exercises import ExercisesScreen

        exercises = self._exercises()
        self.prep.open_screen(ExerciseScreen(exercises[0]) if len(exercises) == 1 else ExercisesScreen(exercises))

    def action_follow(self) -> None:
        choose_link(self.prep, self.services.library, self.face)

    async def _follow_end(self) -> None:
        assert self.sitting is not None
        step, _label = next_step(self.sitting)
        if step == "review":
            self.sitting.limit = None
            await self._next()
        elif step == "exercise":
            from prep.tui.screens.exercises import ExercisesScreen

            self.prep.open_screen(ExercisesScreen(), replace=True)
        else:
            self.prep.action_go(step)

    def on_markdown_link_clicked(self, message: Markdown.LinkClicked) -> None:
        follow_link(self.prep, message.href)
