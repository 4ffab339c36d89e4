"""Which card files there are: `<root>/<area>/<id>.md`, with the size and mtime that the cache goes by."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

from prep.cards.card import Fault


class CardFile(NamedTuple):
    path: str
    size: int
    """Bytes."""

    mtime_ns: int


def scan(root: Path) -> tuple[list[CardFile], list[Fault]]:
    """The card files below `root`, sorted by path, and what lies there and cannot be one.

    A root that is not there holds no cards: a user without cards of their own is no fault.
    """
    files: list[CardFile] = []
    faults: list[Fault] = []
    for entry in _entries(root, faults):
        if entry.name.startswith("."):
            continue
        if _is_folder(entry):
            _scan_area(entry.path, files, faults)
        elif entry.name.endswith(".md") and not entry.name.upper().startswith("README"):
            faults.append(
                Fault(Path(entry.path), None, f"a card lies in its area's folder: {root.name}/<area>/<id>.md")
            )
    files.sort()
    return files, faults


def _scan_area(folder: str, files: list[CardFile], faults: list[Fault]) -> None:
    for entry in _entries(folder, faults):
        # Dot files: also what editors keep beside a file that is open (.#name.md is a dangling link).
        if entry.name.startswith("."):
            continue
        if not entry.name.endswith(".md"):
            if _is_folder(entry) and _holds_cards(entry.path):
                faults.append(Fault(Path(entry.path), None, "a folder inside an area: cards in it are not read"))
            continue
        try:
            stat = entry.stat()
        except OSError as e:
            faults.append(Fault(Path(entry.path), None, f"cannot be read: {e.strerror}"))
            continue
        if not _is_file(stat.st_mode):
            faults.append(Fault(Path(entry.path), None, "not a file"))
        else:
            files.append(CardFile(entry.path, stat.st_size, stat.st_mtime_ns))


def _entries(folder: str | Path, faults: list[Fault]) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except FileNotFoundError:
        return []
    except OSError as e:
        faults.append(Fault(Path(folder), None, f"cannot be read: {e.strerror}"))
        return []


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a loop of links
        return False


def _is_file(mode: int) -> bool:
    import stat

    return stat.S_ISREG(mode)


def _holds_cards(folder: str) -> bool:
    try:
        return any(name.endswith(".md") for name in os.listdir(folder))
    except OSError:
        return False
