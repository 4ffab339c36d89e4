"""Attempts at exercises, and what happened around them: started, started over, hints and solutions looked at."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal

from prep.clock import Clock, now
from prep.store.database import Database
from prep.store.ids import uuid7

Progress = Literal["new", "started", "failing", "passed"]
EventKind = Literal["started", "reset", "hint", "solution"]


@dataclass(frozen=True, slots=True)
class Attempt:
    """One grading."""

    id: str
    exercise_id: str
    at_ms: int
    tz_offset_min: int
    device: str
    passed: bool
    code: str | None
    """The first diagnosis code; None when passed."""

    cases_passed: int
    cases_total: int
    seconds: float
    source_sha: str
    verdict_json: str

    @property
    def verdict(self) -> dict[str, Any]:
        verdict: dict[str, Any] = json.loads(self.verdict_json)
        return verdict


_NAMES = tuple(f.name for f in fields(Attempt))
_COLUMNS = ", ".join(_NAMES)


class Attempts:
    """The log of attempts and events in `db`; nothing in it is ever changed or removed."""

    def __init__(self, db: Database, clock: Clock = now) -> None:
        self._db = db
        self._clock = clock

    def record(self, verdict: Mapping[str, Any], source_sha: str) -> str:
        """Keep a verdict, as `prep grade --json` prints it; returns the attempt's id.

        Args:
            verdict: as the judge gave it; kept whole.
            source_sha: of the file that was judged, so that an attempt can be told from its repetition.
        """
        instant = self._clock()
        attempt_id = uuid7(instant.ms)
        cases = verdict["cases"]
        passed = bool(verdict["passed"])
        codes = [entry["code"] for entry in verdict["diagnosis"]]
        with self._db.transaction():
            self._db.execute(
                f"INSERT INTO attempts ({_COLUMNS}) VALUES ({', '.join('?' * len(_NAMES))})",
                (
                    attempt_id,
                    verdict["exercise"],
                    instant.ms,
                    instant.tz_offset_min,
                    verdict["device"],
                    int(passed),
                    None if passed or not codes else codes[0],
                    sum(case["status"] == "passed" for case in cases),
                    len(cases),
                    float(sum(stage["seconds"] for stage in verdict["stages"])),
                    source_sha,
                    json.dumps(verdict, ensure_ascii=False, separators=(",", ":")),
                ),
            )
        return attempt_id

    def last(self, exercise_id: str) -> Attempt | None:
        """The newest attempt."""
        return next(iter(self._attempts(exercise_id, limit=1)), None)

    def history(self, exercise_id: str) -> list[Attempt]:
        """All attempts, the newest first."""
        return self._attempts(exercise_id, limit=-1)

    def _attempts(self, exercise_id: str, limit: int) -> list[Attempt]:
        rows = self._db.execute(
            f"SELECT {_COLUMNS} FROM attempts WHERE exercise_id = ? ORDER BY at_ms DESC, rowid DESC LIMIT ?",
            (exercise_id, limit),
        )
        return [Attempt(**{**dict(zip(_NAMES, row, strict=True)), "passed": bool(row[5])}) for row in rows]

    def event(self, exercise_id: str, kind: EventKind, detail: str | None = None) -> None:
        """Note that something happened around the exercise."""
        instant = self._clock()
        with self._db.transaction():
            self._db.execute(
                "INSERT INTO exercise_events (id, exercise_id, at_ms, kind, detail) VALUES (?, ?, ?, ?, ?)",
                (uuid7(instant.ms), exercise_id, instant.ms, kind, detail),
            )

    def hint_shown(self, exercise_id: str, number: int) -> None:
        """Note that hint `number`, counted from 1, was seen; once, however often it is looked at."""
        with self._db.transaction():
            known = self._db.execute(
                "SELECT 1 FROM exercise_events WHERE exercise_id = ? AND kind = 'hint' AND detail = ?",
                (exercise_id, str(number)),
            ).fetchone()
            if known is None:
                self.event(exercise_id, "hint", str(number))

    def hints_seen(self, exercise_id: str) -> int:
        """The highest hint seen, 0 for none."""
        (highest,) = self._db.execute(
            "SELECT max(CAST(detail AS INTEGER)) FROM exercise_events WHERE exercise_id = ? AND kind = 'hint'",
            (exercise_id,),
        ).fetchone()
        return int(highest or 0)

    def solution_seen(self, exercise_id: str) -> bool:
        """True once the solution was looked at, before or after a pass."""
        row = self._db.execute(
            "SELECT 1 FROM exercise_events WHERE exercise_id = ? AND kind = 'solution'", (exercise_id,)
        ).fetchone()
        return row is not None

    def last_touched_ms(self, exercise_id: str) -> int:
        """When the exercise was last started, graded or helped with; 0 for never."""
        (newest,) = self._db.execute(
            "SELECT max(at_ms) FROM (SELECT at_ms FROM attempts WHERE exercise_id = :id"
            " UNION ALL SELECT at_ms FROM exercise_events WHERE exercise_id = :id)",
            {"id": exercise_id},
        ).fetchone()
        return int(newest or 0)

    def progress(self, exercise_id: str) -> Progress:
        """`passed` once any attempt passed; a later failing attempt does not take that away."""
        return self.progress_of_all().get(exercise_id, "new")

    def progress_of_all(self) -> dict[str, Progress]:
        """Progress by exercise id; those that were never touched are absent."""
        progress: dict[str, Progress] = {}
        for (exercise_id,) in self._db.execute("SELECT DISTINCT exercise_id FROM exercise_events"):
            progress[exercise_id] = "started"
        for exercise_id, passed in self._db.execute("SELECT exercise_id, max(passed) FROM attempts GROUP BY 1"):
            progress[exercise_id] = "passed" if passed else "failing"
        return progress
