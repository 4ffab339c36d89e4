"""card_state = fold(reviews): how one row of the log moves a card, and the rebuild that proves it.

Everything that decides the outcome is in the row or in the parameter row it points to, so a replay on any day, on any
machine, with any settings gives the same state.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from prep.errors import StoreError
from prep.review import memory
from prep.review.days import day_start_ms, elapsed_days
from prep.review.fuzz import NO_FUZZ, RULE, fuzz_factor, fuzzed
from prep.review.renames import Aliases
from prep.settings import Settings
from prep.store.database import Database
from prep.store.reviews import CardState, Review, Reviews, StateName

AGAIN, HARD, GOOD, EASY = 1, 2, 3, 4

# `cram` and `manual` rows are kept for statistics only.
NOT_SCHEDULING = ("cram", "manual")


@dataclass(frozen=True, slots=True)
class Scheduling:
    """What shapes due dates, besides the retention that each row carries itself."""

    weights: tuple[float, ...] = memory.DEFAULT_WEIGHTS
    learning_steps_min: tuple[int, ...] = (10,)
    relearning_steps_min: tuple[int, ...] = (10,)
    maximum_interval: int = 180
    rollover_hour: int = 4
    fuzz: str = RULE
    algo: str = memory.ALGO

    @classmethod
    def of(cls, settings: Settings) -> Scheduling:
        return cls(
            learning_steps_min=(settings.learning_step_min,),
            relearning_steps_min=(settings.relearning_step_min,),
            maximum_interval=settings.maximum_interval,
            rollover_hour=settings.rollover_hour,
        )

    def params_json(self) -> str:
        return json.dumps(list(self.weights), separators=(",", ":"))

    def settings_json(self) -> str:
        value = {
            "fuzz": self.fuzz,
            "learning_steps_min": list(self.learning_steps_min),
            "maximum_interval": self.maximum_interval,
            "relearning_steps_min": list(self.relearning_steps_min),
            "rollover_hour": self.rollover_hour,
        }
        return json.dumps(value, separators=(",", ":"))

    @classmethod
    def from_row(cls, algo: str, params_json: str, settings_json: str) -> Scheduling:
        value = json.loads(settings_json)
        return cls(
            weights=tuple(json.loads(params_json)),
            learning_steps_min=tuple(value["learning_steps_min"]),
            relearning_steps_min=tuple(value["relearning_steps_min"]),
            maximum_interval=value["maximum_interval"],
            rollover_hour=value["rollover_hour"],
            fuzz=value["fuzz"],
            algo=algo,
        )


@dataclass(frozen=True, slots=True)
class Answer:
    """What of a review decides the card's next state."""

    card_id: str
    """As the row was written: the seed of the fuzz, so that a rename moves no due date."""
    at_ms: int
    tz_offset_min: int
    study_day: date
    rating: int | None
    kind: str
    desired_retention: float

    @classmethod
    def of(cls, review: Review) -> Answer:
        return cls(
            review.card_id,
            review.reviewed_at_ms,
            review.tz_offset_min,
            date.fromisoformat(review.study_day),
            review.rating,
            review.kind,
            review.desired_retention,
        )


def kind_of(state: CardState | None, day: date) -> str:
    """What an answer now is called in the log."""
    if state is None or state.state == "learning":
        return "learn"
    if state.state == "relearning":
        return "relearn"
    return "early" if state.due_day is not None and state.due_day > day.isoformat() else "review"


