"""Faults on purpose: whatever is killed, filled or multiplied, nothing passes by it and grading goes on."""

from __future__ import annotations

import os
import random
import resource
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from prep.errors import GraderUnavailable
from prep.grading.client import JudgeProcess
from prep.grading.process import isolation, tree
from tests.grading import processes
from tests.grading.test_bad_submissions import RIGHT, wrapped

ROOT = Path(__file__).parents[2]
GradeAt = Callable[..., dict[str, Any]]
ENDS = isolation.LEVELS[::2]
"""Without any wall and with all of them: what lies between differs in nothing that is tried here."""

NAME = f"stray{os.getpid()}"
CALL_ME = f"__import__('ctypes').CDLL(None).prctl(15, {NAME.encode()!r})"


@pytest.fixture(autouse=True)
def nothing_is_left() -> Iterator[None]:
    yield
    assert processes.gone(lambda: processes.named(NAME))


@pytest.fixture
def own_judge(monkeypatch: pytest.MonkeyPatch) -> Iterator[JudgeProcess]:
    """A judge that may be killed."""
    pytest.importorskip("torch")
    with JudgeProcess() as judge:
        yield judge


def code(verdict: dict[str, Any]) -> str:
    assert not verdict["passed"]
    return str(verdict["diagnosis"][0]["code"])


def goes_on(grade_at: GradeAt, level: str) -> None:
    verdict = grade_at(level, RIGHT)
    assert verdict["passed"], verdict["diagnosis"]


@pytest.mark.parametrize("level", ENDS)
def test_a_worker_killed_between_or_during_cases(judges: Any, level: str, tmp_path: Path) -> None:
    """After each case's event in turn, then at random moments: the last answer alone is not enough."""
    judge = judges(level)
    file = tmp_path / "right.py"
    file.write_text(RIGHT)
    last = 0
    for at in range(4):
        for event in judge.grade("softmax", file):
            if event["event"] == "case":
                last = event["total"] - 1
                if event["index"] == at * max(last - 1, 1) // 3:
                    for pid in processes.workers(judge.pid):
                        os.kill(pid, signal.SIGKILL)
        assert not event["verdict"]["passed"]
    *_, event = judge.grade("softmax", file)
    assert event["verdict"]["passed"], event["verdict"]["diagnosis"]


@pytest.mark.parametrize("level", ENDS)
@pytest.mark.parametrize("delay", [0.0, 0.002, 0.05])
def test_a_thread_that_kills_the_worker_after_the_last_store(grade_at: GradeAt, level: str, delay: float) -> None:
    body = f"""import os, threading, time
threading.Thread(target=lambda: (time.sleep({delay}), os.kill(os.getpid(), 9))).start()"""
    assert code(grade_at(level, wrapped(body))) == "crash"


@pytest.mark.parametrize("level", ENDS)
def test_a_child_that_kills_the_worker(grade_at: GradeAt, level: str) -> None:
    body = """import os, time
parent = os.getpid()
if os.fork() == 0:
    time.sleep(0.01)
    os.kill(parent, 9)
    os._exit(0)"""
    assert code(grade_at(level, wrapped(body))) == "crash"
    goes_on(grade_at, level)


def test_a_submission_that_kills_the_zygote(grade_at: GradeAt) -> None:
    """Only where nothing forbids it; the first death may be an accident, the second is not."""
    found = grade_at("L0", wrapped("import os, signal, time; os.kill(os.getppid(), signal.SIGKILL); time.sleep(1)"))
    assert code(found) == "crash"
    assert "twice" in found["diagnosis"][0]["message"]
    goes_on(grade_at, "L0")


def test_a_submission_that_stops_the_zygote(grade_at: GradeAt) -> None:
    body = "import os, signal; os.kill(os.getppid(), signal.SIGSTOP)\nwhile True: pass"
    assert code(grade_at("L0", wrapped(body), case_timeout=1.0)) in ("crash", "timeout")
    goes_on(grade_at, "L0")


def test_the_zygote_killed_from_outside_costs_a_repetition_only(own_judge: JudgeProcess, tmp_path: Path) -> None:
    file = tmp_path / "right.py"
    file.write_text(RIGHT)
    killed = 0
    for event in own_judge.grade("softmax", file):
        assert own_judge.pid is not None
        if event["event"] == "case" and event["index"] == 3 and not killed:
            pid = processes.zygote(own_judge.pid)
            assert pid is not None
            os.kill(pid, signal.SIGKILL)
            killed = pid
    assert killed
    assert event["verdict"]["passed"], event["verdict"]["diagnosis"]


