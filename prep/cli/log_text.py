"""How the interview log looks in a terminal: the list, one interview, and what an import would do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from datetime import UTC, date, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

from prep.cells import cell_width, cut, one_line, pad, safe_lines
from prep.interviews.model import UNKNOWN_COMPANY, InterviewDraft
from prep.locale import N_, current_language
from prep.locale import gettext as _

if TYPE_CHECKING:
    from prep.interviews.markdown import ImportPreview, ImportRow
    from prep.interviews.match import Match
    from prep.interviews.model import ApplicationEvent, Interview

HEADS = (
    "#", N_("DATE"), N_("COMPANY"), N_("ROLE"), N_("ROUND"), N_("FEELING"), N_("RESULT"), N_("NOTES"),
)  # fmt: skip

# The app's words for the same things.
RESULTS = {
    "pending": N_("pending"), "pass": N_("passed"), "fail": N_("rejected"), "ghosted": N_("no answer"),
    "withdrawn": N_("withdrawn"), "offer": N_("offer"),
}  # fmt: skip
ROUNDS = {
    "phone": N_("phone"), "coding": N_("coding"), "kernel": N_("kernel"), "system": N_("system"), "ml": N_("ML"),
    "behavioural": N_("behavioural"), "hm": N_("manager"), "onsite": N_("onsite"), "hr": N_("HR"),
    "take-home": N_("take-home"), "mock": N_("mock"),
}  # fmt: skip
QUESTION_KINDS = {
    "theory": N_("theory"), "coding": N_("coding"), "kernel": N_("kernel"), "system": N_("system"),
    "behavioural": N_("behavioural"),
}  # fmt: skip
OUTCOMES = {
    "not_reached": N_("not reached"), "failed": N_("failed"), "partial": N_("partial"), "nailed": N_("nailed"),
}  # fmt: skip
_STATUSES = {
    "open": N_("applied"), "interviewing": N_("interviewing"), "rejected": N_("rejected"), "ghosted": N_("no answer"),
    "withdrawn": N_("withdrawn"), "offer": N_("offer"),
}  # fmt: skip
_EVENTS = {
    "created": N_("application begun"), "added": N_("interview logged"), "edited": N_("edited"), "result": N_("result"),
    "moved away": N_("moved to another application"), "deleted": N_("deleted"), "restored": N_("brought back"),
}  # fmt: skip
_IMPORTS = {"new": N_("new row"), "changed": N_("changed"), "present": N_("is there")}

_GAP = "  "
# What gives way, in this order, where the terminal is too narrow: (column, cells that it keeps; 0: it is left out).
# Notes end up in `show` before a role, a result or a company is cut: these are what the list is for.
_SQUEEZED = ((7, 12), (7, 0), (3, 14), (5, 0), (3, 8), (6, 8), (2, 8), (4, 0), (3, 4), (6, 4), (2, 4))


def when_text(draft: InterviewDraft) -> str:
    """`2026-05-19 20:00`, or the person's own words where they could not be read."""
    if draft.held_on is None:
        return one_line(draft.when_text or "") or _("no date")
    return f"{draft.held_on} {draft.held_time or ''}".rstrip()


def position_text(draft: InterviewDraft) -> str:
    return " · ".join(one_line(part) for part in (draft.role, draft.location) if part)


def result_text(draft: InterviewDraft, *, ahead: bool = False) -> str:
    """The result, with the person's own words where they say more: `rejected (测评挂)`."""
    known = _("upcoming") if ahead else _(RESULTS[draft.result])
    own = one_line(draft.result_text or "")
    return known if not own or own.casefold() == known.casefold() else f"{known} ({own})"


def round_text(draft: InterviewDraft) -> str:
    kind = _(ROUNDS[draft.round_kind]) if draft.round_kind else ""
    return " ".join(part for part in (str(draft.round_no) if draft.round_no else "", kind) if part)


def summary_line(draft: InterviewDraft, *, ahead: bool = False) -> str:
    """One interview on one line, unshortened."""
    parts = (when_text(draft), one_line(draft.company), position_text(draft), round_text(draft))
    return _GAP.join(part for part in (*parts, result_text(draft, ahead=ahead)) if part)


