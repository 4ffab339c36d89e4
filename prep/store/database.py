"""The SQLite file that holds everything a user did: opening, migrating, transactions, and faults told in one line.

The app and the command line use one database at the same time, so: WAL, a busy timeout, short `BEGIN IMMEDIATE`
transactions, never an exclusive lock.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from prep import paths
from prep.errors import DatabaseTooNew, StoreError
from prep.store.faults import LOCKED, not_writable, translated
from prep.store.schema import MIGRATIONS

APPLICATION_ID = 0x70726570  # "prep": tells our file from another program's SQLite file
BUSY_TIMEOUT_MS = 5000


class Database:
    """One connection. Use it from one thread, and as a context manager."""

    def __init__(self, connection: sqlite3.Connection, path: Path, *, readonly: bool) -> None:
        self.connection = connection
        self.path = path
        self.readonly = readonly
        self.backup_error: Exception | None = None
        """What the last daily backup in the background failed with."""
        self._depth = 0
        self._backup: threading.Thread | None = None
        self._backup_checked_on: str | None = None
        self._scratch: tempfile.TemporaryDirectory[str] | None = None

    @classmethod
    def open(cls, path: Path | None = None, *, readonly: bool = False) -> Self:
        """Open the database, and bring its schema up to date after a backup.

        Args:
            path: the file; `paths.database_path()` by default. Created with its folder unless `readonly`.
            readonly: only look. Works in a folder that cannot be written; a file that does not exist yet, or that has
                an older schema, is shown as an up-to-date copy in memory.

        Raises:
            DatabaseTooNew: a newer prep has written it.
            DatabaseLocked: another process holds the write lock for more than five seconds.
            HomeNotWritable: the folder or the file cannot be written, or the disk is full.
            StoreError: the file is not a database of prep's, or is damaged.
        """
        path = (paths.database_path() if path is None else path).absolute()
        with translated(path):
            return cls._open_readonly(path) if readonly else cls._open_writable(path)

    @classmethod
    def _open_writable(cls, path: Path) -> Self:
        paths.ensure_dir(path.parent)
        _refuse_non_file(path)
        if path.exists() and not _may_write(path):
            raise not_writable(path)
        connection = _connect(path.as_uri() + "?mode=rwc")
        db = cls(connection, path, readonly=False)
        try:
            version = _version(connection, path)
            _use_wal(connection)
            connection.execute(
                "PRAGMA synchronous = FULL"
            )  # an acknowledged grade survives a power cut, not only kill -9
            connection.execute("PRAGMA foreign_keys = ON")
            if version < len(MIGRATIONS):
                db._migrate(version)
        except BaseException:
            connection.close()
            raise
        return db

    @classmethod
    def _open_readonly(cls, path: Path) -> Self:
        _refuse_non_file(path)
        if not path.exists():
            memory = _connect(":memory:")
            _apply_migrations(memory)
            memory.execute("PRAGMA query_only = ON")
            return cls(memory, path, readonly=True)
        scratch: tempfile.TemporaryDirectory[str] | None = None
        connection: sqlite3.Connection | None = None
        if _may_write(path.parent) and _may_write(path):
            # A reader of a WAL database shares memory with the writers through a file beside it: an ordinary
            # connection that promises not to write sees what they commit, `mode=ro` may not.
            connection = _connect(path.as_uri() + "?mode=rw")
        else:
            wal = path.with_name(path.name + "-wal")
            source = path
            if wal.exists() and wal.stat().st_size:
                # The last writer was killed: its newest commits are only in the WAL, which cannot be read without
                # writing beside it. A copy shows them.
                scratch = tempfile.TemporaryDirectory(prefix="prep-")
                source = Path(scratch.name) / path.name
                shutil.copyfile(path, source)
                shutil.copyfile(wal, source.with_name(source.name + "-wal"))
                connection = _connect(source.as_uri() + "?mode=rw")
            else:
                connection = _connect(path.as_uri() + "?mode=ro&immutable=1")
        try:
            if _version(connection, path) < len(MIGRATIONS):
                memory = _connect(":memory:")
                connection.backup(memory)
                connection.close()
                connection = memory
                _apply_migrations(connection)
            connection.execute("PRAGMA query_only = ON")
        except BaseException:
            connection.close()
            if scratch is not None:
                scratch.cleanup()
            raise
        db = cls(connection, path, readonly=True)
        db._scratch = scratch
        return db

    def _migrate(self, version: int) -> None:
        from prep.store.backup import back_up

        if version > 0:
            back_up(self.path, before_version=version)
        with self._transaction():
            # Another process may have migrated while this one waited for the lock.
            _apply_migrations(self.connection)

    def version(self) -> int:
        """The schema's version: how many migrations it has seen."""
        return int(self.connection.execute("PRAGMA user_version").fetchone()[0])

    def data_version(self) -> tuple[int, int]:
        """Changes whenever anybody, on this connection or another, has changed the database."""
        with translated(self.path):
            (other,) = self.connection.execute("PRAGMA data_version").fetchone()
        return int(other), self.connection.total_changes

    def execute(self, sql: str, params: Sequence[object] | dict[str, object] = ()) -> sqlite3.Cursor:
        """Run one statement; outside `transaction()` it commits by itself."""
        with translated(self.path):
            return self.connection.execute(sql, params)

    def executemany(self, sql: str, rows: Iterable[Sequence[object]]) -> None:
        with translated(self.path):
            self.connection.executemany(sql, rows)

    @contextlib.contextmanager
    def transaction(self) -> Iterator[Self]:
        """All or nothing, durable when it returns; within another one a savepoint of it.

        Raises:
            DatabaseLocked, HomeNotWritable, StoreError: nothing of the block was kept.
        """
        with self._transaction():
            yield self
        if self._depth == 0:
            self._back_up_daily()

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        if self.readonly:
            raise not_writable(self.path)
        begin, commit, rollback = (
            ("BEGIN IMMEDIATE", "COMMIT", "ROLLBACK")
            if self._depth == 0
            else (f"SAVEPOINT s{self._depth}", f"RELEASE s{self._depth}", f"ROLLBACK TO s{self._depth}")
        )
        with translated(self.path):
            self.connection.execute(begin)
            self._depth += 1
            try:
                yield
                self.connection.execute(commit)
            except BaseException:
                # A full disk makes SQLite roll back by itself; then there is nothing left to roll back to.
                if self.connection.in_transaction:
                    self.connection.execute(rollback)
                    if self._depth > 1:
                        self.connection.execute(commit)  # ROLLBACK TO leaves the savepoint itself open
                raise
            finally:
                self._depth -= 1

    def _back_up_daily(self) -> None:
        """After the first commit of a day, copy the database beside the work, in a thread: it may take a second."""
        today = time.strftime("%Y-%m-%d")
        if self._backup_checked_on == today:
            return
        self._backup_checked_on = today
        from prep.store.backup import back_up_if_due

        def work() -> None:
            try:
                back_up_if_due(self.path)
            except Exception as e:  # kept for doctor: a failing backup must not fail the grade that started it
                self.backup_error = e

        self._backup = threading.Thread(target=work, name="prep-backup")
        self._backup.start()

    def close(self) -> None:
        if self._backup is not None:
            self._backup.join()
            self._backup = None
        self.connection.close()
        if self._scratch is not None:
            self._scratch.cleanup()
            self._scratch = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


