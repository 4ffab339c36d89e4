"""Acceptance: a hundred SIGKILLs at random moments lose no acknowledged answer and double none."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from prep.review import rebuild
from prep.store.database import Database

ROOT = Path(__file__).resolve().parents[2]
KILLS = 100


@contextmanager
def grading_loop(path: Path, *options: str) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("grading_loop.py")), str(path), *options],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    ) as process:
        try:
            yield process
        finally:
            assert process.stdin is not None
            process.stdin.close()


def kill_once(process: subprocess.Popen[str], answers: int, then_s: float) -> list[str]:
    """Start a child, kill it so many seconds after so many answers, and return those that it said were safe."""
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write("go\n")
    process.stdin.flush()
    pid = 0
    safe: list[str] = []
    lines = iter(process.stdout.readline, "")
    # Counted in answers first, so that a busy machine kills at the same points of the work as an idle one.
    while not pid or len(safe) < answers:
        line = next(lines)
        if line.startswith("pid "):
            pid = int(line.removeprefix("pid "))
        else:
            safe.append(line.strip())
    time.sleep(then_s)
    os.kill(pid, signal.SIGKILL)
    for line in lines:
        if line == "done\n":
            break
        safe.append(line.strip())
    return safe


def faults(path: Path, safe: list[str], kills: int) -> list[str]:
    """What is wrong with the database, after answers `safe` were acknowledged in so many killed processes."""
    with Database.open(path) as db:
        found = []
        if db.execute("PRAGMA integrity_check").fetchall() != [("ok",)]:
            found.append("damaged")
        stored = {i for (i,) in db.execute("SELECT id FROM reviews")}
        if not set(safe) <= stored:
            found.append(f"{len(set(safe) - stored)} lost")
        # Each process may have committed one answer that it died too early to acknowledge.
        if len(stored) > len(safe) + kills:
            found.append(f"{len(stored) - len(safe)} that nobody gave")
        doubled = db.execute("SELECT session_id FROM reviews GROUP BY session_id HAVING count(*) > 1").fetchall()
        if doubled:
            found.append(f"{len(doubled)} doubled")
        changed = rebuild(db).changed_rows
        if changed:
            found.append(f"{changed} states that are not the fold of the log")
        return found


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "prep.db"


def test_a_hundred_kills_lose_nothing(path: Path) -> None:
    seed = random.randrange(10**6)
    print(f"seed {seed}")  # shown when it fails
    dice = random.Random(seed)
    safe: list[str] = []
    with grading_loop(path) as process:
        for _ in range(KILLS):
            # None: while the database is being opened, backed up, or the first answer is on its way.
            safe += kill_once(process, dice.choice([0, 0, 1, 5, 20, 40]), dice.uniform(0, 0.02))
    assert len(safe) > 3 * KILLS
    assert len(set(safe)) == len(safe)
    assert faults(path, safe, KILLS) == []


def test_a_process_that_lies_is_found_out(path: Path) -> None:
    """Acknowledged before it is committed: the check above must see what such a program loses."""
    safe: list[str] = []
    dice = random.Random(1)
    with grading_loop(path, "--lie") as process:
        for kills in range(1, 400):
            safe += kill_once(process, dice.randint(1, 5), dice.uniform(0, 0.01))
            if kills % 20 == 0 and faults(path, safe, kills):
                break
    assert any("lost" in fault for fault in faults(path, safe, kills))


@pytest.mark.parametrize(
    ("spoil", "fault"),
    [
        ("DELETE FROM reviews WHERE rowid = 1", "1 lost"),
        ("UPDATE card_state SET due_ms = due_ms + 1 WHERE card_id = (SELECT min(card_id) FROM card_state)", "1 states"),
        ("UPDATE reviews SET session_id = 'same' WHERE rowid <= 2", "1 doubled"),
        (
            "INSERT INTO reviews SELECT id || n, card_id, face, reviewed_at_ms, tz_offset_min, study_day, rating,"
            " 'cram', duration_ms, device, session_id || n, interview_q_id, content_sha, algo, params_id,"
            " desired_retention, before_json, after_json, undone_at_ms FROM reviews, (SELECT 1 AS n UNION SELECT 2)",
            "that nobody gave",
        ),
    ],
)
def test_the_check_sees_what_is_wrong(path: Path, spoil: str, fault: str) -> None:
    with grading_loop(path) as process:
        safe = kill_once(process, 20, 0.0)
    assert faults(path, safe, 1) == []
    with Database.open(path) as db:
        db.execute(spoil)
    assert any(fault in found for found in faults(path, safe, 1))


def test_two_processes_grade_at_once(path: Path) -> None:
    """Both sit at the same queue; whoever comes second with a card is told, and nothing is corrupted."""
    script = """
import sys
from pathlib import Path
from prep.clock import Instant
from prep.review import AlreadyAnswered, Reviewer
from prep.settings import Settings
from prep.store.database import Database
from tests.review.conftest import PlainCard
cards = {f"card-{n}": PlainCard() for n in range(200)}
with Database.open(Path(sys.argv[1])) as db:
    reviewer = Reviewer(db, cards, Settings(new_per_day=999, lang="en", editor=""), lambda: Instant(1795309200000, 480))
    given = refused = 0
    while given < 60 and (card_id := reviewer.next_card()) is not None:
        try:
            reviewer.grade(card_id, 3, face="en", duration_ms=1, session_id=f"{sys.argv[2]}-{given}")
            given += 1
        except AlreadyAnswered:
            refused += 1
    print(given, refused)
"""
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", script, str(path), str(number)],
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        for number in range(2)
    ]
    given = [int(process.communicate(timeout=60)[0].split()[0]) for process in processes]
    assert given == [60, 60]
    with Database.open(path) as db:
        per_card = db.execute("SELECT count(*) FROM reviews GROUP BY card_id").fetchall()
        assert per_card == [(1,)] * 120
        assert rebuild(db).changed_rows == 0
