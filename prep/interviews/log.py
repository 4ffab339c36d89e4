"""The interview log: every change is one transaction, and leaves an event behind that says what it overwrote."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from datetime import date
from typing import Any, Literal

from prep.clock import Clock, Instant
from prep.errors import UsageError
from prep.interviews.companies import company_key, known_aliases
from prep.interviews.dates import parse_when
from prep.interviews.model import (
    RESULTS,
    STATUS_AFTER,
    Application,
    ApplicationEvent,
    Interview,
    InterviewDraft,
    Question,
    changed_fields,
    copy_question,
    validate,
)
from prep.store.database import Database
from prep.store.ids import uuid7
from prep.store.interviews import Interviews

Order = Literal["entered", "newest", "oldest"]


class InterviewLog:
    """Interviews of one user, in `db`."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self.db = db
        self.clock = clock
        self.rows = Interviews(db)

    def today(self) -> date:
        return self.clock().local().date()

    # reading

    def get(self, ref: str) -> Interview:
        """The interview that a person means.

        Args:
            ref: its number in the list (`3`, `#3`), its id, or the start of its id. A deleted one is found too.

        Raises:
            UsageError: none, or more than one, is meant.
        """
        text = ref.strip().removeprefix("#").lower()
        found: Interview | None = None
        # An id starts with its time in milliseconds, 01... until the year 4199: a number without the zero is a seq.
        if text.isascii() and text.isdigit() and not text.startswith("0"):
            found = self.rows.interview_by_seq(int(text)) if len(text) < 19 else None
        elif text:
            ids = self.rows.ids_by_prefix(text)
            if len(ids) > 1:
                numbers = ", ".join(str(i.seq) for i in map(self.rows.interview, ids[:5]) if i is not None)
                more = ", ..." if len(ids) > 5 else ""
                raise UsageError(
                    f"{ref!r} is the start of {len(ids)} interviews", hint=f"say which by its number: {numbers}{more}"
                )
            found = self.rows.interview(ids[0]) if ids else None
        if found is None:
            raise UsageError(f"no interview {ref!r}", hint="`prep log list` shows their numbers")
        return found

    def all(self, order: Order = "newest", *, deleted: bool = False) -> list[Interview]:
        """Every interview; those without a date come last, whatever the order of dates."""
        found = self.rows.interviews(deleted=deleted)
        if order == "entered":
            return found
        dated = sorted((i for i in found if i.held_on), key=_moment, reverse=order == "newest")
        return dated + [i for i in found if not i.held_on]

    def upcoming(self) -> Interview | None:
        """The next interview that is still to be held."""
        ahead = [i for i in self.all("oldest") if self.is_upcoming(i)]
        return ahead[0] if ahead else None

    def is_upcoming(self, interview: Interview) -> bool:
        """Pending, nothing felt or answered yet, and neither its day nor its time has passed."""
        return interview.deleted_at_ms is None and is_upcoming(interview, self.clock())

    def companies(self) -> list[str]:
        """Names of companies in the log, the most recent interview's first."""
        return self.rows.company_names_by_recency()

    def history(self, interview: Interview) -> list[ApplicationEvent]:
        """What happened to the application of this interview, oldest first."""
        return self.rows.events(interview.application_id)

    def application(self, interview: Interview) -> Application:
        found = self.rows.application(interview.application_id)
        assert found is not None  # a foreign key holds it
        return found

    # writing

    def add(self, draft: InterviewDraft) -> str:
        """Store a new interview; returns its id.

        Raises:
            UsageError: a value cannot be kept; nothing was written.
        """
        validate(draft)
        now = self.clock()
        with self.db.transaction():
            return self._insert(draft, now).id

    def update(self, ref: str, draft: InterviewDraft) -> Interview:
        """Replace what a person filled in; questions keep their ids. A draft without a change writes nothing.

        Raises:
            UsageError: a value cannot be kept; nothing was written.
        """
        validate(draft)
        now = self.clock()
        with self.db.transaction():
            return self._update(self.get(ref), draft, now, "edited")

    def set_result(self, ref: str, result: str, on: date | None = None, text: str | None = None) -> Interview:
        """Record an outcome that came later.

        Args:
            on: the day it came; today when the result is new.
            text: the person's own words for it; former words stay in the history.
        """
        if result not in RESULTS:
            raise UsageError(f"result {result!r} is unknown", hint="one of: " + ", ".join(RESULTS))
        now = self.clock()
        with self.db.transaction():
            interview = self.get(ref)
            draft = interview.draft()
            if result != interview.result:
                draft.result, draft.result_text = result, None
                draft.result_on = None if result == "pending" else now.local().date().isoformat()
            if on is not None:
                draft.result_on = on.isoformat()
            if text is not None:
                draft.result_text = text
            validate(draft)
            return self._update(interview, draft, now, "result")

    def delete(self, ref: str) -> Interview:
        """Take it out of every list; `undelete` brings it back whole."""
        return self._mark_deleted(ref, deleted=True)

    def undelete(self, ref: str) -> Interview:
        return self._mark_deleted(ref, deleted=False)

    # parts of a transaction

    def _insert(self, draft: InterviewDraft, now: Instant) -> Interview:
        company_id = self._company(draft.company)
        application = self._application(company_id, draft, now)
        interview = Interview(
            **{f.name: getattr(draft, f.name) for f in fields(InterviewDraft)},
            id=uuid7(now.ms),
            application_id=application.id,
            tz_offset_min=now.tz_offset_min,
            feeling_at_ms=None if draft.feeling is None and draft.feeling_text is None else now.ms,
            result_at_ms=None if draft.result == "pending" else now.ms,
            seq=self.rows.next_seq(),
            created_ms=now.ms,
            updated_ms=now.ms,
        )
        interview.questions = _numbered(draft.questions, [], now)
        self.rows.insert_interview(interview)
        self._record(application.id, interview, now, "added")
        return self._again(interview.id)

    def _update(self, interview: Interview, draft: InterviewDraft, now: Instant, note: str) -> Interview:
        before = interview.draft()
        company_id = self._company(draft.company)
        # Another spelling of the same company is no change: the log keeps the name it knows.
        draft.company = next(name for known_id, name, _ in self.rows.companies() if known_id == company_id)
        changes = changed_fields(before, draft)
        if not changes:
            return interview
        if "when_text" not in changes and draft.when_text is not None and not _still_says(draft, changes):
            # The words no longer say what the fields say; the event keeps them.
            changes["when_text"] = [before.when_text, None]
            draft.when_text = None
        for f in fields(InterviewDraft):
            setattr(interview, f.name, getattr(draft, f.name))
        interview.questions = _numbered(draft.questions, before.questions, now)
        if changes.keys() & {"feeling", "feeling_text"}:
            interview.feeling_at_ms = None if draft.feeling is None and draft.feeling_text is None else now.ms
        if "result" in changes:
            interview.result_at_ms = None if draft.result == "pending" else now.ms
        interview.updated_ms = now.ms
        if changes.keys() & {"company", "role", "location"}:
            self._move(interview, company_id, draft, now, changes)
        self.rows.update_interview(interview)
        self._record(interview.application_id, interview, now, note, changes)
        return self._again(interview.id)

    def _move(
        self, interview: Interview, company_id: str, draft: InterviewDraft, now: Instant, changes: dict[str, Any]
    ) -> None:
        """Give the interview the application that its new company and role belong to."""
        old_id = interview.application_id
        target = self.rows.find_application(company_id, _role_key(draft.role))
        alone = len(self.rows.interviews_of(old_id)) == 1
        if target is None and alone:  # a correction: the application itself was misnamed
            self.rows.set_application(old_id, company_id=company_id, role=draft.role, location=draft.location)
            return
        if target is not None:
            interview.application_id = target
            self.rows.set_application(target, company_id=company_id, role=draft.role, location=draft.location)
        else:
            interview.application_id = self._application(company_id, draft, now).id
        if interview.application_id != old_id:
            self.rows.update_interview(interview)
            self._record(old_id, interview, now, "moved away", changes)

    def _mark_deleted(self, ref: str, *, deleted: bool) -> Interview:
        now = self.clock()
        with self.db.transaction():
            interview = self.get(ref)
            if (interview.deleted_at_ms is not None) == deleted:
                return interview
            interview.deleted_at_ms = now.ms if deleted else None
            interview.updated_ms = now.ms
            self.rows.update_interview(interview)
            self._record(interview.application_id, interview, now, "deleted" if deleted else "restored")
            return interview

    def _company(self, name: str) -> str:
        """The id of the company called `name`, under any spelling that is known; made when there is none."""
        key = company_key(name)
        for company_id, known, aliases in self.rows.companies():
            if key in (company_key(spelling) for spelling in (known, *aliases)):
                return company_id
        company_id = uuid7(self.clock().ms)
        self.rows.insert_company(company_id, name, known_aliases(name))
        return company_id

    def _application(self, company_id: str, draft: InterviewDraft, now: Instant) -> Application:
        existing = self.rows.find_application(company_id, _role_key(draft.role))
        if existing is not None:
            application = self.rows.application(existing)
            assert application is not None
            if draft.location and draft.location != application.location:
                role = application.role
                self.rows.set_application(existing, company_id=company_id, role=role, location=draft.location)
            return application
        application = Application(
            id=uuid7(now.ms), company=draft.company, role=draft.role, location=draft.location, status="open",
            created_ms=now.ms,
        )  # fmt: skip
        self.rows.insert_application(application, company_id)
        self._event(application.id, now, None, None, "open", "created")
        return application

    def _record(
        self, application_id: str, interview: Interview, now: Instant, note: str, changes: dict[str, Any] | None = None
    ) -> None:
        """Write an event, with the status that the application's last interview leaves it in."""
        application = self.rows.application(application_id)
        assert application is not None
        status = self.derived_status(application_id)
        self.rows.set_status(application_id, status)
        self._event(application_id, now, interview.id, application.status, status, note, changes)

    def derived_status(self, application_id: str) -> str:
        """Where its last interview leaves an application."""
        held = [i for i in self.rows.interviews_of(application_id) if i.deleted_at_ms is None]
        return STATUS_AFTER[max(held, key=_moment).result] if held else "open"

    def _event(
        self,
        application_id: str,
        now: Instant,
        interview_id: str | None,
        from_status: str | None,
        to_status: str,
        note: str,
        changes: dict[str, Any] | None = None,
    ) -> None:
        self.rows.insert_event(
            ApplicationEvent(
                id=uuid7(now.ms),
                application_id=application_id,
                at_ms=now.ms,
                tz_offset_min=now.tz_offset_min,
                interview_id=interview_id,
                from_status=from_status,
                to_status=to_status,
                note=note,
                changes=changes,
            )
        )

    def _again(self, interview_id: str) -> Interview:
        stored = self.rows.interview(interview_id)
        assert stored is not None
        return stored


