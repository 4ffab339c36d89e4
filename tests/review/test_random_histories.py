"""Whatever a person does in whatever order, in two processes, across time zones: the states are the fold of the log."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from prep.clock import Instant
from prep.review import Rating, Reviewer, rebuild
from prep.settings import Settings
from prep.store.database import Database
from prep.store.reviews import CardState
from tests.review.conftest import PlainCard

NAMES = [f"card-{n}" for n in range(4)]
ratings = st.sampled_from(list(Rating))
names = st.sampled_from(NAMES)
which = st.integers(0, 1)


class Histories(RuleBasedStateMachine):
    """Two connections to one database, and a model of what they have written."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory(prefix="prep-histories-")
        self.path = Path(self.folder.name) / "prep.db"
        self.now = Instant(1_795_309_200_000, 480)
        self.settings = Settings(lang="en", editor="")
        self.aliases: dict[str, str] = {}
        self.stack: list[tuple[str, str, CardState | None]] = []
        """(review id, card, state before), newest last: what undo has to give back."""
        self.undone: set[str] = set()
        self.databases: list[Database] = []
        self.reviewers: list[Reviewer] = []

    @initialize()
    def open(self) -> None:
        self.databases = [Database.open(self.path), Database.open(self.path)]
        self.reviewers = [self.reviewer(db) for db in self.databases]

    def reviewer(self, db: Database) -> Reviewer:
        cards = {self.aliases.get(name, name): PlainCard() for name in NAMES}
        return Reviewer(db, cards, self.settings, lambda: self.now, self.aliases)

    @rule(number=which, card_id=names, rating=ratings, kind=st.sampled_from([None, None, None, "cram"]))
    def grade(self, number: int, card_id: str, rating: Rating, kind: str | None) -> None:
        reviewer = self.reviewers[number]
        before = reviewer.state(card_id)
        preview = reviewer.previews(card_id)[rating]
        review_id = reviewer.grade(card_id, rating, face="zh", duration_ms=1, kind=kind)
        after = reviewer.state(card_id)
        if kind == "cram":
            assert after == before
        else:
            assert after is not None
            assert (after.due_ms, after.interval_days) == (preview.due_ms, preview.interval_days)
        self.stack.append((review_id, card_id, before))

    @rule(number=which)
    def grade_what_is_next(self, number: int) -> None:
        reviewer = self.reviewers[number]
        card_id = reviewer.next_card()
        if card_id is None:
            assert reviewer.queue() == []
            return
        assert reviewer.queue()[0] == card_id
        before = reviewer.state(card_id)
        self.stack.append((reviewer.grade(card_id, Rating.GOOD, face="en", duration_ms=1), card_id, before))

    @rule(number=which, card_id=names)
    def reset(self, number: int, card_id: str) -> None:
        before = self.reviewers[number].state(card_id)
        self.stack.append((self.reviewers[number].reset(card_id), card_id, before))
        assert self.reviewers[number].state(card_id) is None

    @rule(number=which)
    def undo(self, number: int) -> None:
        undone = self.reviewers[number].undo()
        if not self.stack:
            assert undone is None
            return
        review_id, card_id, before = self.stack.pop()
        assert undone is not None
        assert undone.review_id == review_id
        assert undone.state == before
        assert self.reviewers[1 - number].state(card_id) == before
        self.undone.add(review_id)

    @rule(minutes=st.integers(1, 90))
    def wait(self, minutes: int) -> None:
        self.now = replace(self.now, ms=self.now.ms + minutes * 60_000)

    @rule(days=st.integers(1, 60))
    def sleep(self, days: int) -> None:
        self.now = replace(self.now, ms=self.now.ms + days * 86_400_000)

    @rule(minutes=st.integers(1, 3 * 24 * 60))
    def set_the_clock_back(self, minutes: int) -> None:
        self.now = replace(self.now, ms=self.now.ms - minutes * 60_000)

    @rule(offset=st.sampled_from([-480, 0, 60, 345, 480, 840]))
    def travel(self, offset: int) -> None:
        self.now = replace(self.now, tz_offset_min=offset)

    @rule(retention=st.sampled_from([0.85, 0.9, 0.95]), maximum=st.sampled_from([30, 180]))
    def change_the_settings(self, retention: float, maximum: int) -> None:
        self.settings = replace(self.settings, desired_retention=retention, maximum_interval=maximum)
        self.reviewers = [self.reviewer(db) for db in self.databases]

    @precondition(lambda self: len(self.aliases) < 2)
    @rule(card_id=names)
    def rename(self, card_id: str) -> None:
        self.aliases.setdefault(card_id, f"{card_id}-renamed")
        self.reviewers = [self.reviewer(db) for db in self.databases]

    @rule()
    def restart(self) -> None:
        for db in self.databases:
            db.close()
        self.open()

    @invariant()
    def the_states_are_the_fold_of_the_log(self) -> None:
        if not self.databases:
            return
        assert rebuild(self.databases[0]).changed == ()
        rows = self.databases[0].execute("SELECT id FROM reviews WHERE undone_at_ms IS NULL").fetchall()
        assert {i for (i,) in rows} == {review_id for review_id, _, _ in self.stack}
        (undone,) = self.databases[0].execute("SELECT count(*) FROM reviews WHERE undone_at_ms IS NOT NULL").fetchone()
        assert undone == len(self.undone)

    def teardown(self) -> None:
        for db in self.databases:
            db.close()
        self.folder.cleanup()


TestHistories = Histories.TestCase
TestHistories.settings = settings(
    max_examples=60,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    # Explaining a failure runs it thousands of times more, against a database that syncs to disk.
    phases=(Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink),
)
