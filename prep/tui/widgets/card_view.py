"""A card under review: question, prompt, hints, then answer, key points, and the rest behind one key."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from rich.cells import cell_len
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Markdown, Static

from prep.cards.math import markdown_parser
from prep.locale import gettext as _
from prep.tui.inline import inline_content
from prep.tui.markup import folded_line, more_markdown
from prep.tui.widgets.checklist import Checklist
from prep.tui.widgets.lines import Lines

if TYPE_CHECKING:
    from prep.cards import Card, Face


class CardView(VerticalScroll, can_focus=False):
    """Shows what it is told to; knows nothing of schedules and grades."""

    DEFAULT_CSS = """
    CardView {
        padding: 1 0 0 0;
        scrollbar-size-vertical: 1;
        #face, #more { padding: 0 2; }
        #notice, #prompt, #folded { height: auto; padding: 0 2; margin-bottom: 1; }
        #notice { color: $text-warning; }
        #prompt, #folded { color: $text-muted; }
        TypedAnswer { height: 8; margin: 0 1; border: round $foreground 30%; }
    }
    """

    def __init__(self, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.card: Card | None = None
        self.face: Face | None = None
        self.is_revealed = False
        self.is_unfolded = False
        self.hints_shown = 0
        self.typed = ""
        """What was written down before the reveal."""

    def compose(self) -> ComposeResult:
        notice = Static(id="notice")
        notice.display = False
        checklist = Checklist()
        checklist.display = False
        yield notice
        yield Markdown(id="face", parser_factory=markdown_parser, open_links=False)
        yield Lines(id="prompt")
        yield checklist
        yield Lines(id="folded")

    @property
    def checklist(self) -> Checklist:
        return self.query_one(Checklist)

    async def begin(self) -> None:
        """Forget what belongs to the card before."""
        self.hints_shown = 0
        self.is_unfolded = False
        self.typed = ""
        self.checklist.ticked = []
        await self.query("TypedAnswer").remove()
        self.scroll_home(animate=False)

    async def show_card(self, card: Card, face: Face, is_revealed: bool, notice: str) -> None:
        """Show a face of `card`; ticks stay while the same number of key points does."""
        self.card, self.face, self.is_revealed = card, face, is_revealed
        text = face.question
        if is_revealed:
            if self.typed:
                # As code, because it is the user's text, not Markdown; a longer fence than any within it.
                text += f"\n\n**{_('You said')}**\n\n~~~~~~text\n{self.typed}\n~~~~~~"
            text += "\n\n---\n\n" + (face.answer or _("*There is no answer yet: press* `e` *to write it.*"))
        await self.query_one("#face", Markdown).update(text)
        self.checklist.set_points(face.key_points, self.checklist.ticked if is_revealed else None)
        self.checklist.display = is_revealed and bool(face.key_points)
        line = self.query_one("#notice", Static)
        line.display = bool(notice)
        line.update(notice)
        self._show_prompt()
        await self._show_folds()

    def _show_prompt(self) -> None:
        self.query_one("#prompt", Lines).show(None if self.is_revealed else self._prompt_rows)

    def _prompt_rows(self, width: int) -> list[Content]:
        left, right = _("say it aloud, then"), _("Space to reveal")
        rule = "─" * max(2, width - cell_len(left) - cell_len(right) - 5)
        rows = [Content(f"── {left} {rule} {right}")]
        points = self.face.key_points[: self.hints_shown] if self.face is not None else ()
        for index, point in enumerate(points, 1):
            text = Content.assemble((_("hint {n}: ").format(n=index), "bold"), inline_content(point))
            rows += [Content(""), text]
        return rows

    async def _show_folds(self) -> None:
        """The rest of the card: one line while folded, its text while not."""
        if self.card is None or self.face is None:
            return
        folded = partial(folded_line, self.card, self.face, self.is_unfolded)
        self.query_one("#folded", Lines).show(folded if self.is_revealed and folded(80) else None)
        more = self.query("#more")
        if not (self.is_revealed and self.is_unfolded):
            more.set(display=False)
            return
        if not more:
            # A second Markdown widget only for those who unfold: the key points stand between the two.
            await self.mount(Markdown(id="more", parser_factory=markdown_parser, open_links=False), after="#folded")
        widget = self.query_one("#more", Markdown)
        widget.display = True
        await widget.update(more_markdown(self.card, self.face))

    def show_hint(self) -> None:
        """One more key point before the answer."""
        self.hints_shown += 1
        self._show_prompt()

    async def toggle_fold(self) -> None:
        self.is_unfolded = not self.is_unfolded
        await self._show_folds()
        if self.is_unfolded:
            self.call_after_refresh(self.query_one("#folded").scroll_visible, top=True, animate=False)

    def move(self, step: int) -> None:
        """To the next or previous key point; where there is none, scroll."""
        if not self.is_revealed or not self.checklist.move(step):
            self.scroll_lines(step)

    def scroll_lines(self, lines: int) -> None:
        self.scroll_relative(y=lines, animate=False)

    def scroll_pages(self, pages: int) -> None:
        self.scroll_lines(pages * max(1, self.size.height - 2))

    async def start_typing(self) -> None:
        """Open a field for writing the answer down before seeing it."""
        from prep.tui.widgets.typed import TypedAnswer

        answer = next(iter(self.query(TypedAnswer)), None)
        if answer is None:
            answer = TypedAnswer()
            await self.mount(answer, after="#prompt")
        answer.focus()

    async def end_typing(self) -> None:
        """Take what was written; `show_card` shows it with the answer."""
        answers = self.query("TypedAnswer")
        self.typed = getattr(answers.first(), "text", "").strip() if answers else ""
        await answers.remove()
