"""One card to be read, outside of any sitting."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import Markdown

from prep.cards import CardFaults
from prep.cards.math import markdown_parser
from prep.locale import N_, current_language, ngettext
from prep.locale import gettext as _
from prep.tui.links import choose_link, follow_link, linked_cards
from prep.tui.markup import card_heading, full_markdown
from prep.tui.screen import PrepScreen
from prep.tui.text import wait_text
from prep.tui.widgets.bars import KeyBar, TopBar
from prep.tui.widgets.panes import Pane

if TYPE_CHECKING:
    from prep.cards import Card, Face
    from prep.tui.services import Services


class CardScreen(PrepScreen):
    CSS_PATH = "card.tcss"
    AUTO_FOCUS = "Pane"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("e", "edit", N_("edit")),
        Binding("f", "follow", N_("follow a link")),
        Binding("x", "exercise", N_("exercise")),
        Binding("S", "suspend", N_("suspend")),
        Binding("j", "scroll(3)", N_("scroll down"), show=False),
        Binding("k", "scroll(-3)", N_("scroll up"), show=False),
    ]

    def __init__(self, card_id: str) -> None:
        self.card_id = card_id
        self.card: Card | None = None
        super().__init__()

    def compose(self) -> ComposeResult:
        yield TopBar()
        with Pane():
            yield Markdown(parser_factory=markdown_parser, open_links=False)
        yield KeyBar()

    async def load(self, services: Services) -> None:
        self.card = services.library.get(self.card_id)

    async def show(self) -> None:
        if self.card is None:
            await self.query_one(Markdown).update(_("There is no card {card}.").format(card=f"`{self.card_id}`"))
            return
        bar = self.query_one(TopBar)
        bar.left = card_heading(self.card)
        bar.right = Content.styled(self._standing(), "$text-muted")
        await self.query_one(Markdown).update(full_markdown(self.card, self.face))

    @property
    def face(self) -> Face:
        assert self.card is not None
        return self.card.faces[current_language()]

    def _standing(self) -> str:
        """How the card stands in the schedule."""
        reviewer = self.services.reviewer
        if reviewer.marks(self.card_id).suspended:
            return _("suspended")
        state = reviewer.state(self.card_id)
        if state is None:
            return _("new")
        ahead = state.due_ms - self.services.clock().ms
        due = _("due") if ahead <= 0 else wait_text(ahead)
        return " · ".join([ngettext("{n} review", "{n} reviews", state.reps).format(n=state.reps), due])

    def key_labels(self) -> dict[str, str]:
        if not self._ready or self.card is None:
            return {}
        return {"suspend": _("ask again")} if self.services.reviewer.marks(self.card_id).suspended else {}

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action in ("edit", "suspend"):
            return self.card is not None
        if action == "exercise":
            return bool(self._exercises())
        if action == "follow":
            return self.card is not None and bool(linked_cards(self.services.library, self.face))
        return True

    def _exercises(self) -> list[str]:
        if self.card is None or not self._ready:
            return []
        return [e for e in self.card.exercises if e in self.services.exercises]

    async def action_edit(self) -> None:
        from prep.cards import editable_path

        assert self.card is not None
        await self.prep.edit(editable_path(self.card))
        try:
            self.card = self.services.library.reload(self.card.id)
        except CardFaults as faults:
            self.prep.show_error(faults)
            return
        await self.show()

    async def action_suspend(self) -> None:
        reviewer = self.services.reviewer
        suspended = reviewer.marks(self.card_id).suspended
        (reviewer.unsuspend if suspended else reviewer.suspend)(self.card_id)
        await self.show()
        self.relabel_keys()

    def action_exercise(self) -> None:
        from prep.tui.screens.exercise import ExerciseScreen
        from prep.tui.screens.exercises import ExercisesScreen

        exercises = self._exercises()
        self.prep.open_screen(ExerciseScreen(exercises[0]) if len(exercises) == 1 else ExercisesScreen(exercises))

    def action_follow(self) -> None:
        choose_link(self.prep, self.services.library, self.face)

    def action_scroll(self, lines: int) -> None:
        self.query_one(Pane).scroll_relative(y=lines, animate=False)

    def on_markdown_link_clicked(self, message: Markdown.LinkClicked) -> None:
        follow_link(self.prep, message.href)
