"""The role `compile`, where triton can compile for NVIDIA at all; elsewhere it says why not.

Importing this module never fails for want of a backend: the process that forks all workers imports it.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

from prep.grading.process.protocol import read_frame, write_frame


def _missing() -> str:
    """Why nothing can be compiled for sm_90 here; empty where it can."""
    try:
        from triton.backends.nvidia import compiler as nvidia

        from prep.grading.worker import compiler  # noqa: F401  loaded before the fork, not after each

        # Kept by triton: a process of 15 ms less in each worker.
        nvidia.get_ptxas_version(90)
    except ImportError as e:
        return f"this triton has no NVIDIA compiler ({e})"
    except (RuntimeError, OSError, AttributeError, subprocess.SubprocessError) as e:
        return f"ptxas does not run here ({e})"
    return ""


MISSING = _missing()


def run(requests: int, replies: int, folder: Path) -> None:
    """Be the worker: answer one request."""
    if MISSING:
        read_frame(requests)
        write_frame(replies, {"event": "unavailable", "why": MISSING})
        write_frame(replies, {"event": "done"})
        return
    from prep.grading.worker.compiler import Compiler

    Compiler(requests, replies, folder).serve()
