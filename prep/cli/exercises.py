"""`prep list | show | start | hint | solution`: the exercises, up to where the judge takes over."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from prep.exercises.spec import Exercise
    from prep.store.attempts import Progress

_HEADS = {
    "en": ("ID", "TITLE", "LEVEL", "TRACK", "MIN", "PROGRESS"),
    "zh": ("ID", "标题", "级别", "方向", "分钟", "进度"),
}
_WORDS = {
    "en": {
        "new": "new",
        "started": "started",
        "failing": "failing",
        "passed": "passed",
        "already": "it was there already and is unchanged; `prep start {id} --force` starts over and keeps a backup",
        "backup": "your earlier file is kept as {path}",
        "same": "it still is the starter",
        "next": "next: edit it, then `prep grade {id}`; the task: `prep show {id}`; a nudge: `prep hint {id}`",
        "hint": "hint {number} of {total}",
        "more": "the next one: `prep hint {id}`",
        "last": "that was the last; `prep solution {id}` shows the solution",
        "ask": "You have not passed {id} yet. Show the solution all the same?",
        "none": "no exercise has the track '{track}'",
    },
    "zh": {
        "new": "未开始",
        "started": "已开始",
        "failing": "未通过",
        "passed": "已通过",
        "already": "文件已存在，未改动；`prep start {id} --force` 会重新开始，并保留备份",
        "backup": "之前的文件保存为 {path}",
        "same": "它仍是初始文件",
        "next": "下一步：编辑它，然后 `prep grade {id}`；题目：`prep show {id}`；提示：`prep hint {id}`",
        "hint": "提示 {number}/{total}",
        "more": "下一条：`prep hint {id}`",
        "last": "这是最后一条；`prep solution {id}` 显示题解",
        "ask": "{id} 还没有通过，仍要看题解吗？",
        "none": "没有方向为 '{track}' 的题目",
    },
}
_TRACKS_ZH = {"reductions": "归约", "layout": "布局", "matmul": "矩阵乘", "attention": "注意力"}

_lang_option = click.option("--lang", type=click.Choice(["en", "zh"]), help="Language; by default as configured.")


def _language(lang: str | None) -> str:
    if lang is not None:
        return lang
    from prep.settings import load_settings

    return load_settings().lang


def _say(lang: str, key: str, **values: object) -> str:
    return _WORDS[lang][key].format(**values)


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
        raise UsageError(_say(lang, "none", track=track), hint=f"the tracks are {', '.join(TRACKS)}")
    exercises = [e for e in load_exercises().values() if track in (None, e.track)]
    progress = _progress(exercises)
    if as_json:
        click.echo(json.dumps([_as_json(e, progress[e.id]) for e in exercises], ensure_ascii=False, indent=2))
        return
    rows: list[Sequence[str]] = [_HEADS[lang]]
    for e in exercises:
        track_name = _TRACKS_ZH.get(e.track, e.track) if lang == "zh" else e.track
        done = _say(lang, progress[e.id])
        rows.append((e.id, e.title[lang], str(e.level), track_name, str(e.minutes), done))
    for line in _table(rows):
        click.echo(line)


def _table(rows: Sequence[Sequence[str]]) -> list[str]:
    from prep.cli.cells import pad, width

    widths = [max(width(row[column]) for row in rows) for column in range(len(rows[0]))]
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

    click.echo(statement(load_exercise(exercise_id), _language(lang)).rstrip())


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
    lang = _language(None)
    started = Workspace().put(exercise, force)
    if started.created:
        with Database.open() as db:
            Attempts(db).event(exercise.id, "reset" if started.backup else "started")
    # The path alone on stdout: `$EDITOR $(prep start softmax)`.
    click.echo(str(started.path))
    if started.backup:
        click.echo(_say(lang, "backup", path=started.backup), err=True)
    elif not started.created:
        click.echo(_say(lang, "same" if force else "already", id=exercise.id), err=True)
    click.echo(_say(lang, "next", id=exercise.id), err=True)


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
    click.echo(hint.text)
    click.echo("", err=True)
    more = _say(lang, "last" if hint.last else "more", id=exercise.id)
    click.echo(f"{_say(lang, 'hint', number=hint.number, total=hint.total)}; {more}", err=True)


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
            if not click.confirm(_say(lang, "ask", id=exercise.id), err=True):
                return
        text, code = explanation(exercise, lang), solution(exercise)
        attempts.event(exercise.id, "solution")
    click.echo(text.rstrip())
    click.echo()
    click.echo(f"```python\n{code.rstrip()}\n```")
