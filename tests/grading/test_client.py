"""The front end's side: wrong calls, a missing library, a judge that dies, cancelling, and what `prep grade` prints."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from prep.errors import GraderUnavailable, UsageError
from prep.grading import client, report
from tests import verdicts
from tests.grading.conftest import Grade

ROOT = Path(__file__).parents[2]
SLOW = "def softmax(x, out):\n    while True:\n        pass\n"


def prep(*args: str, home: Path, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "prep", *args],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PREP_HOME": str(home), "PYTHONPATH": str(ROOT), **env},
    )


@pytest.fixture
def without_torch(tmp_path: Path) -> str:
    """A folder for PYTHONPATH from which torch cannot be found."""
    blocker = tmp_path / "blocker"
    blocker.mkdir()
    (blocker / "sitecustomize.py").write_text(
        "import sys\n"
        "class Missing:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name in ('torch', 'triton'):\n"
        "            raise ModuleNotFoundError(f'No module named {name!r}', name=name)\n"
        "sys.meta_path.insert(0, Missing())\n"
    )
    return str(blocker)


def test_unknown_exercise_is_a_wrong_call(home: Path) -> None:
    done = prep("grade", "sotfmax", home=home)
    assert done.returncode == 2
    assert done.stdout == ""
    assert "softmax" in done.stderr
    assert len(done.stderr.strip().splitlines()) <= 2


def test_no_such_file_is_a_wrong_call(home: Path) -> None:
    done = prep("grade", "softmax", "--file", "nowhere.py", home=home)
    assert done.returncode == 2
    assert "nowhere.py" in done.stderr


def test_folder_and_huge_file_are_wrong_calls(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="folder"):
        client.read_submission(tmp_path)
    huge = tmp_path / "huge.py"
    huge.write_bytes(b"#" * (client.SOURCE_LIMIT + 1))
    with pytest.raises(UsageError, match="larger"):
        client.read_submission(huge)


def test_asking_for_a_gpu_says_that_there_is_none(home: Path) -> None:
    done = prep(
        "grade", "softmax", "--file", str(ROOT / "solutions/softmax/solution.py"), "--device", "cuda", home=home
    )
    assert done.returncode == 3
    assert "CPU" in done.stderr


def test_without_torch_one_line_says_what_to_install(home: Path, without_torch: str) -> None:
    solution = str(ROOT / "solutions/softmax/solution.py")
    done = prep("grade", "softmax", "--file", solution, home=home, PYTHONPATH=f"{without_torch}:{ROOT}")
    assert done.returncode == 3
    assert done.stdout == ""
    assert "pip install 'torch" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert "Traceback" not in done.stderr


def test_solution_passes_with_status_0_and_a_starter_fails_with_1(home: Path) -> None:
    solution = str(ROOT / "solutions/softmax/solution.py")
    done = prep("grade", "softmax", "--file", solution, "--json", home=home)
    assert done.returncode == 0, done.stdout + done.stderr
    verdict = json.loads(done.stdout)
    assert verdict["passed"]
    assert verdict["schema"] == 1
    assert [s["name"] for s in verdict["stages"]] == ["static", "cpu", "compile", "gpu", "timing"]
    assert verdict["environment"]["isolation"] in ("L0", "L1", "L2")
    done = prep("grade", "softmax", "--file", str(ROOT / "exercises/softmax/starter.py"), "--lang", "zh", home=home)
    assert done.returncode == 1
    assert "未通过" in done.stdout


def test_attempts_are_kept(home: Path) -> None:
    from prep.clock import now
    from prep.store.attempts import Attempts
    from prep.store.database import Database

    prep("grade", "softmax", "--file", str(ROOT / "exercises/softmax/starter.py"), home=home)
    with Database.open() as db:
        assert Attempts(db, now).progress("softmax") == "failing"
    prep("grade", "softmax", "--file", str(ROOT / "solutions/softmax/solution.py"), home=home)
    with Database.open() as db:
        assert Attempts(db, now).progress("softmax") == "passed"


def test_a_judge_that_dies_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "_command", lambda: [sys.executable, "-c", "input()"])
    file = tmp_path / "softmax.py"
    file.write_text(SLOW)
    with pytest.raises(GraderUnavailable, match="without a verdict"):
        list(client.grade("softmax", file))


def _alive(pid: int) -> bool:
    try:
        return " Z " not in Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


async def test_cancelling_ends_the_judge_and_its_worker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("torch")
    monkeypatch.setenv("PREP_ISOLATION", "L0")  # the submission tells its number in a file outside its folder
    note = tmp_path / "pid"
    file = tmp_path / "softmax.py"
    file.write_text(f"import os\nopen({str(note)!r}, 'w').write(str(os.getpid()))\n{SLOW}")
    judge = client.AsyncJudge()
    events = judge.grade("softmax", file)

    async def consume() -> None:
        async for _ in events:
            pass

    task = asyncio.create_task(consume())
    deadline = time.monotonic() + 60
    while not (note.exists() and note.read_text()) and time.monotonic() < deadline:
        await asyncio.sleep(0.02)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await events.aclose()
    await judge.close()
    pid = int(note.read_text())
    while _alive(pid) and time.monotonic() < deadline:
        await asyncio.sleep(0.02)
    assert not _alive(pid)


async def test_the_async_judge_stays_warm(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    file = tmp_path / "softmax.py"
    file.write_text("def softmax(x, out):\n    pass\n")
    judge = client.AsyncJudge()
    codes = []
    pids = set()
    for _ in range(2):
        async for event in judge.grade("softmax", file):
            assert judge._process is not None
            pids.add(judge._process.pid)
            if event["event"] == "verdict":
                codes.append(event["verdict"]["diagnosis"][0]["code"])
    await judge.close()
    assert codes == ["no-kernel", "no-kernel"]
    assert len(pids) == 1


def test_report_names_case_line_and_hint(grade: Grade) -> None:
    text = (ROOT / "exercises/softmax/mutants/load_without_mask.py").read_text()
    verdict = grade("softmax", text)
    english, chinese = report.verdict_text(verdict, "en"), report.verdict_text(verdict, "zh")
    found = verdict["diagnosis"][0]
    for shown in (english, chinese):
        assert "missing-mask" in shown
        assert f"{found['line']} | {found['source']}" in shown
    assert found["hint"] in english
    assert found["hints"]["zh"] in chinese
    assert found["hints"]["zh"] not in english
    wrong = next(case for case in verdict["cases"] if case["status"] != "passed")
    assert report.wrong_words(wrong, "en") in english
    assert report.wrong_words(wrong, "zh") in chinese
    assert wrong["whys"]["en"] == wrong["why"]
    assert wrong["why"] in english
    assert wrong["why"] not in chinese
    assert wrong["whys"]["zh"] in chinese
    assert wrong["whys"]["zh"] not in english


def test_report_shows_what_the_compiler_saw_last() -> None:
    text = report.verdict_text(verdicts.verdict(passed=False), "en")
    assert text.splitlines()[-1].startswith("compiles: softmax_kernel  sm_90")
    assert "40 registers a thread, no spills, 2,048 bytes of shared memory, occupancy 75%" in text
    assert "(likely)" in text
    assert "all in columns 976..999" in text
    assert "tile of program (0, 0, 0)" in text
    assert "compiles" not in report.verdict_text(verdicts.verdict(passed=True, xray=False), "en")


def test_report_keeps_what_was_printed_from_driving_the_terminal() -> None:
    verdict = {**verdicts.verdict(passed=False), "output": "\x1b[2Jgone\rover\x07\n"}
    assert "\x1b" not in report.verdict_text(verdict)
    assert "\x07" not in report.verdict_text(verdict)
    assert "gone" in report.verdict_text(verdict)


def test_report_of_a_verdict_that_knows_english_reasons_only(grade: Grade) -> None:
    """As verdicts recorded before the reasons were translated do."""
    verdict = grade("softmax", (ROOT / "exercises/softmax/mutants/load_without_mask.py").read_text())
    for case in verdict["cases"]:
        del case["whys"]
    wrong = next(case for case in verdict["cases"] if case["status"] != "passed")
    assert wrong["why"] in report.verdict_text(verdict, "zh")
