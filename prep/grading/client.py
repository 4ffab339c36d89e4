"""The front end's side of grading: starts the judge as a process and yields its events. Needs neither torch nor numpy.

    for event in grade("softmax", Path("softmax.py")): ...

Events are dicts: `stage`, `case`, and last of all `verdict`. A front end never imports torch, and what happens to the
judge's process cannot take it down.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncGenerator, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from prep import paths
from prep.errors import GraderUnavailable, PrepError, UsageError
from prep.exercises.load import load_exercise
from prep.grading.process import isolation

Event = dict[str, Any]

SOURCE_LIMIT = 1 << 20
"""Bytes of a submission; a kernel file of 1 MiB is a mistake."""

INSTALL = "pip install 'torch>=2.11' 'triton>=3.6,<3.10' numpy"
"""Not an extra of prep by name: who runs a checkout or a wheel of their own has no such name to install."""

_STREAM_LIMIT = 16 << 20
"""Bytes of one event line: asyncio's default of 64 KiB is shorter than a verdict with error maps."""


def require_grader(device: str = "auto") -> None:
    """Raise where grading cannot work here, before any process is started.

    Raises:
        GraderUnavailable: torch, triton or numpy is missing, or a GPU was asked for.
    """
    missing = [name for name in ("torch", "triton", "numpy") if not _installed(name)]
    if missing:
        raise GraderUnavailable(f"grading needs {' and '.join(missing)}: {INSTALL}")
    if device == "cuda":
        raise GraderUnavailable(
            "this version grades on the CPU only, in triton's interpreter", hint="leave --device away, or say cpu"
        )


def require_sandbox() -> None:
    """Raise where code that may be hostile must not be run: as root. That L2 works, the judge finds out.

    Raises:
        GraderUnavailable: this is root.
    """
    if os.getuid() == 0:
        raise GraderUnavailable("code of others is never graded as root", hint="run prep as a user without rights")


