"""An exercise in the app: the file, live grading, the verdict, hints."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from prep import paths
from prep.errors import GraderUnavailable
from prep.tui.screens.dialogs import ConfirmDialog
from prep.tui.screens.exercise import ExerciseScreen
from tests.tui.conftest import REPOSITORY, Open, seen, until

CASE = {
    "name": "tail of a block",
    "dims": {"M": 33, "N": 1000},
    "dtype": "float32",
    "status": "failed",
    "max_abs_error": 0.5,
    "tolerance": 1e-6,
    "mismatched": 800,
    "elements": 33000,
    "why": "the last block is not full",
    "whys": {"en": "the last block is not full", "zh": "最后一块不满"},
    "error_map": ["░░░░█", "░░░░█"],
    "first_wrong": {"output": "out", "index": [0, 976], "expected": 0.00091, "got": 0.0, "written": True},
}


def verdict(passed: bool) -> dict[str, Any]:
    status = "passed" if passed else "failed"
    found = {
        "code": "missing-mask",
        "message": "a load reads outside",
        "messages": {"en": "a load reads outside", "zh": "读到了外面"},
        "hint": "give it a mask",
        "hints": {"en": "give it a mask", "zh": "加上 mask"},
        "question": {"en": "why not 0?", "zh": "为什么不是 0？"},
        "where": "line 3",
        "line": 3,
        "source": "tl.load(x + offs)",
    }
    return {
        "schema": 1,
        "exercise": "softmax",
        "file": "softmax.py",
        "device": "cpu",
        "passed": passed,
        "stages": [
            {"name": "static", "status": "passed", "seconds": 0.1, "message": ""},
            {"name": "cpu", "status": status, "seconds": 0.5, "message": "8/8" if passed else "7/9"},
            {"name": "compile", "status": "skipped", "seconds": 0, "message": ""},
        ],
        "cases": [{**CASE, "status": status}],
        "diagnosis": [] if passed else [found],
        "timing": [],
        "xray": [],
        "environment": {},
        "output": "" if passed else "debug [1]\n" * 3,
    }


class FakeJudge:
    """Events as the grader sends them, at the test's own pace."""

    def __init__(self, passed: bool = False, error: Exception | None = None) -> None:
        self.passed = passed
        self.error = error
        self.go = asyncio.Event()
        self.graded: list[str] = []
        self.ended_early = 0

    async def grade(self, exercise_id: str, file: Path, device: str = "auto") -> AsyncIterator[dict[str, Any]]:
        if self.error is not None:
            raise self.error
        self.graded.append(file.read_text())
        finished = False
        try:
            yield {"event": "stage", "name": "static", "status": "passed", "seconds": 0.1, "message": ""}
            yield {"event": "stage", "name": "cpu", "status": "running", "seconds": 0, "message": ""}
            yield {"event": "case", "index": 0, "total": 9, "case": CASE}
            await self.go.wait()
            yield {"event": "verdict", "verdict": verdict(self.passed)}
            finished = True
        finally:
            self.ended_early += not finished

    async def close(self) -> None:
        return


def workspace_file() -> Path:
    return paths.workspace_dir() / "softmax.py"


def put_file(text: str = "import triton\n\nx = 1\n") -> None:
    paths.ensure_dir(paths.workspace_dir())
    workspace_file().write_text(text)


def softmax() -> ExerciseScreen:
    return ExerciseScreen("softmax")


async def test_it_shows_the_task_in_both_languages(opened: Open) -> None:
    async with opened(softmax) as (app, pilot):
        assert "Softmax over rows" in seen(app)
        assert "level 1" in seen(app)
        assert not app.screen.check_action("grade", ()), "there is nothing to grade yet"
        await pilot.press("g")
        assert not app.screen.is_grading
        await pilot.press("L")
        await until(pilot, lambda: "按行 softmax" in seen(app))


async def test_e_starts_from_the_starter(opened: Open, editor: Callable[[str], Path]) -> None:
    editor("true")
    async with opened(softmax) as (app, pilot):
        await pilot.press("e")
        await until(pilot, lambda: workspace_file().is_file())
        await until(pilot, lambda: "import torch" in seen(app))
        assert str(workspace_file())[:40] in seen(app)
        assert app.loaded.attempts.progress("softmax") == "started"
        assert app.loaded.attempts.history("softmax") == [], "an unchanged starter is not graded by itself"