def apply(state: CardState | None, answer: Answer, scheduling: Scheduling) -> CardState | None:
    """The card after an answer; None is a card never seen."""
    if answer.kind in NOT_SCHEDULING:
        return state
    if answer.kind == "reset":
        return None
    if answer.rating is None:
        raise ValueError(f"a row of kind {answer.kind} needs a rating")
    rating = answer.rating
    elapsed = 0 if state is None else elapsed_days(date.fromisoformat(state.last_day), answer.study_day)
    after, interval = memory.next_memory(
        None if state is None else memory.Memory(state.s, state.d),
        rating,
        elapsed,
        weights=scheduling.weights,
        retention=answer.desired_retention,
        maximum=scheduling.maximum_interval,
    )
    reps = 0 if state is None else state.reps
    lapses = 0 if state is None else state.lapses
    if state is not None and state.state == "review" and rating == AGAIN:
        lapses += 1
    name, step, wait_min = _step(state, rating, scheduling)
    if wait_min is not None:
        due_ms, due_day, interval = answer.at_ms + wait_min * 60_000, None, 0
    else:
        previous = 0 if state is None else state.interval_days
        if scheduling.fuzz == RULE:
            factor = fuzz_factor(answer.card_id, reps)
            interval = fuzzed(interval, previous, factor, scheduling.maximum_interval)
        day = answer.study_day + timedelta(days=interval)
        due_ms, due_day = day_start_ms(day, answer.tz_offset_min, scheduling.rollover_hour), day.isoformat()
    return CardState(
        state=name,
        step=step,
        s=after.s,
        d=after.d,
        due_ms=due_ms,
        due_day=due_day,
        last_ms=answer.at_ms,
        last_day=answer.study_day.isoformat(),
        interval_days=interval,
        reps=reps + 1,
        lapses=lapses,
    )


def _step(state: CardState | None, rating: int, scheduling: Scheduling) -> tuple[StateName, int | None, int | None]:
    """The state's name, the step, and the minutes until it is due; without minutes FSRS's interval applies."""
    if state is None or state.state == "learning":
        name: StateName = "learning"
        steps = scheduling.learning_steps_min
    else:
        name = "relearning"
        steps = scheduling.relearning_steps_min
    if state is not None and state.state == "review":
        return (name, 0, steps[0]) if rating == AGAIN and steps else ("review", None, None)
    at = 0 if state is None or state.step is None else state.step
    if not steps or rating == EASY:
        return "review", None, None
    if rating == AGAIN:
        return name, 0, steps[0]
    if rating == HARD and at < len(steps):
        # As in py-fsrs and Anki: half-way to the next step; with one step, half as long again.
        if at == 0:
            return name, 0, (steps[0] * 3 // 2 if len(steps) == 1 else (steps[0] + steps[1]) // 2)
        return name, at, steps[at]
    if rating == GOOD and at + 1 < len(steps):
        return name, at + 1, steps[at + 1]
    return "review", None, None


def fold(reviews: Iterable[Review], params: Mapping[int, Scheduling]) -> CardState | None:
    """The state of one card after its rows, which are not undone and come in the order (reviewed_at_ms, id)."""
    state: CardState | None = None
    for review in reviews:
        state = apply(state, Answer.of(review), params[review.params_id])
    return state


def load_params(reviews: Reviews) -> dict[int, Scheduling]:
    """How each parameter row schedules.

    Raises:
        StoreError: a row names an algorithm or a fuzz rule of another prep, whose reviews cannot be replayed here.
    """
    params = {i: Scheduling.from_row(*row) for i, row in reviews.params().items()}
    for scheduling in params.values():
        if scheduling.algo != memory.ALGO or scheduling.fuzz not in (RULE, NO_FUZZ):
            raise StoreError(
                f"the log was scheduled by {scheduling.algo} with {scheduling.fuzz}, which this prep cannot replay",
                where=reviews.db.path,
                hint="update prep; nothing was changed",
            )
    return params


@dataclass(frozen=True, slots=True)
class RebuildReport:
    cards: int
    """How many cards have a state."""
    changed_rows: int
    """Rows of card_state that were not what the log says; 0 on a sound database."""
    changed: tuple[str, ...] = ()
    """Their card ids."""


def rebuild(db: Database) -> RebuildReport:
    """Fold the whole log again, and put right every row of card_state that differs from it in any byte."""
    reviews = Reviews(db)
    with db.transaction():
        aliases = Aliases(reviews.aliases())
        params = load_params(reviews)
        states: dict[str, CardState | None] = {}
        for review in reviews.standing():
            card_id = aliases.present(review.card_id)
            states[card_id] = apply(states.get(card_id), Answer.of(review), params[review.params_id])
        right = {card_id: state for card_id, state in states.items() if state is not None}
        found = reviews.states()
        changed = sorted(card_id for card_id in right.keys() | found.keys() if right.get(card_id) != found.get(card_id))
        for card_id in changed:
            reviews.put_state(card_id, right.get(card_id))
    return RebuildReport(len(right), len(changed), tuple(changed))
