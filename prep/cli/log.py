"""`prep log`: the interview log on the command line."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from prep.locale import gettext as _
from prep.locale import set_language

if TYPE_CHECKING:
    from prep.interviews.log import InterviewLog
    from prep.interviews.model import Interview, InterviewDraft

_ADD_EXAMPLE = (
    'for example: prep log add --company Meituan --round 1 --kind coding --feeling 3 -q "PagedAttention? :: failed"'
)


@click.group("log", invoke_without_command=True, short_help="The interview log.")
@click.pass_context
def log_command(ctx: click.Context) -> None:
    """The interview log. Without a command: the app's log, or the list where there is no terminal."""
    if ctx.invoked_subcommand is None:
        if _in_terminal():
            _run_app()
        else:
            ctx.invoke(list_command)


@log_command.command("add")
@click.option("--company", help="Who you talked to; all that is needed.")
@click.option("--role", help="The position.")
@click.option("--location", help="Where it is.")
@click.option(
    "--date", "date_text", help="When, as you would write it: 5/19 20:00, tomorrow, Thu 15:00. Default: today."
)
@click.option("--time", "time_text", help="19:00, 7pm, 晚上7点.")
@click.option("--round", "round_no", metavar="N|KIND", help="Which round it was; a kind of round does as well.")
@click.option(
    "--kind", "round_kind", help="phone, coding, kernel, system, ml, behavioural, hm, onsite, hr, take-home, mock."
)
@click.option("--format", "format_", help="Video, phone, on site, ...")
@click.option("--minutes", metavar="N", help="How long it took.")
@click.option("--interviewers", help="Who asked.")
@click.option("--feeling", metavar="1-5", help="How it felt, before you know the result: 1 bad, 5 good.")
@click.option("--felt", "feeling_text", help="The same in words.")
@click.option("--result", help="pending, pass, fail, ghosted, withdrawn, offer; or your own word for one of them.")
@click.option("--notes", help="Markdown.")
@click.option(
    "-q",
    "--question",
    "questions",
    multiple=True,
    metavar='"TEXT :: OUTCOME"',
    help="A question, and how it went: nailed, partial, failed, not_reached. May be given again.",
)
def add_command(**options: Any) -> None:
    """Log an interview. Without options: the app's form."""
    from prep.cli.log_text import summary_line
    from prep.errors import UsageError

    if not any(value for value in options.values()):
        if _in_terminal():
            _run_app("log_form")
            return
        raise UsageError("an interview needs a company", hint=_ADD_EXAMPLE)
    if not (options["company"] or "").strip():
        raise UsageError("an interview needs a company", hint=_ADD_EXAMPLE)
    with _open_log() as log:
        interview = log.get(log.add(_draft(options, log)))
        ahead = log.is_upcoming(interview)
        head = _("logged as {n}:").format(n=interview.seq)
        click.echo(f"{head} {summary_line(interview, ahead=ahead)}")


@log_command.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option("--all", "with_deleted", is_flag=True, help="Deleted interviews too.")
def list_command(as_json: bool = False, with_deleted: bool = False) -> None:
    """All interviews: those to come, marked with >, then the latest first."""
    from prep.cli import log_text

    with _open_log(readonly=True) as log:
        ahead = [i for i in log.all("oldest") if log.is_upcoming(i)]
        rest = [i for i in log.all("newest", deleted=with_deleted) if not log.is_upcoming(i)]
        listed = [(i, True) for i in ahead] + [(i, False) for i in rest]
        if as_json:
            interviews = [log_text.as_json(i, ahead=a) for i, a in listed]
            click.echo(json.dumps({"schema": 1, "interviews": interviews}, ensure_ascii=False))
        elif not listed:
            click.echo(_("no interviews yet; `prep log add --company NAME` logs one"))
        else:
            click.echo("\n".join(log_text.list_table(listed, _width())))