async def test_a_change_in_the_editor_is_graded_on_return(opened: Open, editor: Callable[[str], Path]) -> None:
    editor('echo "y = 2" >> "$1"')
    put_file()
    async with opened(softmax) as (app, pilot):
        judge = app._judge = FakeJudge()
        judge.go.set()
        await pilot.press("e")
        await until(pilot, lambda: app.screen.verdict is not None)
        assert judge.graded == ["import triton\n\nx = 1\ny = 2\n"]


async def test_a_change_from_elsewhere_is_graded_while_watching(opened: Open) -> None:
    put_file()
    async with opened(softmax) as (app, pilot):
        judge = app._judge = FakeJudge()
        judge.go.set()
        assert "watching softmax.py" in seen(app)
        put_file("x = 22\n")
        await until(pilot, lambda: app.screen.verdict is not None)
        assert judge.graded == ["x = 22\n"]
        await pilot.press("w")
        put_file("x = 333\n")
        await pilot.pause(1.2)
        assert len(judge.graded) == 1


async def test_progress_then_verdict(opened: Open) -> None:
    put_file()
    async with opened(softmax, size=(80, 40)) as (app, pilot):
        judge = app._judge = FakeJudge()
        await pilot.press("g")
        await until(pilot, lambda: "1/9" in seen(app))
        assert "tail of a block" in seen(app)
        assert not app.screen.check_action("edit", ())
        judge.go.set()
        await until(pilot, lambda: "FAILED" in seen(app))
        text = seen(app)
        for part in (
            "cpu ✗ 7/9",
            "why this case: the last block is not full",
            "wrong: 800 of 33,000",
            "░░░░█",
            "out[0, 976]",
            "expected 0.00091",
            "got 0",
            "missing-mask   line 3",
            "3 | tl.load(x + offs)",
            "hint: give it a mask",
            "why not 0?",
            "debug [1]",
        ):
            assert part in text, part
        attempt = app.loaded.attempts.last("softmax")
        assert (attempt.passed, attempt.code) == (False, "missing-mask")
        await pilot.press("L")
        await until(pilot, lambda: "读到了外面" in seen(app))
        assert "最后一块不满" in seen(app)
        await pilot.press("f")
        await until(pilot, lambda: "> 3 │ x = 1" in seen(app))


async def test_the_last_verdict_is_there_again_after_a_restart(opened: Open) -> None:
    put_file()
    async with opened(softmax) as (app, pilot):
        app._judge = FakeJudge()
        app._judge.go.set()
        await pilot.press("g")
        await until(pilot, lambda: app.screen.verdict is not None)
    async with opened(softmax) as (app, pilot):
        await until(pilot, lambda: "missing-mask" in seen(app) or "tail of a block" in seen(app))


async def test_escape_cancels_a_grading_and_stays(opened: Open) -> None:
    put_file()
    async with opened(softmax) as (app, pilot):
        judge = app._judge = FakeJudge()
        await pilot.press("g")
        await until(pilot, lambda: "1/9" in seen(app))
        assert "cancel" in seen(app)
        await pilot.press("escape")
        await until(pilot, lambda: not app.screen.is_grading)
        assert judge.ended_early == 1
        assert isinstance(app.screen, ExerciseScreen)
        assert app.loaded.attempts.history("softmax") == []
        await pilot.press("g")
        judge.go.set()
        await until(pilot, lambda: app.screen.verdict is not None)


async def test_without_torch_one_line_says_what_to_install(opened: Open) -> None:
    put_file()
    async with opened(softmax) as (app, pilot):
        app._judge = FakeJudge(error=GraderUnavailable("grading needs torch", hint="pip install 'prep[kernels]'"))
        await pilot.press("g")
        await until(pilot, lambda: "pip install 'prep[kernels]'" in seen(app))
        assert isinstance(app.screen, ExerciseScreen)


async def test_hints_are_shown_in_turn_and_noted(opened: Open) -> None:
    async with opened(softmax, size=(80, 60)) as (app, pilot):
        for n in (1, 2, 3):
            assert f"hint {n}/3" in seen(app)
            await pilot.press("h")
            await until(pilot, partial(lambda n: f"Hint {n} of 3" in seen(app), n))
        assert app.loaded.attempts.hints_seen("softmax") == 3
        await pilot.press("h")
        assert app.screen.hints_shown == 3


async def test_the_solution_asks_first_and_is_noted(opened: Open) -> None:
    async with opened(softmax) as (app, pilot):
        await pilot.press("S")
        await until(pilot, lambda: isinstance(app.screen, ConfirmDialog))
        await pilot.press("n")
        await until(pilot, lambda: isinstance(app.screen, ExerciseScreen))
        assert not app.loaded.attempts.solution_seen("softmax")
        await pilot.press("S", "y")
        await until(pilot, lambda: type(app.screen).__name__ == "SolutionScreen")
        await until(pilot, lambda: "│" in seen(app))
        assert app.loaded.attempts.solution_seen("softmax")


