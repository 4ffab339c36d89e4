"""prep list, show, start, hint, solution: what they print, where, and the exit status."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from prep.cells import cell_width, cut, pad
from prep.cli import main
from prep.exercises.load import load_exercises
from prep.store.attempts import Attempts
from prep.store.database import Database

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """`prep ARGS`: exit status, stdout, stderr."""
    for name in ("LC_ALL", "LC_MESSAGES"):
        monkeypatch.delenv(name, raising=False)

    def call(*args: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as e:
            main(list(args))
        captured = capsys.readouterr()
        return (e.value.code if isinstance(e.value.code, int) else 0), captured.out, captured.err

    return call


def passed(exercise_id: str) -> None:
    with Database.open() as db:
        verdict = {"exercise": exercise_id, "device": "cpu", "passed": True, "stages": [], "cases": [], "diagnosis": []}
        Attempts(db).record(verdict, "sha")


def events(exercise_id: str) -> list[tuple[str, str | None]]:
    with Database.open(readonly=True) as db:
        sql = "SELECT kind, detail FROM exercise_events WHERE exercise_id = ? ORDER BY rowid"
        return [(kind, detail) for kind, detail in db.execute(sql, (exercise_id,))]


def test_list_shows_every_exercise_once(run: Run) -> None:
    status, out, err = run("list")
    assert (status, err) == (0, "")
    head, *rows = out.splitlines()
    assert head.split() == ["ID", "TITLE", "LEVEL", "TRACK", "MINUTES", "PROGRESS"]
    assert [row.split()[0] for row in rows] == list(load_exercises())
    assert all(row.endswith("not started") for row in rows)


@pytest.mark.parametrize("lang", ["en_US.UTF-8", "zh_CN.UTF-8"])
def test_list_is_aligned_in_cells(run: Run, monkeypatch: pytest.MonkeyPatch, lang: str) -> None:
    monkeypatch.setenv("LANG", lang)
    head, *rows = run("list")[1].splitlines()
    last = head.split()[-1]
    column = cell_width(head[: head.index(last)])
    untouched = "未开始" if lang.startswith("zh") else "not started"
    for row in rows:
        assert cell_width(row[: row.rindex(untouched)]) == column, row
    if lang.startswith("zh"):
        assert "按行 softmax" in "\n".join(rows)


def test_list_follows_progress(run: Run, home: Path) -> None:
    run("start", "softmax")
    passed("layernorm")
    (home / "workspace" / "transpose.py").write_text("# by hand", encoding="utf-8")
    rows = run("list")[1].splitlines()[1:]
    progress = {row.split()[0]: row.split("  ")[-1].strip() for row in rows}
    assert progress["softmax"] == "started"
    assert progress["layernorm"] == "passed"
    assert progress["transpose"] == "started"
    assert progress["matmul"] == "not started"


def test_list_as_json(run: Run, home: Path) -> None:
    run("start", "softmax")
    entries = {e["id"]: e for e in json.loads(run("list", "--json")[1])}
    assert entries["softmax"]["progress"] == "started"
    assert entries["softmax"]["file"] == str(home / "workspace" / "softmax.py")
    assert entries["softmax"]["title"] == {"en": "Softmax over rows", "zh": "按行 softmax"}
    assert entries["layernorm"]["file"] is None


def test_list_of_one_track(run: Run) -> None:
    out = run("list", "--track", "layout")[1]
    assert [row.split()[0] for row in out.splitlines()[1:]] == [
        e.id for e in load_exercises().values() if e.track == "layout"
    ]
    status, out, err = run("list", "--track", "layuot")
    assert (status, out) == (2, "")
    assert "'layuot'" in err
    assert "layout" in err


def test_looking_writes_nothing(run: Run, home: Path) -> None:
    """So that it works in a home that is read-only."""
    assert run("list")[0] == run("list", "--json")[0] == run("show", "softmax")[0] == 0
    assert not home.exists()


def test_show_in_both_languages(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    exercise = load_exercises()["softmax"]
    english, chinese = (exercise.statement_path(lang).read_text(encoding="utf-8").rstrip() for lang in ("en", "zh"))
    assert run("show", "softmax") == (0, english + "\n", f"cards: {', '.join(exercise.cards)}\n")
    assert run("show", "softmax", "--lang", "zh")[1] == chinese + "\n"
    monkeypatch.setenv("LANG", "zh_CN.UTF-8")
    assert run("show", "softmax")[1] == chinese + "\n"
    assert run("show", "softmax", "--lang", "en")[1] == english + "\n"


def test_a_terminal_gets_text_of_its_width(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("COLUMNS", "60")
    for lang in ("en", "zh"):
        out = run("show", "softmax", "--lang", lang)[1]
        assert "**" not in out
        assert "def softmax(x: torch.Tensor, out: torch.Tensor) -> None: ..." in out
        prose = [line for line in out.splitlines() if "torch.Tensor" not in line and "out[i, j]" not in line]
        assert max(cell_width(line) for line in prose) <= 60


@pytest.mark.parametrize("command", ["show", "start", "hint", "solution"])
def test_unknown_exercise_is_a_wrong_call(run: Run, command: str, home: Path) -> None:
    status, out, err = run(command, "sofmax")
    assert (status, out) == (2, "")
    assert err.splitlines() == ["prep: there is no exercise 'sofmax'", "  did you mean softmax?"]
    assert not (home / "workspace").exists()


def test_start_prints_the_path_alone(run: Run, home: Path) -> None:
    path = home / "workspace" / "softmax.py"
    status, out, err = run("start", "softmax")
    assert (status, out) == (0, f"{path}\n")
    assert "prep grade softmax" in err
    assert path.read_bytes() == load_exercises()["softmax"].starter_path.read_bytes()
    assert events("softmax") == [("started", None)]


def test_start_again_leaves_the_file(run: Run, home: Path) -> None:
    path = home / "workspace" / "softmax.py"
    run("start", "softmax")
    path.write_text("mine", encoding="utf-8")
    status, out, err = run("start", "softmax")
    assert (status, out) == (0, f"{path}\n")
    assert "--force" in err
    assert path.read_text(encoding="utf-8") == "mine"
    assert events("softmax") == [("started", None)]


def test_start_over_says_where_the_old_file_is(run: Run, home: Path) -> None:
    path = home / "workspace" / "softmax.py"
    run("start", "softmax")
    path.write_text("mine", encoding="utf-8")
    status, _, err = run("start", "softmax", "--force")
    (backup,) = [p for p in path.parent.iterdir() if p != path]
    assert status == 0
    assert str(backup) in err
    assert backup.read_text(encoding="utf-8") == "mine"
    assert events("softmax") == [("started", None), ("reset", None)]


def test_hints_one_after_the_other(run: Run) -> None:
    first, second, third, again = (run("hint", "softmax") for _ in range(4))
    assert len({first[1], second[1], third[1]}) == 3
    assert third[1] == again[1]
    assert "hint 1 of 3" in first[2]
    assert "prep solution softmax" in third[2]
    assert events("softmax") == [("hint", "1"), ("hint", "2"), ("hint", "3")]
    assert run("hint", "softmax", "-n", "1", "--lang", "zh")[1] != first[1]


def test_hint_that_skips_one_is_refused(run: Run) -> None:
    status, out, err = run("hint", "softmax", "-n", "3")
    assert (status, out) == (2, "")
    assert "hint 1" in err
    assert events("softmax") == []


def test_solution_after_a_pass(run: Run) -> None:
    passed("softmax")
    status, out, _ = run("solution", "softmax")
    assert status == 0
    assert out.startswith("# Softmax over rows: the solution explained")
    assert out.index("lower bound") < out.index("```python\n") < out.index("def softmax(")
    assert out.endswith("```\n")
    assert events("softmax") == [("solution", None)]


def test_solution_before_a_pass_needs_consent(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stdin, "isatty", lambda: False, raising=False)
    status, out, err = run("solution", "softmax")
    assert (status, out) == (2, "")
    assert "--yes" in err
    assert events("softmax") == []
    assert "def softmax(" in run("solution", "softmax", "--yes", "--lang", "zh")[1]
    assert events("softmax") == [("solution", None)]


@pytest.mark.parametrize(("answer", "shown"), [(True, True), (False, False)])
def test_solution_asks_in_a_terminal(run: Run, monkeypatch: pytest.MonkeyPatch, answer: bool, shown: bool) -> None:
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr("click.confirm", lambda *args, **named: answer)
    status, out, _ = run("solution", "softmax")
    assert status == 0
    assert ("def softmax(" in out) is shown
    assert bool(events("softmax")) is shown


def test_cells() -> None:
    assert [cell_width(t) for t in ("", "abc", "中文", "ａ", "e\u0301", "a\u200bb", "…")] == [0, 3, 4, 2, 1, 2, 1]
    assert pad("中文", 6) == "中文  "
    assert pad("abcdef", 3) == "abcdef"
    assert cut("abcdef", 6) == "abcdef"
    assert cut("abcdef", 5) == "abcd…"
    assert cut("中文字", 6) == "中文字"
    assert cut("中文字", 5) == "中文…"
    assert cut("中文字", 4) == "中…"
    assert cut("abc", 0) == ""
