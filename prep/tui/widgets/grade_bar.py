"""The grades with what each would do, on one line above the keys."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from textual.content import Content

from prep.locale import N_
from prep.locale import gettext as _
from prep.tui.text import two_ends
from prep.tui.widgets.lines import Lines

if TYPE_CHECKING:
    from prep.review.model import Preview

RATING_NAMES = {1: N_("again"), 2: N_("hard"), 3: N_("good"), 4: N_("easy")}


def rating_name(rating: int) -> str:
    return _(RATING_NAMES[rating])


class GradeBar(Lines):
    DEFAULT_CSS = """
    GradeBar {
        dock: bottom;
        height: 1;
        padding: 0 1;
        margin-bottom: 2;
    }
    """

    def offer(self, previews: Sequence[Preview], suggested: int | None) -> None:
        """Show the grades; none hides the bar."""

        def rows(width: int) -> list[Content]:
            parts = []
            for preview in previews:
                style = "bold underline" if preview.rating == suggested else ""
                parts.append(
                    Content.assemble(
                        (str(int(preview.rating)), "bold $accent"),
                        " ",
                        (rating_name(preview.rating), style),
                        " ",
                        (preview.interval_text, "$text-muted"),
                    )
                )
            right = _("suggested: {grade}").format(grade=suggested) if suggested is not None else ""
            return [two_ends(Content("   ").join(parts), Content.styled(right, "bold"), width)]

        self.show(rows if previews else None)
