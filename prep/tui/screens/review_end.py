"""The end of a sitting: what was done, when it goes on, and what to do now."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.content import Content

from prep.locale import gettext as _
from prep.locale import ngettext
from prep.tui.text import duration, wait_text

if TYPE_CHECKING:
    from prep.tui.sitting import Sitting


def next_step(sitting: Sitting) -> tuple[str, str]:
    """What Enter does at the end, and its name: more cards, else an exercise, else today."""
    services = sitting.services
    if services.reviewer.queue(sitting.area, 1):
        return "review", _("go on")
    progress = services.attempts.progress_of_all()
    if any(progress.get(exercise) != "passed" for exercise in services.exercises):
        return "exercise", _("to the kernels")
    return "today", _("to today")


def end_text(sitting: Sitting) -> Content:
    """What the screen says when no card is left."""
    services = sitting.services
    reviewer = services.reviewer
    rows: list[Content] = []
    waiting = len(reviewer.queue(sitting.area))
    if sitting.done:
        title = ngettext("{n} card done.", "{n} cards done.", sitting.done).format(n=sitting.done)
    else:
        title = _("Nothing is due.")
    rows += [Content.styled(title, "bold"), Content("")]
    if sitting.done:
        ratings = sitting.ratings()
        names = {1: _("again"), 2: _("hard"), 3: _("good"), 4: _("easy")}
        parts = [f"{names[r]} {ratings[r]}" for r in (1, 2, 3, 4) if ratings[r]]
        rows.append(Content("   " + " · ".join(parts)))
        recalled = 100 * (sitting.done - ratings[1]) // sitting.done
        seconds = sitting.total_watch.seconds
        rows.append(
            Content(
                "   "
                + _("recalled {percent}% · {time} in all · {each} s a card").format(
                    percent=recalled, time=duration(seconds), each=round(seconds / sitting.done)
                )
            )
        )
        rows.append(Content(""))
    if waiting:
        rows.append(Content(ngettext("{n} card is waiting.", "{n} cards are waiting.", waiting).format(n=waiting)))
    else:
        due_ms = reviewer.next_due_ms(sitting.area)
        if due_ms is not None:
            when = wait_text(due_ms - services.clock().ms)
            rows.append(Content(_("The next card is due {when}.").format(when=when)))
        elif not services.library.ids():
            rows.append(Content(_("There are no cards yet: prep cards new writes one.")))
        else:
            rows.append(Content(_("No card will come: all are suspended or put off.")))
    rows += [
        Content(""),
        Content.assemble(("Enter ", "bold $accent"), next_step(sitting)[1]),
        Content.assemble(("u     ", "bold $accent"), _("take back the last grade")),
        Content.assemble(("q     ", "bold $accent"), _("leave")),
    ]
    return Content("\n").join(rows)
