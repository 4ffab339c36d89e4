"""What tests see of the judge's processes from outside."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from prep.grading.process import tree


def named(name: str) -> list[int]:
    """Living processes of that name, at any level of isolation: their numbers here."""
    found = []
    for entry in os.listdir("/proc"):
        with suppress(OSError):
            if entry.isdigit() and Path(f"/proc/{entry}/comm").read_text().strip() == name and alive(int(entry)):
                found.append(int(entry))
    return found


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


def command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""


def zygote(judge: int) -> int | None:
    """The zygote below a judge."""
    found = [pid for pid in tree.descendants(judge) if "-m prep.grading.process.zygote" in command(pid)]
    starts = [pid for pid in found if "bwrap" not in command(pid).split()[0]]
    return starts[0] if starts else None


def workers(judge: int) -> list[int]:
    """The workers below a judge's zygote."""
    parent = zygote(judge)
    return tree.children(parent) if parent is not None else []


def gone(pids: Callable[[], list[int]], seconds: float = 20.0) -> bool:
    """True once there are none; False where some are left after `seconds`."""
    deadline = time.monotonic() + seconds
    while pids() and time.monotonic() < deadline:
        time.sleep(0.02)
    return not pids()
