"""What a submission can reach at each level of isolation. L0 shows that each attempt works where nothing stops it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from prep.grading.process import isolation
from prep.grading.process.isolation import landlock, probe, seccomp
from tests.grading.test_bad_submissions import wrapped

ROOT = Path(__file__).parents[2]
GradeAt = Callable[..., dict[str, Any]]
LEVELS = isolation.LEVELS

_TRY = """
import ctypes, json, os, socket
libc = ctypes.CDLL(None, use_errno=True)

def attempt(function):
    try:
        return str(function())
    except Exception as e:
        return type(e).__name__

def call(name, *arguments):
    ctypes.set_errno(0)
    if getattr(libc, name)(*arguments) < 0:
        raise OSError(ctypes.get_errno(), name)
    return "done"

def write(path):
    with open(path, "w") as file:
        file.write("x")
    return "done"

def connect():
    with socket.socket() as s:
        s.settimeout(0.2)
        try:
            s.connect(("127.0.0.1", 9))
        except ConnectionRefusedError:
            pass
    return "done"
"""


def attempts(grade_at: GradeAt, level: str, **expressions: str) -> dict[str, str]:
    """What each expression gives inside a worker: its value as text, or the name of its exception."""
    lines = ", ".join(f"{name!r}: attempt(lambda: {expression})" for name, expression in expressions.items())
    verdict = grade_at(level, wrapped("", f"{_TRY}\nprint(json.dumps({{{lines}}}), flush=True)"))
    assert verdict["passed"], verdict["diagnosis"]
    found: dict[str, str] = json.loads(verdict["output"].splitlines()[0])
    return found


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("exercise", ["softmax", "flash-attention"])
def test_right_submissions_pass_at_every_level(judges: Any, level: str, exercise: str) -> None:
    *_, last = judges(level).grade(exercise, ROOT / "solutions" / exercise / "solution.py")
    assert last["verdict"]["passed"], last["verdict"]["diagnosis"]
    assert last["verdict"]["environment"]["isolation"] == level


@pytest.mark.parametrize("level", LEVELS)
def test_files_of_the_user_and_of_the_exercise(grade_at: GradeAt, level: str, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("hidden")
    inside = {
        "secret": f"open({str(secret)!r}).read()",
        "listed": f"len(os.listdir({str(tmp_path)!r})) > 0",
        "reference": f"len(open({str(ROOT / 'exercises/softmax/reference.py')!r}).read()) > 0",
        "written": f"write({str(tmp_path / 'new')!r})",
        "own": "write('note')",
        "null": "write('/dev/null')",
        "library": "len(open(os.__file__).read()) > 0",
    }
    found = attempts(grade_at, level, **inside)
    open_here = {name: found.pop(name) for name in ("own", "null", "library")}
    assert open_here == {"own": "done", "null": "done", "library": "True"}
    if level == "L0":
        assert found == {"secret": "hidden", "listed": "True", "reference": "True", "written": "done"}
        assert (tmp_path / "new").exists()
    else:
        assert set(found.values()) <= {"PermissionError", "FileNotFoundError", "OSError"}, found
        assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("level", LEVELS)
def test_network_and_other_processes(grade_at: GradeAt, level: str) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        inside = {
            "connect": "connect()",
            "unix": "socket.socket(socket.AF_UNIX) and 'done'",
            "pair": "len(socket.socketpair())",
            "signal": f"os.kill({other.pid}, 0)",
            "trace": f"call('ptrace', 0x4206, {other.pid}, 0, 0)",
            "limit": f"call('prlimit', {other.pid}, 0, None, None)",
            "namespace": "call('unshare', 0x10000000)",
            "thread": "__import__('threading').Thread(target=int).start()",
            "itself": "os.kill(os.getpid(), 0)",
        }
        try:
            found = attempts(grade_at, level, **inside)
        finally:
            other.kill()
    assert {name: found.pop(name) for name in ("pair", "thread", "itself")} == {
        "pair": "2",
        "thread": "None",
        "itself": "None",
    }
    if level == "L0":
        assert found["connect"] == found["unix"] == "done"
        assert found["signal"] == "None"
        assert found["limit"] == "done"
    else:
        if level == "L1" and landlock.abi() < 6:
            del found["signal"]  # only the judge's own processes are out of reach there
        assert set(found.values()) <= {"PermissionError", "ProcessLookupError", "OSError"}, found


@pytest.mark.parametrize("level", LEVELS[1:])
def test_the_judges_processes_are_out_of_reach(grade_at: GradeAt, judges: Any, level: str) -> None:
    judge = judges(level)
    inside = {
        "parent": "os.kill(os.getppid(), 9)",
        "all": "os.kill(-1, 9)",
        "judge": f"os.kill({judge.pid}, 9)",
        "memory": "open(f'/proc/{os.getppid()}/mem', 'rb').read(1)",
        "descriptors": "os.open(f'/proc/{os.getppid()}/fd/0', os.O_RDONLY)",
        "environment": f"open('/proc/{judge.pid}/environ').read()",
    }
    found = attempts(grade_at, level, **inside)
    assert set(found.values()) <= {"PermissionError", "ProcessLookupError", "FileNotFoundError", "OSError"}, found


def test_bubblewrap_shows_no_process_no_user_and_no_switch_of_the_kernel(grade_at: GradeAt) -> None:
    found = attempts(
        grade_at,
        "L2",
        processes="len([p for p in os.listdir('/proc') if p.isdigit()])",
        parent="os.getppid()",
        core="open('/proc/sys/kernel/core_pattern', 'w')",
        interfaces="sorted(os.listdir('/sys/class/net'))",
        user="os.getuid() == 0 and open('/proc/self/uid_map').read().split()[1] == '0'",
    )
    assert int(found["processes"]) <= 3
    assert found["parent"] == "1"
    assert found["core"] in ("PermissionError", "OSError")
    assert found["user"] == "False"


def test_a_level_that_is_none_and_one_that_does_not_work_are_told(tmp_path: Path) -> None:
    solution = str(ROOT / "solutions/softmax/solution.py")
    line = [sys.executable, "-m", "prep", "grade", "softmax", "--file", solution]
    common = {**os.environ, "PREP_HOME": str(tmp_path), "PYTHONPATH": str(ROOT)}
    done = subprocess.run(line, env={**common, "PREP_ISOLATION": "L9"}, capture_output=True, text=True)
    assert done.returncode == 3
    assert "L0, L1 or L2" in done.stderr
    without = {**common, "PREP_ISOLATION": "L2", "PATH": str(tmp_path)}
    done = subprocess.run(line, env=without, capture_output=True, text=True)
    assert done.returncode == 3
    assert done.stderr.splitlines() == ["prep: isolation L2 does not work here: bubblewrap is not installed"]


def test_without_bubblewrap_the_next_level_is_taken(tmp_path: Path) -> None:
    line = [sys.executable, "-m", "prep", "grade", "softmax", "--json", "--file"]
    broken = tmp_path / "bwrap"
    broken.write_text("#!/bin/sh\necho no namespaces >&2\nexit 1\n")
    broken.chmod(0o755)
    env = {**os.environ, "PREP_HOME": str(tmp_path), "PYTHONPATH": str(ROOT), "PATH": f"{tmp_path}:/usr/bin:/bin"}
    done = subprocess.run([*line, str(ROOT / "solutions/softmax/solution.py")], env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["environment"]["isolation"] == isolation.kernel_level()


def test_files_of_others_are_refused_to_root_and_below_L2(tmp_path: Path) -> None:
    line = [sys.executable, "-m", "prep", "grade", "softmax", "--untrusted", "--file"]
    env = {**os.environ, "PREP_HOME": str(tmp_path), "PYTHONPATH": str(ROOT), "PATH": str(tmp_path)}
    done = subprocess.run([*line, str(ROOT / "solutions/softmax/solution.py")], env=env, capture_output=True, text=True)
    assert done.returncode == 3
    assert done.stdout == ""
    assert ("as root" if os.getuid() == 0 else "isolation L2 does not work here") in done.stderr


def test_the_filter_is_made_for_both_machines_and_none_jumps_out_of_it() -> None:
    for machine in ("x86_64", "aarch64"):
        program = list(seccomp._program(machine, (-1, 17)))
        for at, (code, when_true, when_false, _) in enumerate(program):
            if code & 0x07 == 0x05:
                assert at + 1 + max(when_true, when_false) < len(program)
        assert program[-1] == (0x06, 0, 0, 0x7FFF_0000)


def test_doctor_tells_the_level_and_what_the_others_lack() -> None:
    best = probe.best()
    assert probe.lacking(best) is None
    for level in LEVELS[LEVELS.index(best) + 1 :]:
        assert probe.lacking(level)