def _may_write(path: Path) -> bool:
    return os.access(path, os.W_OK, effective_ids=os.access in os.supports_effective_ids)


def _refuse_non_file(path: Path) -> None:
    if path.exists() and not path.is_file():
        raise StoreError("the database's path is not a file", where=path, hint="move it away, or set PREP_HOME")


def _connect(uri: str) -> sqlite3.Connection:
    # isolation_level=None: transactions begin where the code says, not where the module guesses.
    return sqlite3.connect(uri, uri=True, timeout=BUSY_TIMEOUT_MS / 1000, isolation_level=None, cached_statements=256)


def _version(connection: sqlite3.Connection, path: Path) -> int:
    # One snapshot: another process may be creating the tables at this moment.
    version, application, tables = connection.execute(
        "SELECT (SELECT user_version FROM pragma_user_version), (SELECT application_id FROM pragma_application_id),"
        " (SELECT count(*) FROM sqlite_master)"
    ).fetchone()
    if version > len(MIGRATIONS):
        raise DatabaseTooNew(
            f"the database has schema {version}, this prep knows up to {len(MIGRATIONS)}",
            where=path,
            hint="update prep (the newer one that wrote it can read it); it was left as it is",
        )
    if application != APPLICATION_ID and (version or tables):
        raise StoreError(
            "a database of another program, not prep's", where=path, hint="move it away, or set PREP_HOME elsewhere"
        )
    return int(version)


def _use_wal(connection: sqlite3.Connection) -> None:
    deadline = time.monotonic() + BUSY_TIMEOUT_MS / 1000
    while True:
        if connection.execute("PRAGMA journal_mode").fetchone()[0] == "wal":
            return
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as e:
            # Two processes that create the file together: the switch does not wait for the busy timeout by itself.
            if (e.sqlite_errorcode & 0xFF) not in LOCKED or time.monotonic() > deadline:
                raise
            time.sleep(0.02)


def _apply_migrations(connection: sqlite3.Connection) -> None:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    for number, script in enumerate(MIGRATIONS[version:], start=version + 1):
        for statement in split_script(script):
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {number}")
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")


def split_script(script: str) -> Iterator[str]:
    """The statements of an SQL script; `executescript` would commit the transaction it runs in."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
    if statement.strip():
        raise ValueError(f"an unfinished statement ends the script: {statement.strip()[:60]!r}")


def rows(cursor: sqlite3.Cursor) -> list[dict[str, Any]]:
    """All rows of a query as dictionaries by column name."""
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor]