@log_command.command("show")
@click.argument("ref", metavar="ID")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def show_command(ref: str, as_json: bool) -> None:
    """Everything about an interview, with the cards that its questions belong to. ID: its number in the list."""
    from prep.cli import log_text

    with _open_log(readonly=True) as log:
        interview = log.get(ref)
        ahead = log.is_upcoming(interview)
        if as_json:
            record = {"schema": 1, **log_text.as_json(interview, ahead=ahead)}
            click.echo(json.dumps(record, ensure_ascii=False))
            return
        lines = log_text.show_lines(
            interview, ahead=ahead, status=log.application(interview).status, history=log.history(interview),
            matches=_matches(interview),
        )  # fmt: skip
        click.echo("\n".join(lines))


@log_command.command("edit")
@click.argument("ref", metavar="ID")
@click.option("--file", "file", type=click.Path(path_type=Path), help="Take the edited text from here; no editor.")
def edit_command(ref: str, file: Path | None) -> None:
    """Open an interview in your editor, as Markdown under its fields."""
    from prep.cli.log_edit import edit

    with _open_log() as log:
        edit(log, ref, file)


@log_command.command("result")
@click.argument("ref", metavar="ID")
@click.argument("result")
@click.option("--on", "on_text", metavar="DATE", help="The day it came; by default today.")
def result_command(ref: str, result: str, on_text: str | None) -> None:
    """Record what came of an interview: pass, fail, ghosted, withdrawn, offer, pending, or your own word for it."""
    from prep.cli.log_text import day, summary_line
    from prep.errors import UsageError

    known, own = _result(result)
    with _open_log() as log:
        on = day(on_text, log.today()) if on_text is not None else None
        if on_text is not None and on is None:
            raise UsageError(f"date {on_text!r} is not a date", hint="a date looks like 2026-05-19, 5/19 or yesterday")
        interview = log.set_result(ref, known, on, own)
        click.echo(f"{_('saved {n}:').format(n=interview.seq)} {summary_line(interview)}")


@log_command.command("delete")
@click.argument("ref", metavar="ID")
def delete_command(ref: str) -> None:
    """Take an interview out of every list; undelete brings it back."""
    from prep.cli.log_text import summary_line

    with _open_log() as log:
        interview = log.delete(ref)
        click.echo(f"{_('deleted')}: #{interview.seq} {summary_line(interview)}")
        click.echo(_("`prep log undelete {n}` brings it back").format(n=interview.seq), err=True)


@log_command.command("undelete")
@click.argument("ref", metavar="ID")
def undelete_command(ref: str) -> None:
    """Bring a deleted interview back."""
    from prep.cli.log_text import summary_line

    with _open_log() as log:
        interview = log.undelete(ref)
        click.echo(f"{_('saved {n}:').format(n=interview.seq)} {summary_line(interview)}")


@log_command.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--year", metavar="YEAR", help="Of the first date that names none; by default the latest that makes sense."
)
@click.option("--yes", is_flag=True, help="Import without asking; without a terminal nobody is asked.")
@click.option("--dry-run", is_flag=True, help="Preview a Markdown table only.")
def import_command(file: Path, year: str | None, yes: bool, dry_run: bool) -> None:
    """Import the interview table of a Markdown FILE after a preview, or a .jsonl export. Twice adds nothing twice."""
    from prep.cli.log_files import import_file

    with _open_log() as log:
        import_file(log, file, _whole("year", year), yes=yes, dry_run=dry_run)


@log_command.command("export")
@click.argument("file", type=click.Path(path_type=Path), required=False)
@click.option("--format", "format_", help="md: the table; jsonl: an exact copy. By default as FILE is called, else md.")
@click.option("--redact", is_flag=True, help="Without the names of companies and interviewers.")
@click.option("--force", is_flag=True, help="Replace FILE if it is there.")
def export_command(file: Path | None, format_: str | None, redact: bool, force: bool) -> None:
    """Write the log to FILE, or to the terminal."""
    from prep.cli.log_files import export_file

    with _open_log(readonly=True) as log:
        export_file(log, file, format_, redact=redact, force=force)


@contextmanager
def _open_log(*, readonly: bool = False) -> Iterator[InterviewLog]:
    """The log, in the language of the settings."""
    from prep.clock import now
    from prep.interviews.log import InterviewLog
    from prep.settings import load_settings
    from prep.store.database import Database

    set_language(load_settings().lang)
    with Database.open(readonly=readonly) as db:
        yield InterviewLog(db, now)


