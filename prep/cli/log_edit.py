"""`prep log edit`: an interview in the user's editor; what was typed is never lost, whatever is wrong with it."""

from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from prep.errors import ImportFailed, PrepError, UsageError
from prep.locale import current_language
from prep.locale import gettext as _

if TYPE_CHECKING:
    from prep.interviews.log import InterviewLog


def edit(log: InterviewLog, ref: str, file: Path | None) -> None:
    """Open the interview in the editor, or take `file` for the edited text, and save what changed.

    Raises:
        UsageError: no such interview or file, or no editor.
        ImportFailed: the text cannot be read; it is kept in a file, which the message names.
    """
    from prep.cli.log_files import read_text
    from prep.cli.log_text import summary_line
    from prep.interviews.editing import from_document, merge, to_document

    interview = log.get(ref)
    original = to_document(interview.draft(), current_language())
    before = from_document(original, today=log.today())
    path = file
    text = original
    if file is not None:
        text = read_text(file)
    while True:
        if file is None:
            path = path or _draft_path(interview.id)
            text = _open_editor(path, text)
        try:
            after = from_document(text, today=log.today())
            break
        except ImportFailed as e:
            kept = ImportFailed(e.message, where=path, line=e.line, hint=e.hint)
            if file is not None:
                raise kept from e
            if sys.stdin.isatty() and sys.stdout.isatty():
                click.echo(f"prep: {kept}" + (f"\n  {e.hint}" if e.hint else ""), err=True)
                if click.confirm(_("Open the editor again?"), default=True):
                    continue
            resume = _("`prep log edit {n} --file {path}` goes on with it").format(
                n=interview.seq, path=shlex.quote(str(path))
            )
            kept.hint = _kept_in(path) + "; " + resume
            raise kept from e
    # Read it again: another window may have saved while the editor was open.
    try:
        with log.db.transaction():
            current = log.get(interview.id)
            saved = log.update(interview.id, merge(current.draft(), before, after))
    except PrepError as e:
        if file is None:
            kept_in = _kept_in(path)
            e.hint = f"{e.hint}; {kept_in}" if e.hint else kept_in
        raise
    if file is None and path is not None:
        path.unlink(missing_ok=True)
    if saved.updated_ms == current.updated_ms and saved == current:
        click.echo(_("{n} is unchanged").format(n=saved.seq))
    else:
        click.echo(f"{_('saved {n}:').format(n=saved.seq)} {summary_line(saved)}")


def _kept_in(path: Path | None) -> str:
    return _("your text is kept in {path}").format(path=path)


def _draft_path(interview_id: str) -> Path:
    """A file of its own for each edit: a broken one that was kept is never overwritten by the next."""
    from prep import paths

    folder = paths.ensure_dir(paths.data_dir() / "edits")
    number = 1
    while (path := folder / f"interview-{interview_id[-8:]}{f'-{number}' if number > 1 else ''}.md").exists():
        number += 1
    return path


def _open_editor(path: Path, text: str) -> str:
    """Write `text` to `path`, wait for the editor, and read it again."""
    from prep.cli.log_files import read_text, write_atomically
    from prep.settings import load_settings

    hint = 'set $EDITOR, or editor = "vim" in prep\'s config.toml'
    editor = load_settings().editor
    try:
        command = shlex.split(editor)
    except ValueError as e:
        raise UsageError(f"the editor's command line cannot be read: {editor}", hint=hint) from e
    if not command:
        raise UsageError("no editor was found", hint=hint)
    write_atomically(path, text)
    try:
        status = subprocess.call([*command, str(path)])
    except OSError as e:
        path.unlink(missing_ok=True)
        raise UsageError(f"the editor {command[0]!r} cannot be started: {e.strerror}", hint=hint) from e
    if status:
        edited = _read_quietly(path)
        if edited in (text, None):
            path.unlink(missing_ok=True)
            raise UsageError(f"the editor ended with status {status}; nothing was saved")
        raise UsageError(
            f"the editor ended with status {status}; nothing was saved",
            where=path,
            hint="your text is kept in that file",
        )
    return read_text(path)


def _read_quietly(path: Path) -> str | None:
    from prep.cli.log_files import read_text

    try:
        return read_text(path)
    except PrepError:
        return "" if path.exists() else None
