"""The judge's hold on its zygote: started at the best level that works, started again when it died.

One zygote for the judge's life. It is started and started again from the judge's main thread only (`ensure`): it ends
when the thread that started it does.
"""

from __future__ import annotations

import json
import os
import select
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from prep.grading.process import isolation, tree
from prep.grading.process.isolation import bubblewrap, l0, probe

HELLO_S = 30.0
"""Until Python has started, without torch; 0.05 s on a machine that has nothing else to do."""

READY_S = 300.0
"""Until torch and triton are imported: 2 s from a warm disk, a minute from a cold network one."""


_UIDS = 0x6000_0000
"""Where root starts it, each judge's zygote is a user of its own: processes are counted by user."""


class Unavailable(Exception):
    """No zygote, or no worker at the level that was asked for, can be had: why, in one line."""

    def __init__(self, message: str, missing: bool = False) -> None:
        super().__init__(message)
        self.missing = missing
        """True where it is a library."""


class ZygoteDied(Exception):
    """The zygote ended by another hand than ours, and every worker with it."""


class Zygote:
    """A running zygote."""

    def __init__(self, level: str) -> None:
        self.level = level
        self.ready = False
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._socket = ours
        environment = _environment()
        with theirs:
            arguments = (str(theirs.fileno()), level, str(_UIDS + os.getpid()))
            line = [sys.executable, "-P", "-m", "prep.grading.process.zygote", *arguments]
            if level == "L2":
                wrapper = bubblewrap.command(environment)
                if wrapper is None:
                    raise Unavailable("bubblewrap is not installed")
                line = [*wrapper, *line]
            self._process = subprocess.Popen(
                line,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                env=environment,
                pass_fds=(theirs.fileno(),),
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    def alive(self) -> bool:
        return self._process.poll() is None

    def await_hello(self) -> None:
        """Wait until it runs.

        Raises:
            Unavailable: it does not.
        """
        if self._receive(HELLO_S) is None:
            raise Unavailable(self._last_words() or "the zygote does not start")

    def await_ready(self) -> None:
        """Wait until it has imported torch and triton.

        Raises:
            Unavailable: one of them is missing.
            ZygoteDied: it ended.
        """
        if self.ready:
            return
        message = self._receive(READY_S)
        if message is None:
            raise ZygoteDied
        if "missing" in message:
            if self.level == "L2" and isolation.forced() is None:  # it may lie where bubblewrap does not show it
                global _without_bubblewrap
                _without_bubblewrap = True
                self.kill()
                raise ZygoteDied
            raise Unavailable(f"{message['missing']} is not installed", missing=True)
        self.ready = True

    def fork(self, role: str, cpu_seconds: float, fds: tuple[int, ...]) -> None:
        """Ask for a worker that gets `fds`: what it reads, writes, prints to, and its control socket.

        Raises:
            ZygoteDied: there is nobody to ask.
        """
        try:
            socket.send_fds(self._socket, [json.dumps({"role": role, "cpu_seconds": cpu_seconds}).encode()], fds)
        except OSError as e:
            raise ZygoteDied from e

    def close(self) -> None:
        """End it and its workers."""
        self._socket.close()
        deadline = time.monotonic() + 2.0
        while self.alive() and self.ready and time.monotonic() < deadline:
            time.sleep(0.002)
        self.kill()

    def kill(self) -> None:
        """End it at once. Not through bubblewrap: without its rights it cannot end what has become another user."""
        if self.alive():
            tree.end([self.pid])
        self._process.wait()

    def _receive(self, seconds: float) -> dict[str, Any] | None:
        if not select.select([self._socket], [], [], seconds)[0]:
            return None
        try:
            text = self._socket.recv(1 << 16)
        except OSError:
            return None
        return dict(json.loads(text)) if text else None

    def _last_words(self) -> str:
        self.kill()
        assert self._process.stderr is not None
        words = self._process.stderr.read().decode(errors="replace").strip().splitlines()
        return words[-1] if words else ""


def _environment() -> dict[str, str]:
    # The judge may be run from a bare checkout that is not installed.
    root = str(Path(__file__).resolve().parents[3])
    kept = l0.kept_variables()
    if "TMPDIR" in os.environ:  # where workers' folders are made
        kept["TMPDIR"] = os.environ["TMPDIR"]
    return {**kept, "PYTHONPATH": os.pathsep.join(filter(None, (root, kept.get("PYTHONPATH"))))}


_zygote: Zygote | None = None
_without_bubblewrap = False
"""It was tried, and torch cannot be imported inside."""


def ensure() -> Zygote:
    """The zygote, started if there is none; does not wait until it is ready. For the main thread.

    Raises:
        Unavailable: none can be had.
    """
    global _zygote
    if _zygote is not None and not _zygote.alive():
        _zygote.close()
        _zygote = None
    if _zygote is None:
        _zygote = _start()
    return _zygote


def again() -> Zygote:
    """A new zygote for one that died, or whose wrapper is about to notice that it did."""
    global _zygote
    if _zygote is not None:
        _zygote.kill()
        _zygote.close()
        _zygote = None
    end_orphans()
    return ensure()


def _start() -> Zygote:
    try:
        forced = isolation.forced()
    except ValueError as e:
        raise Unavailable(str(e)) from e
    if forced == "L1" and isolation.kernel_level() != "L1":
        raise Unavailable(f"isolation L1 does not work here: {probe.lacking('L1')}")
    if forced is not None:
        try:
            return _running(forced)
        except Unavailable as e:
            raise Unavailable(f"isolation {forced} does not work here: {e}") from e
    if not _without_bubblewrap:
        with suppress(Unavailable):
            return _running("L2")
    return _running(isolation.kernel_level())


def _running(level: str) -> Zygote:
    zygote = Zygote(level)
    zygote.await_hello()
    return zygote


def current() -> Zygote:
    """The zygote that `ensure` started.

    Raises:
        ZygoteDied: it is not there any more.
    """
    if _zygote is None or not _zygote.alive():
        raise ZygoteDied
    return _zygote


def end_orphans() -> None:
    """End what workers of a dead zygote left behind: the judge is the subreaper above it."""
    tree.end_orphans({_zygote.pid} if _zygote is not None else set())
