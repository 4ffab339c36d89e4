"""Parsed cards on disk, keyed by path, size and mtime.

Nothing in it is anybody's: a cache that is corrupt, locked, unwritable or written by other code is put aside, and the
cards are read from their files. No failure here ever reaches a user.
"""

from __future__ import annotations

import json
import os
import sqlite3
import time
import weakref
import zlib
from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from prep.cards.card import Card, Face, Fault, Lang, Source
from prep.cards.fold import Haystack, haystack
from prep.cards.scan import CardFile

if TYPE_CHECKING:
    from prep.cards.parse import Examined

_SCHEMA: Final = """
-- Two tables, because opening 5,000 cards must not read their text: in one table it costs 4x the time.
CREATE TABLE meta (
  path TEXT PRIMARY KEY, root TEXT NOT NULL, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL,
  id TEXT, area TEXT, level INTEGER, status TEXT, tags TEXT, origin TEXT, exercises TEXT, aliases TEXT, sources TEXT,
  faults TEXT
);
CREATE INDEX meta_by_root ON meta (root);
CREATE TABLE body (
  path TEXT PRIMARY KEY, root TEXT NOT NULL, faces TEXT NOT NULL,
  head BLOB, en_question BLOB, en_answer BLOB, en_details BLOB, zh_question BLOB, zh_answer BLOB, zh_details BLOB,
  narrow BLOB, wide BLOB
);
CREATE INDEX body_by_root ON body (root);
"""

# A file changed again within the resolution of its file system's clock keeps its mtime (git calls it racily clean):
# what was written so recently is not cached, and is read once more next time.
_RACY_NS: Final = 2_000_000_000
_SEPARATOR: Final = "\n"


class Row(NamedTuple):
    """A card as the library keeps it until somebody asks for the card; lists are joined by line feeds."""

    path: str
    root: str
    size: int
    mtime_ns: int
    id: str | None
    """None for a file that holds no card."""

    area: str
    level: int
    status: str
    tags: str
    origin: str
    exercises: str
    aliases: str
    sources: str
    faults: str

    def list_of(self, column: str) -> tuple[str, ...]:
        joined: str = getattr(self, column)
        return tuple(joined.split(_SEPARATOR)) if joined else ()

    def read_sources(self) -> tuple[Source, ...]:
        return tuple(
            Source(title, url, locator, date.fromisoformat(checked) if checked else None)
            for title, url, locator, checked in json.loads(self.sources)
        )

    def is_whole(self) -> bool:
        """False where the file of the cache was damaged inside this row."""
        if not self.faults:
            return isinstance(self.level, int) and (self.id is None or isinstance(self.id, str))
        with suppress(ValueError, TypeError):
            return bool(self.read_faults())
        return False

    def read_faults(self) -> list[Fault]:
        return [Fault(Path(self.path), line, message) for line, message in json.loads(self.faults)]


def row_of(file: CardFile, root: str, found: Examined) -> Row:
    card = found.card
    faults = (
        json.dumps([(fault.line, fault.message) for fault in found.faults], ensure_ascii=False) if found.faults else ""
    )
    if card is None:
        return Row(file.path, root, file.size, file.mtime_ns, None, "", 0, "", "", "", "", "", "", faults)
    tags, origin, exercises, aliases = (
        _SEPARATOR.join(part) for part in (card.tags, card.origin, card.exercises, card.aliases)
    )
    listed = [(s.title, s.url, s.locator, s.checked.isoformat() if s.checked else None) for s in card.sources]
    sources = json.dumps(listed, ensure_ascii=False)
    return Row(
        file.path, root, file.size, file.mtime_ns, card.id, card.area, card.level, card.status,
        tags, origin, exercises, aliases, sources, faults,
    )  # fmt: skip


