"""Levels of isolation: what a worker can reach of the machine that it runs on.

L0  l0.py                      always: limits, an environment and a folder of its own. Holds mistakes in, no attacker
L1  landlock.py, seccomp.py    Linux 5.13: also no file but what visible.py lists and its own folder, no network, no
                               signal to the judge's processes, no call that only an attacker makes
L2  bubblewrap.py              where it works: also namespaces of its own; all of it gone when the zygote is

The best one that works is taken; PREP_ISOLATION=L0, L1 or L2 asks for that one. probe.py tells what each lacks.
The driver of a GPU is reachable at every level.
"""

from __future__ import annotations

import os
import resource
from contextlib import suppress
from pathlib import Path

from prep.grading.process.isolation import bubblewrap, l0, landlock, seccomp, visible
from prep.grading.process.isolation.libc import drop_capabilities

LEVELS = ("L0", "L1", "L2")
VARIABLE = "PREP_ISOLATION"


def forced() -> str | None:
    """The level that the user asks for, if any.

    Raises:
        ValueError: there is no such level.
    """
    level = os.environ.get(VARIABLE) or None
    if level is not None and level not in LEVELS:
        raise ValueError(f"{VARIABLE} is '{level}': it can be {', '.join(LEVELS[:-1])} or {LEVELS[-1]}")
    return level


def kernel_level() -> str:
    """The best level that needs nothing but the kernel."""
    return "L1" if landlock.abi() and seccomp.supported() else "L0"


def enter(
    level: str, folder: Path, keep: tuple[int, ...], output: int, cpu_seconds: int, protected: tuple[int, ...]
) -> str:
    """Confine this freshly forked worker at `level`, or as near to it as the kernel can.

    Args:
        level: what the zygote was started for; at L2 it is inside bubblewrap already.
        folder, keep, output, cpu_seconds: see `l0.enter`.
        protected: processes of ours, which it must not signal.

    Returns:
        The level that it really has.
    """
    l0.enter(folder, keep, output, cpu_seconds)
    if level == "L0":
        return "L0"
    restricted = filtered = False
    with suppress(OSError):
        landlock.restrict([*visible.paths(), Path("/proc"), Path("/sys")], [folder])
        restricted = True
    if level == "L2":  # the limit counts in the namespace; elsewhere it would count all that the user runs
        resource.setrlimit(resource.RLIMIT_NPROC, (bubblewrap.PROCESS_LIMIT, bubblewrap.PROCESS_LIMIT))
    with suppress(OSError):
        drop_capabilities()  # with root's, the memory of any process could be read through /proc
    with suppress(OSError):
        seccomp.restrict(tuple(sorted({-1, *protected, *(-pid for pid in protected)})))
        filtered = True
    if level == "L2" and filtered:
        return "L2"
    return "L1" if restricted and filtered else "L0"
