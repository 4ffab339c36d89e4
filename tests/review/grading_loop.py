"""Started by test_kill: grades cards in a loop in forked children, and says which answers are safe.

usage: grading_loop.py DATABASE [--lie]    one child for each line on stdin

Lines on stdout: `pid N` when a child starts, the id of each answer once it is committed, `done` when the child is dead.
With --lie an answer is said to be safe before it is: what the test must not believe.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import fsrs  # loaded before the fork, so that a child begins to grade within milliseconds

from prep.clock import Instant
from prep.review.reviewer import Reviewer
from prep.settings import Settings
from prep.store import reviews
from prep.store.database import Database
from tests.review.conftest import PlainCard

CARDS = {f"card-{n}": PlainCard(area=f"area{n % 5}") for n in range(50)}
START_MS = 1_795_309_200_000


def say(line: str) -> None:
    os.write(1, f"{line}\n".encode())


def grade_for_ever(path: Path, number: int, lie: bool) -> None:
    if lie:
        insert = reviews.Reviews.insert

        def insert_and_say(self: reviews.Reviews, review: reviews.Review) -> None:
            insert(self, review)
            say(review.id)

        reviews.Reviews.insert = insert_and_say  # type: ignore[method-assign]
    with Database.open(path) as db:
        settings = Settings(new_per_day=5, lang="en", editor="")
        at_ms = START_MS + number * 86_400_000
        reviewer = Reviewer(db, CARDS, settings, lambda: Instant(at_ms, 480))
        count = 0
        while True:
            at_ms += 9 * 60_000
            card_id = reviewer.next_card()
            if card_id is None:
                at_ms += 6 * 3_600_000
                continue
            count += 1
            review_id = reviewer.grade(card_id, count % 4 + 1, face="en", duration_ms=9, session_id=f"{number}-{count}")
            if not lie:
                say(review_id)
            if count % 10 == 0:
                reviewer.undo()


def main() -> None:
    path, lie = Path(sys.argv[1]), "--lie" in sys.argv
    assert fsrs.Scheduler is not None
    for number, _ in enumerate(sys.stdin):
        pid = os.fork()
        if pid == 0:
            grade_for_ever(path, number, lie)
        say(f"pid {pid}")
        os.waitpid(pid, 0)
        say("done")


if __name__ == "__main__":
    main()