class CardCache:
    """The file `cards.sqlite`; every method answers as an empty cache would when the file cannot serve."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._connection: sqlite3.Connection | None = None
        self._opened_ns = time.time_ns()
        with suppress(OSError, sqlite3.Error):
            self._connection = _connect(path)
        if self._connection is not None:
            weakref.finalize(self, self._connection.close)

    def rows(self, root: str) -> dict[str, Row]:
        """Path -> row of what is cached below `root`."""
        fetched = self._fetch("SELECT * FROM meta WHERE root = ?", (root,))
        return {row[0]: Row._make(row) for row in fetched}

    def faces(self, path: str) -> dict[Lang, Face] | None:
        for (text,) in self._fetch("SELECT faces FROM body WHERE path = ?", (path,)):
            with suppress(ValueError, TypeError, KeyError):
                return _load_faces(text)
        return None

    def haystacks(self, roots: Iterable[str]) -> dict[str, Haystack]:
        """Path -> what search looks through."""
        found: dict[str, Haystack] = {}
        for root in roots:
            columns = ", ".join(Haystack._fields)
            for path, *texts in self._fetch(f"SELECT path, {columns} FROM body WHERE root = ?", (root,)):
                found[path] = Haystack._make(texts)
        return found

    def keep(self, root: str, parsed: Sequence[tuple[Row, Examined]]) -> bool:
        """Store what was just parsed; True when all of it is in the file."""
        fresh = [(row, found) for row, found in parsed if not self._is_racy(row) and not found.depends_on_today]
        metas = [tuple(row) for row, _ in fresh]
        bodies = [
            (row.path, root, _dump_faces(found.card), *haystack(found.card))
            for row, found in fresh
            if found.card is not None
        ]
        gone = [(row.path,) for row, found in fresh if found.card is None]
        stored = self._write(
            [
                (f"INSERT OR REPLACE INTO meta VALUES ({', '.join('?' * len(Row._fields))})", metas),
                (f"INSERT OR REPLACE INTO body VALUES ({', '.join('?' * (len(Haystack._fields) + 3))})", bodies),
                ("DELETE FROM body WHERE path = ?", gone),
            ]
        )
        return stored and len(fresh) == len(parsed)

    def forget(self, paths: Iterable[str]) -> None:
        gone = [(path,) for path in paths]
        self._write([("DELETE FROM meta WHERE path = ?", gone), ("DELETE FROM body WHERE path = ?", gone)])

    def forget_roots_gone(self) -> None:
        """Drop the rows of folders that are no more: removed checkouts, tests' folders."""
        roots = [root for (root,) in self._fetch("SELECT DISTINCT root FROM meta", ()) if not os.path.isdir(root)]
        gone = [(root,) for root in roots]
        self._write([("DELETE FROM meta WHERE root = ?", gone), ("DELETE FROM body WHERE root = ?", gone)])

    def _is_racy(self, row: Row) -> bool:
        return abs(self._opened_ns - row.mtime_ns) < _RACY_NS or abs(time.time_ns() - row.mtime_ns) < _RACY_NS

    def _fetch(self, sql: str, parameters: tuple[str, ...]) -> list[Any]:
        if self._connection is None:
            return []
        try:
            return self._connection.execute(sql, parameters).fetchall()
        except sqlite3.Error:
            self._give_up()
            return []

    def _write(self, statements: Sequence[tuple[str, Sequence[tuple[Any, ...]]]]) -> bool:
        if self._connection is None:
            return False
        if not any(rows for _, rows in statements):
            return True
        try:
            with self._connection:
                for sql, rows in statements:
                    self._connection.executemany(sql, rows)
        except (sqlite3.Error, UnicodeError):
            return False
        return True

    def _give_up(self) -> None:
        """The file is damaged: remove it, so that the next start makes a new one."""
        if self._connection is not None:
            with suppress(sqlite3.Error):
                self._connection.close()
        self._connection = None
        _remove(self.path)


def _connect(path: Path) -> sqlite3.Connection:
    path.parent.mkdir(parents=True, exist_ok=True)
    version = _code_version()
    for attempt in (1, 2):
        connection = sqlite3.connect(path, timeout=0.5, check_same_thread=False)
        try:
            # Rows are only ever added whole and the cache is disposable: no fsync per batch.
            connection.execute("PRAGMA synchronous = OFF")
            (found,) = connection.execute("PRAGMA user_version").fetchone()
            if found == version:
                connection.execute("SELECT 1 FROM meta, body LIMIT 1").fetchone()
                return connection
            if found == 0 and not connection.execute("SELECT 1 FROM sqlite_schema").fetchone():
                with connection:
                    connection.executescript(f"BEGIN IMMEDIATE; {_SCHEMA} PRAGMA user_version = {version}; COMMIT;")
                return connection
        except sqlite3.OperationalError as e:
            connection.close()
            if attempt == 2 or "locked" in str(e) or "readonly" in str(e):
                raise
        except BaseException:
            connection.close()
            if attempt == 2:
                raise
        connection.close()
        _remove(path)
    raise sqlite3.OperationalError("the cache could not be made anew")


def _remove(path: Path) -> None:
    for suffix in ("", "-journal", "-wal", "-shm"):
        with suppress(OSError):
            path.with_name(path.name + suffix).unlink()


def _code_version() -> int:
    """A number that changes with this package's code: what another parser has understood is not reused."""
    with os.scandir(Path(__file__).parent) as entries:
        stats = sorted((e.name, e.stat().st_size, e.stat().st_mtime_ns) for e in entries if e.name.endswith(".py"))
    return (zlib.crc32(repr(stats).encode()) & 0x7FFF_FFFF) or 1


def _dump_faces(card: Card) -> str:
    faces = {
        lang: (f.lang, f.question, f.answer, f.key_points, f.details, f.pitfalls, f.follow_ups, f.sha)
        for lang, f in card.faces.items()
    }
    return json.dumps(faces, ensure_ascii=False)


def _load_faces(text: str) -> dict[Lang, Face]:
    return {
        lang: Face(own, question, answer, tuple(points), details, pitfalls, follow_ups, sha)
        for lang, (own, question, answer, points, details, pitfalls, follow_ups, sha) in json.loads(text).items()
    }
