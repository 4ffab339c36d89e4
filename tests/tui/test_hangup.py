"""The terminal is closed, or the process told to end, while the app runs: it leaves, and takes its judge along."""

from __future__ import annotations

import os
import pty
import select
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.tui.conftest import REPOSITORY

# A session leader that survives the hangup and waits for its child, as make does. Nobody signals the child then.
LEADER = """
import signal, subprocess, sys
signal.signal(signal.SIGHUP, lambda *a: None)
child = subprocess.Popen([sys.executable, "-m", "prep"])
open(sys.argv[1], "w").write(str(child.pid))
status = child.wait()
open(sys.argv[2], "w").write(str(status))
"""


class Session:
    """A program in a pseudo-terminal of its own."""

    def __init__(self, arguments: list[str]) -> None:
        self.pid, self.master = pty.fork()
        if self.pid == 0:
            os.environ.update(TERM="xterm-256color", COLUMNS="80", LINES="24", PYTHONPATH=str(REPOSITORY))
            os.execv(sys.executable, [sys.executable, *arguments])
        self.seen = b""
        self.status: int | None = None
        # The program blocks where nobody reads what it draws.
        self._reader = threading.Thread(target=self._read)
        self._stop = threading.Event()
        self._reader.start()

    def _read(self) -> None:
        while not self._stop.is_set():
            if select.select([self.master], [], [], 0.05)[0]:
                try:
                    self.seen += os.read(self.master, 1 << 16)
                except OSError:
                    return

    def hang_up(self) -> None:
        self._stop.set()
        self._reader.join()
        os.close(self.master)

    def ended(self) -> bool:
        if self.status is None and os.waitpid(self.pid, os.WNOHANG)[0]:
            self.status = 0
        return self.status is not None

    def close(self) -> None:
        with suppress(OSError):
            self.hang_up()
        if not self.ended():
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)


@pytest.fixture
def session(bundle: Path) -> Iterator[Callable[[list[str]], Session]]:
    started = []

    def start(arguments: list[str]) -> Session:
        started.append(Session(arguments))
        return started[-1]

    yield start
    for one in started:
        one.close()


def wait_for(condition: Callable[[], object], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.02)


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
