"""Watch mode as a person meets it: in a pseudo-terminal, key by key and save by save, and without a terminal."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import termios
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from prep import paths
from prep.cells import cell_width
from prep.store.attempts import Attempts
from prep.store.database import Database
from tests.pseudo_terminal import ROOT, Session, wait_for

FAKE = str(Path(__file__).with_name("fake_judge.py"))
WRONG, RIGHT = "x = 'DEF first'\n", "x = 'RIGHT'\n"

Start = Callable[..., Session]


@pytest.fixture
def file(home: Path) -> Path:
    path = paths.workspace_dir() / "softmax.py"
    paths.ensure_dir(path.parent)
    path.write_text(WRONG)
    return path


@pytest.fixture
def start(file: Path) -> Iterator[Start]:
    """Watch mode with the fake judge."""
    sessions = []

    def begin(*options: str, columns: int = 80, lines: int = 40) -> Session:
        sessions.append(Session([FAKE, "grade", "softmax", "--watch", *options], columns, lines))
        return sessions[-1]

    yield begin
    for session in sessions:
        session.close()


def history() -> list[bool]:
    with Database.open() as db:
        return [attempt.passed for attempt in reversed(Attempts(db).history("softmax"))]


def test_it_grades_at_once_and_on_every_save(start: Start, file: Path) -> None:
    session = start()
    before = termios.tcgetattr(session.master)
    session.wait("r rerun")
    for part in (
        "softmax · watching",
        "softmax: FAILED   0 of 1 cases right",
        "wrong: 800 of 33,000, all in columns 976..999",
        "first: out[0, 976]  expected 0.00091  got 0",
        "that is element [0, 976] of the tile of program (0, 0, 0)",
        "missing-mask  line 3  (likely)",
        "hint: give it a mask",
        "h hint 1/3  r rerun  x X-ray  q leave  ? keys",
    ):
        assert part in session.page, part
    assert "█" in session.page.split("first:")[0]
    assert "40 registers" not in session.page, "x shows them"
    assert termios.tcgetattr(session.master)[3] != before[3], "keys come without Enter"
    file.write_text(RIGHT)
    session.wait("n next: ")
    assert "softmax: passed" in session.page
    file.write_text("x = 'DEF and wrong again'\n")
    session.wait("and wrong again")
    assert "n next" not in session.page
    session.keys("q")
    assert session.exit_status() == 1, "that of the last verdict"
    assert termios.tcgetattr(session.master)[3] == before[3], "the terminal is as it was"
    assert history() == [False, True, False]


def test_leaving_after_a_pass_is_status_0(start: Start, file: Path) -> None:
    file.write_text(RIGHT)
    session = start()
    session.wait("passed")
    session.keys("q")
    assert session.exit_status() == 0


def test_each_key_does_what_it_says(start: Start, file: Path) -> None:
    session = start()
    session.wait("r rerun")
    session.keys("zN7\x1b[A\x1b")  # no keys here: `n` is one only when green
    session.keys("h")
    session.wait("Hint 1 of 3")
    session.keys("hh")
    session.wait("Hint 3 of 3")
    assert "hint 4" not in session.page
    assert "h hint" not in session.page
    session.keys("h")
    session.keys("x")
    session.wait("x back")
    for fact in ("softmax_kernel  sm_90", "40 registers", "no spills", "2,048 bytes", "occupancy 75%", "2 waves"):
        assert fact in session.page, fact
    session.keys("x")
    session.wait("x X-ray")
    session.keys("?")
    session.wait("? back")
    assert "h  " not in session.page
    assert "r  grade the file again" in session.page
    session.keys("?")
    session.wait("? keys")
    session.keys("r")
    wait_for(lambda: history() == [False, False])
    with Database.open() as db:
        assert Attempts(db).hints_seen("softmax") == 3
    file.write_text("x = 'NO XRAY'\n")
    session.wait(lambda: "FAILED" in session.page and "x X-ray" not in session.page and "r rerun" in session.page)


def test_n_goes_to_the_next_exercise_and_watches_it(start: Start, file: Path) -> None:
    session = start()
    session.wait("r rerun")
    file.write_text(RIGHT)
    session.wait("n next: Layer norm")
    session.keys("n")
    session.wait(lambda: "layernorm · watching" in session.page and "r rerun" in session.page)
    assert "def layernorm" in session.page or "Layer norm" in session.page, "its task is shown"
    following = file.with_name("layernorm.py")
    wait_for(following.is_file)
    assert "FAILED" not in session.page, "a fresh starter is not graded"
    file.write_text("x = 'DEF not watched any more'\n")
    following.write_text("x = 'DEF the next one'\n")
    session.wait("the next one")
    assert "layernorm: FAILED" in session.page
    session.keys("q")
    assert session.exit_status() == 1
    with Database.open() as db:
        assert Attempts(db).progress_of_all() == {"softmax": "passed", "layernorm": "failing"}


def test_a_save_overtakes_a_grading(start: Start, file: Path) -> None:
    file.write_text("x = 'SLOW'\n")
    session = start()
    session.wait("case 1 of 9")
    assert "r rerun" not in session.page
    file.write_text("x = 'DEF the newer one'\n")
    session.wait("the newer one")
    session.keys("q")
    assert session.exit_status() == 1
    assert history() == [False], "what was overtaken is no attempt"


def test_q_does_not_wait_for_a_grading(start: Start, file: Path) -> None:
    file.write_text("x = 'SLOW'\n")
    session = start()
    session.wait("case 1 of 9")
    session.keys("q")
    assert session.exit_status() == 1
    assert history() == []


def test_what_happens_to_files_is_survived(start: Start, file: Path) -> None:
    session = start()
    session.wait("r rerun")
    file.unlink()
    session.wait("is gone")
    file.write_text("x = 'DEF back again'\n")
    session.wait("back again")
    assert "is gone" not in session.page
    draft = file.with_name(".softmax.py.swp")
    draft.write_text("x = 'DEF by rename'\n")
    os.replace(draft, file)
    session.wait("by rename")
    file.unlink()
    file.mkdir()
    session.wait("is a folder, not a file")
    file.rmdir()
    with file.open("w") as half:  # truncated, and written a little later
        half.flush()
        half.write("x = 'DEF written in two steps'\n")
    session.wait("written in two steps")
    if os.geteuid():  # root reads everything
        file.chmod(0)
        session.wait("cannot be read")
        file.chmod(0o600)


def test_a_judge_that_dies_is_one_line_and_the_next_save_is_graded(start: Start, file: Path) -> None:
    session = start()
    session.wait("r rerun")
    file.write_text("x = 'DIE'\n")
    session.wait("without a verdict")
    assert "Traceback" not in session.page
    session.keys("r")
    file.write_text(RIGHT)
    session.wait("passed")
    assert "without a verdict" not in session.page


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_leaves_the_terminal_as_it_was(start: Start, number: signal.Signals) -> None:
    session = start()
    before = termios.tcgetattr(session.master)
    session.wait("r rerun")
    if number is signal.SIGINT:
        session.keys("\x03")
    else:
        os.kill(session.pid, number)
    assert session.exit_status() == 128 + number
    assert termios.tcgetattr(session.master)[3] == before[3]
    assert b"Traceback" not in session.seen


def test_it_ends_with_its_terminal(start: Start) -> None:
    session = start()
    session.wait("r rerun")
    session.hang_up()
    wait_for(session.ended)


def test_a_verdict_that_cannot_be_kept_is_shown_all_the_same(start: Start, file: Path) -> None:
    paths.data_dir().write_text("not a folder")
    session = start()
    session.wait("this attempt was not recorded")
    assert "FAILED" in session.page
    session.keys("h")
    session.wait("Hint 1 of 3")
    session.keys("q")
    assert session.exit_status() == 1


def test_a_fault_of_its_own_gives_the_terminal_back(start: Start, file: Path) -> None:
    session = start()
    before = termios.tcgetattr(session.master)
    session.wait("r rerun")
    file.write_text("x = 'NONSENSE'\n")
    assert session.exit_status() == 1
    assert b"Traceback" in session.seen
    assert termios.tcgetattr(session.master)[3] == before[3]


def test_chinese_in_a_narrow_window(start: Start, file: Path) -> None:
    session = start("--lang", "zh", columns=40, lines=24)
    session.wait("h  r 重跑  x X 光  q 离开  ? 按键")
    for part in ("未通过", "最后一块：M=33", "都在第", "很可能", "读到了外面"):
        assert part in session.page, part
    session.keys("h")
    session.wait("提示 1/3")
    assert [line for line in session.page.split("\n") if cell_width(line) > 40] == []
    session.resize(100, 30)
    session.wait("33,000 个元素中 800 个，都在第 976..999 列")
    file.write_text(RIGHT)
    session.wait("n 下一题")


def prep(*arguments: str, **options: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, FAKE, "grade", "softmax", "--watch", *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )


def test_without_a_terminal_verdicts_follow_each_other(file: Path) -> None:
    done = prep()
    assert done.stdout is not None
    lines = iter(done.stdout)
    assert next(lines).startswith("softmax: FAILED")
    assert next(line for line in lines if "ask" in line)
    file.write_text(RIGHT)
    assert next(line for line in lines if line.startswith("softmax: passed"))
    done.send_signal(signal.SIGINT)
    rest, errors = done.communicate(timeout=60)
    assert done.returncode == 130
    assert "\x1b" not in rest
    assert errors == ""


def test_json_is_an_object_a_line(file: Path) -> None:
    done = prep("--json")
    assert done.stdout is not None
    assert json.loads(next(iter(done.stdout)))["passed"] is False
    file.unlink()
    assert done.stderr is not None
    assert "is gone" in next(iter(done.stderr))
    file.write_text(RIGHT)
    assert json.loads(next(iter(done.stdout)))["passed"] is True
    done.terminate()
    done.communicate(timeout=60)
    assert done.returncode == 143


def test_it_ends_when_nobody_reads(file: Path) -> None:
    done = prep()
    assert done.stdout is not None
    assert next(iter(done.stdout))
    done.stdout.close()
    file.write_text(RIGHT)
    assert done.wait(60) == 0
    assert done.stderr is not None
    assert done.stderr.read() == ""
    done.stderr.close()


def test_a_file_that_is_missing_at_the_start_is_a_wrong_call(home: Path) -> None:
    done = prep()
    out, errors = done.communicate(timeout=60)
    assert (done.returncode, out) == (2, "")
    assert "there is no such file" in errors


def test_the_real_judge_from_wrong_to_right(file: Path) -> None:
    pytest.importorskip("torch")
    pytest.importorskip("triton")
    shutil.copy(ROOT / "exercises/softmax/mutants/every_second_row.py", file)
    session = Session(["-m", "prep", "grade", "softmax", "--watch"], 80, 40)
    try:
        session.wait("not-written")
        shutil.copy(ROOT / "solutions/softmax/solution.py", file)
        session.wait("softmax: passed")
        session.wait("n next")
        session.keys("q")
        assert session.exit_status() == 0
    finally:
        session.close()
