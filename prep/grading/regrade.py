"""Grading while the file goes on being edited: a save overtakes the grading of what stood there before."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from prep.errors import PrepError
from prep.grading.client import AsyncJudge, Event

PATIENCE_S = 1.0
"""How long a grading that was overtaken may go on. Most end sooner, and a judge that is ended instead has to import
torch again, which takes longer."""


@dataclass(frozen=True, slots=True)
class Graded:
    verdict: dict[str, Any]
    source_sha: str
    """Of the file when it was judged."""


class Regrader:
    """Grades a file with a judge that stays warm; one grading at a time.

    Args:
        took: is given every event but the verdict, also those of a grading that was overtaken.
    """

    def __init__(self, judge: AsyncJudge, took: Callable[[Event], None]) -> None:
        self._judge = judge
        self._took = took
        self._overtaken = False
        self._running: asyncio.Task[dict[str, Any]] | None = None

    async def grade(self, exercise_id: str, path: Path, device: str = "auto") -> Graded:
        """Judge `path` as it is when no save comes between. Cancelling it ends the judge and its worker.

        Raises:
            PrepError: as AsyncJudge.grade does.
        """
        while True:
            self._overtaken = False
            sha = source_sha(path)
            self._running = asyncio.create_task(self._judged(exercise_id, path, device))
            try:
                verdict = await self._running
                if not self._overtaken:
                    return Graded(verdict, sha)
            except asyncio.CancelledError:
                task = asyncio.current_task()
                if not self._overtaken or (task is not None and task.cancelling()):
                    raise
            except PrepError:
                if not self._overtaken:
                    raise
            finally:
                self._running = None

    def overtake(self) -> None:
        """The file was saved: what is being judged is of no interest any more."""
        if self._running is not None and not self._overtaken:
            self._overtaken = True
            asyncio.get_running_loop().call_later(PATIENCE_S, self._running.cancel)

    async def _judged(self, exercise_id: str, path: Path, device: str) -> dict[str, Any]:
        verdict: dict[str, Any] = {}
        async with aclosing(self._judge.grade(exercise_id, path, device)) as events:
            async for event in events:
                if event["event"] == "verdict":
                    verdict = event["verdict"]
                else:
                    self._took(event)
        return verdict


def source_sha(path: Path) -> str:
    """The sha256 of a file; empty where it cannot be read."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return ""
