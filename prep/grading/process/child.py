"""A worker's process as the judge sees it: asked for, asked, watched while it answers, ended with all it started."""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from prep.grading.process import isolation, launch
from prep.grading.process.launch import Unavailable, ZygoteDied
from prep.grading.process.protocol import Expired, Frame, ProtocolError, StreamEnded, read_frame, write_frame

GRACE_S = 0.5
"""What a worker that closed its pipe gets to end by itself."""

END_S = 10.0
"""Until the zygote has ended a worker and all that it started; a zygote that takes longer is itself ended."""

START_S = 15.0
"""From the request to a worker that is confined: 10 ms where a machine is not swamped; a stopped zygote forks none."""

OUTPUT_LIMIT = 64 << 10
"""Bytes of what it prints that are kept."""


@dataclass
class Child:
    """A worker and the pipes to it."""

    zygote: launch.Zygote
    control: socket.socket
    requests: int
    replies: int
    output_fd: int
    printed: bytearray = field(default_factory=bytearray)
    level: str | None = None
    """The level of isolation that it really has, once it started."""

    ended: str | None = None
    """Why there are no more answers: `timeout`, or how the process ended, in words."""

    status: int | None = None
    """How it ended, as waitpid tells, once it did."""

    reason: str | None = None
    """Why the zygote ended it, where it did."""

    ended_at: float = 0.0

    @classmethod
    def fork(cls, role: str, cpu_seconds: float) -> Child:
        """Have a worker forked to do what `role` says; returns before it runs, for any thread.

        Raises:
            ZygoteDied: there is no zygote.
        """
        zygote = launch.current()
        request_r, request_w = os.pipe()
        reply_r, reply_w = os.pipe()
        output_r, output_w = os.pipe()
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            child = cls(zygote, ours, request_w, reply_r, output_r)
            try:
                zygote.fork(role, cpu_seconds, (request_r, reply_w, output_w, theirs.fileno()))
            except ZygoteDied:
                child._close()
                raise
            finally:
                for fd in (request_r, reply_w, output_w):
                    os.close(fd)
        os.set_blocking(request_w, False)
        return child

    def start(self) -> None:
        """Wait until it is confined; what the submission says about that is not asked, for it is not read yet.

        Raises:
            OSError: there is no room for it on this machine.
            ZygoteDied: the zygote ended.
            Unavailable: torch or triton is missing, or it is not confined as it was asked for.
        """
        if self.level is not None:
            return
        self.zygote.await_ready()
        try:
            hello = read_frame(self.replies, time.monotonic() + START_S, {self.output_fd: self._collect}, self._check)
        except ProtocolError as e:
            self._await_end()
            raise OSError(f"a worker did not start: {self.ended or e}") from e
        self.level = str(hello.header["level"])
        if isolation.forced() not in (None, self.level):
            raise Unavailable(f"isolation {isolation.forced()} was asked for, a worker here gets {self.level}")

    def ask(self, header: dict[str, Any], payload: bytes, seconds: float, meanwhile: Callable[[], Any]) -> Frame | None:
        """Send a request and wait for its reply; None where the process ended or had to be ended (see `ended`).

        Raises:
            OSError, ZygoteDied: see `start`.
        """
        if self.ended is None:
            self.start()
        deadline = time.monotonic() + seconds
        if not self.tell(header, payload, deadline):
            return None
        meanwhile()
        return self.hear(deadline)

    def tell(self, header: dict[str, Any], payload: bytes, deadline: float) -> bool:
        """Send a request, to be answered by one frame or more; False where the process ended."""
        if self.ended is not None:
            return False
        self.start()
        with self._ending():
            write_frame(self.requests, header, payload, deadline, {self.output_fd: self._collect}, self._check)
        return self.ended is None

    def hear(self, deadline: float) -> Frame | None:
        """The next frame; None where the process ended or had to be ended."""
        if self.ended is not None:
            return None
        with self._ending():
            return read_frame(self.replies, deadline, {self.output_fd: self._collect}, self._check)
        return None

    @contextmanager
    def _ending(self) -> Iterator[None]:
        """End the process where talking to it fails, and note why."""
        try:
            yield
        except Expired:
            self.ended = "timeout"
            self.kill()
        except (ProtocolError, BrokenPipeError):
            deadline = time.monotonic() + GRACE_S  # it closed its pipe: let its own end be seen
            while self.status is None and time.monotonic() < deadline:
                self._hear(0.02)
            self.kill()

    def finish(self, seconds: float) -> bool:
        """Have it say that it is done, and leave; False where it was ended before (see `ended`).

        A process that is killed after its last answer, by whomever, did not finish.
        """
        if self.ask({"op": "end"}, b"", seconds, lambda: None) is None:
            return False
        deadline = time.monotonic() + seconds
        while self.status is None and time.monotonic() < deadline:
            self._hear(0.05)
        if self.status != 0:
            self.kill()
            self.ended = self.ended or "did not leave when it was done"
            return False
        return True

    def kill(self) -> None:
        """End it and everything that it started."""
        self._await_end()
        if self.ended is None and self.status is not None:
            self.ended = self.reason or _how_it_ended(self.status)

    def close(self) -> None:
        """End it, keep what it printed last, and let go of it."""
        try:
            self._await_end()
        finally:
            while select.select([self.output_fd], [], [], 0)[0]:
                chunk = os.read(self.output_fd, 1 << 16)
                if not chunk:
                    break
                self._collect(chunk)
            self._close()

    def _close(self) -> None:
        self.control.close()
        for fd in (self.requests, self.replies, self.output_fd):
            os.close(fd)

    def _collect(self, chunk: bytes) -> None:
        self.printed += chunk[: max(0, OUTPUT_LIMIT - len(self.printed))]

    def _check(self) -> None:
        """Called while waiting: hear how it ended, and do not wait on where that was a while ago."""
        self._hear(0.0)
        if self.status is not None and time.monotonic() > self.ended_at + GRACE_S:
            raise StreamEnded

    def _hear(self, seconds: float) -> None:
        """Take what the zygote says about the worker."""
        if self.status is not None or not select.select([self.control], [], [], seconds)[0]:
            return
        try:
            text = self.control.recv(1 << 16)
        except OSError:
            text = b""
        if not text:
            raise ZygoteDied
        message = json.loads(text)
        if "failed" in message:
            self.status, self.ended = 0, "was never started"
            raise OSError(message["failed"])
        if "ended" in message:
            self.status, self.reason, self.ended_at = message["ended"], message["reason"], time.monotonic()

    def _await_end(self) -> None:
        if self.status is not None:
            return
        # Not a message: one that the zygote closed the socket without reading would take its last words with it.
        with suppress(OSError):
            self.control.shutdown(socket.SHUT_WR)
        deadline = time.monotonic() + END_S
        while self.status is None:
            if time.monotonic() > deadline:  # stopped, by a worker of ours
                self.zygote.kill()
                raise ZygoteDied
            self._hear(0.05)


def _how_it_ended(status: int) -> str:
    if os.WIFSIGNALED(status):
        return f"was killed by {signal.Signals(os.WTERMSIG(status)).name}"
    return f"left with exit status {os.WEXITSTATUS(status)} before it had answered"
