"""Rotating copies of the database: daily, by hand, and before each migration."""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import sqlite3
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from prep import paths
from prep.errors import HomeNotWritable

# Anki's scheme, which its users have lived with for years.
DAILY, WEEKLY, MONTHLY = 12, 10, 9
MIN_GAP = timedelta(minutes=30)
KEEP_ALL_FOR = timedelta(days=2)
BEFORE_MIGRATION = 5

_NAME = re.compile(r"prep-(\d{8}T\d{6})Z(?:-v(\d+))?\.db")


@dataclass(frozen=True, slots=True, order=True)
class Backup:
    """A copy of the database; `before_version` is the schema it has, when it was made before a migration."""

    made: datetime
    path: Path
    before_version: int | None = None


def backups(database: Path) -> list[Backup]:
    """The copies of `database`, newest first."""
    folder = database.parent / "backups"
    found = []
    with contextlib.suppress(OSError):
        for entry in os.scandir(folder):
            match = _NAME.fullmatch(entry.name)
            if match:
                made = datetime.strptime(match[1], "%Y%m%dT%H%M%S").replace(tzinfo=UTC)
                found.append(Backup(made, Path(entry.path), int(match[2]) if match[2] else None))
    return sorted(found, reverse=True)


def back_up(database: Path, *, now: datetime | None = None, before_version: int | None = None) -> Path:
    """Copy the database as it is at this moment, even while others write, and drop copies that the rotation gives up.

    Args:
        before_version: the schema that a migration is about to leave; such a copy lets an older prep be returned to.

    Raises:
        HomeNotWritable: no room, or no permission.
        StoreError: the database cannot be read.
    """
    from prep.store.database import BUSY_TIMEOUT_MS
    from prep.store.faults import translated

    now = datetime.now(UTC) if now is None else now
    folder = paths.ensure_dir(database.parent / "backups")
    suffix = f"-v{before_version}" if before_version is not None else ""
    target = folder / f"prep-{now:%Y%m%dT%H%M%S}Z{suffix}.db"
    draft = folder / f".{target.name}.{secrets.token_hex(4)}"
    try:
        with translated(database), contextlib.closing(_reader(database, BUSY_TIMEOUT_MS)) as connection:
            draft.unlink(missing_ok=True)
            connection.execute("VACUUM INTO ?", (str(draft),))
        _sync(draft)  # VACUUM INTO does not: a power cut after the rename must not leave an empty copy
        os.replace(draft, target)
        _sync(folder)
    except OSError as e:
        raise HomeNotWritable(f"cannot write the backup: {e.strerror}", where=target, hint="free some space") from e
    finally:
        with contextlib.suppress(OSError):
            draft.unlink(missing_ok=True)
    rotate(database, now)
    return target


def _reader(database: Path, timeout_ms: int) -> sqlite3.Connection:
    return sqlite3.connect(database.as_uri() + "?mode=rw", uri=True, timeout=timeout_ms / 1000, isolation_level=None)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def back_up_if_due(database: Path, *, now: datetime | None = None) -> Path | None:
    """The day's copy, unless there is one of today or of the last half hour."""
    now = datetime.now(UTC) if now is None else now
    newest = next((b.made for b in backups(database) if b.before_version is None), None)
    if newest is not None and (newest.astimezone().date() == now.astimezone().date() or abs(now - newest) < MIN_GAP):
        return None
    return back_up(database, now=now)


def to_keep(made: Iterable[datetime], now: datetime) -> set[datetime]:
    """Which of the copies stay: all of two days, then the newest of each of 12 days, 10 weeks and 9 months."""
    newest_first = sorted(made, reverse=True)
    keep = {m for m in newest_first if now - m < KEEP_ALL_FOR}
    for limit, period in ((DAILY, "%Y-%m-%d"), (WEEKLY, "%G-%V"), (MONTHLY, "%Y-%m")):
        seen: set[str] = set()
        for m in newest_first:
            key = m.astimezone().strftime(period)
            if key not in seen and len(seen) < limit:
                seen.add(key)
                keep.add(m)
    return keep


def rotate(database: Path, now: datetime | None = None) -> list[Path]:
    """Delete the copies that the scheme gives up, and drafts of processes that were killed; returns what it deleted."""
    now = datetime.now(UTC) if now is None else now
    all_of_them = backups(database)
    regular = [b for b in all_of_them if b.before_version is None]
    keep = to_keep((b.made for b in regular), now)
    gone = [b.path for b in regular if b.made not in keep]
    gone += [b.path for b in all_of_them if b.before_version is not None][BEFORE_MIGRATION:]
    for draft in (database.parent / "backups").glob(".prep-*.db.*"):
        with contextlib.suppress(OSError):
            if time.time() - draft.stat().st_mtime > 3600:
                gone.append(draft)
    for path in gone:
        with contextlib.suppress(OSError):
            path.unlink()
    return gone
