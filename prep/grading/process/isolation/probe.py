"""What level of isolation this machine gives, found by trying; and what the others lack."""

from __future__ import annotations

import os
import platform
import subprocess
import sys

from prep.grading.process.isolation import bubblewrap, landlock, seccomp

_TRY_S = 10

_TRIED = "import os; assert os.getpid() == 1; os.listdir('/proc'); print(os.access('/proc/sys/kernel', os.W_OK))"


def lacking(level: str) -> str | None:
    """Why `level` does not work here, in one line; None where it does."""
    if level == "L1":
        return _without_kernel()
    if level == "L2":
        return _without_bubblewrap()
    return None


def _without_kernel() -> str | None:
    if sys.platform != "linux":
        return f"needs Linux, this is {platform.system()}"
    if not landlock.abi():
        return f"the kernel ({platform.release()}) has no Landlock, or it is switched off; Linux 5.13 and later have it"
    if not seccomp.supported():
        return f"system calls of {platform.machine()} are not known to the filter"
    return None


def _without_bubblewrap() -> str | None:
    wrapper = bubblewrap.command({"PATH": os.defpath})
    if wrapper is None:
        return "bubblewrap is not installed (apt install bubblewrap, dnf install bubblewrap)"
    if not seccomp.supported():
        return f"system calls of {platform.machine()} are not known to the filter"
    try:
        done = subprocess.run(
            [*wrapper, sys.executable, "-I", "-S", "-c", _TRIED], capture_output=True, text=True, timeout=_TRY_S
        )
    except (OSError, subprocess.TimeoutExpired) as e:
        return f"bubblewrap does not run: {e}"
    if done.returncode != 0:
        said = (done.stderr.strip().splitlines() or [f"exit status {done.returncode}"])[-1]
        return f"bubblewrap does not work here: {said}"
    return None


def best() -> str:
    """The level that a worker gets here if nobody asks for another."""
    return next(level for level in ("L2", "L1", "L0") if lacking(level) is None)
