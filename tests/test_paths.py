"""Where prep keeps things: under PREP_HOME, after the platform's customs, and on a box without platformdirs."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from prep import paths
from prep.errors import HomeNotWritable


def test_home_moves_everything(home: Path) -> None:
    folders = [paths.config_dir(), paths.data_dir(), paths.cache_dir(), paths.workspace_dir(), paths.user_cards_dir()]
    assert all(folder.is_relative_to(home) for folder in folders)
    assert paths.database_path() == home / "data" / "prep.db"


def test_without_home_the_platforms_customs_hold(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("PREP_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "elsewhere"))
    assert paths.data_dir() == tmp_path / "elsewhere" / "prep"
    assert paths.workspace_dir() == tmp_path / "prep"


def test_a_bare_box_needs_no_platformdirs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("PREP_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setitem(sys.modules, "platformdirs", None)
    assert paths.data_dir() == tmp_path / ".local" / "share" / "prep"


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(HomeNotWritable) as told:
        paths.ensure_dir(tmp_path / "file" / "folder")
    assert told.value.where == tmp_path / "file" / "folder"
    assert "PREP_HOME" in told.value.hint


def test_content_is_the_checkouts_or_where_the_variable_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("PREP_BUNDLED", raising=False)
    assert paths.is_checkout()
    assert (paths.content_dir() / "triton").is_dir()
    monkeypatch.setenv("PREP_BUNDLED", str(tmp_path))
    assert paths.exercises_dir() == tmp_path / "exercises"
    assert not paths.is_checkout()
