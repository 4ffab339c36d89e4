"""What to show next: a sitting's queue, built once from the card states and then kept in memory.

Order: cards boosted for an interview; steps that are due; due reviews; new cards; and last, steps that are due within
the learn-ahead time, so that a card just failed does not come back at once while others wait.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Protocol

from prep.review.memory import DEFAULT_WEIGHTS, retrievability
from prep.settings import Settings
from prep.store.reviews import CardState, Marks


class CardLike(Protocol):
    """What the queue needs to know of a card; prep.cards.Card has it."""

    @property
    def area(self) -> str: ...
    @property
    def level(self) -> int: ...
    @property
    def tags(self) -> Sequence[str]: ...
    @property
    def status(self) -> str: ...


NO_MARKS = Marks()


def shuffled(ids: Iterable[str], day: date) -> list[str]:
    """An order that looks random and is the same all day, in every process."""
    salt = day.isoformat().encode()
    return sorted(ids, key=lambda i: hashlib.blake2b(i.encode(), digest_size=8, salt=salt).digest())


def spread(ids: Sequence[str], topic: Callable[[str], str]) -> list[str]:
    """`ids` in their order as far as possible, with no two neighbours of one topic where that can be avoided.

    Each place takes the earliest card of another topic than the last one's, unless a topic has so many cards left that
    they must be started on now.
    """
    waiting: dict[str, deque[int]] = defaultdict(deque)
    for position, card_id in enumerate(ids):
        waiting[topic(card_id)].append(position)
    result: list[str] = []
    last: str | None = None
    while waiting:
        left = len(ids) - len(result)
        crowded = max(waiting, key=lambda t: len(waiting[t]))
        if 2 * len(waiting[crowded]) > left and crowded != last:
            chosen = crowded
        else:
            others = [t for t in waiting if t != last] or list(waiting)
            chosen = min(others, key=lambda t: waiting[t][0])
        result.append(ids[waiting[chosen].popleft()])
        if not waiting[chosen]:
            del waiting[chosen]
        last = chosen
    return result


@dataclass(slots=True)
class Sitting:
    """The queue of one area, or of all; `dict` keeps the order and drops a card in one step."""

    boosted: dict[str, None] = field(default_factory=dict)
    steps: dict[str, int] = field(default_factory=dict)
    """card -> when its step is due."""
    reviews: dict[str, None] = field(default_factory=dict)
    new: dict[str, None] = field(default_factory=dict)
    boosted_new: set[str] = field(default_factory=set)

    def next_card(self, now_ms: int, ahead_ms: int) -> str | None:
        if self.boosted:
            return next(iter(self.boosted))
        step = min(self.steps, key=lambda i: (self.steps[i], i), default=None)
        if step is not None and self.steps[step] <= now_ms:
            return step
        for waiting in (self.reviews, self.new):
            if waiting:
                return next(iter(waiting))
        if step is not None and self.steps[step] <= now_ms + ahead_ms:
            return step
        return None

    def queue(self, now_ms: int, ahead_ms: int) -> list[str]:
        steps = sorted(self.steps, key=lambda i: (self.steps[i], i))
        due = [i for i in steps if self.steps[i] <= now_ms]
        ahead = [i for i in steps if now_ms < self.steps[i] <= now_ms + ahead_ms]
        return [*self.boosted, *due, *self.reviews, *self.new, *ahead]

    def answered(self, card_id: str, state: CardState | None) -> None:
        """Take a card out, and put it back as a step if that is what it became."""
        self.boosted.pop(card_id, None)
        self.reviews.pop(card_id, None)
        self.new.pop(card_id, None)
        self.steps.pop(card_id, None)
        self.boosted_new.discard(card_id)
        if state is not None and state.due_day is None:
            self.steps[card_id] = state.due_ms


@dataclass(frozen=True, slots=True)
class Situation:
    """All that a queue is made from."""

    cards: Mapping[str, CardLike]
    states: Mapping[str, CardState]
    marks: Mapping[str, Marks]
    settings: Settings
    day: date
    now_ms: int
    new_today: int
    """New cards already seen today."""
    weights: Sequence[float] = DEFAULT_WEIGHTS


def step_due_ms(state: CardState, now_ms: int, settings: Settings) -> int:
    """When a step is due; at once if its time lies further ahead than any step is long: then a clock was set back."""
    longest = max(settings.learning_step_min, settings.relearning_step_min) * 90_000  # hard: half as long again
    # A row may have been graded with longer steps than today's settings; an hour covers what people choose.
    return state.due_ms if state.due_ms <= now_ms + max(longest, 3_600_000) else now_ms


def is_due(state: CardState, day: date) -> bool:
    """Whether a card in review is due on a study day."""
    if state.due_day is None:
        return False
    # Reviewed later than tomorrow: no journey does that, only a clock that was wrong. Its due day means nothing.
    return state.due_day <= day.isoformat() or state.last_day > (day + timedelta(days=1)).isoformat()


def _hidden(marks: Marks, today: str) -> bool:
    return marks.suspended or (marks.buried_until_day is not None and today < marks.buried_until_day)


def _boosted(marks: Marks, today: str) -> bool:
    return marks.boost_until_day is not None and today <= marks.boost_until_day


def build(situation: Situation, area: str | None = None) -> Sitting:
    """The queue as it is now."""
    cards, states, day, settings = situation.cards, situation.states, situation.day, situation.settings
    today = day.isoformat()
    sitting = Sitting()
    reviews: list[str] = []
    new: list[str] = []
    boosted: list[str] = []
    for card_id in cards:
        state = states.get(card_id)
        marks = situation.marks.get(card_id, NO_MARKS)
        if _hidden(marks, today):
            continue
        boost = _boosted(marks, today)
        step = state is not None and state.due_day is None
        if state is not None and not step and not is_due(state, day):
            early = boost and state.last_day < (marks.boost_from_day or today)
            if not early:  # a boosted card is asked once before its time
                continue
        # Only now is the card itself looked at: most of 5,000 are not due, and each look may parse a file.
        card = cards[card_id]
        if card.status in ("draft", "retired") or (area is not None and card.area != area):
            continue
        if step:
            assert state is not None
            sitting.steps[card_id] = step_due_ms(state, situation.now_ms, settings)
        elif boost:
            boosted.append(card_id)
        elif state is None:
            new.append(card_id)
        else:
            reviews.append(card_id)

    def topic(card_id: str) -> str:
        card = cards[card_id]
        # Within one area its cards differ by their first tag.
        return card.area if area is None else (card.tags[0] if card.tags else card_id)

    sitting.boosted = dict.fromkeys(spread(shuffled(boosted, day), topic))
    sitting.boosted_new = {i for i in boosted if i not in states}
    if len(reviews) > settings.sitting_cards:
        # More than a sitting holds: what is still known best first, so that those are not lost too.
        def recall(card_id: str) -> float:
            state = states[card_id]
            elapsed = (day - date.fromisoformat(state.last_day)).days
            return retrievability(state.s, elapsed, situation.weights)

        ordered = sorted(reviews, key=lambda i: (-recall(i), i))
        # Neighbours are only kept apart within a sitting's length, so that the order by recall stands.
        size = settings.sitting_cards
        parts = (spread(ordered[at : at + size], topic) for at in range(0, len(ordered), size))
        sitting.reviews = dict.fromkeys(i for part in parts for i in part)
    else:
        sitting.reviews = dict.fromkeys(spread(shuffled(reviews, day), topic))
    allowance = max(0, settings.new_per_day - situation.new_today)
    easy_first = sorted(shuffled(new, day), key=lambda i: cards[i].level)[:allowance] if allowance else []
    sitting.new = dict.fromkeys(spread(easy_first, topic))
    return sitting
