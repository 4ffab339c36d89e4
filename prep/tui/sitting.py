"""One sitting of reviews: which card is on, how long it has taken, what was done and can be taken back."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from prep.store.ids import uuid7

if TYPE_CHECKING:
    from prep.cards import Card, Face, Lang
    from prep.review.model import UndoneReview
    from prep.tui.services import Services


class StopWatch:
    """Time that was spent looking at a card: not while the editor or another screen is in front of it."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._now = monotonic
        self._spent = 0.0
        self._since: float | None = monotonic()

    def pause(self) -> None:
        if self._since is not None:
            self._spent += self._now() - self._since
            self._since = None

    def resume(self) -> None:
        if self._since is None:
            self._since = self._now()

    @property
    def seconds(self) -> float:
        return self._spent + (self._now() - self._since if self._since is not None else 0.0)


@dataclass(frozen=True, slots=True)
class Mark:
    """A bury or a suspension that can be taken back."""

    kind: Literal["bury", "suspend"]
    card_id: str


@dataclass(slots=True)
class Sitting:
    """The state behind the review screen; knows nothing of widgets."""

    services: Services
    area: str | None = None
    limit: int | None = None
    session_id: str = field(default_factory=uuid7)
    card: Card | None = None
    is_revealed: bool = False
    graded: list[tuple[str, int]] = field(default_factory=list)
    """Review id and rating of every grade of this sitting that stands."""

    watch: StopWatch = field(default_factory=StopWatch)
    total_watch: StopWatch = field(default_factory=StopWatch)
    last_mark: Mark | None = None

    @property
    def done(self) -> int:
        return len(self.graded)

    @property
    def at_limit(self) -> bool:
        return self.limit is not None and self.done >= self.limit

    def remaining(self) -> int:
        """Cards that are still to come, the present one included."""
        waiting = len(self.services.reviewer.queue(self.area))
        return waiting if self.limit is None else min(waiting, max(0, self.limit - self.done))

    def ratings(self) -> Counter[int]:
        return Counter(rating for _id, rating in self.graded)

    def go_on(self) -> Card | None:
        """Take the next card; None when the sitting is over."""
        self.is_revealed = False
        self.card = None
        if not self.at_limit:
            card_id = self.services.reviewer.next_card(self.area)
            self.card = self.services.library.get(card_id) if card_id is not None else None
        self.watch = StopWatch()
        return self.card

    def show(self, card: Card, revealed: bool) -> None:
        """Put `card` on, whatever the queue says."""
        self.card = card
        self.is_revealed = revealed
        self.watch = StopWatch()

    def face(self, lang: Lang) -> Face:
        assert self.card is not None
        return self.card.faces[lang]

    def grade(self, rating: int, lang: Lang) -> None:
        """Write the grade of the present card, durably.

        Raises:
            StoreError: nothing was written, and the card is still on.
        """
        assert self.card is not None
        face = self.face(lang)
        review_id = self.services.reviewer.grade(
            self.card.id,
            rating,
            face=face.lang,
            duration_ms=round(self.watch.seconds * 1000),
            session_id=self.session_id,
            content_sha=face.sha,
        )
        self.graded.append((review_id, rating))
        self.last_mark = None

    def mark(self, kind: Literal["bury", "suspend"]) -> None:
        """Put the present card off until tomorrow, or for good."""
        assert self.card is not None
        reviewer = self.services.reviewer
        (reviewer.bury if kind == "bury" else reviewer.suspend)(self.card.id)
        self.last_mark = Mark(kind, self.card.id)

    def undo(self) -> Mark | UndoneReview | None:
        """Take back the last thing that was done; the newest grade of any sitting where this one did nothing."""
        reviewer = self.services.reviewer
        mark = self.last_mark
        if mark is not None:
            (reviewer.unbury if mark.kind == "bury" else reviewer.unsuspend)(mark.card_id)
            self.last_mark = None
            return mark
        undone = reviewer.undo()
        if undone is not None:
            self.graded = [entry for entry in self.graded if entry[0] != undone.review_id]
        return undone
