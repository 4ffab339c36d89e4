"""Reviewing cards: the question, then the answer, then a grade. Space reveals; everything is kept at once."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from rich.cells import cell_len
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Markdown, Static

from prep.cards import CardFaults
from prep.cards.math import markdown_parser
from prep.locale import LANGUAGE_NAMES, N_, current_language, other_language
from prep.locale import gettext as _
from prep.review.reviewer import AlreadyAnswered
from prep.tui.inline import inline_content
from prep.tui.markup import card_heading, folded_line, more_markdown
from prep.tui.screen import PrepScreen
from prep.tui.screens.review_end import end_text, next_step
from prep.tui.sitting import Mark, Sitting
from prep.tui.text import duration, progress_dots, two_ends
from prep.tui.widgets.bars import KeyBar, TopBar
from prep.tui.widgets.checklist import Checklist
from prep.tui.widgets.lines import Lines

if TYPE_CHECKING:
    from prep.cards import Face
    from prep.review.reviewer import Preview, Rating
    from prep.tui.services import Services

DEBOUNCE_S = 0.15
"""A second Space so soon after the reveal is a double press, not a grade."""

RATING_NAMES = {1: N_("again"), 2: N_("hard"), 3: N_("good"), 4: N_("easy")}


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
        Binding("x", "exercise", N_("exercise")),
        Binding("b", "mark('bury')", N_("bury until tomorrow"), show=False),
        Binding("S", "mark('suspend')", N_("suspend"), show=False),
        Binding("R", "reset", N_("learn anew"), show=False),
        Binding("slash", "app.go('library')", N_("search"), show=False),
    ]

    def __init__(self, area: str | None = None, limit: int | None = None, undo_first: bool = False) -> None:
        self.sitting: Sitting | None = None
        self.previews: dict[Rating, Preview] = {}
        self.hints_shown = 0
        self.is_unfolded = False
        self.typed = ""
        """What was written down before the reveal."""
        self._area, self._limit, self._undo_first = area, limit, undo_first
        self._revealed_at = 0.0
        super().__init__()

    def compose(self) -> ComposeResult:
        yield TopBar()
        with VerticalScroll(id="body", can_focus=False):
            yield Static(id="notice")
            yield Markdown(id="face", parser_factory=markdown_parser, open_links=False)
            yield Lines(id="prompt")
            yield Checklist()
            yield Lines(id="folded")
            yield Static(id="end")
        yield Lines(id="grades")
        yield KeyBar()

    async def on_mount(self) -> None:
        for name in ("#notice", "#end", "Checklist"):
            self.query_one(name).display = False
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

    async def show(self) -> None:
        """Show the present card, or the end."""
        sitting = self.sitting
        if sitting is None:
            return
        if sitting.card is None:
            await self._show_end()
            return
        card, face = sitting.card, self.face
        checklist = self.query_one(Checklist)
        with self.app.batch_update():
            text = face.question
            if sitting.is_revealed:
                if self.typed:
                    # As code, because it is the user's text, not Markdown; a longer fence than any within it.
                    text += f"\n\n**{_('You said')}**\n\n~~~~~~text\n{self.typed}\n~~~~~~"
                text += "\n\n---\n\n" + (face.answer or _("*There is no answer yet: press* `e` *to write it.*"))
            await self.query_one("#face", Markdown).update(text)
            self.query_one("#face").display = True
            self.query_one("#end").display = False
            checklist.set_points(face.key_points, checklist.ticked if sitting.is_revealed else None)
            checklist.display = sitting.is_revealed and bool(face.key_points)
            self._static("#notice", self._notice(card, face))
            self._show_prompt()
            await self._show_folds()
            self._show_grades()
            self._show_bar()
        self.relabel_keys()

    def _static(self, selector: str, content: Content | None) -> None:
        widget = self.query_one(selector, Static)
        widget.display = bool(content)
        widget.update(content or "")

    def _notice(self, card: Any, face: Face) -> Content | None:
        lines = []
        if face.lang != current_language():
            lines.append(_("There is no {language} text yet.").format(language=LANGUAGE_NAMES[current_language()]))
        if self.services.reviewer.answer_changed(card.id, face.lang, face.sha):
            lines.append(_("The text has changed since you last saw it: R learns it anew."))
        if self.services.reviewer.is_leech(card.id):
            lines.append(_("Forgotten often: rewriting it (e) helps more than seeing it again."))
        return Content.styled("\n".join(lines), "$text-warning") if lines else None

    def _show_prompt(self) -> None:
        self.query_one("#prompt", Lines).show(self._prompt_rows if self.is_asking else None)

    def _prompt_rows(self, width: int) -> list[Content]:
        left, right = _("say it aloud, then"), _("Space to reveal")
        rule = "─" * max(2, width - cell_len(left) - cell_len(right) - 5)
        rows = [Content(f"── {left} {rule} {right}")]
        for index, point in enumerate(self.face.key_points[: self.hints_shown], 1):
            text = Content.assemble((_("hint {n}: ").format(n=index), "bold"), inline_content(point))
            rows += [Content(""), text]
        return rows

    async def _show_folds(self) -> None:
        """The rest of the card: one line while folded, its text while not."""
        assert self.sitting is not None
        assert self.sitting.card is not None
        card = self.sitting.card
        shown = self.sitting.is_revealed
        folded = partial(folded_line, card, self.face, self.is_unfolded)
        self.query_one("#folded", Lines).show(folded if shown and folded(80) else None)
        more = self.query("#more")
        if not (shown and self.is_unfolded):
            more.set(display=False)
            return
        if not more:
            # A second Markdown widget only for those who unfold: the key points stand between the two.
            await self.query_one("#body").mount(
                Markdown(id="more", parser_factory=markdown_parser, open_links=False), after="#folded"
            )
        widget = self.query_one("#more", Markdown)
        widget.display = True
        await widget.update(more_markdown(card, self.face))

    def _show_grades(self) -> None:
        if self.is_revealed:
            assert self.sitting is not None
            assert self.sitting.card is not None
            self.previews = self.services.reviewer.previews(self.sitting.card.id)
        self.query_one("#grades", Lines).show(self._grade_rows if self.is_revealed else None)

    def _grade_rows(self, width: int) -> list[Content]:
        suggested = self.query_one(Checklist).suggestion()
        parts: list[Content] = []
        for rating, preview in self.previews.items():
            if not self._offers(rating):
                continue
            style = "bold underline" if rating == suggested else ""
            parts.append(
                Content.assemble(
                    (str(int(rating)), "bold $accent"),
                    " ",
                    (_(RATING_NAMES[rating]), style),
                    " ",
                    (preview.interval_text, "$text-muted"),
                )
            )
        right = _("suggested: {grade}").format(grade=suggested) if suggested is not None else ""
        return [two_ends(Content("   ").join(parts), Content.styled(right, "bold"), width)]

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
        if self._ready and self.is_current:
            self._show_bar()
            if self.is_over and self.sitting is not None and not self.sitting.at_limit:
                self._watch_for_due()

    def _watch_for_due(self) -> None:
        """At the end: say so when a learning step has become due."""
        assert self.sitting is not None
        if self.services.reviewer.queue(self._area, 1):
            self._static("#end", end_text(self.sitting))
            self.relabel_keys()

    async def _show_end(self) -> None:
        assert self.sitting is not None
        with self.app.batch_update():
            for name in ("#notice", "#prompt", "#folded", "#grades", "#face", "Checklist"):
                self.query_one(name).display = False
            self.query("#more").set(display=False)
            self._static("#end", end_text(self.sitting))
            self._show_bar()
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
            if points and self.hints_shown:
                labels["hint"] = _("hint {n}/{total}").format(n=self.hints_shown, total=len(points))
            exercises = self._exercises()
            if len(exercises) == 1:
                labels["exercise"] = exercises[0]
            if self.is_unfolded:
                labels["fold"] = _("fold")
        for rating, preview in self.previews.items() if self.is_revealed else ():
            labels[f"grade({int(rating)})"] = f"{_(RATING_NAMES[rating])} · {preview.interval_text}"
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
                return self.is_asking and self.hints_shown < len(self.face.key_points)
            case "fold" | "tick" | "point" if not self.is_revealed:
                return action == "point" and self.is_asking
            case "tick":
                return bool(self.face.key_points)
            case "edit" | "mark" | "scroll" | "page":
                return not self.is_over
            case "exercise":
                return not self.is_over and bool(self._exercises())
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
        typed = self.query("TypedAnswer")
        self.typed = getattr(typed.first(), "text", "").strip() if typed else ""
        await typed.remove()
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
        self.hints_shown = 0
        self.is_unfolded = False
        self.typed = ""
        self.previews = {}
        await self.query("TypedAnswer").remove()
        self.query_one("#body").scroll_home(animate=False)
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
            self.notify(_("Undone: {grade}.").format(grade=_(RATING_NAMES[undone.rating])))
        if self._ready:
            self.query_one(Checklist).ticked = []
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

    async def action_hint(self) -> None:
        self.hints_shown += 1
        self._show_prompt()
        self.relabel_keys()

    async def action_fold(self) -> None:
        self.is_unfolded = not self.is_unfolded
        await self._show_folds()
        self.relabel_keys()
        if self.is_unfolded:
            self.call_after_refresh(self.query_one("#folded").scroll_visible, top=True, animate=False)

    def action_tick(self, value: bool) -> None:
        self.query_one(Checklist).tick(value)
        self._show_grades()

    def action_point(self, step: int) -> None:
        if not self.is_revealed or not self.query_one(Checklist).move(step):
            self.action_scroll(step)

    def action_scroll(self, lines: int) -> None:
        self.query_one("#body").scroll_relative(y=lines, animate=False)

    def action_page(self, step: int) -> None:
        body = self.query_one("#body")
        body.scroll_relative(y=step * max(1, body.size.height - 2), animate=False)

    async def action_type(self) -> None:
        """Write the answer down before seeing it."""
        from prep.tui.widgets.typed import TypedAnswer

        existing = self.query(TypedAnswer)
        if existing:
            existing.first().focus()
            return
        answer = TypedAnswer()
        await self.query_one("#body").mount(answer, after="#prompt")
        answer.focus()

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
        from prep.tui.screens.card import follow_link

        follow_link(self.prep, message.href)
