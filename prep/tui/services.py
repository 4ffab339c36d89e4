"""What the screens work with: cards, records, exercises; opened once for the whole app."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from prep.cards.library import Library
from prep.clock import Clock
from prep.errors import ContentError
from prep.exercises.load import load_exercises
from prep.interviews.log import InterviewLog
from prep.review.reviewer import Reviewer
from prep.settings import Settings
from prep.store.attempts import Attempts
from prep.store.database import Database

if TYPE_CHECKING:
    from prep.exercises.spec import Exercise


@dataclass(slots=True)
class Contents:
    """What is read from files: the slow part, made in a thread."""

    library: Library
    exercises: dict[str, Exercise]
    fault: ContentError | None
    """Why there are no exercises, if so: cards and log work without them."""


def load_contents() -> Contents:
    library = Library.load()
    try:
        return Contents(library, load_exercises(), None)
    except ContentError as e:
        return Contents(library, {}, e)


@dataclass(slots=True)
class Services:
    """Used from the app's own thread only."""

    contents: Contents
    settings: Settings
    clock: Clock
    db: Database
    reviewer: Reviewer
    interviews: InterviewLog
    attempts: Attempts

    @classmethod
    def open(cls, contents: Contents, settings: Settings, clock: Clock) -> Services:
        """Open the records.

        Raises:
            StoreError: the database is locked, newer than this prep, damaged or not writable.
        """
        db = Database.open()
        try:
            library = contents.library
            reviewer = Reviewer(db, library.cards, settings, clock, library.aliases())
            return cls(contents, settings, clock, db, reviewer, InterviewLog(db, clock), Attempts(db, clock))
        except BaseException:
            db.close()
            raise

    @property
    def library(self) -> Library:
        return self.contents.library

    @property
    def exercises(self) -> dict[str, Exercise]:
        return self.contents.exercises

    def close(self) -> None:
        self.db.close()
