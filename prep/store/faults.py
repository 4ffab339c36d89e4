"""SQLite's errors, told to a person in one line."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from prep.errors import DatabaseLocked, HomeNotWritable, StoreError

LOCKED = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
_NOT_WRITABLE = {sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM}
_BROKEN = {sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT}


def translate(error: sqlite3.Error, path: Path) -> Exception:
    """The PrepError that tells `error` to a person, or `error` itself where the fault is a bug of ours."""
    code = getattr(error, "sqlite_errorcode", None)
    if code is None:
        return error
    primary = code & 0xFF  # an extended code keeps its primary code in the low byte
    if primary in LOCKED:
        return DatabaseLocked(
            "another process is writing to the database and did not finish",
            where=path,
            hint="close the other prep (or the tool that has the file open), then try again; nothing was lost",
        )
    if primary == sqlite3.SQLITE_FULL:
        return HomeNotWritable("the disk is full", where=path, hint="free some space; nothing was lost but this change")
    if primary in _NOT_WRITABLE:
        return not_writable(path)
    if primary == sqlite3.SQLITE_IOERR:
        return HomeNotWritable(
            f"the disk reported an error ({getattr(error, 'sqlite_errorname', 'SQLITE_IOERR')})",
            where=path,
            hint="check the disk's free space and health; network file systems that lack locks do not work",
        )
    if primary in _BROKEN:
        return StoreError(
            "not a database, or a damaged one",
            where=path,
            hint=f"move it away, then copy the newest file of {path.parent / 'backups'} here under its name",
        )
    return error


@contextlib.contextmanager
def translated(path: Path) -> Iterator[None]:
    """Within it, sqlite3's errors become StoreErrors."""
    try:
        yield
    except sqlite3.Error as e:
        mapped = translate(e, path)
        if mapped is e:
            raise
        raise mapped from e


def not_writable(path: Path) -> HomeNotWritable:
    """What a writer in a read-only home is told."""
    return HomeNotWritable(
        "the database cannot be written", where=path, hint="make it writable, or set PREP_HOME to a folder that is"
    )
