"""Copies of the database: what they hold, when they are made, which of them stay."""

from __future__ import annotations

import os
import sqlite3
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from prep.errors import HomeNotWritable, StoreError
from prep.store.backup import back_up, back_up_if_due, backups, rotate, to_keep
from prep.store.database import Database

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "data" / "prep.db"
    with Database.open(path) as db, db.transaction():
        db.execute("INSERT INTO companies (id, name) VALUES ('1', 'Kestrel')")
    for backup in backups(path):
        backup.path.unlink()
    return path


def companies(path: Path) -> list[str]:
    raw = sqlite3.connect(path)
    found = [row[0] for row in raw.execute("SELECT name FROM companies ORDER BY id")]
    raw.close()
    return found


def test_a_copy_is_whole_and_opens_as_a_database(path: Path, tmp_path: Path) -> None:
    copy = back_up(path, now=NOON)
    assert copy.name == "prep-20261122T120000Z.db"
    assert companies(copy) == ["Kestrel"]
    restored = tmp_path / "restored" / "prep.db"
    restored.parent.mkdir()
    restored.write_bytes(copy.read_bytes())
    with Database.open(restored) as db:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_a_copy_holds_what_is_committed_and_nothing_else(path: Path) -> None:
    with Database.open(path) as db, db.transaction():
        db.execute("INSERT INTO companies (id, name) VALUES ('2', 'Merlin')")
        copy = back_up(path, now=NOON)  # a writer is at work: the copy neither waits nor sees half of it
    assert companies(copy) == ["Kestrel"]


def test_the_first_write_of_a_day_makes_one(tmp_path: Path) -> None:
    path = tmp_path / "prep.db"
    with Database.open(path) as db:
        assert backups(path) == []
        for number in ("1", "2"):
            with db.transaction():
                db.execute("INSERT INTO companies (id, name) VALUES (?, ?)", (number, number))
    assert db.backup_error is None
    assert len(backups(path)) == 1


def test_a_backup_that_fails_does_not_fail_the_write(tmp_path: Path) -> None:
    path = tmp_path / "prep.db"
    db = Database.open(path)
    (tmp_path / "backups").write_text("in the way")
    with db.transaction():
        db.execute("INSERT INTO companies (id, name) VALUES ('1', 'Kestrel')")
    db.close()
    assert isinstance(db.backup_error, HomeNotWritable)
    assert companies(path) == ["Kestrel"]


def test_one_a_day_and_never_two_within_half_an_hour(path: Path) -> None:
    midnight = NOON.astimezone().replace(hour=0, minute=0)
    assert back_up_if_due(path, now=midnight - timedelta(minutes=10)) is not None
    assert back_up_if_due(path, now=midnight + timedelta(minutes=10)) is None
    assert back_up_if_due(path, now=midnight + timedelta(minutes=25)) is not None
    assert back_up_if_due(path, now=midnight + timedelta(hours=23)) is None
    assert back_up_if_due(path, now=midnight + timedelta(hours=24)) is not None


def test_twelve_days_ten_weeks_nine_months_stay() -> None:
    daily = [NOON - timedelta(days=n) for n in range(500)]
    keep = to_keep(daily, NOON)
    assert all(NOON - timedelta(days=n) in keep for n in range(12))
    weeks = {f"{m.astimezone():%G-%V}" for m in daily[: 7 * 10]}
    assert {f"{m.astimezone():%G-%V}" for m in keep} >= set(sorted(weeks)[-10:])
    months = sorted({f"{m.astimezone():%Y-%m}" for m in daily})[-9:]
    assert sorted({f"{m.astimezone():%Y-%m}" for m in keep}) == months
    assert len(keep) <= 12 + 10 + 9
    assert NOON - timedelta(days=400) not in keep


def test_two_days_stay_whole() -> None:
    hourly = [NOON - timedelta(hours=n) for n in range(24 * 4)]
    keep = to_keep(hourly, NOON)
    assert set(hourly[:48]) <= keep
    assert len(keep) == 48 + len(
        {m.astimezone().date() for m in hourly[48:]} - {m.astimezone().date() for m in hourly[:48]}
    )


def test_rotation_deletes_what_the_scheme_gives_up_and_nothing_else(path: Path) -> None:
    folder = path.parent / "backups"
    for n in range(40):
        (folder / f"prep-{NOON - timedelta(days=n):%Y%m%dT%H%M%S}Z.db").write_bytes(b"")
    for n in range(7):
        (folder / f"prep-{NOON - timedelta(days=300 + n):%Y%m%dT%H%M%S}Z-v{n}.db").write_bytes(b"")
    mine = folder / "my own copy.db"
    mine.write_bytes(b"")
    abandoned, running = folder / ".prep-x.db.1", folder / ".prep-x.db.2"
    abandoned.write_bytes(b"")
    running.write_bytes(b"")
    os.utime(abandoned, (time.time() - 7200,) * 2)
    gone = rotate(path, NOON)
    left = backups(path)
    assert {b.made for b in left if b.before_version is None} == to_keep(
        [NOON - timedelta(days=n) for n in range(40)], NOON
    )
    assert [b.before_version for b in left if b.before_version is not None] == [0, 1, 2, 3, 4]
    assert mine.exists()
    assert running.exists()
    assert abandoned in gone
    assert not abandoned.exists()


def test_a_copy_of_what_is_no_database_is_told(tmp_path: Path) -> None:
    path = tmp_path / "prep.db"
    path.write_text("no database " * 100)
    with pytest.raises(StoreError):
        back_up(path)
    assert backups(path) == []
    assert list((tmp_path / "backups").iterdir()) == []
