"""A judge for the tests of its front ends, without torch: the submission's words say what becomes of it.

Run by itself it judges; run with the arguments of `prep`, it is prep with this judge.
"""

from __future__ import annotations

import base64
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

from tests.verdicts import CASE, verdict


def emit(event: dict[str, Any]) -> None:
    print(json.dumps(event), flush=True)


def judge() -> None:
    for line in sys.stdin:
        job = json.loads(line)
        source = base64.b64decode(job["source"]).decode()
        emit({"event": "stage", "name": "cpu", "status": "running", "seconds": 0, "message": ""})
        emit({"event": "case", "index": 0, "total": 9, "case": CASE})
        if "DIE" in source:
            os._exit(9)
        if "NONSENSE" in source:
            emit({"event": "verdict", "verdict": {}})
        while "SLOW" in source:
            time.sleep(1)
        found = verdict("RIGHT" in source, xray="NO XRAY" not in source)
        if "DEF" in source:  # what was judged, so that a test can tell
            found["diagnosis"][0]["messages"]["en"] = source.split("DEF")[1].splitlines()[0]
        emit({"event": "verdict", "verdict": {**found, "exercise": job["exercise"]}})


def main() -> None:
    from prep.cli import main as prep
    from prep.grading import client

    client._command = lambda: [sys.executable, str(Path(__file__).resolve())]
    client.require_grader = lambda device="auto": None
    prep(sys.argv[1:])


if __name__ == "__main__":
    main() if sys.argv[1:] else judge()
