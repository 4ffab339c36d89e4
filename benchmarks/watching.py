"""Watch mode as a process, timed from a save to the verdict: noticing the save, the grading and the printing."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path


class Watching:
    """`prep grade ID --watch --json` on a file of ours."""

    def __init__(self, arguments: Sequence[str], file: Path, home: str) -> None:
        self._file = file
        self._source = file.read_bytes()
        self._saves = 0
        self._process = subprocess.Popen(
            arguments,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            env={**os.environ, "PREP_HOME": home},
        )
        self._verdict()  # the first one, of a judge that is still importing torch

    def save(self) -> float:
        """Save the file, another text each time, and wait for its verdict; the seconds between."""
        self._saves += 1
        time.sleep(self._saves % 7 * 0.017)  # saves come at any moment between two looks
        start = time.perf_counter()
        self._file.write_bytes(self._source + b"# save %d\n" % self._saves)
        self._verdict()
        return time.perf_counter() - start

    def _verdict(self) -> None:
        assert self._process.stdout is not None
        if not json.loads(self._process.stdout.readline())["passed"]:
            raise SystemExit("the solution does not pass")

    def __enter__(self) -> Watching:
        return self

    def __exit__(self, *exc: object) -> None:
        self._process.terminate()
        self._process.communicate()
