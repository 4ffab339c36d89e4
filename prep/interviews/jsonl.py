"""The whole log as JSON lines: an exact copy, which an import brings back byte for byte, or merges by id.

One object a line: a header, then companies, applications, interviews with their questions, and events. A field that is
empty is left out.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import MISSING, dataclass, field, fields
from typing import Any, TypeVar

from prep.errors import ImportFailed, UsageError
from prep.interviews.companies import company_key
from prep.interviews.log import InterviewLog
from prep.interviews.model import (
    Application,
    ApplicationEvent,
    ImportedRow,
    Interview,
    Question,
    check_types,
    validate,
)
from prep.interviews.redact import Redactor
from prep.store.database import Database
from prep.store.ids import uuid7

VERSION = 1

_T = TypeVar("_T")

# JSON allows these inside strings, but what splits a file into lines may break one there.
_LINE_BREAKS = {ord(c): f"\\u{ord(c):04x}" for c in "\x85\u2028\u2029"}

_OF_THE_APPLICATION = ("company", "role", "location")
"""Fields of an interview that are stored, and exported, with its application."""


@dataclass(slots=True)
class Copy:
    """What a file holds, read and checked."""

    companies: list[tuple[str, str, list[str]]] = field(default_factory=list)
    applications: list[tuple[Application, str]] = field(default_factory=list)
    interviews: list[Interview] = field(default_factory=list)
    events: list[ApplicationEvent] = field(default_factory=list)


@dataclass(slots=True)
class Merged:
    """What importing a copy has done."""

    added: int = 0
    updated: int = 0
    already_present: int = 0


def export_jsonl(log: InterviewLog, *, redact: bool = False) -> str:
    """Everything, deleted interviews included; with `redact`, without companies' and interviewers' names."""
    with _snapshot(log.db):
        companies = log.rows.companies()
        applications = log.rows.applications()
        interviews = log.all("entered", deleted=True)
        events = log.rows.events()
    if redact:
        redactor = Redactor(companies, interviews)
        interviews = [redactor.interview(i) for i in interviews if i.deleted_at_ms is None]
        companies = [redactor.company(c) for c in companies]
        applications = [(redactor.application(a), company_id) for a, company_id in applications]
        kept = {i.id for i in interviews}
        events = [redactor.event(e) for e in events if e.interview_id is None or e.interview_id in kept]
    records: list[dict[str, Any]] = [{"type": "prep-log", "version": VERSION, "redacted": redact}]
    records += [{"type": "company", "id": i, "name": name, "aliases": aliases} for i, name, aliases in companies]
    for application, company_id in applications:
        records.append({"type": "application", "company_id": company_id} | _filled(application, skip=("company",)))
    for interview in interviews:
        record = _filled(interview, skip=(*_OF_THE_APPLICATION, "questions", "imported"))
        if interview.imported is not None:
            record["imported"] = {"columns": interview.imported.columns, "cells": interview.imported.cells}
        record["questions"] = [_filled(q, skip=("seq",)) for q in interview.questions]
        records.append({"type": "interview"} | record)
    records += [{"type": "event"} | _filled(event) for event in events]
    return "".join(json.dumps(record, ensure_ascii=False).translate(_LINE_BREAKS) + "\n" for record in records)


def read_jsonl(text: str) -> Copy:
    """Read and check a whole file; nothing is written.

    Raises:
        ImportFailed: a line is broken, with its number.
    """
    copy = Copy()
    seen: dict[str, int] = {}
    company_names: dict[str, str] = {}
    positions: dict[str, Application] = {}
    header = False
    # Not splitlines: U+2028 may stand inside a JSON string.
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
        except (ValueError, RecursionError) as e:  # a number of 5,000 digits is a ValueError of int's
            reason = e.msg if isinstance(e, json.JSONDecodeError) else "a value that no log holds"
            raise ImportFailed(f"not JSON: {reason}", line=number, hint="nothing was imported") from e
        try:
            if not isinstance(record, dict):
                raise UsageError("not a JSON object")
            kind = record.pop("type", None)
            if not header:
                _check_header(kind, record)
                header = True
                continue
            if kind == "prep-log":  # two exports, one after the other
                _check_header(kind, record)
                continue
            record_id = record.get("id")
            if not isinstance(record_id, str) or not record_id:
                raise UsageError("the id is missing")
            if record_id in seen:
                raise UsageError(f"id {record_id} is already on line {seen[record_id]}")
            seen[record_id] = number
            if kind == "company":
                company_names[record_id] = _read_company(record, copy)
            elif kind == "application":
                company_id = _reference(record.pop("company_id", None), company_names, "company")
                application = _build(Application, record | {"company": company_names[company_id]})
                copy.applications.append((application, company_id))
                positions[application.id] = application
            elif kind == "interview":
                copy.interviews.append(_read_interview(record, positions, seen, number))
            elif kind == "event":
                _reference(record.get("application_id"), positions, "application")
                copy.events.append(_read_event(record))
            else:
                raise UsageError(f"type {kind!r} is unknown")
        except UsageError as e:
            raise ImportFailed(e.message, line=number, hint=e.hint or "nothing was imported") from e
    if not header:
        raise ImportFailed("empty", hint="`prep log export FILE.jsonl` writes such a file")
    return copy


def import_jsonl(text: str, log: InterviewLog) -> Merged:
    """Merge a file into the log, in one transaction; into an empty log it is an exact copy.

    An id that both have is the same thing: of two versions of an interview the one changed last stays.

    Raises:
        ImportFailed: a line is broken, with its number; nothing was written.
    """
    copy = read_jsonl(text)
    merged = Merged()
    with log.db.transaction():
        company_ids = _merge_companies(copy, log)
        known = {application.id for application, _ in log.rows.applications()}
        for application, company_id in copy.applications:
            if application.id not in known:
                log.rows.insert_application(application, company_ids[company_id])
        present = {i.id: i for i in log.all("entered", deleted=True)}
        owners = {q.id: i.id for i in present.values() for q in i.questions}
        taken = {i.seq for i in present.values()}
        for interview in copy.interviews:
            for question in interview.questions:
                if question.id is not None and owners.get(question.id, interview.id) != interview.id:
                    question.id = uuid7(interview.created_ms)
            old = present.get(interview.id)
            if old is None:
                if interview.seq in taken:
                    interview.seq = log.rows.next_seq()
                taken.add(interview.seq)
                log.rows.insert_interview(interview)
                merged.added += 1
            elif interview.updated_ms > old.updated_ms:
                interview.seq = old.seq
                log.rows.update_interview(interview)
                merged.updated += 1
            else:
                merged.already_present += 1
                continue
            if interview.application_id in known:
                log.rows.set_status(interview.application_id, log.derived_status(interview.application_id))
        events = {event.id for event in log.rows.events()}
        for event in copy.events:
            if event.id not in events:
                log.rows.insert_event(event)
    return merged


@contextmanager
def _snapshot(db: Database) -> Iterator[None]:
    """Several reads of one state, whatever another process commits meanwhile."""
    if db.connection.in_transaction:
        yield
        return
    db.execute("BEGIN")
    try:
        yield
    finally:
        db.execute("COMMIT")


def _merge_companies(copy: Copy, log: InterviewLog) -> dict[str, str]:
    """Id in the file -> id in the log."""
    ids: dict[str, str] = {}
    existing = log.rows.companies()
    for company_id, name, aliases in copy.companies:
        keys = {company_key(spelling) for spelling in (name, *aliases)}
        same = next(
            (known for known, n, a in existing if known == company_id or keys & {company_key(s) for s in (n, *a)}), None
        )
        if same is None:
            log.rows.insert_company(company_id, name, aliases)
            existing.append((company_id, name, aliases))
        ids[company_id] = same or company_id
    return ids


def _check_header(kind: object, record: Mapping[str, Any]) -> None:
    if kind != "prep-log":
        raise UsageError("not a prep log: its first line must have the type prep-log")
    version = record.get("version")
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise UsageError(f"version {version!r} is not a number")
    if version > VERSION:
        raise UsageError(
            f"written by a newer prep (version {version}, this one reads {VERSION})",
            hint="update prep; nothing was lost",
        )


def _read_company(record: dict[str, Any], copy: Copy) -> str:
    unknown = record.keys() - {"id", "name", "aliases"}
    if unknown:
        raise UsageError(f"field {min(unknown)!r} is unknown")
    name, aliases = record.get("name"), record.get("aliases", [])
    if not isinstance(name, str) or not name.strip():
        raise UsageError("the company's name is missing")
    if not _is_texts(aliases):
        raise UsageError("aliases must be a list of texts")
    copy.companies.append((record["id"], name, aliases))
    return name


def _read_interview(
    record: dict[str, Any], positions: Mapping[str, Application], seen: dict[str, int], number: int
) -> Interview:
    application = positions[_reference(record.get("application_id"), positions, "application")]
    if unknown := record.keys() & set(_OF_THE_APPLICATION):
        raise UsageError(f"field {min(unknown)!r} belongs to the application")
    questions, imported = record.pop("questions", []), record.pop("imported", None)
    if not isinstance(questions, list) or not all(isinstance(q, dict) for q in questions):
        raise UsageError("questions must be a list of objects")
    if imported is not None:
        if not isinstance(imported, dict) or imported.keys() != {"columns", "cells"}:
            raise UsageError("imported must be an object with columns and cells")
        if not _is_texts(imported["columns"]) or not _is_texts(imported["cells"]):
            raise UsageError("columns and cells must be lists of texts")
        imported = ImportedRow(**imported)
    interview = _build(
        Interview,
        record | {name: getattr(application, name) for name in _OF_THE_APPLICATION},
        questions=[_build(Question, q) for q in questions],
        imported=imported,
    )
    for seq, question in enumerate(interview.questions):
        question.seq = seq
        if not question.id:
            raise UsageError(f"question {seq + 1}: the id is missing")
        if question.id in seen:
            raise UsageError(f"id {question.id} is already on line {seen[question.id]}")
        seen[question.id] = number
    validate(interview)
    return interview


def _read_event(record: Mapping[str, Any]) -> ApplicationEvent:
    event = _build(ApplicationEvent, record)
    changes = event.changes
    if changes is not None and not (
        isinstance(changes, dict) and all(isinstance(pair, list) and len(pair) == 2 for pair in changes.values())
    ):
        raise UsageError("changes must be an object of [before, after]")
    return event


def _reference(value: object, known: Mapping[str, object], what: str) -> str:
    if not isinstance(value, str) or value not in known:
        raise UsageError(f"its {what} {value!r} is on no line above")
    return value


def _build(cls: type[_T], record: Mapping[str, Any], **values: Any) -> _T:
    """An object of a dataclass from JSON, with the same checks as a form's."""
    known = {f.name: f for f in fields(cls)}  # type: ignore[arg-type]
    unknown = record.keys() - known.keys()
    if unknown:
        raise UsageError(f"field {min(unknown)!r} is unknown", hint="written by a newer prep? nothing was imported")
    for name, f in known.items():
        optional = f.default is not MISSING or f.default_factory is not MISSING or "None" in str(f.type)
        if name not in record and name not in values and not optional:
            raise UsageError(f"field {name!r} is missing")
    missing = {name: None for name, f in known.items() if f.default is MISSING and f.default_factory is MISSING}
    built = cls(**missing | dict(record) | values)
    check_types(built, "")
    return built


def _is_texts(value: object) -> bool:
    return isinstance(value, list) and all(
        isinstance(v, str) and not any(0xD800 <= ord(c) <= 0xDFFF for c in v) for v in value
    )


def _filled(item: Any, skip: Sequence[str] = ()) -> dict[str, Any]:
    return {f.name: v for f in fields(item) if f.name not in skip and (v := getattr(item, f.name)) is not None}
