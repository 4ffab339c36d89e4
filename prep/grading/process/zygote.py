"""The zygote: a process that holds torch and triton, nothing secret, and forks a worker whenever the judge asks.

    python -m prep.grading.process.zygote SOCKET LEVEL UID

Over the socket come requests, each with the worker's pipes and a control socket; the judge and the worker then talk
through the pipes directly. On the control socket the zygote tells that the worker started and how it ended, and is told
to end it. It is the parent of all that a worker leaves behind, and it ends it. When the judge goes, it goes.
"""

from __future__ import annotations

import array
import gc
import importlib
import json
import math
import os
import select
import shutil
import signal
import socket
import sys
import tempfile
import time
import traceback
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from prep.grading.process import isolation, tree
from prep.grading.process.isolation.libc import (
    PR_SET_CHILD_SUBREAPER,
    PR_SET_DUMPABLE,
    PR_SET_PDEATHSIG,
    few_arenas,
    prctl,
)
from prep.grading.process.protocol import write_frame

ROLES = {
    "run": "prep.grading.worker.serve:run",
    "compile": "prep.grading.worker.toolchain:run",
    "replay": "prep.grading.worker.replay:run",
}
"""What a worker can be: a function of the descriptors it reads and writes and of its folder."""

TICK_S = 0.025
"""How often a worker's processes are counted: torch's 300 MB fork in 2 ms, so some twenty can come meanwhile."""

ROOM = 2 << 20
"""Bytes that must be free where a worker's folder is made."""


@dataclass
class Worker:
    pid: int
    control: socket.socket
    folder: Path
    pidfd: int
    reason: str | None = None
    """Why it was ended, where the zygote ended it."""


class Zygote:
    def __init__(self, judge: socket.socket, level: str) -> None:
        self.judge = judge
        self.level = level
        self.parent = os.getppid()
        self.workers: dict[int, Worker] = {}
        self.shared = tree.resident_bytes(os.getpid())

    def serve(self) -> None:
        """Fork, watch and end workers until the judge is gone."""
        next_tick = 0.0
        while True:
            watched = {w.control.fileno(): w for w in self.workers.values()}
            ended = {w.pidfd: w for w in self.workers.values()}
            wait = max(0.0, next_tick - time.monotonic()) if self.workers else None
            ready, _, _ = select.select([self.judge.fileno(), *watched, *ended], [], [], wait)
            if self.workers and time.monotonic() >= next_tick:
                self._watch()
                next_tick = time.monotonic() + TICK_S
            for fd in ready:
                worker = ended.get(fd) or watched.get(fd)
                if worker is not None and worker.pid in self.workers:
                    # It ended by itself, or the judge, who sends nothing, closed its side: end it.
                    self._ended(worker) if fd in ended else self._end(worker)
            if self.judge.fileno() in ready and not self._request():
                return

    def _request(self) -> bool:
        """Fork the worker that is asked for; False where the judge is gone."""
        text, ancillary, _, _ = self.judge.recvmsg(1 << 16, socket.CMSG_LEN(16 * array.array("i").itemsize))
        if not text:
            return False
        fds = array.array("i")
        for _, _, data in ancillary:
            fds.frombytes(data)
        requests, replies, output, control_fd = fds
        control = socket.socket(fileno=control_fd)
        try:
            self._fork(json.loads(text), requests, replies, output, control)
        except OSError as e:  # no room for its folder, no process to be had
            with suppress(OSError):
                control.send(json.dumps({"failed": str(e)}).encode())
            control.close()
        finally:
            for fd in (requests, replies, output):
                os.close(fd)
        return True

    def _fork(self, job: dict[str, Any], requests: int, replies: int, output: int, control: socket.socket) -> None:
        role = _function(ROLES[job["role"]])
        folder = _make_folder()
        try:
            pid = os.fork()
        except OSError:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        if pid == 0:
            judge = self.parent
            _be(role, self.level, judge, requests, replies, output, folder, math.ceil(job["cpu_seconds"]))
        self.workers[pid] = Worker(pid, control, folder, os.pidfd_open(pid))
        with suppress(OSError):
            control.send(b'{"started": true}')

    def _watch(self) -> None:
        """End workers that take too much; what orphans take counts for all, for nobody knows whose they are."""
        orphans = [d for pid in tree.children(os.getpid()) if pid not in self.workers for d in tree.descendants(pid)]
        for worker in list(self.workers.values()):
            excess = tree.usage(tree.descendants(worker.pid) + orphans).excess(self.shared)
            if excess is not None:
                worker.reason = excess
                self._end(worker)

    def _end(self, worker: Worker) -> None:
        tree.end([worker.pid])
        self._ended(worker)

    def _ended(self, worker: Worker) -> None:
        """Reap it, end what it left behind, then tell the judge: no pipe of it is open any more."""
        del self.workers[worker.pid]
        status = os.waitpid(worker.pid, 0)[1]
        tree.end_orphans(set(self.workers))
        with suppress(OSError):
            worker.control.send(json.dumps({"ended": status, "reason": worker.reason}).encode())
        worker.control.close()
        os.close(worker.pidfd)
        _remove(worker.folder)

    def close(self) -> None:
        tree.end(list(self.workers))
        tree.end_orphans(set())
        for worker in self.workers.values():
            _remove(worker.folder)


