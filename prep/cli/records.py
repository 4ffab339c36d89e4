"""What today and review open before they can say anything: cards, records, and a reviewer over both."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING

from prep.locale import current_language
from prep.locale import gettext as _

if TYPE_CHECKING:
    from prep.cards.library import Library
    from prep.review.reviewer import Reviewer
    from prep.settings import Settings
    from prep.store.database import Database


@dataclass(frozen=True, slots=True)
class Records:
    db: Database
    library: Library
    settings: Settings
    reviewer: Reviewer


@contextmanager
def open_records(*, readonly: bool = False) -> Iterator[Records]:
    """Open them.

    Args:
        readonly: only look; then a home that cannot be written will do.

    Raises:
        ConfigError, StoreError: the settings or the database cannot be used.
    """
    from prep.cards.library import Library
    from prep.clock import now
    from prep.review.reviewer import Reviewer
    from prep.settings import load_settings
    from prep.store.database import Database

    settings = load_settings()
    with Database.open(readonly=readonly) as db:
        library = Library.load()
        yield Records(db, library, settings, Reviewer(db, library.cards, settings, now, library.aliases()))


def day_text(day: date) -> str:
    """A date as people write it: `Thu 26 Nov`, `11月26日 周四`."""
    # Not strftime's names: they follow the C locale, which prep does not set.
    if current_language() == "zh":
        return f"{day.month}月{day.day}日 周{'一二三四五六日'[day.weekday()]}"
    weekday = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")[day.weekday()]
    month = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")[day.month - 1]
    return f"{weekday} {day.day} {month}"


def moment_text(ms: int) -> str:
    """A local time, with its date unless that is today's."""
    moment = datetime.fromtimestamp(ms / 1000).astimezone()
    clock = f"{moment:%H:%M}"
    today = datetime.now().astimezone().date()
    return clock if moment.date() == today else f"{day_text(moment.date())} {clock}"


def nothing_due(next_due_ms: int | None) -> str:
    """What to say where no card is due."""
    if next_due_ms is None:
        return _("No card is due.")
    return _("No card is due until {moment}.").format(moment=moment_text(next_due_ms))
