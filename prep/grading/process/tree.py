"""A worker's process and all that it started: how much they take, and how to end every one of them.

The zygote is the subreaper (inside bubblewrap: process 1), so whatever a worker leaves behind becomes a child of it.
"""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

PROCESS_LIMIT = 32
"""Processes besides the worker. A kernel needs none; a compiler a few."""

MEMORY_LIMIT = 3 << 30
"""Bytes resident in all of them, beyond what each shares with the zygote: the limit on each one's address space says
nothing about 32 of them."""

WRITE_LIMIT = 256 << 20
"""Bytes they may write in all, to files and pipes: their folder is on the user's disk."""


@dataclass(frozen=True, slots=True)
class Usage:
    processes: int
    resident: int
    written: int

    def excess(self, shared: int) -> str | None:
        """What is too much, if anything, where `shared` bytes in each process are the zygote's own."""
        if self.processes - 1 > PROCESS_LIMIT:
            return f"started more than {PROCESS_LIMIT} processes"
        if self.resident - self.processes * shared > MEMORY_LIMIT:
            return f"took more than {MEMORY_LIMIT >> 30} GiB of memory with the processes it started"
        if self.written > WRITE_LIMIT:
            return f"wrote more than {WRITE_LIMIT >> 20} MiB"
        return None


def children(pid: int) -> list[int]:
    """The children of all threads of `pid`; empty where it is gone."""
    found: list[int] = []
    with suppress(OSError):
        for thread in os.listdir(f"/proc/{pid}/task"):
            with suppress(OSError), open(f"/proc/{pid}/task/{thread}/children") as file:
                found += map(int, file.read().split())
    return found


def descendants(pid: int) -> list[int]:
    """`pid` and everything below it."""
    found, seen = [pid], {pid}
    for parent in found:
        new = [child for child in children(parent) if child not in seen]
        found += new
        seen.update(new)
        if len(found) > 64 * PROCESS_LIMIT:  # enough is known, and whoever asks has to be quick
            break
    return found


def resident_bytes(pid: int) -> int:
    """What a process holds that is no file's: its own memory, and what it shares with its children."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) << 10 for line in lines if line.startswith(("RssAnon:", "RssShmem:")))


def written_bytes(pid: int) -> int:
    """To files and pipes by write(), or to files on a disk in any way."""
    try:
        lines = Path(f"/proc/{pid}/io").read_text().splitlines()
    except OSError:
        return 0
    counts = dict(line.split(": ") for line in lines)
    return max(int(counts.get("wchar", 0)), int(counts.get("write_bytes", 0)))


def usage(pids: list[int]) -> Usage:
    return Usage(len(pids), sum(map(resident_bytes, pids)), sum(map(written_bytes, pids)))


def end(roots: list[int]) -> None:
    """SIGKILL everything below `roots`, and them.

    All are stopped first, until no new one is found: what forks faster than it is killed is held by that.
    """
    stopped: set[int] = set()
    while True:
        found = [pid for root in roots for pid in descendants(root)]
        new = [pid for pid in found if pid not in stopped]
        if not new:
            break
        _signal_groups(new, signal.SIGSTOP)
        stopped.update(new)
    _signal_groups(list(stopped), signal.SIGKILL)


def _signal_groups(pids: list[int], number: int) -> None:
    """Whole groups at once, which a process that forks meanwhile cannot escape; never our own."""
    own = os.getpgrp()
    groups = set()
    for pid in pids:
        with suppress(OSError):
            groups.add(os.getpgid(pid))
    for group in groups - {own}:
        with suppress(OSError):
            os.killpg(group, number)
    for pid in pids:
        with suppress(OSError):
            os.kill(pid, number)


def end_orphans(known: set[int]) -> None:
    """End and reap every child of this process that is not in `known`."""
    for _ in range(64):
        orphans = [pid for pid in children(os.getpid()) if pid not in known]
        if not orphans:
            return
        end(orphans)
        for pid in orphans:
            with suppress(ChildProcessError):
                os.waitpid(pid, 0)
