"""The reference solution with its explanation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Markdown

from prep.cards.math import markdown_parser
from prep.exercises.statement import explanation, solution
from prep.locale import current_language
from prep.locale import gettext as _
from prep.tui.screen import PrepScreen
from prep.tui.widgets.bars import KeyBar, TopBar
from prep.tui.widgets.panes import Code, Pane

if TYPE_CHECKING:
    from prep.exercises.spec import Exercise


class SolutionScreen(PrepScreen):
    CSS_PATH = "solution.tcss"
    AUTO_FOCUS = "Pane"

    def __init__(self, exercise: Exercise) -> None:
        self.exercise = exercise
        super().__init__()

    def compose(self) -> ComposeResult:
        yield TopBar()
        with Pane():
            yield Code()
            yield Markdown(parser_factory=markdown_parser)
        yield KeyBar()

    async def show(self) -> None:
        title = self.exercise.title.get(current_language()) or self.exercise.title["en"]
        bar = self.query_one(TopBar)
        bar.left = Content.assemble((title, "bold"), (f"   {_('solution')}", "$text-muted"))
        self.query_one(Code).show_source(solution(self.exercise))
        await self.query_one(Markdown).update(explanation(self.exercise, current_language()))
