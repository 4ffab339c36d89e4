"""The terminal is closed, or the process told to end, while the app runs: it leaves, and takes its judge along."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.pseudo_terminal import Session, wait_for

# A session leader that survives the hangup and waits for its child, as make does. Nobody signals the child then.
LEADER = """
import signal, subprocess, sys
signal.signal(signal.SIGHUP, lambda *a: None)
child = subprocess.Popen([sys.executable, "-m", "prep"])
open(sys.argv[1], "w").write(str(child.pid))
status = child.wait()
open(sys.argv[2], "w").write(str(status))
"""


@pytest.fixture
def session(bundle: Path) -> Iterator[Callable[[list[str]], Session]]:
    started = []

    def start(arguments: list[str]) -> Session:
        started.append(Session(arguments))
        return started[-1]

    yield start
    for one in started:
        one.close()


def test_it_leaves_where_nobody_signals_it(session: Callable[[list[str]], Session], tmp_path: Path) -> None:
    pid, status = tmp_path / "pid", tmp_path / "status"
    leader = session(["-c", LEADER, str(pid), str(status)])
    try:
        wait_for(lambda: b"Review 12 cards" in leader.seen)
        leader.hang_up()
        wait_for(lambda: status.exists() and status.read_text())
        assert status.read_text() == str(128 + signal.SIGHUP)
    finally:
        with suppress(ProcessLookupError):  # only where the test fails is it still there
            if not status.exists():
                os.kill(int(pid.read_text()), signal.SIGKILL)


def test_it_leaves_with_the_session_it_leads(session: Callable[[list[str]], Session]) -> None:
    app = session(["-m", "prep"])
    wait_for(lambda: b"Review 12 cards" in app.seen)
    app.hang_up()
    wait_for(app.ended)


def test_it_gives_the_terminal_back_when_it_is_told_to_end(session: Callable[[list[str]], Session]) -> None:
    app = session(["-m", "prep"])
    wait_for(lambda: b"Review 12 cards" in app.seen)
    os.kill(app.pid, signal.SIGTERM)
    wait_for(lambda: app.ended() and b"\x1b[?1049l" in app.seen)  # the alternate screen is left
