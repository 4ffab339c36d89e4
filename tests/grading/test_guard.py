"""A submission that edits what it is judged by: that run fails, and the judge grades nothing by the changed file."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from prep import paths
from prep.errors import ContentError, PrepError
from prep.grading.guard import Guard

EDITS = {
    "exercise.yaml": "text = file.read_text().replace('factor: 4', 'factor: 1000000.0')",
    "reference.py": "text = file.read_text() + '\\n\\ndef oracle(x):\\n    return {\"out\": x}\\n'",
}


@pytest.mark.parametrize("name", EDITS)
def test_editing_the_exercise_does_not_help(
    judge: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    solution = paths.solutions_dir() / "softmax" / "solution.py"
    exercises = tmp_path / "exercises"
    shutil.copytree(paths.exercises_dir(), exercises)
    monkeypatch.setattr(paths, "exercises_dir", lambda: exercises)
    target = exercises / "softmax" / name
    before = target.read_text(encoding="utf-8")
    cheat = tmp_path / "cheat.py"
    head = f"import pathlib\n\nfile = pathlib.Path({str(target)!r})\n{EDITS[name]}\nfile.write_text(text)\n"
    cheat.write_text(head + solution.read_text(encoding="utf-8"), encoding="utf-8")
    *_, last = judge.grade("softmax", cheat)
    assert not last["verdict"]["passed"]
    if last["verdict"]["environment"]["isolation"] != "L0":
        assert last["verdict"]["diagnosis"][0]["code"] == "crash"
        assert target.read_text(encoding="utf-8") == before
        return
    assert last["verdict"]["diagnosis"][0]["code"] == "tampering"
    with pytest.raises(PrepError, match="changed while a submission ran"):
        list(judge.grade("softmax", solution))
    target.write_text(before, encoding="utf-8")
    *_, last = judge.grade("softmax", solution)
    assert last["verdict"]["passed"], last["verdict"]["diagnosis"]


def test_a_file_that_is_put_back_is_trusted_again(tmp_path: Path) -> None:
    for name in EDITS:
        (tmp_path / name).write_text("before")
    guard = Guard(tmp_path)
    assert guard.changed() == []
    (tmp_path / "reference.py").write_text("after")
    assert guard.changed() == [tmp_path / "reference.py"]
    with pytest.raises(ContentError):
        Guard(tmp_path)
    (tmp_path / "reference.py").write_text("before")
    assert Guard(tmp_path).changed() == []
