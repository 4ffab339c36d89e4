"""The one exception tree of prep, rendered once at the edge (cli or tui).

PrepError                    what, where, what to do; carries the exit status
├── UsageError               the call was wrong: unknown exercise, no such file (exit 2)
├── ConfigError              the configuration file is broken (exit 2)
├── ContentError             a card or exercise is broken, with file and line (exit 1)
├── StoreError               the database cannot be used (exit 1)
│   ├── DatabaseTooNew       written by a newer prep
│   ├── DatabaseLocked       another process holds the write lock
│   └── HomeNotWritable      prep's folder is read-only or full
├── ImportFailed             a file to import cannot be read
└── GraderUnavailable        torch or triton missing, no GPU where one was asked for (exit 3)
"""

from __future__ import annotations

from pathlib import Path


class PrepError(Exception):
    """A fault that a person can act on.

    Args:
        message: what is wrong, one line.
        where: the file it is wrong in, if any; `line` counts from 1.
        hint: what to do about it, one line.
    """

    exit_code = 1

    def __init__(
        self, message: str, *, where: Path | str | None = None, line: int | None = None, hint: str = ""
    ) -> None:
        super().__init__(message)
        self.message = message
        self.where = where
        self.line = line
        self.hint = hint

    def location(self) -> str:
        """`file:line`, `file`, or an empty string."""
        if self.where is None:
            return ""
        return f"{self.where}:{self.line}" if self.line is not None else f"{self.where}"

    def __str__(self) -> str:
        location = self.location()
        return f"{location}: {self.message}" if location else self.message


class UsageError(PrepError):
    exit_code = 2


class ConfigError(PrepError):
    exit_code = 2


class ContentError(PrepError):
    pass


class StoreError(PrepError):
    pass


class DatabaseTooNew(StoreError):
    pass


class DatabaseLocked(StoreError):
    pass


class HomeNotWritable(StoreError):
    pass


class ImportFailed(PrepError):
    pass


class GraderUnavailable(PrepError):
    exit_code = 3
