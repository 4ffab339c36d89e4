"""`prep log import` and `export`: files read and written without losing what they held."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import click

from prep.errors import ImportFailed, UsageError
from prep.locale import current_language
from prep.locale import gettext as _

if TYPE_CHECKING:
    from prep.interviews.log import InterviewLog

_LARGEST = 64 << 20
"""Bytes; a log of ten interviews a day for ten years has 40 MB."""


def import_file(log: InterviewLog, path: Path, year: int | None, *, yes: bool, dry_run: bool = False) -> None:
    """Preview, ask in a terminal, import; a .jsonl file, which is merged by id, at once.

    Raises:
        UsageError: no such file, or a year that is none.
        ImportFailed: the file cannot be read; nothing was written.
    """
    if year is not None and not 1970 <= year <= 2200:
        raise UsageError(f"year {year} is out of range", hint="a year looks like 2026")
    text = read_text(path)
    try:
        if path.suffix.lower() in (".jsonl", ".ndjson"):
            _import_jsonl(log, text)
        else:
            _import_markdown(log, text, path, year, yes=yes, dry_run=dry_run)
    except ImportFailed as e:
        raise ImportFailed(e.message, where=path, line=e.line, hint=e.hint) from e


def _import_jsonl(log: InterviewLog, text: str) -> None:
    from prep.interviews.jsonl import import_jsonl

    merged = import_jsonl(text, log)
    click.echo(_done(merged.added, merged.updated, merged.already_present))


def _import_markdown(log: InterviewLog, text: str, path: Path, year: int | None, *, yes: bool, dry_run: bool) -> None:
    from prep.cli.log_text import preview_lines
    from prep.interviews.markdown import apply, import_markdown

    existing = log.all("entered", deleted=True)
    preview = import_markdown(text, today=log.today(), year=year, existing=existing)
    click.echo("\n".join(preview_lines(preview, str(path))))
    new, changed = len(preview.new), len(preview.changed)
    if not new and not changed:
        click.echo(_("nothing to import"))
        return
    if dry_run:
        click.echo(_("nothing was written: --dry-run"))
        return
    # Where nobody can answer it goes on: rows are only added, and an import that is repeated adds nothing.
    asks = not yes and sys.stdin.isatty() and sys.stdout.isatty()
    question = _("Import {new} new and {changed} changed rows?").format(new=new, changed=changed)
    if asks and not click.confirm("\n" + question, default=False):
        raise SystemExit(1)
    done = apply(preview, log)
    click.echo(_done(len(done.added), len(done.updated), done.already_present))


def _done(added: int, updated: int, present: int) -> str:
    return _("imported {added}, updated {updated}, already there {present}").format(
        added=added, updated=updated, present=present
    )


def read_text(path: Path) -> str:
    """The text of a file that a person names.

    Raises:
        UsageError: there is no such file, it is a folder, or it may not be read.
        ImportFailed: it is not text in UTF-8.
    """
    try:
        if path.is_dir():
            raise UsageError("a folder, not a file", where=path, hint="name a .md or .jsonl file in it")
        with path.open("rb") as file:
            data = file.read(_LARGEST + 1)
    except FileNotFoundError as e:
        raise UsageError("no such file", where=path) from e
    except OSError as e:
        raise UsageError(f"cannot be read: {e.strerror}", where=path) from e
    if len(data) > _LARGEST:
        raise ImportFailed(f"larger than {_LARGEST >> 20} MB: no interview log", where=path)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as e:
        line = data[: e.start].count(b"\n") + 1
        hint = "is it a Markdown file?"
        if b"\0" not in data:
            try:
                data.decode("gb18030")
                hint = f"it looks like GB 18030: iconv -f GB18030 -t UTF-8 {path} > utf8{path.suffix}"
            except UnicodeDecodeError:
                hint = "save it as UTF-8"
        elif data[:2] in (b"\xff\xfe", b"\xfe\xff"):
            hint = f"it is UTF-16: iconv -f UTF-16 -t UTF-8 {path} > utf8{path.suffix}"
        raise ImportFailed("not text in UTF-8", where=path, line=line, hint=hint) from e
    if "\0" in text:
        raise ImportFailed("not a text file", where=path, line=text[: text.index("\0")].count("\n") + 1)
    return text


def export_file(log: InterviewLog, path: Path | None, format_: str | None, *, redact: bool, force: bool) -> None:
    """Write the log to `path`, or to stdout.

    Raises:
        UsageError: an unknown format, or a file that is there already or cannot be written.
    """
    from prep.interviews.jsonl import export_jsonl
    from prep.interviews.markdown import export_markdown
    from prep.interviews.redact import Redactor

    suffix = path.suffix.lower().removeprefix(".") if path is not None else ""
    chosen = (
        format_.lower() if format_ is not None else {"ndjson": "jsonl", "markdown": "md"}.get(suffix, suffix or "md")
    )
    if chosen not in ("md", "jsonl"):
        raise UsageError(f"format {chosen!r} is unknown", hint="--format md or --format jsonl")
    interviews = log.all("entered")
    if chosen == "jsonl":
        text = export_jsonl(log, redact=redact)
    else:
        if redact:
            redactor = Redactor(log.rows.companies(), log.all("entered", deleted=True))
            interviews = [redactor.interview(i) for i in interviews]
        text = export_markdown(interviews, lang=current_language())
    if path is None or str(path) == "-":
        click.echo(text, nl=False)
        return
    if path.exists() and not force:
        # A person's notes.md holds more than the table that came from it.
        raise UsageError("the file is there already", where=path, hint="name another one, or --force replaces it")
    write_atomically(path, text)
    click.echo(_("{path}: {n} interviews").format(path=path, n=len(interviews)))


def write_atomically(path: Path, text: str) -> None:
    """Write a whole file or nothing of it.

    Raises:
        UsageError: it cannot be written; what was there is untouched.
    """
    temporary: str | None = None
    try:
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:40]}.")
        with os.fdopen(handle, "wb") as file:
            file.write(text.encode("utf-8"))
            file.flush()
            os.fsync(file.fileno())
        mode = path.stat().st_mode & 0o777 if path.exists() else 0o666 & ~_umask()
        os.chmod(temporary, mode)
        os.replace(temporary, path)
    except OSError as e:
        if temporary is not None and os.path.exists(temporary):
            os.unlink(temporary)
        raise UsageError(f"cannot be written: {e.strerror}", where=path) from e


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
