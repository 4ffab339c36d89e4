"""What the interview log holds: interviews, their questions, and the applications they belong to."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from datetime import date
from typing import Any, get_type_hints

from prep.errors import UsageError

RESULTS = ("pending", "pass", "fail", "ghosted", "withdrawn", "offer")
ROUND_KINDS = (
    "phone", "coding", "kernel", "system", "ml", "behavioural", "hm", "onsite", "hr", "take-home", "mock",
)  # fmt: skip
QUESTION_KINDS = ("theory", "coding", "kernel", "system", "behavioural")
OUTCOMES = ("not_reached", "failed", "partial", "nailed")
"""Position = the key that sets it on the form: 0 not reached, 1 failed, 2 partial, 3 nailed."""
GAPS = ("none", "knowledge", "depth", "numbers", "communication", "speed", "bug")

STATUS_AFTER = {
    "pending": "interviewing",
    "pass": "interviewing",
    "fail": "rejected",
    "ghosted": "ghosted",
    "withdrawn": "withdrawn",
    "offer": "offer",
}
"""The status of an application after the result of one of its interviews."""

UNKNOWN_COMPANY = "?"
"""The company of a table row that names none: such a row is kept all the same."""

_TIME = re.compile(r"([01]\d|2[0-3]):[0-5]\d")


@dataclass(slots=True)
class Question:
    """One question of an interview, and how it went."""

    text_md: str
    outcome: str | None = None
    kind: str | None = None
    topic: str | None = None
    lang: str | None = None
    minutes: int | None = None
    hints: int | None = None
    follow_ups: str | None = None
    what_i_said: str | None = None
    better_answer: str | None = None
    card_id: str | None = None
    exercise_id: str | None = None
    gap: str | None = None
    id: str | None = None
    """None until it is stored."""
    seq: int = 0
    """Position within the interview, from 0; `InterviewLog` numbers them anew on every write."""


@dataclass(slots=True)
class InterviewDraft:
    """What a person fills in; only the company is required."""

    company: str
    role: str | None = None
    location: str | None = None
    held_on: str | None = None
    """Local date, YYYY-MM-DD."""
    held_time: str | None = None
    """Local time, HH:MM."""
    when_text: str | None = None
    """The date as it was typed, word for word; in an imported row with company and role, which share its cell."""
    round_no: int | None = None
    round_kind: str | None = None
    format: str | None = None
    minutes: int | None = None
    interviewers: str | None = None
    feeling: int | None = None
    """1 (bad) to 5 (good), to be given before the result is known."""
    feeling_text: str | None = None
    result: str = "pending"
    result_text: str | None = None
    """The result in the person's own words."""
    result_on: str | None = None
    notes_md: str | None = None
    questions: list[Question] = field(default_factory=list)
    imported: ImportedRow | None = None


@dataclass(slots=True)
class ImportedRow:
    """A row of a Markdown table as it stood in the file."""

    columns: list[str]
    """The table's headers."""
    cells: list[str]
    """The row's cells, trimmed, pipes unescaped; more than `columns` when the row had more."""

    def get(self, column: int | None) -> str:
        return self.cells[column] if column is not None and column < len(self.cells) else ""


@dataclass(slots=True, kw_only=True)
class Interview(InterviewDraft):
    """An interview as it is stored."""

    id: str
    application_id: str
    tz_offset_min: int | None = None
    feeling_at_ms: int | None = None
    result_at_ms: int | None = None
    seq: int
    """The number a person calls it by; also the order of entry."""
    created_ms: int
    updated_ms: int
    deleted_at_ms: int | None = None

    def draft(self) -> InterviewDraft:
        """An independent copy of what a person may change."""
        values = {f.name: getattr(self, f.name) for f in fields(InterviewDraft)}
        values["questions"] = [copy_question(q) for q in self.questions]
        return InterviewDraft(**values)

    def felt_first(self) -> bool:
        """Whether the feeling was written down before the result was: only then it counts for calibration."""
        if self.feeling_at_ms is None:
            return False
        return self.result_at_ms is None or self.feeling_at_ms < self.result_at_ms


@dataclass(slots=True)
class Application:
    """One position at one company that the user is applying for."""

    id: str
    company: str
    role: str | None
    status: str
    created_ms: int
    level: str | None = None
    location: str | None = None
    source: str | None = None
    url: str | None = None
    jd_snapshot: str | None = None
    resume_version: str | None = None
    next_action: str | None = None
    next_on: str | None = None


@dataclass(slots=True)
class ApplicationEvent:
    """Something that happened to an application: its history is kept, not only where it stands."""

    id: str
    application_id: str
    at_ms: int
    tz_offset_min: int
    interview_id: str | None
    from_status: str | None
    to_status: str
    note: str | None
    changes: dict[str, list[Any]] | None = None
    """Field -> [before, after]."""