def list_table(interviews: Sequence[tuple[Interview, bool]], width: int | None) -> list[str]:
    """A table of (interview, is it ahead), aligned by cells and at most `width` wide; None: as wide as it is."""
    table = [[_(head) for head in HEADS]]
    for interview, ahead in interviews:
        result = result_text(interview, ahead=ahead)
        if interview.deleted_at_ms is not None:
            result = f"{_('deleted')}, {result}"
        notes = [interview.notes_md or "", *(q.text_md for q in interview.questions)]
        table.append(
            [
                f"{'>' if ahead else ''}{interview.seq}",
                when_text(interview),
                "" if interview.company == UNKNOWN_COMPANY else one_line(interview.company),
                position_text(interview),
                round_text(interview),
                str(interview.feeling or ""),
                result,
                " · ".join(one_line(note) for note in notes if note),
            ]
        )
    columns = [i for i in range(len(table[0])) if i in (1, 2, 6) or any(row[i] for row in table[1:])]
    widths = {i: max(cell_width(row[i]) for row in table) for i in columns}

    def excess() -> int:
        return sum(widths.values()) + len(_GAP) * (len(widths) - 1) - width if width is not None else 0

    for column, least in _SQUEEZED:
        if column not in widths or excess() <= 0:
            continue
        if least:
            widths[column] = max(min(least, widths[column]), widths[column] - excess())
        else:
            del widths[column]
    right = 0  # numbers are read from their last digit
    lines = []
    for row in table:
        cells = [cut(row[i], w) for i, w in widths.items()]
        padded = [
            " " * (w - cell_width(c)) + c if i == right else pad(c, w)
            for c, (i, w) in zip(cells, widths.items(), strict=True)
        ]
        lines.append(_GAP.join(padded).rstrip())
    return lines


def show_lines(
    interview: Interview,
    *,
    ahead: bool,
    status: str,
    history: Sequence[ApplicationEvent],
    matches: Sequence[tuple[Sequence[Match], str | None]],
) -> list[str]:
    """Everything about one interview."""
    lines = [f"#{interview.seq}  {summary_line(interview, ahead=ahead)}"]
    if interview.deleted_at_ms is not None:
        lines[0] += f"  [{_('deleted')}]"
    facts = [
        _("{n} min").format(n=interview.minutes) if interview.minutes is not None else "",
        interview.format or "",
    ]
    if any(facts):
        lines.append(_GAP.join(one_line(fact) for fact in facts if fact))
    felt = f"{interview.feeling}/5" if interview.feeling is not None else ""
    if interview.feeling_text:
        felt = f"{felt}  {interview.feeling_text}".strip()
    if felt and interview.result_at_ms is not None and not interview.felt_first() and interview.feeling is not None:
        felt += f"  ({_('noted with or after the result')})"
    result_on = f"{result_text(interview)}, {interview.result_on}" if interview.result_on else ""
    for name, text in (
        (_("As typed"), interview.when_text), (_("Interviewers"), interview.interviewers), (_("Feeling"), felt),
        (_("Result"), result_on), (_("Notes"), interview.notes_md), (_("Also in the file"), _kept_columns(interview)),
    ):  # fmt: skip
        if text:
            lines += _field(name, text)
    if interview.questions:
        lines += ["", _("Questions")]
    for question, (cards, exercise) in zip(interview.questions, matches, strict=True):
        outcome = _(OUTCOMES[question.outcome]) if question.outcome else ""
        about = [_(QUESTION_KINDS[question.kind]) if question.kind else "", question.topic or "", outcome]
        tail = ", ".join(one_line(part) for part in about if part)
        lines += _field(f"{question.seq + 1}.", question.text_md + (f"  [{tail}]" if tail else ""), indent="  ")
        for name, value in (
            (_("I said"), question.what_i_said), (_("Better"), question.better_answer),
            (_("Follow-ups"), question.follow_ups), (_("Gap"), question.gap),
        ):  # fmt: skip
            if value:
                lines += _field(name, value, indent="     ")
        if question.card_id:
            lines.append("     " + _("→ card {id}").format(id=one_line(question.card_id)))
        lines += [
            "     " + _("→ {id} ({share}%)").format(id=match.card_id, share=round(match.share * 100))
            for match in cards
            if match.card_id != question.card_id
        ]
        if question.exercise_id or exercise:
            lines.append("     " + _("→ exercise {id}").format(id=one_line(question.exercise_id or exercise or "")))
    lines += ["", _("History: {status}").format(status=_status(status))]
    lines += [_event_line(event) for event in history]
    return lines


def _kept_columns(interview: Interview) -> str:
    from prep.interviews.rows import column_roles

    imported = interview.imported
    if imported is None:
        return ""
    known = set(column_roles(imported.columns).values())
    names = [*imported.columns, *[""] * (len(imported.cells) - len(imported.columns))]
    pairs = [(n, c) for i, (n, c) in enumerate(zip(names, imported.cells, strict=False)) if i not in known and c]
    return "\n".join(f"{name}: {cell}" if name else cell for name, cell in pairs)


