"""`prep today` and `prep due`: what to do now, as text or JSON."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import click

from prep.cli.records import day_text, nothing_due, open_records
from prep.locale import current_language, ngettext
from prep.locale import gettext as _

if TYPE_CHECKING:
    from prep.review.model import Counts
    from prep.review.today import ExerciseToday, Suggestion, Today

BARS = "▁▂▃▄▅▆▇█"


@click.command("today")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout.")
def today_command(as_json: bool) -> None:
    """What to do now."""
    if as_json:
        click.echo(json.dumps(today_json(_gather()), ensure_ascii=False))
    else:
        print_today()


@click.command("due")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout.")
def due_command(as_json: bool) -> None:
    """Cards that are due: a line, or JSON; exit 1 when none is."""
    with open_records(readonly=True) as records:
        counts = records.reviewer.counts()
        due_now = records.reviewer.next_card() is not None
        next_due_ms = records.reviewer.next_due_ms()
    if as_json:
        click.echo(json.dumps({**_counts_json(counts), "next_due_ms": next_due_ms}))
    else:
        click.echo(counts_text(counts) if due_now else nothing_due(next_due_ms))
    sys.exit(0 if due_now else 1)


def print_today() -> None:
    """Print the summary that the app's first screen shows."""
    for line in today_lines(_gather()):
        click.echo(line)


def _gather() -> Today:
    from prep.clock import now
    from prep.errors import ContentError
    from prep.exercises.load import load_exercises
    from prep.interviews.log import InterviewLog
    from prep.review.today import gather
    from prep.store.attempts import Attempts

    with open_records(readonly=True) as records:
        try:
            exercises = load_exercises()
        except ContentError as e:
            # A broken exercise must not hide the cards; `prep check` and `prep list` are where it fails.
            click.echo(f"prep: {e}", err=True)
            exercises = {}
        return gather(records.reviewer, InterviewLog(records.db, now), Attempts(records.db, now), exercises)


def counts_text(counts: Counts) -> str:
    """`18 due · 2 learning · 6 new · about 14 min`; parts that are zero are left out."""
    parts = [
        _("{n} due").format(n=counts.due) if counts.due else "",
        _("{n} learning").format(n=counts.learning) if counts.learning else "",
        _("{n} new").format(n=counts.new) if counts.new else "",
    ]
    if not counts.total:
        return _("none due")
    return " · ".join([p for p in parts if p] + [_("about {n} min").format(n=counts.minutes)])


def spark(values: tuple[int, ...]) -> str:
    """A bar for each value, the greatest full height; nothing where all are zero."""
    top = max(values, default=0)
    if not top:
        return ""
    return "".join(BARS[0] if not v else BARS[max(1, round(v / top * (len(BARS) - 1)))] for v in values)


def today_lines(today: Today) -> list[str]:
    """The summary, line by line."""
    from prep.cells import pad

    rows: list[tuple[str, str]] = []
    if today.next_interview is not None:
        rows.append((_("Next interview"), _interview_text(today)))
        weak = ", ".join(_weak_text(w.topic, w.asked, w.failed) for w in today.weak)
        if weak:
            rows.append(("", _("weak: {topics}").format(topics=weak)))
    bars = spark(today.week)
    rows.append((_("Cards"), counts_text(today.counts) + (f"   {bars} " + _("7 days") if bars else "")))
    if today.boosted and today.counts.total > today.boosted:
        boosted = _("{n} of them for the interview")
        rows.append(("", boosted.format(n=today.boosted)))
    kernels = [_exercise_text(e) for e in (today.in_progress, today.suggested) if e is not None]
    rows += [(_("Kernels") if i == 0 else "", text) for i, text in enumerate(kernels)]
    if today.last_interview is not None:
        name = today.last_interview.company
        if today.open_questions:
            text = ngettext(
                "{n} question to turn into a card", "{n} questions to turn into cards", today.open_questions
            )
            name += " · " + text.format(n=today.open_questions)
        rows.append((_("Last interview"), name))
    head = day_text(today.day)
    if today.streak:
        head += "   " + ngettext("streak {n} day", "streak {n} days", today.streak).format(n=today.streak)
    lines = [head, *(f"  {pad(label, 16)} {text}" for label, text in rows), ""]
    return lines + [f"  {'>' if i == 0 else ' '} {_suggestion_text(s)}" for i, s in enumerate(_all(today))]


def _all(today: Today) -> list[Suggestion]:
    return [today.suggestion, *today.others]


