"""What a card is once read: one file, two languages, one schedule."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final, Literal

from prep.errors import ContentError

Lang = Literal["en", "zh"]
Status = Literal["active", "draft", "retired"]

LANGS: Final[tuple[Lang, ...]] = ("en", "zh")
STATUSES: Final[tuple[Status, ...]] = ("active", "draft", "retired")
LEVELS: Final = (1, 2, 3)
"""1 warm-up, 2 expected, 3 senior."""

ID_PATTERN: Final = r"[a-z0-9][a-z0-9-]{2,63}"
MIN_KEY_POINTS: Final = 3
"""Fewer cannot tell Again, Hard and Good apart when the checklist suggests a grade."""


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """One thing that is wrong in a file."""

    path: Path
    line: int | None
    """Counts from 1; None where no line can be named (a folder, an unreadable file)."""

    message: str
    """One line, without the location."""

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.message}" if self.line is not None else f"{self.path}: {self.message}"


class CardFaults(ContentError):
    """A card file that does not follow the format; `faults` holds every fault, in the order of lines."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        first = faults[0]
        more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
        super().__init__(
            first.message + more,
            where=first.path,
            line=first.line,
            hint="`prep check` lists every fault with its line",
        )
        self.faults: tuple[Fault, ...] = tuple(faults)


@dataclass(frozen=True, slots=True)
class Source:
    """Where a card's facts come from."""

    title: str
    url: str
    locator: str
    """Where in the source: section, file, page."""

    checked: date | None
    """The day the author opened it."""


@dataclass(frozen=True, slots=True)
class Face:
    """One language of a card; every text is Markdown."""

    lang: Lang
    """The language it is written in: differs from the one asked for where a card lacks that one."""

    question: str
    answer: str
    """The spoken answer alone, 60 to 90 seconds."""

    key_points: tuple[str, ...]
    details: str
    pitfalls: str
    follow_ups: str
    sha: str
    """SHA-256, in hex, of the face's content: which wording a review tested."""


@dataclass(slots=True)
class Card:
    """One question in both languages."""

    id: str
    area: str
    tags: tuple[str, ...]
    level: int
    origin: tuple[str, ...]
    exercises: tuple[str, ...]
    aliases: tuple[str, ...]
    """Former ids."""

    sources: Sequence[Source]
    faces: Mapping[Lang, Face]
    """Has both languages always; one that the file lacks is answered with the other, see `Face.lang`."""

    path: Path
    status: Status = "active"

    def face(self, lang: Lang) -> Face:
        return self.faces[lang]
