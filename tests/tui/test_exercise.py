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
from tests.verdicts import CASE, verdict


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
            "wrong: 800 of 33,000, all in columns 976..999",
            "···▌█",
            "rows ↓  columns →   █ wrong   ▌ in part   · right",
            "element [0, 976] of the tile of program (0, 0, 0)",
            "out[0, 976]",
            "expected 0.00091",
            "got 0",
            "missing-mask   line 3   (likely)",
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
        for part in ("最后一块不满", "最后一块 · M=33", "都在第 976..999 列", "很可能", "█ 错"):
            assert part in seen(app), part
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


async def graded(app: Any, pilot: Any, passed: bool = False) -> None:
    app._judge = FakeJudge(passed)
    app._judge.go.set()
    await pilot.press("g")
    await until(pilot, lambda: app.screen.verdict is not None and not app.screen.is_grading)


async def test_x_and_d_show_facts_in_place_of_the_verdict(opened: Open) -> None:
    put_file()
    async with opened(softmax, size=(100, 40)) as (app, pilot):
        await pilot.press("x", "d")
        assert app.screen.view == "statement", "there is nothing to show yet"
        await graded(app, pilot)
        assert "x X-ray" in seen(app)
        await pilot.press("x")
        await until(pilot, lambda: "softmax_kernel  sm_90" in seen(app))
        for part in ("40 registers", "no spills", "2,048 bytes", "occupancy 75%", "! 2 waves of 4 warps", "x verdict"):
            assert part in seen(app), part
        assert "missing-mask" not in seen(app)
        await pilot.press("d")
        await until(pilot, lambda: "and 788 more" in seen(app))
        rows = seen(app).splitlines()
        assert [row.split() for row in rows if "out[0, 979]" in row] == [
            ["out[0,", "979]", "0.00091", "never", "written"]
        ]
        assert "softmax_kernel" not in seen(app)
        await pilot.press("d")
        await until(pilot, lambda: "missing-mask" in seen(app))
        app._judge.passed = True
        await pilot.press("g")
        await until(pilot, lambda: "PASSED" in seen(app))
        assert not app.screen.check_action("facts", ("difference",)), "nothing is wrong"
        assert app.screen.check_action("facts", ("xray",))


@pytest.mark.parametrize("size", [(60, 20), (80, 24), (100, 40), (140, 50)])
async def test_the_picture_fits_every_size_and_grows_with_it(opened: Open, size: tuple[int, int]) -> None:
    put_file()
    async with opened(softmax, size=size) as (app, pilot):
        await graded(app, pilot)
        picture = app.screen.query_one("#picture")
        rows = picture.render().plain.split("\n")
        assert max(len(row) for row in rows) <= picture.content_size.width
        assert len(rows) == picture.content_size.height
        cells = [row.split()[-1] for row in rows[:-2]]
        assert {cell.strip("·")[-1] for cell in cells} <= {"█", "▌"}, "the last columns are wrong"
        assert {cell[: len(cell) * 9 // 10].strip("·") for cell in cells} == {""}, "the others are right"
        assert len(cells) == {20: 4, 24: 5, 40: 9, 50: 11}[size[1]]
        assert len(cells[0]) >= {60: 40, 80: 60, 100: 80, 140: 60}[size[0]]


async def test_a_right_case_has_no_picture(opened: Open) -> None:
    put_file()
    async with opened(softmax) as (app, pilot):
        await graded(app, pilot, passed=True)
        assert not app.screen.query_one("#picture").display


async def test_a_save_overtakes_a_grading(opened: Open) -> None:
    put_file("x = 1\n")
    async with opened(softmax) as (app, pilot):
        judge = app._judge = FakeJudge()
        await pilot.press("g")
        await until(pilot, lambda: judge.graded == ["x = 1\n"])
        put_file("x = 22\n")
        # The one that was overtaken is given up, and the newer text is graded.
        await until(pilot, lambda: judge.graded == ["x = 1\n", "x = 22\n"])
        judge.go.set()
        await until(pilot, lambda: app.screen.verdict is not None)
        assert len(app.loaded.attempts.history("softmax")) == 1


async def test_a_deleted_file_is_survived(opened: Open) -> None:
    put_file()
    async with opened(softmax) as (app, pilot):
        await graded(app, pilot)
        workspace_file().unlink()
        await until(pilot, lambda: "not started: e starts it" in seen(app))
        put_file("x = 4444\n")
        await until(pilot, lambda: app._judge.graded[-1] == "x = 4444\n")
