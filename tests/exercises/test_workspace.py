"""The workspace: created from the starter, and no text of the user's ever without a name."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

import pytest

from prep.errors import ContentError, HomeNotWritable
from prep.exercises import workspace as module
from prep.exercises.load import load_exercise
from prep.exercises.spec import Exercise
from prep.exercises.workspace import Workspace
from tests.conftest import TestClock

DATED = "scale.2026-11-22-090000.py"


@pytest.fixture
def scale(root: Path) -> Exercise:
    return load_exercise("scale", root)


@pytest.fixture
def space(tmp_path: Path, clock: TestClock) -> Workspace:
    return Workspace(tmp_path / "my kernels 内核", clock)


def contents(space: Workspace) -> dict[str, str]:
    return {path.name: path.read_text(encoding="utf-8") for path in space.root.iterdir()}


def test_default_root_is_under_prep_home(home: Path) -> None:
    assert Workspace().file("softmax") == home / "workspace" / "softmax.py"
    assert not home.exists()


def test_start_copies_the_starter(space: Workspace, scale: Exercise) -> None:
    assert not space.has("scale")
    started = space.put(scale)
    assert started.created
    assert started.backup is None
    assert started.path == space.file("scale")
    assert space.has("scale")
    assert contents(space) == {"scale.py": scale.starter_path.read_text(encoding="utf-8")}
    assert stat.S_IMODE(started.path.stat().st_mode) & 0o600 == 0o600


def test_start_never_overwrites(space: Workspace, scale: Exercise) -> None:
    path = space.start(scale)
    path.write_text("mine", encoding="utf-8")
    assert not space.put(scale).created
    assert space.start(scale) == path
    assert contents(space) == {"scale.py": "mine"}


def test_force_keeps_every_earlier_file(space: Workspace, scale: Exercise) -> None:
    starter = scale.starter_path.read_text(encoding="utf-8")
    path = space.start(scale)
    for text in ("first", "second", "third"):
        path.write_text(text, encoding="utf-8")
        started = space.put(scale, force=True)
        assert started.backup is not None
        assert started.backup.read_text(encoding="utf-8") == text
    assert contents(space) == {
        "scale.py": starter,
        DATED: "first",
        "scale.2026-11-22-090000-2.py": "second",
        "scale.2026-11-22-090000-3.py": "third",
    }


def test_force_on_an_untouched_starter_leaves_no_backup(space: Workspace, scale: Exercise) -> None:
    space.start(scale)
    assert not space.put(scale, force=True).created
    assert list(contents(space)) == ["scale.py"]


def test_force_without_a_file_is_a_start(space: Workspace, scale: Exercise) -> None:
    started = space.put(scale, force=True)
    assert started.created
    assert started.backup is None


def test_the_backup_is_the_file_itself(space: Workspace, scale: Exercise) -> None:
    """An editor that has the file open and saves in place at the wrong moment must not save into nothing."""
    path = space.start(scale)
    path.write_text("mine", encoding="utf-8")
    with path.open("a", encoding="utf-8") as editor:
        space.put(scale, force=True)
        editor.write(", saved late")
    assert contents(space)[DATED] == "mine, saved late"


@pytest.mark.parametrize("step", ["_draft", "replace"])
def test_a_failure_in_the_middle_loses_nothing(
    space: Workspace, scale: Exercise, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    path = space.start(scale)
    path.write_text("mine", encoding="utf-8")

    def full(*args: object, **named: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(*((module, "_draft") if step == "_draft" else (os, "replace")), full)
    with pytest.raises(HomeNotWritable, match="No space left"):
        space.put(scale, force=True)
    monkeypatch.undo()
    assert contents(space) == {"scale.py": "mine", DATED: "mine"}


def test_a_file_that_appears_meanwhile_wins(space: Workspace, scale: Exercise, monkeypatch: pytest.MonkeyPatch) -> None:
    draft = module._draft

    def slow(path: Path, content: bytes) -> Path:
        path.write_text("from another terminal", encoding="utf-8")
        return draft(path, content)

    monkeypatch.setattr(module, "_draft", slow)
    assert not space.put(scale).created
    assert contents(space) == {"scale.py": "from another terminal"}


def test_a_file_system_without_links(space: Workspace, scale: Exercise, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(source: object, target: object) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    path = space.start(scale)
    path.write_text("mine", encoding="utf-8")
    assert not space.put(scale).created
    space.put(scale, force=True)
    assert contents(space) == {"scale.py": scale.starter_path.read_text(encoding="utf-8"), DATED: "mine"}


def test_a_linked_file_stays_linked(space: Workspace, scale: Exercise, tmp_path: Path) -> None:
    target = tmp_path / "repository" / "scale.py"
    target.parent.mkdir()
    target.write_text("mine", encoding="utf-8")
    space.root.mkdir()
    space.file("scale").symlink_to(target)
    started = space.put(scale, force=True)
    assert space.file("scale").is_symlink()
    assert started.backup == target.with_name(DATED)
    assert target.read_text(encoding="utf-8") == scale.starter_path.read_text(encoding="utf-8")
    assert started.backup.read_text(encoding="utf-8") == "mine"


def test_a_folder_of_that_name_is_told(space: Workspace, scale: Exercise) -> None:
    space.file("scale").mkdir(parents=True)
    with pytest.raises(HomeNotWritable) as e:
        space.put(scale, force=True)
    assert e.value.where == space.file("scale")


def test_a_root_that_cannot_be_created_is_told(tmp_path: Path, scale: Exercise) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(HomeNotWritable):
        Workspace(tmp_path / "file" / "space").start(scale)


def test_a_missing_starter_is_a_fault_of_the_content(space: Workspace, scale: Exercise) -> None:
    scale.starter_path.unlink()
    with pytest.raises(ContentError):
        space.start(scale)
    assert not space.root.exists()
