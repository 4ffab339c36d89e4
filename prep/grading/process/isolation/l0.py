"""Level L0: what every platform gives a worker. It holds mistakes in, not an attacker.

A session of its own (so that the whole group can be killed), no inherited descriptor but its pipes, a scrubbed
environment, a private temporary folder as cwd, home and cache, limits on CPU time, file size, descriptors, memory and
core dumps, and death with its parent.
"""

from __future__ import annotations

import os
import resource
import signal
import sys
from contextlib import suppress
from pathlib import Path

from prep.grading.process.isolation.libc import PR_SET_DUMPABLE, PR_SET_NO_NEW_PRIVS, PR_SET_PDEATHSIG, prctl

FILE_LIMIT = 64 << 20
"""Bytes a submission may write to one file; what it writes in all is watched too, see tree.py."""

MEMORY_LIMIT = 2 << 30
"""Bytes of address space beyond what the zygote had mapped when it forked (torch alone maps some GiB)."""

KEPT_VARIABLES = ("PATH", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "PYTHONPATH", "VIRTUAL_ENV", "SYSTEMROOT")
"""Of the user's environment; whatever else is set there, a submission does not see."""


def kept_variables() -> dict[str, str]:
    return {name: os.environ[name] for name in KEPT_VARIABLES if name in os.environ}


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


def close_all_but(keep: tuple[int, ...]) -> None:
    """Close every descriptor from 3 on that is not in `keep`."""
    previous = 2
    for fd in sorted({*keep}):
        os.closerange(previous + 1, fd)
        previous = fd
    os.closerange(previous + 1, min(resource.getrlimit(resource.RLIMIT_NOFILE)[0], 1 << 16))


def enter(folder: Path, keep: tuple[int, ...], output: int, cpu_seconds: int) -> None:
    """Confine this freshly forked process; called before anything of the submission is read.

    Args:
        folder: its private temporary folder.
        keep: descriptors that stay open.
        output: where its stdout and stderr go.
        cpu_seconds: CPU time after which the kernel ends it.
    """
    os.setsid()
    prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    prctl(PR_SET_NO_NEW_PRIVS, 1)
    prctl(PR_SET_DUMPABLE, 1)  # the zygote is not: then a process may not read its own /proc/self
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD):
        signal.signal(number, signal.SIG_DFL)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(output, 1)
    os.dup2(output, 2)
    for stream in (sys.stdout, sys.stderr):  # what it prints is shown even if it is killed right after
        stream.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    close_all_but(keep)
    kept = kept_variables()
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
    with suppress(OSError):  # where memory runs out, this process goes before anything of the user's
        Path("/proc/self/oom_score_adj").write_text("1000")
