"""`prep grade`: judge a submission; a verdict for a person, or as JSON."""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from prep.cli.attempts import Records

if TYPE_CHECKING:
    from prep.exercises.spec import Exercise


@click.command("grade")
@click.argument("exercise_id", metavar="ID")
@click.option("--file", "file", type=click.Path(path_type=Path), help="Your file; the workspace's by default.")
@click.option("--device", type=click.Choice(["auto", "cpu", "cuda"]), default="auto", show_default=True)
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout.")
@click.option("--lang", type=click.Choice(["en", "zh"]), help="Language of the report.")
@click.option("--watch", is_flag=True, help="Grade again whenever the file is saved; ? lists the keys.")
@click.option(
    "--untrusted",
    is_flag=True,
    help="Somebody else's file: refuse (exit 3) as root, and where isolation level L2 (bubblewrap) does not work.",
)
def grade_command(
    exercise_id: str, file: Path | None, device: str, as_json: bool, lang: str | None, watch: bool, untrusted: bool
) -> None:
    """Judge your file for an exercise.

    Exit status: 0 passed, 1 not passed, 2 the call was wrong, 3 the grader could not run. With --watch, leaving by q
    gives that of the last verdict, and a signal 128 and its number (Ctrl-C: 130).
    """
    from prep.exercises.load import load_exercise
    from prep.exercises.workspace import Workspace
    from prep.grading.client import grade
    from prep.grading.report import verdict_text
    from prep.settings import load_settings

    exercise = load_exercise(exercise_id)
    path = file if file is not None else Workspace().file(exercise.id)
    if watch and untrusted:
        raise click.UsageError("--untrusted judges a file once: not with --watch")
    if watch:
        sys.exit(_watch(exercise, path, lang or load_settings().lang, device, as_json))
    progress = _Progress(shown=not as_json and sys.stderr.isatty())
    verdict: dict[str, Any] = {}
    for event in grade(exercise.id, path, device, untrusted=untrusted):
        progress.show(event)
        verdict = event.get("verdict", verdict)
    progress.clear()
    if as_json:
        click.echo(json.dumps(verdict, ensure_ascii=False))
    else:
        click.echo(verdict_text(verdict, lang or load_settings().lang, _width()))
    try:
        Records().attempt(verdict, hashlib.sha256(path.read_bytes()).hexdigest())
    except OSError as e:
        click.echo(f"prep: this attempt was not recorded: {e}", err=True)
    sys.exit(0 if verdict["passed"] else 1)


def _watch(exercise: Exercise, path: Path, lang: str, device: str, as_json: bool) -> int:
    import asyncio

    from prep.cli.terminal import has_terminal
    from prep.cli.watch import Watch
    from prep.grading.client import read_submission, require_grader
    from prep.locale import set_language

    set_language(lang)
    require_grader(device)
    read_submission(path)  # a file that is missing now is a wrong call; later it is only waited for
    interactive = has_terminal() and not as_json
    watch = Watch(exercise, path, lang, device=device, interactive=interactive, as_json=as_json)
    return asyncio.run(watch.run())


def _width() -> int:
    """Of the picture in the report: the terminal's, and in a file or pipe that of a usual one."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else 80


class _Progress:
    """One line on stderr that says what runs now."""

    def __init__(self, shown: bool) -> None:
        self.shown = shown
        if shown:
            click.echo("loading torch and triton ...", err=True, nl=False)

    def show(self, event: dict[str, Any]) -> None:
        if not self.shown:
            return
        if event["event"] == "stage":
            self._line(f"{event['name']}: {event['status']}")
        elif event["event"] == "case":
            self._line(f"cpu: case {event['index'] + 1} of {event['total']}")

    def _line(self, text: str) -> None:
        click.echo(f"\r\x1b[K{text}", err=True, nl=False)

    def clear(self) -> None:
        if self.shown:
            click.echo("\r\x1b[K", err=True, nl=False)
