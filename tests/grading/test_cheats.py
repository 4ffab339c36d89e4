"""Every cheat of the catalogue that applies without a GPU: none passes, each gets its code, and the judge goes on.

A file of cheats/ is one real attempt. Its first lines say what the judge must answer, which classes of the catalogue it
belongs to (the numbers of the table in CONTRIBUTING.md) and which exercise it is a submission for.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from prep import paths
from prep.exercises.codes import CODES
from tests.grading.conftest import Grade

HARMS = ("cached", "forged", "found", "grader", "later", "patched", "seeds")
"""Folders of what may hurt the judge: after each of theirs it must still pass a right kernel."""

FOLDER = Path(__file__).parent / "cheats"
CLASSES = range(1, 47)


@dataclass(frozen=True, slots=True)
class Cheat:
    path: Path
    expected: frozenset[str]
    classes: frozenset[int]
    exercise: str

    @classmethod
    def read(cls, path: Path) -> Cheat:
        head = path.read_text(encoding="utf-8").splitlines()[:3]
        expect, numbers, exercise = (
            line.removeprefix(f"# {key}:") for line, key in zip(head, ("expect", "class", "exercise"), strict=True)
        )
        return cls(
            path,
            frozenset(code.strip() for code in expect.split("|")),
            frozenset(int(number) for number in numbers.split(",")),
            exercise.strip(),
        )

    @property
    def name(self) -> str:
        return str(self.path.relative_to(FOLDER).with_suffix(""))


CHEATS = [Cheat.read(path) for path in sorted(FOLDER.glob("*/*.py"))]


@pytest.mark.parametrize("cheat", CHEATS, ids=[cheat.name for cheat in CHEATS])
def test_cheat_fails_with_its_code_and_the_judge_goes_on(grade: Grade, cheat: Cheat) -> None:
    if cheat.name in ("library/c_library", "library/cpp_extension") and shutil.which("cc") is None:
        pytest.skip("no C compiler here")
    verdict = grade(cheat.exercise, cheat.path, case_timeout=20.0)
    assert not verdict["passed"]
    found = verdict["diagnosis"][0]
    assert found["code"] in cheat.expected, found["message"]
    if cheat.path.parent.name not in HARMS:
        return
    after = grade("softmax", paths.solutions_dir() / "softmax" / "solution.py")
    assert after["passed"], after["diagnosis"]


def test_every_code_that_is_expected_exists() -> None:
    assert {code for cheat in CHEATS for code in cheat.expected} <= set(CODES)


def _listing(number: int) -> str:
    """The submissions of a class as the table names them: one by one, or a folder with how many of it."""
    names = [cheat.name for cheat in CHEATS if number in cheat.classes]
    if len(names) <= 3:
        return ", ".join(names)
    folders = [name.partition("/")[0] for name in names]
    return ", ".join(f"{folder}/ ({folders.count(folder)})" for folder in sorted(set(folders)))


def _codes(number: int) -> str:
    """The codes that the submissions of a class are expected to get first of all."""
    first = {
        cheat.path.read_text(encoding="utf-8").splitlines()[0].removeprefix("# expect:").split("|")[0].strip()
        for cheat in CHEATS
        if number in cheat.classes
    }
    return ", ".join(sorted(first))


def test_the_table_of_classes_is_that_of_the_files() -> None:
    """Every class has submissions here, or the table says which test has it or why there is none on a CPU."""
    text = (Path(__file__).parents[2] / "CONTRIBUTING.md").read_text(encoding="utf-8")
    rows = {}
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == 4 and cells[0].isdigit():
            rows[int(cells[0])] = cells[1:]
    assert sorted(rows) == list(CLASSES)
    root = Path(__file__).parents[2]
    for number, (words, where, codes) in rows.items():
        assert words
        if _listing(number):
            assert (where, codes) == (_listing(number), _codes(number)), number
        elif where.startswith("tests/"):
            assert all((root / path.strip()).exists() for path in where.split(",")), number
        else:
            assert where in ("GPU timing: later", "does not apply on a CPU"), number
            assert codes, "the reason"
