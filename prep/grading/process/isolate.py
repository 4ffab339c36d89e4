"""Level L0 of isolation: what every platform gives a worker. It holds mistakes in, not an attacker.

A session of its own (so that the whole group can be killed), no inherited descriptor but its pipes, a scrubbed
environment, a private temporary folder as cwd, home and cache, limits on CPU time, file size, descriptors, memory and
core dumps, and death with its parent.
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import sys
from contextlib import suppress
from pathlib import Path

LEVEL = "L0"
FILE_LIMIT = 64 << 20
"""Bytes a submission may write to one file. Its whole folder is watched too, see judge.py."""

MEMORY_LIMIT = 2 << 30
"""Bytes of address space beyond what the judge had mapped when it forked (torch alone maps some GiB)."""

_PR_SET_PDEATHSIG, _PR_SET_NO_NEW_PRIVS, _PR_SET_CHILD_SUBREAPER = 1, 38, 36
_KEPT_VARIABLES = ("PATH", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "PYTHONPATH", "VIRTUAL_ENV", "SYSTEMROOT")


def _prctl(option: int, value: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0)


def adopt_orphans() -> None:
    """Make this process the parent of whatever a dead worker leaves behind, so that it can be found and killed."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def _mapped_bytes() -> int:
    try:
        return int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    except (OSError, ValueError):
        return 16 << 30


def _lower(limit: int, value: int) -> None:
    _, hard = resource.getrlimit(limit)
    if hard != resource.RLIM_INFINITY:
        value = min(value, hard)
    resource.setrlimit(limit, (value, value))


def enter(folder: Path, keep: tuple[int, ...], output: int, cpu_seconds: int) -> None:
    """Confine this freshly forked process; called before anything of the submission is read.

    Args:
        folder: its private temporary folder.
        keep: descriptors that stay open.
        output: where its stdout and stderr go.
        cpu_seconds: CPU time after which the kernel ends it.
    """
    os.setsid()
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_DFL)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(output, 1)
    os.dup2(output, 2)
    previous = 2
    for fd in sorted({*keep}):
        os.closerange(previous + 1, fd)
        previous = fd
    os.closerange(previous + 1, min(resource.getrlimit(resource.RLIMIT_NOFILE)[0], 1 << 16))
    kept = {name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ}
    os.environ.clear()
    private = str(folder)
    os.environ.update(kept, HOME=private, TMPDIR=private, TRITON_CACHE_DIR=private, TRITON_INTERPRET="1")
    os.chdir(folder)
    _lower(resource.RLIMIT_CPU, cpu_seconds)
    _lower(resource.RLIMIT_FSIZE, FILE_LIMIT)
    _lower(resource.RLIMIT_NOFILE, 256)
    _lower(resource.RLIMIT_CORE, 0)
    _lower(resource.RLIMIT_AS, _mapped_bytes() + MEMORY_LIMIT)
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # a write beyond the limit raises OSError in the submission


def kill_strays() -> None:
    """End what earlier workers left behind: in a process that called `adopt_orphans`, those are its only children."""
    try:
        children = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    except OSError:
        return
    for child in map(int, children):
        with suppress(ProcessLookupError, ChildProcessError, PermissionError):
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