async def test_c_lists_the_cards_of_the_exercise(opened: Open, bundle: Path) -> None:
    spec = bundle / "exercises" / "softmax" / "exercise.yaml"
    text = spec.read_text(encoding="utf-8")
    start = text.index("cards:")
    end = text.index("\nminutes:", start)
    spec.write_text(text[:start] + "cards: [card-04, not-there]" + text[end:], encoding="utf-8")
    async with opened(softmax) as (app, pilot):
        await pilot.press("c")
        await until(pilot, lambda: type(app.screen).__name__ == "LibraryScreen" and app.screen.ready)
        assert "Cards · softmax" in seen(app)
        assert "11 cards" in seen(app)  # of twelve: one names no exercise
        assert "card-02" not in app.screen.found
        await pilot.press("7", "enter")
        await until(pilot, lambda: type(app.screen).__name__ == "CardScreen")
        assert app.screen.card_id == "card-07"
        await pilot.press("q")
        await until(pilot, lambda: type(app.screen).__name__ == "LibraryScreen")
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, ExerciseScreen))


async def test_c_without_cards_does_nothing(opened: Open) -> None:
    async with opened(softmax) as (app, pilot):  # none of its cards is in this small library
        await pilot.press("c")
        await pilot.pause()
        assert isinstance(app.screen, ExerciseScreen)


async def test_after_a_pass_comes_the_next_one(opened: Open) -> None:
    put_file()
    async with opened(softmax) as (app, pilot):
        judge = app._judge = FakeJudge(passed=True)
        judge.go.set()
        await pilot.press("n")  # not before
        assert app.screen.exercise_id == "softmax"
        await pilot.press("g")
        await until(pilot, lambda: "PASSED" in seen(app))
        await pilot.press("n")
        await until(pilot, lambda: app.screen.exercise_id == "transpose")


async def test_starting_over_keeps_the_old_file(opened: Open) -> None:
    put_file("x = 5\n")
    async with opened(softmax) as (_app, pilot):
        await pilot.press("X", "y")
        await until(pilot, lambda: "softmax_kernel" in workspace_file().read_text())
        kept = [f.read_text() for f in paths.workspace_dir().glob("softmax.*.py")]
        assert kept == ["x = 5\n"]


@pytest.mark.parametrize("size", [(60, 20), (80, 24), (120, 40)])
async def test_side_by_side_only_where_there_is_room(opened: Open, size: tuple[int, int]) -> None:
    put_file()
    async with opened(softmax, size=size) as (app, pilot):
        assert "Softmax over rows" in seen(app)
        is_wide = size[0] >= 120
        assert app.screen.query_one("#work").display == is_wide
        await pilot.press("s")
        await until(pilot, lambda: "import triton" in seen(app))
        assert app.screen.query_one("#statement-pane").display == is_wide
        await pilot.press("s")
        await pilot.pause()
        assert app.screen.query_one("#statement-pane").display


async def test_a_long_line_goes_on_below(opened: Open) -> None:
    put_file("x = " + " + ".join(str(n) for n in range(40)) + "\n")
    async with opened(softmax) as (app, pilot):
        await pilot.press("s")
        await until(pilot, lambda: "38 + 39" in seen(app))
        assert "┆" in seen(app)


async def test_a_real_kernel_is_graded_right_and_wrong(opened: Open) -> None:
    """The real judge, once: a solution passes, a mutant fails with its code, the judge ends with the app."""
    pytest.importorskip("torch")
    pytest.importorskip("triton")
    paths.ensure_dir(paths.workspace_dir())
    shutil.copy(REPOSITORY / "solutions" / "softmax" / "solution.py", workspace_file())
    async with opened(softmax) as (app, pilot):
        await pilot.press("g")
        await until(pilot, lambda: not app.screen.is_grading, seconds=120)
        assert app.screen.results.error is None
        assert app.screen.verdict["passed"], app.screen.verdict["diagnosis"]
        process = app._judge._process
        assert process.returncode is None, "the judge stays warm"
        shutil.copy(REPOSITORY / "exercises" / "softmax" / "mutants" / "load_without_mask.py", workspace_file())
        await until(pilot, lambda: not app.screen.verdict["passed"], seconds=120)
        assert app.screen.verdict["diagnosis"][0]["code"] == "missing-mask"
    assert process.returncode is not None