def copy_question(question: Question) -> Question:
    return Question(**{f.name: getattr(question, f.name) for f in fields(Question)})


def validate(draft: InterviewDraft) -> None:
    """Check what a person filled in, and drop blank strings to None in place.

    Raises:
        UsageError: the first value that cannot be kept, with what is allowed.
    """
    if isinstance(draft.company, str) and not draft.company.strip():
        raise UsageError("the company is missing", hint="give it with --company")
    check_types(draft, "")
    draft.company = draft.company.strip()
    _blank_to_none(draft)
    _check_date("date", draft.held_on)
    _check_date("result date", draft.result_on)
    if draft.held_time is not None and not _TIME.fullmatch(draft.held_time):
        raise UsageError(f"{draft.held_time!r} is not a time", hint="a time looks like 19:00")
    if draft.feeling is not None and not 1 <= draft.feeling <= 5:
        raise UsageError(f"feeling {draft.feeling} is not between 1 and 5", hint="1 is bad, 5 is good")
    _check_choice("result", draft.result, RESULTS)
    _check_choice("kind of round", draft.round_kind, ROUND_KINDS)
    _check_at_least("round", draft.round_no, 1)
    _check_at_least("minutes", draft.minutes, 0)
    for number, question in enumerate(draft.questions, 1):
        where = f"question {number}: "
        check_types(question, where)
        _blank_to_none(question)
        if not question.text_md.strip():
            raise UsageError(f"{where}its text is missing")
        _check_choice(f"{where}outcome", question.outcome, OUTCOMES)
        _check_choice(f"{where}kind", question.kind, QUESTION_KINDS)
        _check_choice(f"{where}gap", question.gap, GAPS)
        _check_at_least(f"{where}minutes", question.minutes, 0)
        _check_at_least(f"{where}hints", question.hints, 0)


def changed_fields(before: InterviewDraft, after: InterviewDraft) -> dict[str, list[Any]]:
    """Field -> [before, after] of everything that differs; questions as their texts and outcomes."""
    changes: dict[str, list[Any]] = {}
    for f in fields(InterviewDraft):
        old, new = getattr(before, f.name), getattr(after, f.name)
        if f.name == "questions":
            old, new = question_values(old), question_values(new)
        if f.name != "imported" and old != new:
            changes[f.name] = [old, new]
    return changes


def question_values(questions: Sequence[Question]) -> list[dict[str, Any]]:
    """What a person wrote of each question: only filled fields, no ids."""
    skipped = ("id", "seq")
    return [
        {f.name: v for f in fields(Question) if f.name not in skipped and (v := getattr(q, f.name)) is not None}
        for q in questions
    ]


def check_types(item: object, where: str) -> None:
    """Check whole numbers and texts against a dataclass's annotations.

    YAML and JSON give whatever was written; SQLite's STRICT tables would refuse it with a traceback.
    """
    for name, hint in get_type_hints(type(item)).items():
        value = getattr(item, name)
        if hint not in (int, str, int | None, str | None):
            continue
        if value is None:
            if hint in (int, str):
                raise UsageError(f"{where}{name.removesuffix('_md')} is missing")
            continue
        wanted: type = int if hint in (int, int | None) else str
        if not isinstance(value, wanted) or isinstance(value, bool):
            kind = "a whole number" if wanted is int else "text"
            raise UsageError(f"{where}{name.removesuffix('_md')} must be {kind}, not {value!r}")
        if isinstance(value, int) and abs(value) >= 1 << 63:
            raise UsageError(f"{where}{name} {value} is too large")
        if isinstance(value, str) and any(0xD800 <= ord(c) <= 0xDFFF for c in value):
            raise UsageError(f"{where}{name.removesuffix('_md')} holds text that is not valid Unicode")


def _blank_to_none(item: InterviewDraft | Question) -> None:
    for name, hint in get_type_hints(type(item)).items():
        value = getattr(item, name)
        if hint == str | None and isinstance(value, str) and not value.strip():
            setattr(item, name, None)


def _check_date(what: str, value: str | None) -> None:
    if value is None:
        return
    try:
        valid = date.fromisoformat(value).isoformat() == value
    except ValueError:
        valid = False
    if not valid:
        raise UsageError(f"{what} {value!r} is not a date", hint="a date looks like 2026-05-19")


def _check_choice(what: str, value: str | None, allowed: Sequence[str]) -> None:
    if value is not None and value not in allowed:
        raise UsageError(f"{what} {value!r} is unknown", hint="one of: " + ", ".join(allowed))


def _check_at_least(what: str, value: int | None, least: int) -> None:
    if value is not None and value < least:
        raise UsageError(f"{what} {value} is less than {least}")
