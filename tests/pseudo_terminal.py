"""A program in a pseudo-terminal of its own, driven by keys and read as text."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import sys
import termios
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

ROOT = Path(__file__).parents[1]
_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")


class Session:
    """`python ARGUMENTS` as the leader of a session; what it draws is read in the background, or it would block."""

    def __init__(self, arguments: list[str], columns: int = 80, lines: int = 24, **env: str) -> None:
        self.pid, self.master = pty.fork()
        if self.pid == 0:
            # The size first: who starts must not see 0 x 0.
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
            # An environment of its own: readline, once imported, puts COLUMNS where os.environ does not see it.
            kept = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES", "NO_COLOR")}
            kept |= {"TERM": "xterm-256color", "PYTHONPATH": str(ROOT), **env}
            for number in (signal.SIGHUP, signal.SIGINT):  # ignored under nohup, and inherited
                signal.signal(number, signal.SIG_DFL)
            os.execve(sys.executable, [sys.executable, *arguments], kept)
        self.seen = b""
        self.status: int | None = None
        self._stop = threading.Event()
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        while not self._stop.is_set():
            if select.select([self.master], [], [], 0.05)[0]:
                try:
                    self.seen += os.read(self.master, 1 << 16)
                except OSError:
                    return

    @property
    def page(self) -> str:
        """What was drawn since the screen was last cleared, without colours; a line drawn over is its last form."""
        text = self.seen.decode(errors="replace").split("\x1b[2J")[-1]
        lines = [line.rstrip("\r").split("\r")[-1] for line in text.split("\n")]
        return "\n".join(_ESCAPES.sub("", line) for line in lines)

    def keys(self, text: str) -> None:
        os.write(self.master, text.encode())

    def resize(self, columns: int, lines: int) -> None:
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    def wait(self, holds: str | Callable[[], object], seconds: float = 60) -> None:
        """Until the page holds a text, or a condition holds."""
        wait_for((lambda: holds in self.page) if isinstance(holds, str) else holds, seconds, lambda: self.page)

    def hang_up(self) -> None:
        """Close the terminal, as a window does."""
        self._stop.set()
        self._reader.join()
        os.close(self.master)

    def ended(self) -> bool:
        if self.status is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.status = os.waitstatus_to_exitcode(status)
        return self.status is not None

    def exit_status(self) -> int:
        """Once it has ended by itself."""
        self.wait(self.ended)
        assert self.status is not None
        return self.status

    def close(self) -> None:
        with suppress(OSError):
            self.hang_up()
        if not self.ended():
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)


def wait_for(condition: Callable[[], object], seconds: float = 60, shown: Callable[[], str] = str) -> None:
    """Wait for a condition, never for a time."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"waited too long\n{shown()}"
        time.sleep(0.02)
