"""Opening, migrating, transactions, and every way in which a database can be unusable."""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from prep.errors import DatabaseLocked, DatabaseTooNew, HomeNotWritable, PrepError, StoreError
from prep.store import database
from prep.store.backup import backups
from prep.store.database import APPLICATION_ID, Database, split_script
from prep.store.schema import MIGRATIONS


def add_company(db: Database, name: str) -> None:
    with db.transaction():
        db.execute("INSERT INTO companies (id, name) VALUES (?, ?)", (name, name))


def add_company_and_fail(db: Database, name: str) -> None:
    with db.transaction():
        add_company(db, name)
        raise ZeroDivisionError


def read_every_table(path: Path) -> None:
    with Database.open(path) as db:
        for (table,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
            db.execute(f"SELECT count(*) FROM {table}").fetchone()


def names(db: Database) -> list[str]:
    return [row[0] for row in db.execute("SELECT name FROM companies ORDER BY name")]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a folder #1?" / "prep.db"


@contextmanager
def unprivileged() -> Iterator[None]:
    """As a user for whom permissions count: root may write anywhere."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def locked_home() -> Iterator[Path]:
    """A database with one company in a folder that nobody may write, readable by all."""
    folder = Path(tempfile.mkdtemp(prefix="prep-readonly-"))
    try:
        folder.chmod(0o755)
        home = folder / "data"
        with Database.open(home / "prep.db") as db:
            add_company(db, "Kestrel")
        for name in ("prep.db", "backups"):
            (home / name).chmod(0o555)
        home.chmod(0o555)
        yield home
    finally:
        (folder / "data").chmod(0o755)
        shutil.rmtree(folder)


def assert_told(error: PrepError, path: Path) -> None:
    """One line that names the file, and one that says what to do."""
    assert "\n" not in str(error)
    assert str(path) in str(error)
    assert error.hint
    assert "\n" not in error.hint


def test_a_new_database_is_durable_and_shared(path: Path) -> None:
    with Database.open(path) as db:
        assert db.version() == len(MIGRATIONS)
        assert db.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert db.execute("PRAGMA synchronous").fetchone() == (2,)  # FULL
        assert db.execute("PRAGMA foreign_keys").fetchone() == (1,)
        assert db.execute("PRAGMA busy_timeout").fetchone() == (5000,)
        assert db.execute("PRAGMA application_id").fetchone() == (APPLICATION_ID,)


def test_the_default_path_is_in_the_home(home: Path) -> None:
    with Database.open() as db:
        assert db.path == home / "data" / "prep.db"


def test_a_relative_home_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PREP_HOME", "here")
    with Database.open() as db:
        add_company(db, "Kestrel")
    assert (tmp_path / "here" / "data" / "prep.db").is_file()


def test_foreign_keys_are_enforced(path: Path) -> None:
    with Database.open(path) as db, pytest.raises(sqlite3.IntegrityError):
        db.execute(
            "INSERT INTO applications (id, company_id, created_ms) VALUES ('a', 'nobody', 0)",
        )


def test_a_transaction_is_all_or_nothing(path: Path) -> None:
    with Database.open(path) as db:
        with pytest.raises(ZeroDivisionError):
            add_company_and_fail(db, "Kestrel")
        assert names(db) == []
        add_company(db, "Kestrel")  # the connection still works
        assert names(db) == ["Kestrel"]


def test_a_nested_transaction_is_a_savepoint(path: Path) -> None:
    with Database.open(path) as db:
        with db.transaction():
            add_company(db, "outer")
            with pytest.raises(ZeroDivisionError):
                add_company_and_fail(db, "inner")
            add_company(db, "after")
        assert names(db) == ["after", "outer"]
        with pytest.raises(ZeroDivisionError):
            add_company_and_fail(db, "kept by nobody")
        assert names(db) == ["after", "outer"]


def test_readers_see_what_others_commit_while_they_write(path: Path) -> None:
    with Database.open(path) as writer, Database.open(path, readonly=True) as reader:
        with writer.transaction():
            writer.execute("INSERT INTO companies (id, name) VALUES ('1', 'Kestrel')")
            assert names(reader) == []
        assert names(reader) == ["Kestrel"]


def test_data_version_tells_of_changes_by_anybody(path: Path) -> None:
    with Database.open(path) as here, Database.open(path) as there:
        seen = here.data_version()
        assert here.data_version() == seen
        add_company(there, "other")
        assert here.data_version()[0] != seen[0]
        seen = here.data_version()
        add_company(here, "own")
        assert here.data_version()[0] == seen[0]
        assert here.data_version() != seen


@pytest.mark.parametrize("_round", range(15))
def test_several_may_create_it_together(path: Path, _round: int) -> None:
    failures: list[BaseException] = []
    barrier = threading.Barrier(4)

    def work(number: int) -> None:
        barrier.wait()
        try:
            with Database.open(path) as db:
                add_company(db, f"c{number}")
        except BaseException as e:
            failures.append(e)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    with Database.open(path) as db:
        assert names(db) == ["c0", "c1", "c2", "c3"]


# migrations


def with_migration(monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    monkeypatch.setattr(database, "MIGRATIONS", [*MIGRATIONS, script])


def test_a_migration_keeps_the_data_and_a_copy_of_before(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Database.open(path) as db:
        add_company(db, "Kestrel")
    script = "ALTER TABLE companies ADD COLUMN motto TEXT;\nCREATE TABLE extra (x TEXT) STRICT;"
    with_migration(monkeypatch, script)
    with Database.open(path) as db:
        assert db.version() == len(MIGRATIONS) + 1
        assert db.execute("SELECT name, motto FROM companies").fetchall() == [("Kestrel", None)]
    copies = [b for b in backups(path) if b.before_version is not None]
    assert [b.before_version for b in copies] == [len(MIGRATIONS)]
    copy = sqlite3.connect(copies[0].path)
    assert copy.execute("SELECT * FROM companies").fetchall() == [("Kestrel", "Kestrel", "[]")]
    copy.close()


def test_a_migration_that_fails_changes_nothing(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Database.open(path) as db:
        add_company(db, "Kestrel")
    with_migration(monkeypatch, "CREATE TABLE extra (x TEXT) STRICT;\nALTER TABLE nothing ADD COLUMN x TEXT;")
    with pytest.raises(sqlite3.OperationalError, match="nothing"):
        Database.open(path)
    monkeypatch.undo()
    with Database.open(path) as db:
        assert db.version() == len(MIGRATIONS)
        assert names(db) == ["Kestrel"]
        assert db.execute("SELECT count(*) FROM sqlite_master WHERE name = 'extra'").fetchone() == (0,)


def test_no_migration_without_its_backup(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Database.open(path).close()
    shutil.rmtree(path.parent / "backups", ignore_errors=True)
    (path.parent / "backups").write_text("in the way")
    with_migration(monkeypatch, "CREATE TABLE extra (x TEXT) STRICT;")
    with pytest.raises(HomeNotWritable):
        Database.open(path)
    raw = sqlite3.connect(path)
    assert raw.execute("PRAGMA user_version").fetchone() == (len(MIGRATIONS),)
    raw.close()


def test_looking_at_an_older_schema_leaves_the_file_alone(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Database.open(path) as db:
        add_company(db, "Kestrel")
    with_migration(monkeypatch, "ALTER TABLE companies ADD COLUMN motto TEXT;")
    with Database.open(path, readonly=True) as db:
        assert db.execute("SELECT name, motto FROM companies").fetchall() == [("Kestrel", None)]
    raw = sqlite3.connect(path)
    assert raw.execute("PRAGMA user_version").fetchone() == (len(MIGRATIONS),)
    raw.close()


def test_statements_are_split_where_they_end() -> None:
    script = "-- a; comment\nCREATE TABLE a (x TEXT); \nINSERT INTO a VALUES ('one;\ntwo');\n\n"
    assert [s.strip() for s in split_script(script)] == [
        "-- a; comment\nCREATE TABLE a (x TEXT);",
        "INSERT INTO a VALUES ('one;\ntwo');",
    ]
    with pytest.raises(ValueError, match="unfinished"):
        list(split_script("SELECT 1;\nSELECT 2"))


# bad input


def test_a_newer_database_is_left_alone(path: Path) -> None:
    Database.open(path).close()
    raw = sqlite3.connect(path)
    raw.execute("PRAGMA user_version = 999")
    raw.close()
    before = path.read_bytes()
    for readonly in (False, True):
        with pytest.raises(DatabaseTooNew) as caught:
            Database.open(path, readonly=readonly)
        assert_told(caught.value, path)
        assert "999" in caught.value.message
    assert path.read_bytes() == before


def write_text(path: Path) -> None:
    path.write_text("this is not a database, but it is longer than a header " * 40)


def write_foreign(path: Path) -> None:
    raw = sqlite3.connect(path)
    raw.execute("CREATE TABLE notes (x)")
    raw.close()


def write_torn(path: Path) -> None:
    Database.open(path).close()
    content = bytearray(path.read_bytes())
    content[4096:12288] = os.urandom(8192)
    path.write_bytes(content)


@pytest.mark.parametrize("spoil", [write_text, write_foreign, lambda p: p.mkdir()], ids=["text", "foreign", "folder"])
@pytest.mark.parametrize("readonly", [False, True])
def test_what_is_not_our_database_is_refused(path: Path, spoil: Callable[[Path], None], readonly: bool) -> None:
    path.parent.mkdir(parents=True)
    spoil(path)
    before = path.read_bytes() if path.is_file() else b""
    with pytest.raises(StoreError) as caught:
        Database.open(path, readonly=readonly)
    assert_told(caught.value, path)
    assert (path.read_bytes() if path.is_file() else b"") == before


def test_a_damaged_database_is_told(path: Path) -> None:
    path.parent.mkdir(parents=True)
    write_torn(path)
    with pytest.raises(StoreError) as caught:
        read_every_table(path)
    assert_told(caught.value, path)
    assert "backups" in caught.value.hint


def test_a_locked_database_is_told_and_nothing_is_lost(path: Path) -> None:
    with Database.open(path) as db:
        add_company(db, "Kestrel")
        db.connection.execute("PRAGMA busy_timeout = 30")
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(DatabaseLocked) as caught:
            add_company(db, "Merlin")
        assert_told(caught.value, path)
        assert names(db) == ["Kestrel"]  # looking works all the while
        other.execute("ROLLBACK")
        other.close()
        add_company(db, "Merlin")
        assert names(db) == ["Kestrel", "Merlin"]


def test_a_writer_waits_for_another(path: Path) -> None:
    with Database.open(path) as db:
        other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        other.execute("BEGIN IMMEDIATE")
        release = threading.Timer(0.15, lambda: other.execute("COMMIT"))
        release.start()
        add_company(db, "Kestrel")
        release.join()
        other.close()
        assert names(db) == ["Kestrel"]


def test_opening_under_an_exclusive_lock(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path.parent.mkdir(parents=True)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    monkeypatch.setattr(database, "BUSY_TIMEOUT_MS", 50)
    with pytest.raises(DatabaseLocked):
        Database.open(path)
    other.execute("ROLLBACK")
    other.close()
    Database.open(path).close()


def test_a_full_disk_is_told_and_nothing_is_lost(path: Path) -> None:
    with Database.open(path) as db:
        add_company(db, "Kestrel")
        (pages,) = db.execute("PRAGMA page_count").fetchone()
        db.execute(f"PRAGMA max_page_count = {pages}")  # SQLite's own way of meeting a full disk
        with pytest.raises(HomeNotWritable, match="full") as caught, db.transaction():
            db.execute("INSERT INTO companies (id, name) VALUES ('x', ?)", ("long" * 50_000,))
        assert_told(caught.value, path)
        db.execute("PRAGMA max_page_count = 1000000")
        add_company(db, "Merlin")
        assert names(db) == ["Kestrel", "Merlin"]


def test_a_home_below_a_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    path = tmp_path / "file" / "data" / "prep.db"
    with pytest.raises(HomeNotWritable) as caught:
        Database.open(path)
    assert_told(caught.value, path.parent)


def test_a_read_only_home_can_still_be_looked_at(locked_home: Path) -> None:
    path = locked_home / "prep.db"
    with unprivileged():
        with pytest.raises(HomeNotWritable) as caught:
            Database.open(path)
        assert_told(caught.value, path)
        with Database.open(path, readonly=True) as db:
            assert names(db) == ["Kestrel"]
            with pytest.raises(HomeNotWritable) as caught, db.transaction():
                pass
            assert_told(caught.value, path)
            with pytest.raises(HomeNotWritable):
                db.execute("DELETE FROM companies")


def test_a_read_only_home_without_a_database_is_an_empty_one(locked_home: Path) -> None:
    path = locked_home / "deeper" / "prep.db"
    with unprivileged():
        with pytest.raises(HomeNotWritable):
            Database.open(path)
        with Database.open(path, readonly=True) as db:
            assert names(db) == []
    assert not path.parent.exists()


def test_a_read_only_home_whose_last_writer_was_killed(locked_home: Path) -> None:
    """Its newest commits are only in the WAL."""
    locked_home.chmod(0o755)
    path = locked_home / "prep.db"
    path.chmod(0o644)
    aside = locked_home.parent / "aside"
    aside.mkdir()
    db = Database.open(path)
    add_company(db, "Merlin")
    for name in ("prep.db", "prep.db-wal"):
        shutil.copyfile(locked_home / name, aside / name)
    db.close()
    assert (aside / "prep.db-wal").stat().st_size
    aside.chmod(0o555)
    with unprivileged(), Database.open(aside / "prep.db", readonly=True) as db:
        assert names(db) == ["Kestrel", "Merlin"]
    aside.chmod(0o755)


def test_looking_creates_nothing(path: Path) -> None:
    with Database.open(path, readonly=True) as db:
        assert names(db) == []
        with pytest.raises(HomeNotWritable):
            db.execute("INSERT INTO companies (id, name) VALUES ('1', 'x')")
    assert not path.parent.exists()
