"""`prep list | show | start | hint | solution`: the exercises, up to where the judge takes over."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from prep.locale import N_, set_language
from prep.locale import gettext as _

if TYPE_CHECKING:
    from prep.exercises.spec import Exercise
    from prep.store.attempts import Progress

_PROGRESS: dict[str, str] = {
    "new": N_("not started"),
    "started": N_("started"),
    "failing": N_("failing"),
    "passed": N_("passed"),
}
_TRACKS: dict[str, str] = {
    "reductions": N_("reductions"),
    "layout": N_("layout"),
    "matmul": N_("matrix product"),
    "attention": N_("attention"),
}

_lang_option = click.option("--lang", type=click.Choice(["en", "zh"]), help="Language; by default as configured.")


def _language(lang: str | None) -> str:
    """The language to show things in, `lang` or the configured one; messages follow it from here on."""
    if lang is None:
        from prep.settings import load_settings

        lang = load_settings().lang
    set_language(lang)
    return lang


def _print(markdown: str) -> None:
    """Rendered in a terminal, as it is into a file or a pipe."""
    if sys.stdout.isatty():
        import shutil

        from prep.cards.text import render

        # Lines of more than 100 cells are hard to read, however wide the terminal is.
        markdown = render(markdown, min(shutil.get_terminal_size().columns, 100))
    click.echo(markdown.rstrip())


@click.command("list")
@click.option("--track", metavar="TRACK", help="Only this track: reductions, layout, matmul or attention.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list.")
def list_command(track: str | None, as_json: bool) -> None:
    """List the exercises and how far you are."""
    from prep.errors import UsageError
    from prep.exercises.load import load_exercises
    from prep.exercises.spec import TRACKS

    lang = _language(None)
    if track is not None and track not in TRACKS:
        raise UsageError(f"no exercise has the track '{track}'", hint=f"the tracks are {', '.join(TRACKS)}")
    exercises = [e for e in load_exercises().values() if track in (None, e.track)]
    progress = _progress(exercises)
    if as_json:
        click.echo(json.dumps([_as_json(e, progress[e.id]) for e in exercises], ensure_ascii=False, indent=2))
        return
    rows: list[Sequence[str]] = [(_("ID"), _("TITLE"), _("LEVEL"), _("TRACK"), _("MINUTES"), _("PROGRESS"))]
    for e in exercises:
        done = _(_PROGRESS[progress[e.id]])
        rows.append((e.id, e.title[lang], str(e.level), _(_TRACKS[e.track]), str(e.minutes), done))
    for line in _table(rows):
        click.echo(line)


def _table(rows: Sequence[Sequence[str]]) -> list[str]:
    from prep.cells import cell_width, pad

    widths = [max(cell_width(row[column]) for row in rows) for column in range(len(rows[0]))]
    return ["  ".join(pad(cell, cells) for cell, cells in zip(row, widths, strict=True)).rstrip() for row in rows]


def _progress(exercises: Sequence[Exercise]) -> dict[str, Progress]:
    from prep.exercises.workspace import Workspace
    from prep.store.attempts import Attempts
    from prep.store.database import Database

    workspace = Workspace()
    # Read-only: looking at the list must not need a home that can be written.
    with Database.open(readonly=True) as db:
        known = Attempts(db).progress_of_all()
    # A file without an event was put there by hand: it is a start all the same.
    return {e.id: known.get(e.id, "started" if workspace.has(e.id) else "new") for e in exercises}


def _as_json(exercise: Exercise, progress: Progress) -> dict[str, Any]:
    from prep.exercises.workspace import Workspace

    workspace = Workspace()
    return {
        "id": exercise.id,
        "title": dict(exercise.title),
        "level": exercise.level,
        "track": exercise.track,
        "kind": exercise.kind,
        "tags": list(exercise.tags),
        "cards": list(exercise.cards),
        "minutes": exercise.minutes,
        "progress": progress,
        "file": str(workspace.file(exercise.id)) if workspace.has(exercise.id) else None,
    }


@click.command("show")
@click.argument("exercise_id", metavar="ID")
@_lang_option
def show_command(exercise_id: str, lang: str | None) -> None:
    """Print an exercise's task."""
    from prep.exercises.load import load_exercise
    from prep.exercises.statement import statement

    exercise = load_exercise(exercise_id)
    _print(statement(exercise, _language(lang)))
    if exercise.cards:
        # On stderr: the statement alone can be redirected into a file.
        click.echo(_("cards: {ids}").format(ids=", ".join(exercise.cards)), err=True)


