"""A worker's process as the judge sees it: forked, asked, watched while it answers, ended with all it started."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from prep.grading.process.protocol import Expired, Frame, ProtocolError, StreamEnded, read_frame, write_frame
from prep.grading.worker import serve

ROLES = {"run": serve.run}
"""What a forked process can be."""

GRACE_S = 0.5
"""What a worker that is done, or that closed its pipe, gets to end by itself."""

WRITE_LIMIT = 256 << 20
"""Bytes a submission may write in all, to files and pipes, before it is ended: its folder is on the user's disk."""

OUTPUT_LIMIT = 64 << 10
"""Bytes of what it prints that are kept."""


class WroteTooMuch(Exception):
    """The worker wrote more than WRITE_LIMIT."""


@dataclass
class Child:
    """A forked worker and the pipes to it."""

    pid: int
    requests: int
    replies: int
    output_fd: int
    folder: Path
    printed: bytearray = field(default_factory=bytearray)
    ended: str | None = None
    status: int | None = None
    """How it ended, once it was waited for."""

    ended_at: float = 0.0

    @classmethod
    def fork(cls, role: str, cpu_seconds: float) -> Child:
        """Fork this process, which must hold nothing that a submission may not see, to do what `role` says."""
        folder = Path(tempfile.mkdtemp(prefix="prep-"))
        request_r, request_w = os.pipe()
        reply_r, reply_w = os.pipe()
        output_r, output_w = os.pipe()
        sys.stdout.flush()
        sys.stderr.flush()
        pid = os.fork()
        if pid == 0:
            ROLES[role](request_r, reply_w, output_w, folder, cpu_seconds)
        for fd in (request_r, reply_w, output_w):
            os.close(fd)
        return cls(pid, request_w, reply_r, output_r, folder)

    def collect(self, chunk: bytes) -> None:
        self.printed += chunk[: max(0, OUTPUT_LIMIT - len(self.printed))]

    def check(self) -> None:
        """Raise where waiting on makes no sense: it wrote too much, or it is gone and a child of it holds the pipe."""
        if self._gone() and time.monotonic() > self.ended_at + GRACE_S:
            raise StreamEnded
        try:
            counts = Path(f"/proc/{self.pid}/io").read_text()
        except OSError:
            return
        for line in counts.splitlines():
            if line.startswith("wchar:") and int(line.split()[1]) > WRITE_LIMIT:
                raise WroteTooMuch

    def ask(self, header: dict[str, Any], payload: bytes, seconds: float, meanwhile: Callable[[], Any]) -> Frame | None:
        """Send a request and wait for its reply; None where the process ended or had to be ended (see `ended`)."""
        deadline = time.monotonic() + seconds
        try:
            write_frame(self.requests, header, payload)
            meanwhile()
            return read_frame(self.replies, deadline, {self.output_fd: self.collect}, self.check)
        except Expired:
            self.ended = "timeout"
        except WroteTooMuch:
            self.ended = f"wrote more than {WRITE_LIMIT >> 20} MiB"
        except (ProtocolError, BrokenPipeError):
            self.ended = ""  # how it died is known once it is waited for
        self.kill()
        return None

    def kill(self) -> None:
        """End the whole process group, and note how the process had ended if it did so by itself."""
        deadline = time.monotonic() + GRACE_S  # one that closed its pipe is about to end: let its own status be seen
        while not self._gone() and not self.ended and time.monotonic() < deadline:
            time.sleep(0.01)
        self._end()
        if self.ended == "" and self.status is not None:
            self.ended = _how_it_ended(self.status)

    def _gone(self) -> bool:
        if self.status is None:
            done, status = os.waitpid(self.pid, os.WNOHANG)
            if done:
                self.status, self.ended_at = status, time.monotonic()
        return self.status is not None

    def _end(self) -> None:
        _kill_group(self.pid)
        if self.status is None:
            self.status = os.waitpid(self.pid, 0)[1]

    def close(self) -> None:
        os.close(self.requests)
        deadline = time.monotonic() + GRACE_S
        while not self._gone() and time.monotonic() < deadline:
            time.sleep(0.002)
        self._end()
        for fd in (self.replies, self.output_fd):
            os.close(fd)
        shutil.rmtree(self.folder, ignore_errors=True)


def _kill_group(pid: int) -> None:
    for target in (os.killpg, os.kill):
        try:
            target(pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            continue


def _how_it_ended(status: int) -> str:
    if os.WIFSIGNALED(status):
        return f"was killed by {signal.Signals(os.WTERMSIG(status)).name}"
    return f"left with exit status {os.WEXITSTATUS(status)} before it had answered"
