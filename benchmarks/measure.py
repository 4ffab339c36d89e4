"""Timing whole commands, in turns: what is compared runs interleaved, so that a busy machine slows both alike."""

from __future__ import annotations

import os
import pty
import select
import shlex
import signal
import statistics
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

Run = Callable[[], float]


@dataclass(frozen=True, slots=True)
class Result:
    """Seconds of one command over its runs."""

    name: str
    seconds: list[float]

    @property
    def median(self) -> float:
        return statistics.median(self.seconds)

    @property
    def least(self) -> float:
        return min(self.seconds)


def command(arguments: Sequence[str], env: Mapping[str, str] | None = None, status: int = 0) -> Run:
    """A run of a whole process, output discarded."""

    def run() -> float:
        start = time.perf_counter()
        done = subprocess.run(
            arguments,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            stdin=subprocess.DEVNULL,
            env={**os.environ, **(env or {})},
            check=False,
        )
        seconds = time.perf_counter() - start
        if done.returncode != status:
            raise SystemExit(f"{shlex.join(arguments)} left with status {done.returncode}, not {status}")
        return seconds

    return run


def first_text(arguments: Sequence[str], text: str, env: Mapping[str, str] | None = None) -> Run:
    """A run in a pseudo-terminal of 80 x 24 until `text` is drawn."""

    def run() -> float:
        start = time.perf_counter()
        pid, fd = pty.fork()
        if pid == 0:
            os.environ.update(env or {}, TERM="xterm-256color", COLUMNS="80", LINES="24", COLORTERM="truecolor")
            os.execvp(arguments[0], list(arguments))
        seen = b""
        try:
            while text.encode() not in seen:
                if not select.select([fd], [], [], 60)[0]:
                    raise SystemExit(f"{shlex.join(arguments)} never drew {text!r}")
                seen += os.read(fd, 1 << 16)
            return time.perf_counter() - start
        finally:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            os.close(fd)

    return run


def in_turns(runs: Mapping[str, Run], times: int) -> dict[str, Result]:
    """Each run `times` times, interleaved, after one of each to warm the disk."""
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    for turn in range(times + 1):
        for name, run in runs.items():
            taken = run()
            if turn:
                seconds[name].append(taken)
    return {name: Result(name, values) for name, values in seconds.items()}


def report(title: str, bar: float, ours: Result, base: Result) -> bool:
    """Print one ratio against its bar; True where it is met by the medians."""
    ratio = ours.median / base.median
    met = ratio <= bar
    print(f"\n{title}")
    for result in (base, ours):
        print(f"  {result.median * 1e3:9.1f} ms median {result.least * 1e3:9.1f} ms least   {result.name}")
    least = ours.least / base.least
    print(f"  ratio {ratio:.2f} of medians, {least:.2f} of the least; bar {bar}: {'met' if met else 'NOT MET'}")
    return met


def percentile(values: Sequence[float], share: float) -> float:
    """The value that `share` of the sorted values do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def quantiles(title: str, bars: Mapping[float, float], seconds: Sequence[float]) -> bool:
    """Print quantiles in ms against their bars; True where all are met."""
    print(f"\n{title}")
    met = True
    for share, bar in bars.items():
        value = percentile(seconds, share) * 1e3
        met &= value <= bar
        print(f"  {value:9.2f} ms at {share:.0%}; bar {bar} ms: {'met' if value <= bar else 'NOT MET'}")
    return met