@click.command("start")
@click.argument("exercise_id", metavar="ID")
@click.option("--force", is_flag=True, help="Start over; your file is kept under a dated name.")
def start_command(exercise_id: str, force: bool) -> None:
    """Put an exercise's starter file into your workspace."""
    from prep.exercises.load import load_exercise
    from prep.exercises.workspace import Workspace
    from prep.store.attempts import Attempts
    from prep.store.database import Database

    exercise = load_exercise(exercise_id)
    _language(None)
    started = Workspace().put(exercise, force)
    if started.created:
        with Database.open() as db:
            Attempts(db).event(exercise.id, "reset" if started.backup else "started")
    # The path alone on stdout: `$EDITOR $(prep start softmax)`.
    click.echo(str(started.path))
    if started.backup:
        click.echo(_("your earlier file is kept as {path}").format(path=started.backup), err=True)
    elif not started.created and force:
        click.echo(_("it still is the starter, so there is nothing to start over"), err=True)
    elif not started.created:
        already = _("it was there already and is unchanged; `prep start {id} --force` starts over and keeps a backup")
        click.echo(already.format(id=exercise.id), err=True)
    following = _("next: edit it, then `prep grade {id}`; the task: `prep show {id}`; a nudge: `prep hint {id}`")
    click.echo(following.format(id=exercise.id), err=True)


@click.command("hint")
@click.argument("exercise_id", metavar="ID")
@click.option("-n", "number", type=int, help="This hint, if the ones before it were seen.")
@_lang_option
def hint_command(exercise_id: str, number: int | None, lang: str | None) -> None:
    """Show the next hint."""
    from prep.exercises.hints import show_hint
    from prep.exercises.load import load_exercise
    from prep.store.attempts import Attempts
    from prep.store.database import Database

    exercise = load_exercise(exercise_id)
    lang = _language(lang)
    with Database.open() as db:
        hint = show_hint(exercise, lang, Attempts(db), number)
    _print(hint.text)
    click.echo("", err=True)
    if hint.last:
        more = _("hint {number} of {total}, the last; `prep solution {id}` shows the solution")
    else:
        more = _("hint {number} of {total}; the next one: `prep hint {id}`")
    click.echo(more.format(number=hint.number, total=hint.total, id=exercise.id), err=True)


@click.command("solution")
@click.argument("exercise_id", metavar="ID")
@click.option("--yes", is_flag=True, help="Do not ask, even before you have passed.")
@_lang_option
def solution_command(exercise_id: str, yes: bool, lang: str | None) -> None:
    """Show the reference solution and its explanation."""
    from prep.errors import UsageError
    from prep.exercises.load import load_exercise
    from prep.exercises.statement import explanation, solution
    from prep.store.attempts import Attempts
    from prep.store.database import Database

    exercise = load_exercise(exercise_id)
    lang = _language(lang)
    with Database.open() as db:
        attempts = Attempts(db)
        if not yes and attempts.progress(exercise.id) != "passed":
            if not sys.stdin.isatty():
                raise UsageError(
                    f"{exercise.id} is not passed yet", hint=f"pass it first, or `prep solution {exercise.id} --yes`"
                )
            if not click.confirm(
                _("You have not passed {id} yet. Show the solution all the same?").format(id=exercise.id), err=True
            ):
                return
        text, code = explanation(exercise, lang), solution(exercise)
        attempts.event(exercise.id, "solution")
    _print(text)
    click.echo()
    # As it stands, so that it can be copied; fenced where the whole is Markdown.
    click.echo(code.rstrip() if sys.stdout.isatty() else f"```python\n{code.rstrip()}\n```")
