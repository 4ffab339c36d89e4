"""A save is noticed once, however the editor writes it; what is half written is waited for."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from prep.exercises.load import following, load_exercises
from prep.exercises.watched import SETTLE_S, WatchedFile


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "softmax.py"
    path.write_text("x = 1\n")
    return path


def test_a_save_in_place_counts_at_once_and_once(file: Path) -> None:
    watched = WatchedFile(file)
    assert watched.look(0) is None
    file.write_text("x = 22\n")
    assert [watched.look(0.1), watched.look(0.2), watched.look(9)] == ["saved", None, None]


def test_the_same_text_saved_again_counts(file: Path) -> None:
    watched = WatchedFile(file)
    os.utime(file, ns=(1, 1))
    assert watched.look(0) == "saved"


def test_a_rename_over_it_counts_even_with_the_same_times(file: Path) -> None:
    watched = WatchedFile(file)
    draft = file.with_suffix(".new")
    draft.write_text("y = 1\n")
    stat = file.stat()
    os.utime(draft, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    draft.rename(file)
    assert watched.look(0) == "saved"


@pytest.mark.parametrize("half", ["", "   \n", "def f(\n", "x = 1\0", "# only a comment\n"])
def test_a_half_saved_file_is_waited_for(file: Path, half: str) -> None:
    watched = WatchedFile(file)
    file.write_text(half)
    assert watched.look(0) is None
    assert watched.look(SETTLE_S / 2) is None
    file.write_text("x = 333\n")
    assert watched.look(SETTLE_S * 0.9) == "saved"
    assert watched.look(SETTLE_S * 5) is None


@pytest.mark.parametrize("broken", ["", "def f(\n"])
def test_a_broken_file_that_stays_is_saved(file: Path, broken: str) -> None:
    watched = WatchedFile(file)
    file.write_text(broken)
    assert [watched.look(0), watched.look(SETTLE_S), watched.look(9)] == [None, "saved", None]


def test_a_file_moved_away_for_a_moment_is_not_gone(file: Path) -> None:
    watched = WatchedFile(file)
    file.rename(file.with_suffix(".bak"))
    assert watched.look(0) is None
    file.write_text("x = 22\n")
    assert watched.look(0.1) == "saved"


def test_a_deleted_file_is_gone_once_and_comes_back(file: Path) -> None:
    watched = WatchedFile(file)
    file.unlink()
    assert [watched.look(0), watched.look(SETTLE_S), watched.look(9)] == [None, "gone", None]
    assert not watched.exists
    file.write_text("x = 1\n")
    assert watched.look(10) == "saved"


def test_what_is_marked_as_seen_does_not_count(file: Path) -> None:
    watched = WatchedFile(file)
    file.write_text("x = 22\n")
    watched.mark_seen()
    assert watched.look(0) is None


def test_the_next_exercise_is_the_next_that_is_not_passed() -> None:
    exercises = load_exercises()
    ids = list(exercises)
    after = [following(exercises, {}, i) for i in ids]
    assert [e and e.id for e in after] == ids[1:] + ids[:1]
    passed = dict.fromkeys(ids[1:3], "passed")
    found = following(exercises, passed, ids[0])
    assert found is not None
    assert found.id == ids[3]
    assert following(exercises, dict.fromkeys(ids, "passed"), ids[0]) is None
    assert following(exercises, {}, "no such one") is None
