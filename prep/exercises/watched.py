"""Noticing that a file was saved, whichever way its editor does that.

One stat a look, not a notification service: it needs no package, works on network drives and in containers, costs some
ten microseconds, and sees an editor that writes a new file and renames it just as well as one that writes in place.
"""

from __future__ import annotations

import ast
import warnings
from pathlib import Path
from typing import Literal

LOOK_S = 0.1
"""How often to look: half of it is what a save waits on average, beside some 0.2 s of grading."""

SETTLE_S = 0.3
"""How long a file that is missing, empty or no Python must stay so before it counts: editors truncate a file and then
write it, or move the old one away before the new one is there."""

Signature = tuple[int, int, int]


class WatchedFile:
    """A file, and the state of it that was last acted on."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._seen = self._signature()
        self._pending: Signature | None = self._seen
        self._pending_since = 0.0

    @property
    def exists(self) -> bool:
        """Whether it was there when it was last acted on."""
        return self._seen is not None

    def mark_seen(self) -> None:
        """The file as it is now is known: only what comes after it counts."""
        self._seen = self._pending = self._signature()

    def look(self, now: float) -> Literal["saved", "gone"] | None:
        """What happened since the last look that is to be acted on, and from now on is known.

        Args:
            now: seconds of a clock that does not go back.
        """
        found = self._signature()
        if found == self._seen:
            self._pending = found
            return None
        if found != self._pending:
            self._pending, self._pending_since = found, now
            if found is None or not self._is_whole():
                return None
        elif now - self._pending_since < SETTLE_S:
            return None
        self._seen = found
        return "gone" if found is None else "saved"

    def _signature(self) -> Signature | None:
        try:
            stat = self.path.stat()
        except OSError:
            return None
        return stat.st_mtime_ns, stat.st_size, stat.st_ino

    def _is_whole(self) -> bool:
        """Can this be what its author meant to save? What cannot is judged too, when it stays."""
        try:
            source = self.path.read_bytes()
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                return bool(source.strip()) and bool(ast.parse(source).body)
        except (OSError, SyntaxError, ValueError, RecursionError, MemoryError):
            return False