def _in_terminal() -> bool:
    return sys.stdin.isatty() and sys.stdout.isatty()


def _run_app(screen: str = "log") -> None:
    from prep.tui.app import run_app

    run_app(screen)


def _width() -> int | None:
    """The terminal's width; None where the list goes into a file or a pipe, which have none."""
    if sys.stdout.isatty() or os.environ.get("COLUMNS", "").isdigit():
        return shutil.get_terminal_size().columns
    return None


def _draft(options: dict[str, Any], log: InterviewLog) -> InterviewDraft:
    from prep.errors import UsageError
    from prep.interviews.dates import parse_when
    from prep.interviews.editing import parse_question
    from prep.interviews.model import ROUND_KINDS, InterviewDraft

    today = log.today()
    date_text = (options["date_text"] or "").strip()
    when = parse_when(date_text or today.isoformat(), year=today.year, today=today)
    if when.held_on is None or when.rest or when.problems:
        problem = f": {when.problems[0]}" if when.problems and when.held_on is not None else ""
        raise UsageError(
            f"date {date_text!r} is not a date{problem}",
            hint="a date looks like 2026-05-19 20:00, 5/19, tomorrow or Thu 15:00",
        )
    held_time = when.held_time
    if options["time_text"] is not None:
        time = parse_when(options["time_text"], year=today.year)
        if time.held_time is None or time.held_on is not None or time.rest:
            raise UsageError(f"time {options['time_text']!r} is not a time", hint="a time looks like 19:00 or 7pm")
        held_time = time.held_time
    result, own = _result(options["result"]) if options["result"] is not None else ("pending", None)
    round_no, round_kind = options["round_no"] or "", options["round_kind"] or ""
    if not round_kind and round_no.strip().lower() in ROUND_KINDS:  # --round coding, as people say it
        round_no, round_kind = "", round_no.strip()
    return InterviewDraft(
        company=options["company"],
        role=options["role"],
        location=options["location"],
        held_on=when.held_on,
        held_time=held_time,
        round_no=_whole("round", round_no or None),
        round_kind=round_kind.lower() or None,
        format=options["format_"],
        minutes=_whole("minutes", options["minutes"]) if options["minutes"] is not None else when.minutes,
        interviewers=options["interviewers"],
        feeling=_whole("feeling", options["feeling"]),
        feeling_text=options["feeling_text"],
        result=result,
        result_text=own,
        notes_md=options["notes"],
        questions=[parse_question(line) for line in options["questions"]],
    )


def _result(word: str) -> tuple[str, str | None]:
    """(result, the person's own word): `挂` means fail and stays 挂."""
    from prep.errors import UsageError
    from prep.interviews.model import RESULTS
    from prep.interviews.results import parse_result

    if word.lower() in RESULTS:
        return word.lower(), None
    known = parse_result(word) if word.strip() else None
    if known is None:
        raise UsageError(f"result {word!r} is unknown", hint="one of: " + ", ".join(RESULTS))
    return known, word


def _whole(name: str, text: str | None) -> int | None:
    from prep.errors import UsageError

    if text is None:
        return None
    stripped = text.strip()
    if not stripped.isascii() or not stripped.removeprefix("-").isdigit() or len(stripped) > 9:
        raise UsageError(f"{name} {text!r} is not a whole number")
    return int(stripped)


def _matches(interview: Interview) -> list[tuple[Any, str | None]]:
    """For each question the cards and the exercise it belongs to; a broken card or exercise costs its matches only."""
    if not interview.questions:
        return []
    from prep.cards.library import Library
    from prep.errors import PrepError
    from prep.exercises.load import load_exercises
    from prep.interviews.match import match_cards, match_exercise

    library = Library.load()
    try:
        exercises = load_exercises()
    except PrepError:
        exercises = {}
    return [(match_cards(q.text_md, library), match_exercise(q.text_md, exercises)) for q in interview.questions]
