"""What `prep grade` keeps, where it can: a database that cannot be written must not take a verdict away."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import click

from prep.errors import StoreError

if TYPE_CHECKING:
    from prep.store.attempts import Attempts

Result = TypeVar("Result")


class Records:
    """Attempts and hints seen; each is a transaction of its own, and no lock is held in between."""

    def __init__(self, say: Callable[[str], None] | None = None) -> None:
        self._say = say or (lambda text: click.echo(f"prep: {text}", err=True))

    def attempt(self, verdict: Mapping[str, Any], digest: str) -> None:
        """Keep a verdict; `digest` is the sha256 of what was judged."""
        self._try("this attempt was not recorded", lambda attempts: attempts.record(verdict, digest))

    def hint(self, exercise_id: str, number: int) -> None:
        self._try("that the hint was seen was not recorded", lambda a: a.hint_shown(exercise_id, number))

    def started(self, exercise_id: str) -> None:
        self._try("that it was started was not recorded", lambda a: a.event(exercise_id, "started"))

    def progress(self) -> Mapping[str, str]:
        """Progress by exercise id; empty where it cannot be read."""
        return self._try("the progress cannot be read", lambda a: a.progress_of_all()) or {}

    def _try(self, failed: str, work: Callable[[Attempts], Result]) -> Result | None:
        from prep import clock
        from prep.store.attempts import Attempts
        from prep.store.database import Database

        try:
            with Database.open() as db:
                return work(Attempts(db, clock.now))
        except (StoreError, OSError) as e:
            self._say(f"{failed}: {e}")
            return None
