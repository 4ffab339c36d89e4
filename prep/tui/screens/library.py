"""Searching the cards, in both languages at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from rich.cells import cell_len
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import Input, OptionList
from textual.widgets.option_list import Option

from prep.locale import N_, current_language, ngettext
from prep.locale import gettext as _
from prep.tui.inline import inline_content
from prep.tui.screen import PrepScreen
from prep.tui.text import clip, fit
from prep.tui.widgets.bars import KeyBar, TopBar
from prep.tui.widgets.fields import Line
from prep.tui.widgets.panes import Choices

if TYPE_CHECKING:
    from prep.cards import Card
    from prep.tui.services import Services

LIMIT = 100
"""Rows of a result: more than anybody reads, few enough to be made between two keys."""


class Query(Line):
    """The query: it keeps the keyboard, and its arrows move in the list."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "submit", N_("open")),
        Binding("down", "screen.move(1)", N_("down")),
        Binding("up", "screen.move(-1)", N_("up")),
        Binding("pagedown", "screen.move(10)", N_("ten down"), show=False),
        Binding("pageup", "screen.move(-10)", N_("ten up"), show=False),
    ]


class LibraryScreen(PrepScreen):
    CSS_PATH = "library.tcss"
    AUTO_FOCUS = "Line"

    def __init__(self, exercise: str | None = None) -> None:
        self.exercise = exercise
        """Show only the cards that this exercise practises."""

        self.found: list[str] = []
        super().__init__()

    def compose(self) -> ComposeResult:
        yield TopBar()
        yield Query(id="query", placeholder=_("words, an id, 两个字 …"))
        choices = Choices()
        choices.can_focus = False  # the query keeps the keyboard; arrows move in the list all the same
        yield choices
        yield KeyBar()

    async def load(self, services: Services) -> None:
        """Nothing beyond the services: `show` searches."""

    async def resumed(self) -> None:
        await self.show()

    async def show(self) -> None:
        from prep.cards.search import search

        query = self.query_one("#query", Query).value.strip()
        library = self.services.library
        choices = self.query_one(Choices)
        at = choices.highlighted or 0
        if query or self.exercise is not None:
            hits = search(library, query, exercise=self.exercise, limit=LIMIT)
            rows = [Option(self._row(hit.card, hit.snippet if query else ""), id=hit.card.id) for hit in hits]
            self.found = [hit.card.id for hit in hits]
        else:
            self.found = list(library.ids())[:LIMIT]
            rows = [Option(self._row(library.cards[i])) for i in self.found]
        choices.clear_options()
        choices.add_options(rows)
        if self.found:
            choices.highlighted = min(at, len(self.found) - 1)
        total = len(self.found) if query or self.exercise is not None else len(library.ids())
        bar = self.query_one(TopBar)
        bar.left = Content.styled(_("Cards"), "bold")
        if self.exercise is not None:
            bar.left = Content.assemble(bar.left, (f" · {self.exercise}", "$text-muted"))
        bar.right = Content(ngettext("{n} card", "{n} cards", total).format(n=total))
        self.relabel_keys()

    def on_resize(self) -> None:
        if self._ready:
            self.call_later(self.show)

    def _row(self, card: Card, snippet: str = "") -> Content:
        width = self.size.width - 5
        area = fit(card.area, 10)
        question = " ".join(inline_content(card.faces[current_language()].question).plain.split())
        first = Content.assemble((f" {area} ", "$text-muted"), clip(question, width - cell_len(area) - 2))
        if not snippet or question.startswith(snippet[:40].strip("… ")):
            return first
        return Content.assemble(first, "\n", (" " * 12 + clip(snippet, width - 12), "$text-muted"))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "move":
            return self._ready and bool(self.found)
        return True

    @on(Input.Changed, "#query")
    async def query_changed(self) -> None:
        if self._ready:
            self.query_one(Choices).highlighted = None
            await self.show()

    @on(Input.Submitted, "#query")
    def query_submitted(self) -> None:
        self.action_open()

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        self.query_one(Choices).highlighted = event.option_index
        self.action_open()

    def action_move(self, step: int) -> None:
        choices = self.query_one(Choices)
        if self.found:
            choices.highlighted = max(0, min(len(self.found) - 1, (choices.highlighted or 0) + step))

    def action_open(self) -> None:
        at = self.query_one(Choices).highlighted
        if at is None or at >= len(self.found):
            return
        from prep.tui.screens.card import CardScreen

        self.prep.open_screen(CardScreen(self.found[at]))