def _field(name: str, text: str, indent: str = "") -> list[str]:
    first, *rest = safe_lines(text).split("\n")
    return [f"{indent}{name}  {first}", *(f"{indent}  {line}" for line in rest)]


def _event_line(event: ApplicationEvent) -> str:
    zone = timezone(timedelta(minutes=event.tz_offset_min))
    moment = datetime.fromtimestamp(event.at_ms / 1000, tz=UTC).astimezone(zone)
    note = _(_EVENTS[event.note]) if event.note in _EVENTS else one_line(event.note or "")
    status = f"{_status(event.from_status)} → " if event.from_status else ""
    line = f"  {moment:%Y-%m-%d %H:%M}  {note}: {status}{_status(event.to_status)}"
    changes = [
        f"{name}: {_shown(before)} → {_shown(after)}"
        for name, (before, after) in (event.changes or {}).items()
        if name != "questions"
    ]
    if event.changes and "questions" in event.changes:
        changes.append(_("Questions").lower())
    return line + (f"  ({'; '.join(changes)})" if changes else "")


def _status(status: str) -> str:
    return _(_STATUSES[status]) if status in _STATUSES else one_line(status)


def _shown(value: object) -> str:
    return "–" if value is None else one_line(str(value))


def preview_lines(preview: ImportPreview, path: str) -> list[str]:
    """What an import would do, row by row, and what it could not read."""
    lines = [
        _("{path}: {new} new, {changed} changed, {present} already there; {empty} empty rows left out").format(
            path=path, new=len(preview.new), changed=len(preview.changed), present=len(preview.already_present),
            empty=preview.empty,
        )
    ]  # fmt: skip
    if any(not row.parsed.has_year for row in preview.new):
        assumed = "" if preview.year_given else _(" (assumed: --year sets another)")
        lines.append(_("dates without a year begin in {year}").format(year=preview.year) + assumed)
    if preview.kept_columns:
        names = ", ".join(one_line(name) or "–" for name in preview.kept_columns)
        lines.append(_("columns kept as text beside each row: {names}").format(names=names))
    lines.append("")
    for row in preview.rows:
        lines += _preview_row(row)
    if preview.unparsed:
        lines += ["", _("Could not be read in full; kept as text:")]
        for row in preview.unparsed:
            problems = "; ".join(problem.text(current_language()) for problem in row.problems)
            lines.append(
                f"  {_('line {n}').format(n=row.line)}  {one_line(row.draft.when_text or '')!r}: {one_line(problems)}"
            )
    return lines


def _preview_row(row: ImportRow) -> list[str]:
    draft = row.draft
    shown = draft if row.existing is None else row.existing
    head = f"  {pad(_(_IMPORTS[row.status]), 10)}{summary_line(shown, ahead=row.upcoming)}"
    if row.existing is not None:
        head += f"  (#{row.existing.seq})"
        if row.existing.deleted_at_ms is not None:
            head += f"  [{_('deleted in the log')}]"
    lines = [head]
    if row.status == "new":
        felt = " ".join(
            p for p in (f"{draft.feeling}/5" if draft.feeling else "", one_line(draft.feeling_text or "")) if p
        )
        for name, text in ((_("Notes"), one_line(draft.notes_md or "")), (_("Feeling"), felt)):
            if text:
                lines.append(f"            {name}: {text}")
    for name, (before, after) in row.changes.items():
        lines.append(f"            {name}: {_shown(before)} → {_shown(after)}")
    for name, (before, after) in row.conflicts.items():
        text = _("edited in the log and in the file; the log keeps {name}: {ours} / {theirs}")
        lines.append("            " + text.format(name=name, ours=_shown(before), theirs=_shown(after)))
    return lines


def as_json(interview: Interview, *, ahead: bool) -> dict[str, Any]:
    """An interview as `--json` prints it: every field, whether it is empty or not."""
    record = {f.name: getattr(interview, f.name) for f in fields(interview) if f.name not in ("questions", "imported")}
    record["upcoming"] = ahead
    record["questions"] = [{f.name: getattr(q, f.name) for f in fields(q)} for q in interview.questions]
    return record


def day(text: str, today: date) -> date | None:
    """A day as people type it; None when it is none."""
    from prep.interviews.dates import parse_when

    when = parse_when(text, year=today.year, today=today)
    bare = when.held_on is not None and not when.rest and not when.problems
    return date.fromisoformat(when.held_on) if bare and when.held_on is not None else None
