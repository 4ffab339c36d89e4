"""What the grader says: progress while it runs, then the verdict, and the hints asked for so far."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any, Literal

from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Markdown

from prep.cards.math import markdown_parser
from prep.errors import PrepError
from prep.locale import gettext as _
from prep.tui.verdict import Progress, difference_rows, rows_above, rows_below, wrong_case, xray_rows
from prep.tui.widgets.error_picture import ErrorPicture
from prep.tui.widgets.lines import Lines
from prep.tui.widgets.panes import Pane

REFRESH_S = 0.2

Mode = Literal["verdict", "xray", "difference"]


class VerdictView(Pane, can_focus=False):
    """Of grading running, failed to run, and done, shows the one that is."""

    DEFAULT_CSS = """
    VerdictView {
        #hints { padding: 0; margin-top: 1; height: auto; }
    }
    """

    def __init__(self, after_pass: Callable[[], list[Content]], id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.verdict: dict[str, Any] | None = None
        self.error: PrepError | None = None
        """Why there is no verdict."""
        self.progress: Progress | None = None
        """Of the grading that runs now."""
        self.mode: Mode = "verdict"
        """What of the verdict is shown."""
        self._began = 0.0
        self._after_pass = after_pass

    def compose(self) -> ComposeResult:
        yield Lines(self._above, id="verdict")
        yield ErrorPicture(id="picture")
        yield Lines(self._below, id="verdict-below")

    def on_mount(self) -> None:
        super().on_mount()
        self.set_interval(REFRESH_S, self._refresh_progress)

    def begin(self) -> None:
        """A grading starts."""
        self.progress = Progress()
        self.error = None
        self.mode = "verdict"
        self._began = time.monotonic()
        self.show()

    def end(self) -> None:
        """It is over, whatever came of it."""
        self.progress = None
        self.show()

    def show(self) -> None:
        self.query_one("#verdict", Lines).show(self._above)
        self.query_one("#verdict-below", Lines).show(self._below)
        case = None if self._shown is None or self.mode != "verdict" else wrong_case(self._shown)
        self.query_one(ErrorPicture).show(None if case is None else case.get("error_grid"))

    @property
    def _shown(self) -> dict[str, Any] | None:
        """The verdict, where it is what is seen."""
        return self.verdict if self.progress is None and self.error is None else None

    def has(self, mode: Mode) -> bool:
        """Whether the verdict that is shown carries this."""
        if self._shown is None:
            return False
        if mode == "xray":
            return bool(self._shown["xray"])
        case = wrong_case(self._shown)
        return mode == "verdict" or bool(case and case.get("differences"))

    def toggle(self, mode: Mode) -> None:
        """Show `mode` in place of the verdict, or the verdict again."""
        self.mode = "verdict" if self.mode == mode else mode
        self.show()
        self.scroll_home(animate=False)

    def _refresh_progress(self) -> None:
        if self.progress is not None:
            self.show()

    def _above(self, width: int) -> list[Content]:
        if self.progress is not None:
            return self.progress.rows(time.monotonic() - self._began, width)
        if self.error is not None:
            return [Content.styled(str(self.error), "bold $text-error"), Content(self.error.hint)]
        if self.verdict is None:
            return [Content.styled(_("Not graded yet: g grades your file."), "$text-muted")]
        if self.mode == "xray":
            return xray_rows(self.verdict["xray"], width)
        case = wrong_case(self.verdict)
        if self.mode == "difference" and case is not None:
            return difference_rows(case, width)
        return rows_above(self.verdict, width)

    def _below(self, width: int) -> list[Content]:
        if self._shown is None or self.mode != "verdict":
            return []
        rows = rows_below(self._shown, width)
        return [*rows, Content(""), *self._after_pass()] if self._shown["passed"] else rows

    def wrong_lines(self) -> set[int]:
        """Lines of the user's file that the verdict points at."""
        if self.verdict is None or self.verdict["passed"]:
            return set()
        return {found["line"] for found in self.verdict["diagnosis"] if found.get("line")}

    async def show_hints(self, texts: Sequence[str], total: int) -> None:
        """Show the hints seen so far (Markdown), below the verdict."""
        if not texts:
            return
        if not self.query("#hints"):
            await self.mount(Markdown(id="hints", parser_factory=markdown_parser))
        parts = [
            f"**{_('Hint {n} of {total}').format(n=n, total=total)}**\n\n{text}" for n, text in enumerate(texts, 1)
        ]
        await self.query_one("#hints", Markdown).update("\n\n".join(parts))