def test_the_judge_killed_at_random_moments(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    file = tmp_path / "right.py"
    file.write_text(wrapped("", CALL_ME))
    pick = random.Random(4)
    with JudgeProcess() as judge:
        for _ in range(2):
            below: list[int] = []
            index = pick.randrange(6)
            with pytest.raises(GraderUnavailable, match="without a verdict"):  # noqa: PT012
                for event in judge.grade("softmax", file):
                    assert event["event"] != "verdict"
                    if event["event"] == "case" and event["index"] == index:
                        assert judge.pid is not None
                        below = tree.descendants(judge.pid)
                        time.sleep(pick.random() * 0.02)
                        os.kill(judge.pid, signal.SIGKILL)
            assert len(below) >= 3  # judge, zygote, worker
            assert processes.gone(lambda: [pid for pid in below if processes.alive(pid)])  # noqa: B023


_BOMBS = {
    "forks": "while True: os.fork()",
    "sessions": "while True:\n    if os.fork() == 0: os.setsid()",
    "daemons": """for _ in range(3):
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            os.setsid()
            time.sleep(600)
        os._exit(0)
os._exit(0)""",
}


@pytest.mark.parametrize("level", ENDS)
@pytest.mark.parametrize("bomb", _BOMBS)
def test_fork_bombs(grade_at: GradeAt, level: str, bomb: str) -> None:
    start = time.monotonic()
    # The name is inherited by every fork, so that all of them are found afterwards.
    assert code(grade_at(level, wrapped(f"import os, time\n{CALL_ME}\n{_BOMBS[bomb]}"))) == "crash"
    assert time.monotonic() - start < 30
    assert processes.gone(lambda: processes.named(NAME))
    goes_on(grade_at, level)


@pytest.mark.parametrize("level", ENDS)
def test_children_that_together_take_too_much_memory(grade_at: GradeAt, level: str) -> None:
    """Each stays below its own limit."""
    body = f"""import os, time
{CALL_ME}
for _ in range(12):
    if os.fork() == 0:
        kept = bytearray(b"x") * (400 << 20)
        time.sleep(60)
        os._exit(0)
time.sleep(60)"""
    found = grade_at(level, wrapped(body), case_timeout=45.0)
    assert code(found) == "crash"
    assert "GiB of memory" in found["diagnosis"][0]["message"]


@pytest.mark.parametrize("level", ENDS)
def test_a_loop_in_c_that_no_signal_but_kill_ends(grade_at: GradeAt, level: str) -> None:
    body = """import ctypes, signal
for number in set(signal.Signals) - {signal.SIGKILL, signal.SIGSTOP}:
    signal.signal(number, signal.SIG_IGN)
while True:
    ctypes.PyDLL(None).sleep(600)"""
    assert code(grade_at(level, wrapped(body), case_timeout=1.0)) == "timeout"


@pytest.mark.parametrize("level", ENDS)
def test_work_done_after_the_entry_returned_does_not_count(grade_at: GradeAt, level: str) -> None:
    late = RIGHT.replace("def softmax(x, out):", "def late(x, out):") + (
        "\n\ndef softmax(x, out):\n    import threading, time\n"
        "    threading.Thread(target=lambda: (time.sleep(0.02), late(x, out))).start()\n"
    )
    assert not grade_at(level, late)["passed"]


def _full(limit: Callable[[], None] | None, folder: Path, home: Path) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "-m", "prep", "grade", "softmax", "--file", str(ROOT / "solutions/softmax/solution.py")]
    env = {**os.environ, "PREP_HOME": str(home), "PYTHONPATH": str(ROOT), "PREP_ISOLATION": "L0"}
    env["PYTHONDONTWRITEBYTECODE"] = "1"  # a cached module that ends after 1 KiB would outlive the test
    return subprocess.run(line, env={**env, "TMPDIR": str(folder)}, preexec_fn=limit, capture_output=True, text=True)


def test_no_room_for_temporary_files_is_one_line(tmp_path: Path) -> None:
    """As on a full disk: no file may grow beyond 1 KiB."""
    done = _full(lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1024, 1024)), tmp_path, tmp_path)
    assert done.returncode == 1
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1
    assert str(tmp_path) in done.stderr


def test_a_full_disk_is_one_line(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = os.getuid() == 0 and subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "none", disk]).returncode
    if mounted is False or mounted:
        pytest.skip("only root mounts a small disk")
    try:
        done = _full(None, disk, tmp_path)
        assert done.returncode == 1
        assert len(done.stderr.splitlines()) == 1
        assert "No space left on device" in done.stderr
        assert list(disk.iterdir()) == []
    finally:
        subprocess.run(["umount", disk], check=True)


def test_a_judge_that_dies_leaves_the_users_data_as_it_was(tmp_path: Path) -> None:
    file = tmp_path / "softmax.py"
    file.write_text(wrapped("while True: pass"))
    line = [sys.executable, "-m", "prep", "grade", "softmax", "--file", str(file)]
    env = {**os.environ, "PREP_HOME": str(tmp_path), "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(line, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as front:
        deadline = time.monotonic() + 60
        judge = 0
        while not (judge and processes.workers(judge)) and time.monotonic() < deadline:
            found = [
                pid for pid in tree.descendants(front.pid) if processes.command(pid).strip().endswith("prep.grading")
            ]
            judge = found[0] if found else 0
            time.sleep(0.05)
        with suppress(ProcessLookupError):
            os.kill(judge, signal.SIGKILL)
        out, errors = front.communicate(timeout=60)
    assert (front.returncode, out) == (3, "")
    assert "the judge ended without a verdict" in errors
    database = tmp_path / "data" / "prep.db"
    if database.exists():
        with sqlite3.connect(database) as db:
            assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            assert db.execute("SELECT count(*) FROM attempts").fetchone() == (0,)
        db.close()