def _installed(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except (ImportError, ValueError):
        return False


def read_submission(file: Path) -> bytes:
    """The submission's bytes.

    Raises:
        UsageError: no such file, or not one that can be a submission.
    """
    try:
        if file.stat().st_size > SOURCE_LIMIT:
            raise UsageError(f"is larger than {SOURCE_LIMIT >> 20} MiB", where=file, hint="is it the right file?")
        return file.read_bytes()
    except FileNotFoundError:
        hint = f"`prep start {file.stem}` puts the starter there" if file.parent == paths.workspace_dir() else ""
        raise UsageError("there is no such file", where=file, hint=hint) from None
    except IsADirectoryError:
        raise UsageError("is a folder, not a file", where=file) from None
    except OSError as e:
        raise UsageError(f"cannot be read: {e.strerror}", where=file) from e


def _job(exercise_id: str, file: Path, device: str, case_timeout: float | None) -> bytes:
    load_exercise(exercise_id)
    require_grader(device)
    job: dict[str, Any] = {
        "exercise": exercise_id,
        "exercises": str(paths.exercises_dir()),
        "file": str(file),
        "source": base64.b64encode(read_submission(file)).decode(),
    }
    if case_timeout is not None:
        job["case_timeout"] = case_timeout
    return json.dumps(job).encode() + b"\n"


def _command() -> list[str]:
    return [sys.executable, "-P", "-m", "prep.grading"]  # nothing is imported from the folder that the user is in


def _environment() -> dict[str, str]:
    # The package may be run from a bare checkout that is not installed: the judge must find the same one.
    root = str(Path(__file__).resolve().parents[2])
    inherited = os.environ.get("PYTHONPATH")
    return {**os.environ, "PYTHONPATH": f"{root}{os.pathsep}{inherited}" if inherited else root}


def _event(line: bytes, errors: bytes = b"") -> Event:
    if not line.endswith(b"\n"):  # killed between two events, or in the middle of one
        last = errors.decode(errors="replace").strip().splitlines()
        raise GraderUnavailable("the judge ended without a verdict", hint=last[-1] if last else "")
    event: Event = json.loads(line)
    if event["event"] == "unavailable":
        raise GraderUnavailable(f"{event['message']}: {INSTALL}" if event["missing"] else event["message"])
    if event["event"] == "error":
        raise PrepError(event["message"], hint=event["hint"])
    return event


class JudgeProcess:
    """A judge that stays: torch and triton are imported once, each grading forks a worker from it."""

    def __init__(self, untrusted: bool = False) -> None:
        """`untrusted`: what is graded may be hostile; see `require_sandbox`."""
        self._process: subprocess.Popen[bytes] | None = None
        self._untrusted = untrusted

    def grade(
        self, exercise_id: str, file: Path, device: str = "auto", case_timeout: float | None = None
    ) -> Iterator[Event]:
        """Judge `file`; yields events, the verdict last.

        Raises:
            UsageError, ContentError: unknown exercise, no such file, a broken exercise.
            GraderUnavailable: torch or triton is missing, or the judge died.
        """
        if self._untrusted:
            require_sandbox()
        job = _job(exercise_id, file, device, case_timeout)
        self.start()
        assert self._process is not None
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.write(job)
            self._process.stdin.flush()
            while True:
                event = _event(self._process.stdout.readline())
                yield event
                if event["event"] == "verdict":
                    return
        except BrokenPipeError:
            self.close()
            raise GraderUnavailable("the judge ended without a verdict") from None
        except (GeneratorExit, GraderUnavailable):
            self.close()
            raise

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process is not None else None

    def start(self) -> None:
        """Have the judge run, so that it is warm when it is asked."""
        if self._process is None or self._process.poll() is not None:
            self._process = subprocess.Popen(
                _command(),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=_environment() | ({isolation.VARIABLE: "L2"} if self._untrusted else {}),
                start_new_session=True,
            )

    def close(self) -> None:
        """End the judge and whatever it runs."""
        if self._process is None:
            return
        process, self._process = self._process, None
        _end(process.pid)
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                try:
                    stream.close()
                except BrokenPipeError:
                    continue
        try:
            process.wait(timeout=2)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def __enter__(self) -> JudgeProcess:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


def _end(pid: int) -> None:
    try:
        os.killpg(pid, signal.SIGTERM)
    except (ProcessLookupError, PermissionError):
        return


def grade(
    exercise_id: str, file: Path, device: str = "auto", case_timeout: float | None = None, untrusted: bool = False
) -> Iterator[Event]:
    """Judge `file` once, in a judge of its own; see JudgeProcess.grade."""
    with JudgeProcess(untrusted) as judge:
        yield from judge.grade(exercise_id, file, device, case_timeout)


class AsyncJudge:
    """The same for the app: one warm judge, one grading at a time."""

    def __init__(self) -> None:
        self._process: asyncio.subprocess.Process | None = None
        self._turn = asyncio.Lock()

    async def grade(
        self, exercise_id: str, file: Path, device: str = "auto", case_timeout: float | None = None
    ) -> AsyncGenerator[Event]:
        """Judge `file`; closing the iterator or cancelling its task ends the judge and its worker."""
        job = _job(exercise_id, file, device, case_timeout)
        async with self._turn:
            finished = False
            try:
                process = await self._start()
                assert process.stdin is not None
                assert process.stdout is not None
                process.stdin.write(job)
                await process.stdin.drain()
                while not finished:
                    event = _event(await process.stdout.readline())
                    finished = event["event"] == "verdict"
                    yield event
            except (BrokenPipeError, ConnectionResetError):
                raise GraderUnavailable("the judge ended without a verdict") from None
            finally:
                if not finished:
                    await self.close()

    async def _start(self) -> asyncio.subprocess.Process:
        if self._process is None or self._process.returncode is not None:
            self._process = await asyncio.create_subprocess_exec(
                *_command(),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
                env=_environment(),
                start_new_session=True,
                limit=_STREAM_LIMIT,
            )
        return self._process

    async def close(self) -> None:
        """End the judge and whatever it runs."""
        if self._process is None:
            return
        process, self._process = self._process, None
        if process.returncode is None:
            _end(process.pid)
            try:
                await asyncio.wait_for(process.wait(), 2)
            except TimeoutError:
                process.kill()
                await process.wait()


async def grade_async(
    exercise_id: str, file: Path, device: str = "auto", case_timeout: float | None = None
) -> AsyncGenerator[Event]:
    """Judge `file` once from asyncio code; see AsyncJudge.grade."""
    judge = AsyncJudge()
    try:
        async for event in judge.grade(exercise_id, file, device, case_timeout):
            yield event
    finally:
        await judge.close()
