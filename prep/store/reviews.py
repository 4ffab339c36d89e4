"""The review log, the card states derived from it, and the marks a user sets by hand."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from typing import Literal

from prep.store.database import Database

StateName = Literal["learning", "review", "relearning"]

# Kinds that a person gave in a sitting: undo takes the newest back. An interview's rows are undone with the interview.
UNDOABLE = ("learn", "review", "relearn", "early", "cram", "reset")


@dataclass(frozen=True, slots=True)
class CardState:
    """Where a card stands; a card that was never graded has none."""

    state: StateName
    step: int | None
    s: float
    d: float
    due_ms: int
    """Exact for a step; the beginning of `due_day` for a card in review."""
    due_day: str | None
    last_ms: int
    last_day: str
    interval_days: int
    """0 while in a step."""
    reps: int
    lapses: int

    def to_json(self) -> str:
        return json.dumps({name: getattr(self, name) for name in _STATE_NAMES}, separators=(",", ":"))


_STATE_NAMES = tuple(f.name for f in fields(CardState))
_STATE_COLUMNS = ", ".join(_STATE_NAMES)


@dataclass(frozen=True, slots=True)
class Review:
    """A row of the log."""

    id: str
    card_id: str
    face: str | None
    reviewed_at_ms: int
    tz_offset_min: int
    study_day: str
    rating: int | None
    kind: str
    duration_ms: int | None
    device: str | None
    session_id: str | None
    interview_q_id: str | None
    content_sha: str | None
    algo: str
    params_id: int
    desired_retention: float
    before_json: str | None
    after_json: str | None
    undone_at_ms: int | None = None


_REVIEW_NAMES = tuple(f.name for f in fields(Review))
_REVIEW_COLUMNS = ", ".join(_REVIEW_NAMES)
_INSERT = f"INSERT INTO reviews ({_REVIEW_COLUMNS}) VALUES ({', '.join('?' * len(_REVIEW_NAMES))})"


@dataclass(frozen=True, slots=True)
class Marks:
    suspended: bool = False
    buried_until_day: str | None = None
    boost_reason: str | None = None
    boost_from_day: str | None = None
    boost_until_day: str | None = None
    flag: str | None = None


_MARK_NAMES = tuple(f.name for f in fields(Marks))


def _in(ids: Sequence[str]) -> str:
    return f"({', '.join('?' * len(ids))})"


class Reviews:
    """Queries; what they mean is decided in prep.review. Writers belong inside `db.transaction()`."""

    def __init__(self, db: Database) -> None:
        self.db = db

    # the log

    def insert(self, review: Review) -> None:
        self.db.execute(_INSERT, tuple(getattr(review, name) for name in _REVIEW_NAMES))

    def of_card(self, ids: Sequence[str], *, undone: bool = False) -> list[Review]:
        """The rows of a card under all its ids, oldest first; undone ones only on request."""
        condition = "" if undone else "AND undone_at_ms IS NULL"
        cursor = self.db.execute(
            f"SELECT {_REVIEW_COLUMNS} FROM reviews WHERE card_id IN {_in(ids)} {condition}"
            " ORDER BY reviewed_at_ms, id",
            tuple(ids),
        )
        return [Review(*row) for row in cursor]

    def standing(self) -> Iterator[Review]:
        """Every row that is not undone, oldest first."""
        for row in self.db.execute(
            f"SELECT {_REVIEW_COLUMNS} FROM reviews WHERE undone_at_ms IS NULL ORDER BY reviewed_at_ms, id"
        ):
            yield Review(*row)

    def last_ms(self, ids: Sequence[str]) -> int | None:
        """When any row of the card, undone or not, says that it was written."""
        cursor = self.db.execute(f"SELECT max(reviewed_at_ms) FROM reviews WHERE card_id IN {_in(ids)}", tuple(ids))
        value: int | None = cursor.fetchone()[0]
        return value

    def newest_undoable(self) -> Review | None:
        # By rowid, the order of writing: by time, a clock that was set back would hide what was just done.
        row = self.db.execute(
            f"SELECT {_REVIEW_COLUMNS} FROM reviews WHERE undone_at_ms IS NULL AND kind IN {_in(UNDOABLE)}"
            " ORDER BY rowid DESC LIMIT 1",
            UNDOABLE,
        ).fetchone()
        return None if row is None else Review(*row)

    def set_undone(self, review_id: str, at_ms: int) -> None:
        self.db.execute("UPDATE reviews SET undone_at_ms = ? WHERE id = ?", (at_ms, review_id))

    def count(self) -> int:
        return int(self.db.execute("SELECT count(*) FROM reviews").fetchone()[0])

    def new_on(self, day: str, since_ms: int) -> int:
        """How many cards were seen for the first time on a study day; `since_ms` bounds the search, not the answer."""
        cursor = self.db.execute(
            "SELECT count(DISTINCT card_id) FROM reviews WHERE reviewed_at_ms >= ? AND study_day = ?"
            " AND kind = 'learn' AND before_json IS NULL AND undone_at_ms IS NULL",
            (since_ms, day),
        )
        return int(cursor.fetchone()[0])

    def on_day(self, day: str) -> int:
        """Grades given on a study day."""
        cursor = self.db.execute(
            "SELECT count(*) FROM reviews WHERE study_day = ? AND undone_at_ms IS NULL AND rating IS NOT NULL", (day,)
        )
        return int(cursor.fetchone()[0])

    def last_day_before(self, day: str) -> str | None:
        """The last study day before `day` with a grade."""
        cursor = self.db.execute(
            "SELECT max(study_day) FROM reviews WHERE study_day < ? AND undone_at_ms IS NULL AND rating IS NOT NULL",
            (day,),
        )
        value: str | None = cursor.fetchone()[0]
        return value

    def recent_durations(self, limit: int = 200) -> list[int]:
        cursor = self.db.execute(
            "SELECT duration_ms FROM reviews ORDER BY reviewed_at_ms DESC, id DESC LIMIT ?", (limit,)
        )
        return [ms for (ms,) in cursor if ms is not None]

    def last_sha(self, ids: Sequence[str], face: str) -> str | None:
        """Which wording of a face was shown last."""
        row = self.db.execute(
            f"SELECT content_sha FROM reviews WHERE card_id IN {_in(ids)} AND face = ? AND undone_at_ms IS NULL"
            " AND content_sha IS NOT NULL ORDER BY reviewed_at_ms DESC, id DESC LIMIT 1",
            (*ids, face),
        ).fetchone()
        return None if row is None else str(row[0])

    # derived states

    def state(self, card_id: str) -> CardState | None:
        row = self.db.execute(f"SELECT {_STATE_COLUMNS} FROM card_state WHERE card_id = ?", (card_id,)).fetchone()
        return None if row is None else CardState(*row)

    def states(self) -> dict[str, CardState]:
        cursor = self.db.execute(f"SELECT card_id, {_STATE_COLUMNS} FROM card_state")
        return {row[0]: CardState(*row[1:]) for row in cursor}

    def put_state(self, card_id: str, state: CardState | None) -> None:
        if state is None:
            self.db.execute("DELETE FROM card_state WHERE card_id = ?", (card_id,))
            return
        self.db.execute(
            f"INSERT OR REPLACE INTO card_state (card_id, {_STATE_COLUMNS}) VALUES {_in(('', *_STATE_NAMES))}",
            (card_id, *(getattr(state, name) for name in _STATE_NAMES)),
        )

    # what shapes due dates

    def params_id(self, algo: str, params_json: str, settings_json: str, at_ms: int) -> int:
        """The row of these settings, written when they are used for the first time."""
        self.db.execute(
            "INSERT OR IGNORE INTO fsrs_params (algo, params_json, settings_json, created_ms) VALUES (?, ?, ?, ?)",
            (algo, params_json, settings_json, at_ms),
        )
        cursor = self.db.execute(
            "SELECT id FROM fsrs_params WHERE algo = ? AND params_json = ? AND settings_json = ?",
            (algo, params_json, settings_json),
        )
        return int(cursor.fetchone()[0])

    def params(self) -> dict[int, tuple[str, str, str]]:
        """id -> (algo, params_json, settings_json)."""
        cursor = self.db.execute("SELECT id, algo, params_json, settings_json FROM fsrs_params")
        return {row[0]: (row[1], row[2], row[3]) for row in cursor}

    # marks

    def marks(self) -> dict[str, Marks]:
        cursor = self.db.execute(f"SELECT card_id, {', '.join(_MARK_NAMES)} FROM card_marks")
        return {row[0]: Marks(bool(row[1]), *row[2:]) for row in cursor}

    def set_mark(self, card_id: str, **values: object) -> None:
        unknown = set(values) - set(_MARK_NAMES)
        if unknown:
            raise ValueError(f"no such mark: {', '.join(sorted(unknown))}")
        names = list(values)
        self.db.execute(
            f"INSERT INTO card_marks (card_id, {', '.join(names)}) VALUES {_in(('', *names))}"
            f" ON CONFLICT (card_id) DO UPDATE SET {', '.join(f'{n} = excluded.{n}' for n in names)}",
            (card_id, *values.values()),
        )

    # former ids

    def aliases(self) -> dict[str, str]:
        return dict(self.db.execute("SELECT old_id, card_id FROM card_aliases").fetchall())

    def put_aliases(self, aliases: Iterable[tuple[str, str]]) -> None:
        self.db.executemany("INSERT OR REPLACE INTO card_aliases (old_id, card_id) VALUES (?, ?)", aliases)

    def drop_aliases(self, old_ids: Iterable[str]) -> None:
        self.db.executemany("DELETE FROM card_aliases WHERE old_id = ?", ((old,) for old in old_ids))

    def move_marks(self, old: str, new: str) -> None:
        """Marks follow a renamed card, unless it has some under its new name already."""
        self.db.execute("UPDATE OR IGNORE card_marks SET card_id = ? WHERE card_id = ?", (new, old))