def _function(name: str) -> Any:
    module, _, function = name.partition(":")
    return getattr(importlib.import_module(module), function)


def _make_folder() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="prep-"))
    try:
        with open(folder / "room", "wb") as file:
            os.posix_fallocate(file.fileno(), 0, ROOM)
        (folder / "room").unlink()
    except OSError as e:
        shutil.rmtree(folder, ignore_errors=True)
        raise OSError(e.errno, e.strerror, str(folder.parent)) from e
    return folder


def _remove(folder: Path) -> None:
    try:
        shutil.rmtree(folder, ignore_errors=True)
    except RecursionError:  # folders in folders, a thousand deep
        os.spawnvp(os.P_WAIT, "rm", ["rm", "-rf", str(folder)])


def _be(
    role: Any, level: str, judge: int, requests: int, replies: int, output: int, folder: Path, cpu_seconds: int
) -> NoReturn:
    """Be a worker, and leave without running anybody's exit handlers."""
    status = 0
    try:
        protected = (os.getppid(),) if level == "L2" else (os.getppid(), judge)
        attained = isolation.enter(level, folder, (requests, replies), output, cpu_seconds, protected)
        tempfile.tempdir = str(folder)
        write_frame(replies, {"level": attained})
        role(requests, replies, folder)
    except BaseException:
        traceback.print_exc()
        status = 70
    finally:
        os._exit(status)


def main() -> None:
    judge, level = socket.socket(fileno=int(sys.argv[1])), sys.argv[2]
    if level == "L2" and os.getuid() == 0:
        isolation.bubblewrap.become_nobody(int(sys.argv[3]))
    prctl(PR_SET_DUMPABLE, 0)  # not to be traced, nor its descriptors opened, by a worker of the same user
    prctl(PR_SET_CHILD_SUBREAPER, 1)
    # At once where the judge dies, and not only when the stream has ended. Process 1 takes all others with it.
    prctl(PR_SET_PDEATHSIG, signal.SIGKILL if level == "L2" else signal.SIGTERM)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    judge.send(b'{"hello": true}')
    # The decorator of a kernel and triton's own library read this when they are imported: so before triton is.
    os.environ["TRITON_INTERPRET"] = "1"
    few_arenas()
    for library in ("OPENBLAS", "OMP", "MKL"):  # no threads, which a fork would lose
        os.environ[f"{library}_NUM_THREADS"] = "1"
    try:
        import torch

        for name in ROLES.values():
            _function(name)
    except ImportError as e:
        judge.send(json.dumps({"missing": e.name or str(e)}).encode())
        return
    torch.set_num_threads(1)  # before any fork: a thread pool does not survive it
    gc.collect()
    gc.freeze()  # a collection in a worker would copy every page that it shares with this process
    zygote = Zygote(judge, level)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        judge.send(b'{"ready": true}')
        zygote.serve()
    except OSError:
        return  # the judge is gone
    finally:
        zygote.close()


if __name__ == "__main__":
    main()
