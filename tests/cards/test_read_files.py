"""Files as people and editors leave them: each is a card or one clear fault."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from prep.cards.library import Library
from prep.cards.parse import MAX_BYTES, read_card
from prep.cards.scan import scan


def test_not_utf8(tmp_path: Path, card: str) -> None:
    path = tmp_path / "kv-cache-paging.md"
    path.write_bytes(card.encode("gbk"))
    found = read_card(path)
    assert found.card is None
    (fault,) = found.faults
    assert fault.message == "not UTF-8: byte 0xb6; save the file as UTF-8"
    assert fault.line == card[: card.index("为什么")].count("\n") + 1


@pytest.mark.parametrize("content", [b"", b"\xef\xbb\xbf", b"\n\n"])
def test_empty(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "abc.md"
    path.write_bytes(content)
    assert [(f.line, f.message) for f in read_card(path).faults] == [(1, "the file is empty")]


def test_larger_than_any_card(tmp_path: Path) -> None:
    path = tmp_path / "abc.md"
    path.write_bytes(b"-" * (MAX_BYTES + 1))
    assert "not a card" in read_card(path).faults[0].message


def test_gone(tmp_path: Path) -> None:
    assert read_card(tmp_path / "abc.md").faults[0].message == "cannot be read: No such file or directory"


def test_what_lies_in_a_folder_of_cards(root: Path, card: str) -> None:
    area = root / "serving"
    area.mkdir()
    (area / "kv-cache-paging.md").write_text(card, encoding="utf-8")
    (area / "folder.md").mkdir()
    (area / "loop.md").symlink_to(area / "loop.md")
    (area / "gone.md").symlink_to(area / "nowhere.md")
    (area / ".#kv-cache-paging.md").symlink_to("someone@host.1234")
    (area / "notes.txt").write_text("x")
    (area / "deeper").mkdir()
    (area / "deeper" / "lost-card.md").write_text(card)
    (root / "README.md").write_text("about")
    (root / "stray.md").write_text("x")
    (root / "around").symlink_to(root / "around")
    os.mkfifo(area / "pipe.md")
    files, faults = scan(root)
    assert [Path(file.path).name for file in files] == ["kv-cache-paging.md"]
    assert {(fault.path.name, fault.message) for fault in faults} == {
        ("folder.md", "not a file"),
        ("pipe.md", "not a file"),
        ("loop.md", "cannot be read: Too many levels of symbolic links"),
        ("gone.md", "cannot be read: No such file or directory"),
        ("deeper", "a folder inside an area: cards in it are not read"),
        ("stray.md", "a card lies in its area's folder: content/<area>/<id>.md"),
    }


def test_a_linked_area_is_read(root: Path, tmp_path: Path, card: str) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "kv-cache-paging.md").write_text(card, encoding="utf-8")
    (root / "serving").symlink_to(tmp_path / "elsewhere")
    library = Library.load([root], tmp_path / "cache.sqlite")
    assert list(library.ids()) == ["kv-cache-paging"]
    assert library.faults == []


def test_an_unreadable_folder_is_a_fault(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: object) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr("prep.cards.scan.os.scandir", refuse)
    files, faults = scan(root)
    assert files == []
    assert [(f.path, f.line, f.message) for f in faults] == [(root, None, "cannot be read: Permission denied")]


def test_a_missing_root_holds_no_cards(tmp_path: Path) -> None:
    assert scan(tmp_path / "nothing") == ([], [])
