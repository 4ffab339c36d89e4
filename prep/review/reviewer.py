"""Reviewing: what is next, what each grade would do, grading, undo, and the counts around it."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from datetime import date, timedelta

from prep.clock import Clock, Instant
from prep.review import habits
from prep.review import queue as queues
from prep.review.days import day_start_ms, study_day
from prep.review.fold import Answer, Scheduling, apply, fold, kind_of, load_params
from prep.review.model import AlreadyAnswered, Counts, Preview, Rating, UndoneReview, interval_text
from prep.review.queue import CardLike, Sitting, Situation
from prep.review.renames import Aliases, merged
from prep.settings import Settings
from prep.store.database import Database
from prep.store.ids import uuid7
from prep.store.reviews import CardState, Marks, Review, Reviews


class Reviewer:
    """One per sitting. The queue is kept in memory, and read again when anybody else changed the database.

    Args:
        cards: id -> card, for every card that can be shown; only those that are due or new are looked up.
        aliases: former ids to present ones; their history moves.
    """

    def __init__(
        self,
        db: Database,
        cards: Mapping[str, CardLike],
        settings: Settings,
        clock: Clock,
        aliases: Mapping[str, str] | None = None,
    ) -> None:
        self.db = db
        self.cards = cards
        self.settings = settings
        self.clock = clock
        self._reviews = Reviews(db)
        self._scheduling = Scheduling.of(settings)
        self._params_id: int | None = None
        self._sittings: dict[str | None, Sitting] = {}
        self._situation: Situation | None = None
        self._states: dict[str, CardState] = {}
        self._version = (-1, -1)
        self._shown: dict[str, tuple[int, int] | None] = {}
        self._aliases = Aliases({})
        self._sync_aliases(aliases or {})

    # the queue

    def next_card(self, area: str | None = None) -> str | None:
        """The card to show now, or None when nothing is due."""
        now = self.clock()
        card_id = self._sitting(area, now).next_card(now.ms, self._ahead_ms)
        if card_id is not None:
            self._shown[card_id] = _mark_of(self._states.get(card_id))
        return card_id

    def queue(self, area: str | None = None, limit: int | None = None) -> list[str]:
        now = self.clock()
        return self._sitting(area, now).queue(now.ms, self._ahead_ms)[:limit]

    def counts(self, area: str | None = None) -> Counts:
        sitting = self._sitting(area, self.clock())
        due = len(sitting.reviews) + len(sitting.boosted) - len(sitting.boosted_new)
        learning = len(sitting.steps)
        new = len(sitting.new) + len(sitting.boosted_new)
        total = due + learning + new
        return Counts(due, learning, new, total, -(-total * self.median_ms() // 60_000))

    def boosted(self, area: str | None = None) -> int:
        """How many of the cards that are due now are boosted for an interview."""
        return len(self._sitting(area, self.clock()).boosted)

    def today(self) -> date:
        """The study day."""
        return self._today(self.clock())

    def next_due_ms(self, area: str | None = None) -> int | None:
        """When a card becomes due that is not now: a step, else a study day with reviews; None when nothing ever is."""
        now = self.clock()
        sitting = self._sitting(area, now)
        later = [ms for ms in sitting.steps.values() if ms > now.ms]
        if later:
            return min(later)
        today = self._today(now)
        situation = self._situation
        assert situation is not None
        days = []
        for card_id, state in self._states.items():
            if state.due_day is None or state.due_day <= today.isoformat() or card_id not in self.cards:
                continue
            if situation.marks.get(card_id, queues.NO_MARKS).suspended:
                continue
            if area is None or self.cards[card_id].area == area:
                days.append(state.due_day)
        tomorrow = today + timedelta(days=1)
        if not days and self.settings.new_per_day and any(i not in self._states for i in self.cards):
            days = [tomorrow.isoformat()]
        if not days:
            return None
        return day_start_ms(date.fromisoformat(min(days)), now.tz_offset_min, self.settings.rollover_hour)

    def refresh(self) -> None:
        """Forget the queue, so that the next question builds it again; after the cards themselves changed."""
        self._sittings.clear()
        self._version = (-1, -1)

    @property
    def _ahead_ms(self) -> int:
        return self.settings.learn_ahead_min * 60_000

    def _today(self, now: Instant) -> date:
        return study_day(now, self.settings.rollover_hour)

    def _sitting(self, area: str | None, now: Instant) -> Sitting:
        version = self.db.data_version()
        day = self._today(now)
        if version != self._version or self._situation is None or self._situation.day != day:
            self._sittings.clear()
            self._states = self._read_states()
            self._situation = Situation(
                cards=self.cards,
                states=self._states,
                marks=self._reviews.marks(),
                settings=self.settings,
                day=day,
                now_ms=now.ms,
                # Three days cover every journey; the index over time then answers without reading the log.
                new_today=self._reviews.new_on(day.isoformat(), now.ms - 3 * 86_400_000),
                weights=self._scheduling.weights,
            )
            self._version = version
        if area not in self._sittings:
            self._sittings[area] = queues.build(self._situation, area)
        return self._sittings[area]

    def _read_states(self) -> dict[str, CardState]:
        states = self._reviews.states()
        if self.db.readonly:
            # A rename that no writer has seen yet: show the history under the new name all the same.
            for old in [i for i in states if self._aliases.present(i) != i]:
                states.setdefault(self._aliases.present(old), states[old])
        return states

    # one card

    def state(self, card_id: str) -> CardState | None:
        return self._reviews.state(self._aliases.present(card_id))

    def marks(self, card_id: str) -> Marks:
        return self._reviews.marks().get(self._aliases.present(card_id), queues.NO_MARKS)

    def history(self, card_id: str, *, undone: bool = False) -> list[Review]:
        """The card's rows under all its ids, oldest first."""
        return self._reviews.of_card(self._aliases.all_ids(self._aliases.present(card_id)), undone=undone)

    def is_leech(self, card_id: str) -> bool:
        """Failed so often that rewriting it would help more than seeing it again."""
        state = self.state(card_id)
        return state is not None and state.lapses >= self.settings.leech_lapses

    def answer_changed(self, card_id: str, face: str, content_sha: str) -> bool:
        """Whether this face's text is another than when it was last reviewed."""
        last = self._reviews.last_sha(self._aliases.all_ids(self._aliases.present(card_id)), face)
        return last is not None and last != content_sha

    def previews(self, card_id: str) -> dict[Rating, Preview]:
        """What each grade would do now; `grade` does the same, and refuses if the card changed in between."""
        card_id = self._aliases.present(card_id)
        now = self.clock()
        state = self._reviews.state(card_id)
        self._shown[card_id] = _mark_of(state)
        at_ms = self._at_ms(card_id, now)
        result = {}
        for rating in Rating:
            after = apply(
                state, self._answer(card_id, rating, kind_of(state, self._today(now)), now, at_ms), self._scheduling
            )
            assert after is not None
            text = interval_text(after.interval_days, after.due_ms, at_ms)
            result[rating] = Preview(rating, text, after.due_ms, after.interval_days)
        return result

    def _answer(self, card_id: str, rating: int | None, kind: str, now: Instant, at_ms: int) -> Answer:
        return Answer(
            card_id, at_ms, now.tz_offset_min, self._today(now), rating, kind, self.settings.desired_retention
        )

    def _at_ms(self, card_id: str, now: Instant) -> int:
        # A clock that was set back must not put this review before the card's last one: the log is folded by time.
        last = self._reviews.last_ms(self._aliases.all_ids(card_id))
        return now.ms if last is None else max(now.ms, last + 1)

    # writing

    def grade(
        self,
        card_id: str,
        rating: Rating | int,
        *,
        face: str | None,
        duration_ms: int | None,
        session_id: str | None = None,
        content_sha: str | None = None,
        kind: str | None = None,
        interview_q_id: str | None = None,
    ) -> str:
        """Write one answer, durably, and move the card.

        Args:
            kind: what the state says by default; "cram" schedules nothing, "interview" is an answer given in one.

        Returns:
            The review's id. When it returns, the answer survives a kill and a power cut.

        Raises:
            AlreadyAnswered: another process answered the card after `next_card` or `previews` showed it here.
            DatabaseLocked, HomeNotWritable, StoreError: nothing was written.
        """
        return self._write(
            card_id,
            Rating(rating),
            kind,
            face=face,
            duration_ms=duration_ms,
            session_id=session_id,
            content_sha=content_sha,
            interview_q_id=interview_q_id,
        )

    def reset(self, card_id: str, *, session_id: str | None = None) -> str:
        """Make the card new again; its history stays in the log, and undo takes the reset back."""
        return self._write(card_id, None, "reset", session_id=session_id)

    def _write(
        self,
        card_id: str,
        rating: Rating | None,
        kind: str | None,
        *,
        face: str | None = None,
        duration_ms: int | None = None,
        session_id: str | None = None,
        content_sha: str | None = None,
        interview_q_id: str | None = None,
    ) -> str:
        card_id = self._aliases.present(card_id)
        with self.db.transaction():
            now = self.clock()
            before = self._reviews.state(card_id)
            # Only for what was shown in a sitting: an interview's answer was given elsewhere, a cram schedules nothing.
            if kind is None and card_id in self._shown and self._shown[card_id] != _mark_of(before):
                del self._shown[card_id]
                raise AlreadyAnswered(
                    f"{card_id} was answered in another window since it was shown here",
                    hint="nothing was written; go on with the next card",
                )
            at_ms = self._at_ms(card_id, now)
            kind = kind or kind_of(before, self._today(now))
            answer = self._answer(card_id, rating, kind, now, at_ms)
            after = apply(before, answer, self._scheduling)
            params_id = self._params_id if self._params_id is not None else self._register_params(now.ms)
            review = Review(
                id=uuid7(at_ms),
                card_id=card_id,
                face=face,
                reviewed_at_ms=at_ms,
                tz_offset_min=now.tz_offset_min,
                study_day=answer.study_day.isoformat(),
                rating=None if rating is None else int(rating),
                kind=kind,
                duration_ms=None if duration_ms is None else max(0, duration_ms),
                device=platform.node() or None,
                session_id=session_id,
                interview_q_id=interview_q_id,
                content_sha=content_sha,
                algo=self._scheduling.algo,
                params_id=params_id,
                desired_retention=self.settings.desired_retention,
                before_json=None if before is None else before.to_json(),
                after_json=None if after is None else after.to_json(),
            )
            self._reviews.insert(review)
            if after != before:
                self._reviews.put_state(card_id, after)
        self._params_id = params_id
        self._shown.pop(card_id, None)
        self._answered(card_id, after)
        return review.id

    def _register_params(self, at_ms: int) -> int:
        scheduling = self._scheduling
        return self._reviews.params_id(scheduling.algo, scheduling.params_json(), scheduling.settings_json(), at_ms)

    def _answered(self, card_id: str, state: CardState | None) -> None:
        """Bring the queue in memory up to date with what this process has just written."""
        version = self.db.data_version()
        if state is None:
            self.refresh()  # a reset card is new again, and its place among the new ones has to be found
            return
        self._states[card_id] = state
        for sitting in self._sittings.values():
            sitting.answered(card_id, state)
        if version[0] == self._version[0]:
            self._version = version
        # else another process wrote as well, and the next question reads everything again

    def undo(self) -> UndoneReview | None:
        """Take back the newest answer that stands, whichever process gave it on whichever day; None when none is left.

        The row stays in the log with the time of its undoing; the card is what the rest of its rows make of it.
        """
        with self.db.transaction():
            review = self._reviews.newest_undoable()
            if review is None:
                return None
            card_id = self._aliases.present(review.card_id)
            self._reviews.set_undone(review.id, self.clock().ms)
            state = self._refold(card_id)
        self._shown.pop(card_id, None)
        self.refresh()
        rating = None if review.rating is None else Rating(review.rating)
        return UndoneReview(review.id, card_id, rating, review.kind, review.reviewed_at_ms, state)

    def _refold(self, card_id: str) -> CardState | None:
        rows = self._reviews.of_card(self._aliases.all_ids(card_id))
        state = fold(rows, load_params(self._reviews))
        self._reviews.put_state(card_id, state)
        return state

    # marks

    def suspend(self, card_id: str) -> None:
        """Out of the queue until `unsuspend`."""
        self._mark(card_id, suspended=1)

    def unsuspend(self, card_id: str) -> None:
        self._mark(card_id, suspended=0)

    def bury(self, card_id: str) -> None:
        """Out of the queue until tomorrow."""
        self._mark(card_id, buried_until_day=(self._today(self.clock()) + timedelta(days=1)).isoformat())

    def unbury(self, card_id: str) -> None:
        self._mark(card_id, buried_until_day=None)

    def boost(self, card_id: str, reason: str, until: date) -> None:
        """First in the queue, once even before it is due, through the study day `until`."""
        today = self._today(self.clock()).isoformat()
        self._mark(card_id, boost_reason=reason, boost_from_day=today, boost_until_day=until.isoformat())

    def flag(self, card_id: str, note: str | None) -> None:
        """Remember to fix the card later; None takes the flag away."""
        self._mark(card_id, flag=note)

    def _mark(self, card_id: str, **values: object) -> None:
        with self.db.transaction():
            self._reviews.set_mark(self._aliases.present(card_id), **values)
        self.refresh()

    def _sync_aliases(self, given: Mapping[str, str]) -> None:
        """Remember renames, and move the history of cards that were renamed since the last time."""
        known = self._reviews.aliases()
        wanted = merged(known, given, self.cards)
        self._aliases = Aliases(wanted)
        if self.db.readonly or wanted == known:
            return
        with self.db.transaction():
            before = Aliases(known)
            moved = {old for old in known.keys() | wanted.keys() if known.get(old) != wanted.get(old)}
            self._reviews.put_aliases((old, wanted[old]) for old in moved if old in wanted)
            self._reviews.drop_aliases(old for old in moved if old not in wanted)
            for old in moved & wanted.keys():
                self._reviews.move_marks(old, self._aliases.present(old))
            for card_id in {i for old in moved for i in (old, before.present(old), self._aliases.present(old))}:
                if self._aliases.present(card_id) == card_id:
                    self._refold(card_id)
                else:
                    self._reviews.put_state(card_id, None)

    # statistics around the queue

    def median_ms(self) -> int:
        """The person's median time for an answer."""
        return habits.median_ms(self._reviews, self.settings.duration_cap_min)

    def streak(self) -> int:
        """Study days in a row with a grade, ending today, or yesterday while today still has none."""
        return habits.streak(self._reviews, self._today(self.clock()))

    def daily_counts(self, days: int = 7) -> list[int]:
        """Grades on each of the last study days, today last."""
        return habits.daily_counts(self._reviews, self._today(self.clock()), days)


def _mark_of(state: CardState | None) -> tuple[int, int] | None:
    """Tells whether a card has been answered since."""
    return None if state is None else (state.reps, state.last_ms)
