"""The judge as a process: one job a line on stdin, events as JSON lines on stdout.

    {"exercise": "softmax", "exercises": "<folder>", "file": "<path>", "source": "<base64>", "case_timeout": 15}

It serves until stdin ends, so that whoever keeps it gets a warm judge: its zygote imports torch and triton once (2 s).
"""

from __future__ import annotations

import base64
import json
import os
import signal
import sys
import traceback
from pathlib import Path
from typing import Any, NoReturn

from prep.errors import PrepError
from prep.grading.process import launch
from prep.grading.process.isolation.libc import PR_SET_CHILD_SUBREAPER, PR_SET_DUMPABLE, prctl


def serve() -> None:
    """Answer jobs until stdin ends."""
    # The events' descriptor is our own: whatever prints to stdout in this process must not mix with them.
    events = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)

    def emit(event: dict[str, Any]) -> None:
        events.write(json.dumps(event, ensure_ascii=False) + "\n")
        events.flush()

    def leave(signum: int, frame: object) -> NoReturn:
        os._exit(128 + signum)  # the zygote and its workers go with it

    signal.signal(signal.SIGTERM, leave)
    signal.signal(signal.SIGINT, leave)
    prctl(PR_SET_DUMPABLE, 0)  # its descriptors are not to be opened by a worker of the same user
    prctl(PR_SET_CHILD_SUBREAPER, 1)  # where the zygote died, what its workers started comes to us
    try:
        launch.ensure()  # it imports torch while we read the rest
        from prep.grading.judge import CASE_TIMEOUT_S, Judge
    except ImportError as e:
        emit({"event": "unavailable", "message": f"{e.name or e} is not installed", "missing": True})
        return
    except launch.Unavailable as e:
        emit({"event": "unavailable", "message": str(e), "missing": e.missing})
        return
    from prep.exercises.load import load_exercise

    for line in sys.stdin:
        job = json.loads(line)
        try:
            exercise = load_exercise(job["exercise"], Path(job["exercises"]))
            judge = Judge(case_timeout=float(job.get("case_timeout", CASE_TIMEOUT_S)))
            judge.grade(exercise, base64.b64decode(job["source"]), job["file"], emit)
        except BrokenPipeError:
            return  # nobody listens any more
        except PrepError as e:
            emit({"event": "error", "message": str(e), "hint": e.hint})
        except launch.Unavailable as e:
            emit({"event": "unavailable", "message": str(e), "missing": e.missing})
        except OSError as e:  # no room for a temporary folder, no process to be had
            emit({"event": "error", "message": f"the judge cannot work: {e}", "hint": ""})
        except Exception as e:
            traceback.print_exc()
            fault = f"{type(e).__name__}: {e}"
            emit({"event": "error", "message": f"a fault of the judge, not of your file: {fault}", "hint": ""})
        finally:
            launch.end_orphans()


if __name__ == "__main__":
    serve()