def is_upcoming(draft: InterviewDraft, now: Instant) -> bool:
    """Whether an interview with this date and result is still to be held at `now`."""
    if draft.held_on is None or took_place(draft):
        return False
    local = now.local()
    return (draft.held_on, draft.held_time or "24:00") >= (local.date().isoformat(), f"{local:%H:%M}")


def took_place(draft: InterviewDraft) -> bool:
    """Whether what was written down shows that it is over, as when logged without a time on the evening of its day."""
    felt = draft.feeling is not None or draft.feeling_text is not None
    return felt or draft.result != "pending" or any(q.outcome for q in draft.questions)


def _still_says(draft: InterviewDraft, changes: Mapping[str, object]) -> bool:
    """Whether the words for the date are still right: they are when only an assumed year was corrected."""
    if changes.keys() & {"company", "role", "location"}:
        return False
    if not changes.keys() & {"held_on", "held_time"}:
        return True
    if draft.held_on is None or draft.when_text is None:
        return False
    when = parse_when(draft.when_text, year=int(draft.held_on[:4]))
    return (when.held_on, when.held_time) == (draft.held_on, draft.held_time)


def _moment(interview: Interview) -> tuple[str, str, int]:
    return interview.held_on or "", interview.held_time or "", interview.seq


def _role_key(role: str | None) -> str:
    return (role or "").strip().casefold()


def _numbered(questions: Sequence[Question], stored: Sequence[Question], now: Instant) -> list[Question]:
    """Copies with positions and ids: an id given or, for an unchanged text, the stored one; a new one otherwise."""
    free = {q.id: q for q in stored}
    result = []
    for seq, question in enumerate(questions):
        copy = copy_question(question)
        if copy.id is not None and free.pop(copy.id, None) is None:
            copy.id = None  # of another interview, or given twice
        copy.seq = seq
        result.append(copy)
    for copy in result:
        if copy.id is None:
            same = next((q.id for q in free.values() if q.text_md == copy.text_md), None)
            copy.id = same if same is not None else uuid7(now.ms)
            free.pop(same, None)
    return result