def _interview_text(today: Today) -> str:
    from datetime import date

    interview = today.next_interview
    assert interview is not None
    assert interview.held_on is not None
    when = day_text(date.fromisoformat(interview.held_on)) + (f" {interview.held_time}" if interview.held_time else "")
    parts = [interview.company, interview.role or "", when, _in_days(today.days_until or 0)]
    return " · ".join(p for p in parts if p)


def _in_days(days: int) -> str:
    if days <= 1:
        return _("tomorrow") if days else _("today")
    return ngettext("in {n} day", "in {n} days", days).format(n=days)


def _weak_text(topic: str, asked: int, failed: int) -> str:
    return _("{topic} (asked {asked}x, failed {failed}x)").format(topic=topic, asked=asked, failed=failed)


def _title(entry: ExerciseToday) -> str:
    titles = entry.exercise.title
    return str(titles[current_language()])


def _exercise_text(entry: ExerciseToday) -> str:
    name = f"{entry.exercise.id} ({_title(entry)})"
    if entry.progress == "failing" and entry.cases_failed:
        state = _("{failed} of {total} cases fail").format(failed=entry.cases_failed, total=entry.cases_total)
        return f"{name}: {state}"
    if entry.progress in ("started", "failing"):
        return f"{name}: " + _("in progress")
    if entry.asked_by:
        return _("suggested: {name}, asked by {company}").format(name=name, company=entry.asked_by)
    return _("suggested: {name}").format(name=name)


def _suggestion_text(suggestion: Suggestion) -> str:
    """What to do, and the command for it."""
    n = suggestion.cards
    if suggestion.action == "review" and suggestion.boosted:
        text, command = (
            ngettext(
                "Review the {n} card for the interview first", "Review the {n} cards for the interview first", n
            ).format(n=n),
            "prep review",
        )
    elif suggestion.action == "review":
        text, command = ngettext("Review {n} card", "Review {n} cards", n).format(n=n), "prep review"
    elif suggestion.action == "exercise" and suggestion.exercise is not None:
        exercise = suggestion.exercise
        going = exercise.progress != "new"
        text = (_("Go on with {name}") if going else _("Begin {name}")).format(name=exercise.exercise.id)
        command = f"prep {'grade' if going else 'start'} {exercise.exercise.id}"
    elif suggestion.action == "log" and suggestion.interview is not None:
        text = _("Turn the questions of {company} into cards").format(company=suggestion.interview.company)
        command = f"prep log edit {suggestion.interview.seq}"
    elif suggestion.action == "log":
        text, command = _("Log an interview"), "prep log add"
    else:
        text, command = _("Look a card up"), "prep cards search"
    return f"{text}   [{command}]"


def _counts_json(counts: Counts) -> dict[str, int]:
    return {
        "due": counts.due,
        "learning": counts.learning,
        "new": counts.new,
        "total": counts.total,
        "minutes": counts.minutes,
    }


def today_json(today: Today) -> dict[str, Any]:
    """The same for programs; dates are ISO, times UTC milliseconds."""
    interview, last = today.next_interview, today.last_interview
    return {
        "day": today.day.isoformat(),
        "cards": {**_counts_json(today.counts), "boosted": today.boosted, "next_due_ms": today.next_due_ms},
        "streak": today.streak,
        "week": list(today.week),
        "next_interview": interview
        and {
            "number": interview.seq,
            "company": interview.company,
            "role": interview.role,
            "held_on": interview.held_on,
            "held_time": interview.held_time,
            "days_until": today.days_until,
        },
        "weak": [{"topic": w.topic, "asked": w.asked, "failed": w.failed, "here": w.here} for w in today.weak],
        "in_progress": _exercise_json(today.in_progress),
        "suggested": _exercise_json(today.suggested),
        "last_interview": last
        and {"number": last.seq, "company": last.company, "open_questions": today.open_questions},
        "suggestions": [
            {
                "action": s.action,
                "cards": s.cards,
                "boosted": s.boosted,
                "exercise": s.exercise and s.exercise.exercise.id,
                "interview": s.interview and s.interview.seq,
            }
            for s in _all(today)
        ],
    }


def _exercise_json(entry: ExerciseToday | None) -> dict[str, Any] | None:
    if entry is None:
        return None
    return {
        "id": entry.exercise.id,
        "progress": entry.progress,
        "cases_failed": entry.cases_failed,
        "cases_total": entry.cases_total,
        "asked_by": entry.asked_by,
    }
