"""bubblewrap: the zygote in namespaces of its own, with a file system that holds what a worker may read, and no more.

No network, no process to be seen but the zygote's, no device but null, zero and random, a temporary folder in memory.
Started by root, the namespace of users is left as it is and the zygote becomes a user that nothing belongs to: uid 0
inside a user namespace would still be uid 0 for the files of /proc (core_pattern could be opened for writing).
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from prep.grading.process.isolation import visible

TEMPORARY_BYTES = 512 << 20
"""Of memory, for all workers' folders; twice what one may write."""

PROCESS_LIMIT = 512
"""Processes and threads at once, of the zygote's user in its namespace: programs that wait for each other take a thread
each, 264 of them in the widest case. Far fewer processes end a submission, see tree.py."""

_NAMESPACES = ("--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try")


def command(environment: dict[str, str]) -> list[str] | None:
    """What to put before the command to be confined; None where bubblewrap is not installed."""
    program = shutil.which("bwrap")
    if program is None or sys.platform != "linux":
        return None
    root = os.getuid() == 0
    line = [program, *(_NAMESPACES if root else ("--unshare-all",))]
    line += ["--die-with-parent", "--new-session", "--as-pid-1", "--clearenv", "--cap-drop", "ALL"]
    if root:
        line += ["--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"]
    for name, value in {**environment, "HOME": "/tmp", "TMPDIR": "/tmp", "PYTHONDONTWRITEBYTECODE": "1"}.items():
        line += ["--setenv", name, value]
    line += ["--proc", "/proc", "--ro-bind", "/proc/sys", "/proc/sys", "--ro-bind", "/sys", "/sys", "--dev", "/dev"]
    for folder in ("/tmp", "/dev/shm"):
        line += ["--perms", "1777", "--size", str(TEMPORARY_BYTES), "--tmpfs", folder]
    paths = visible.paths()
    # Left to itself, bubblewrap makes the folders above what it shows as closed as root's home is.
    for above in sorted({folder for path in paths for folder in path.parents}):
        if above not in (Path("/"), Path("/tmp")):
            line += ["--perms", "0755", "--dir", str(above)]
    for path in paths:
        line += ["--ro-bind-try", str(path), str(path)]
    bundled = visible.PACKAGE / "_bundled"
    if bundled.is_dir():
        line += ["--tmpfs", str(bundled)]
    return [*line, "--remount-ro", "/", "--chdir", "/tmp", "--"]


def become_nobody(uid: int) -> None:
    """Give root up for a user that owns nothing: `uid`, or nobody where that is not mapped."""
    for candidate in (uid, 65534):
        try:
            os.setgroups([])
            os.setresgid(candidate, candidate, candidate)
            os.setresuid(candidate, candidate, candidate)
            return
        except OSError:
            continue
    raise PermissionError("root cannot be given up")
