"""SQL of the interview log: companies, applications, their events, interviews and questions.

Nothing here opens a transaction or decides anything; `prep.interviews.log` does both.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from prep.interviews.model import Application, ApplicationEvent, ImportedRow, Interview, Question
from prep.store.database import Database, rows

_INTERVIEW = (
    "id", "application_id", "held_on", "held_time", "tz_offset_min", "when_text", "round_no", "round_kind", "format",
    "minutes", "interviewers", "feeling", "feeling_text", "feeling_at_ms", "result", "result_text", "result_on",
    "result_at_ms", "notes_md", "seq", "created_ms", "updated_ms", "deleted_at_ms",
)  # fmt: skip
_QUESTION = (
    "id", "seq", "text_md", "lang", "kind", "topic", "outcome", "minutes", "hints", "follow_ups", "what_i_said",
    "better_answer", "card_id", "exercise_id", "gap",
)  # fmt: skip
_APPLICATION = (
    "id", "role", "level", "location", "source", "url", "jd_snapshot", "resume_version", "status", "next_action",
    "next_on", "created_ms",
)  # fmt: skip
_SELECT = (
    "SELECT " + ", ".join(f"i.{c}" for c in _INTERVIEW) + ", i.imported_json, c.name AS company, a.role, a.location"
    " FROM interviews i JOIN applications a ON a.id = i.application_id JOIN companies c ON c.id = a.company_id"
)


class Interviews:
    """Reads and writes rows; every method is a few plain statements on `db`."""

    def __init__(self, db: Database) -> None:
        self.db = db

    # companies

    def companies(self) -> list[tuple[str, str, list[str]]]:
        """(id, name, aliases) in order of entry."""
        found = self.db.execute("SELECT id, name, aliases_json FROM companies ORDER BY rowid")
        return [(company_id, name, json.loads(aliases)) for company_id, name, aliases in found]

    def insert_company(self, company_id: str, name: str, aliases: Sequence[str]) -> None:
        self.db.execute(
            "INSERT INTO companies (id, name, aliases_json) VALUES (?, ?, ?)",
            (company_id, name, json.dumps(list(aliases), ensure_ascii=False)),
        )

    def set_company(self, company_id: str, name: str, aliases: Sequence[str]) -> None:
        self.db.execute(
            "UPDATE companies SET name = ?, aliases_json = ? WHERE id = ?",
            (name, json.dumps(list(aliases), ensure_ascii=False), company_id),
        )

    def company_names_by_recency(self) -> list[str]:
        """Companies with an interview that is not deleted, the latest interview's first."""
        found = self.db.execute(
            "SELECT c.name FROM companies c JOIN applications a ON a.company_id = c.id"
            " JOIN interviews i ON i.application_id = a.id WHERE i.deleted_at_ms IS NULL"
            " GROUP BY c.id ORDER BY max(coalesce(i.held_on, '')) DESC, max(i.seq) DESC"
        )
        return [name for (name,) in found]

    # applications

    def applications(self, application_id: str | None = None) -> list[tuple[Application, str]]:
        """(application, its company's id) in order of entry; all of them, or one."""
        found = rows(
            self.db.execute(
                "SELECT " + ", ".join(f"a.{c}" for c in _APPLICATION) + ", c.name AS company, c.id AS company_id"
                " FROM applications a JOIN companies c ON c.id = a.company_id WHERE ? IS NULL OR a.id = ?"
                " ORDER BY a.rowid",
                (application_id, application_id),
            )
        )
        return [(Application(**row), company_id) for row in found for company_id in [row.pop("company_id")]]

    def application(self, application_id: str) -> Application | None:
        return next((a for a, _ in self.applications(application_id)), None)

    def find_application(self, company_id: str, role_key: str) -> str | None:
        """The newest application there whose role, case-folded and trimmed, is `role_key`."""
        found = self.db.execute(
            "SELECT id, role FROM applications WHERE company_id = ? ORDER BY created_ms DESC, rowid DESC", (company_id,)
        )
        return next((found_id for found_id, role in found if (role or "").strip().casefold() == role_key), None)

    def insert_application(self, application: Application, company_id: str) -> None:
        values = [getattr(application, c) for c in _APPLICATION]
        self.db.execute(
            f"INSERT INTO applications ({', '.join(_APPLICATION)}, company_id)"
            f" VALUES ({', '.join('?' * len(values))}, ?)",
            [*values, company_id],
        )

    def set_application(self, application_id: str, *, company_id: str, role: str | None, location: str | None) -> None:
        self.db.execute(
            "UPDATE applications SET company_id = ?, role = ?, location = ? WHERE id = ?",
            (company_id, role, location, application_id),
        )

    def set_status(self, application_id: str, status: str) -> None:
        self.db.execute("UPDATE applications SET status = ? WHERE id = ?", (status, application_id))

    # events

    def events(self, application_id: str | None = None) -> list[ApplicationEvent]:
        """In the order they happened."""
        found = rows(
            self.db.execute(
                "SELECT id, application_id, at_ms, tz_offset_min, interview_id, from_status, to_status, note,"
                " changes_json FROM application_events WHERE ? IS NULL OR application_id = ? ORDER BY at_ms, rowid",
                (application_id, application_id),
            )
        )
        return [
            ApplicationEvent(**row, changes=None if changes is None else json.loads(changes))
            for row in found
            for changes in [row.pop("changes_json")]
        ]

    def insert_event(self, event: ApplicationEvent) -> None:
        changes = None if event.changes is None else json.dumps(event.changes, ensure_ascii=False)
        self.db.execute(
            "INSERT INTO application_events (id, application_id, at_ms, tz_offset_min, interview_id, from_status,"
            " to_status, note, changes_json) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                event.id, event.application_id, event.at_ms, event.tz_offset_min, event.interview_id,
                event.from_status, event.to_status, event.note, changes,
            ),
        )  # fmt: skip

    # interviews

    def interview(self, interview_id: str) -> Interview | None:
        found = self._load(f"{_SELECT} WHERE i.id = ?", (interview_id,))
        return found[0] if found else None

    def interview_by_seq(self, seq: int) -> Interview | None:
        found = self._load(f"{_SELECT} WHERE i.seq = ?", (seq,))
        return found[0] if found else None

    def ids_by_prefix(self, prefix: str) -> list[str]:
        # substr, not LIKE or GLOB: a person may type % or *.
        found = self.db.execute(
            "SELECT id FROM interviews WHERE substr(id, 1, ?) = ? ORDER BY seq", (len(prefix), prefix)
        )
        return [interview_id for (interview_id,) in found]

    def interviews(self, *, deleted: bool = True) -> list[Interview]:
        """In order of entry."""
        return self._load(f"{_SELECT} WHERE ? OR i.deleted_at_ms IS NULL ORDER BY i.seq", (deleted,))

    def interviews_of(self, application_id: str) -> list[Interview]:
        return self._load(f"{_SELECT} WHERE i.application_id = ? ORDER BY i.seq", (application_id,))

    def next_seq(self) -> int:
        (last,) = self.db.execute("SELECT coalesce(max(seq), 0) FROM interviews").fetchone()
        return int(last) + 1

    def insert_interview(self, interview: Interview) -> None:
        values = [getattr(interview, c) for c in _INTERVIEW] + [_imported_json(interview.imported)]
        self.db.execute(
            f"INSERT INTO interviews ({', '.join(_INTERVIEW)}, imported_json) VALUES ({', '.join('?' * len(values))})",
            values,
        )
        self._insert_questions(interview.id, interview.questions)

    def update_interview(self, interview: Interview) -> None:
        """Write all of its columns and questions."""
        values = [getattr(interview, c) for c in _INTERVIEW[1:]] + [_imported_json(interview.imported)]
        columns = (*_INTERVIEW[1:], "imported_json")
        self.db.execute(
            f"UPDATE interviews SET {', '.join(f'{c} = ?' for c in columns)} WHERE id = ?", [*values, interview.id]
        )
        self.db.execute("DELETE FROM interview_questions WHERE interview_id = ?", (interview.id,))
        self._insert_questions(interview.id, interview.questions)

    def _insert_questions(self, interview_id: str, questions: Iterable[Question]) -> None:
        self.db.executemany(
            f"INSERT INTO interview_questions ({', '.join(_QUESTION)}, interview_id)"
            f" VALUES ({', '.join('?' * len(_QUESTION))}, ?)",
            [[getattr(q, c) for c in _QUESTION] + [interview_id] for q in questions],
        )

    def _load(self, sql: str, params: Sequence[object]) -> list[Interview]:
        found = [_interview(row) for row in rows(self.db.execute(sql, params))]
        if not found:
            return []
        # One query for the questions of all of them, or of the one: 200 interviews must not cost 200 queries.
        one = found[0].id if len(found) == 1 else None
        questions = self.db.execute(
            f"SELECT interview_id, {', '.join(_QUESTION)} FROM interview_questions"
            " WHERE ? IS NULL OR interview_id = ? ORDER BY interview_id, seq",
            (one, one),
        )
        by_id = {interview.id: interview for interview in found}
        for interview_id, *values in questions:
            if interview_id in by_id:
                by_id[interview_id].questions.append(Question(**dict(zip(_QUESTION, values, strict=True))))
        return found


def _imported_json(imported: ImportedRow | None) -> str | None:
    if imported is None:
        return None
    return json.dumps({"columns": imported.columns, "cells": imported.cells}, ensure_ascii=False)


def _interview(row: dict[str, Any]) -> Interview:
    imported = row.pop("imported_json")
    return Interview(**row, questions=[], imported=None if imported is None else ImportedRow(**json.loads(imported)))
