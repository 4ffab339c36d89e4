"""`prep check`: file:line on stdout, the count on stderr, the exit status."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from prep.cards.card import Fault
from prep.cli import check, main

WriteCard = Callable[..., Path]
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(home: Path, root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    monkeypatch.setenv("PREP_BUNDLED", str(root.parent))
    monkeypatch.chdir(root.parent)
    monkeypatch.setattr(check, "_translations", lambda: ([], 7))

    def run(*arguments: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as left:
            main(["check", *arguments])
        out, err = capsys.readouterr()
        return int(left.value.code or 0), out, err

    return run


def test_nothing_wrong(run: Run, write_card: WriteCard) -> None:
    write_card()
    assert run() == (0, "1 cards, 7 messages: no faults\n", "")


def test_faults(run: Run, write_card: WriteCard) -> None:
    write_card("aaa-one", "serving", ("level: 2", "level: 9"), ("slots.", "slots, [[zzz]]."))
    write_card("bbb-two", "cuda", ("- [ ] fixed", "- fixed"))
    status, out, err = run()
    assert status == 1
    lines = out.splitlines()
    assert lines[0].startswith("content/cuda/bbb-two.md:25: 2 key points in en")
    assert lines[1].startswith("content/cuda/bbb-two.md:26: a key point starts with an empty box")
    assert lines[2:] == [
        "content/serving/aaa-one.md:5: level must be 1, 2 or 3, not '9'",
        "content/serving/aaa-one.md:31: [[zzz]] links to no card",
    ]
    assert err == "prep check: 4 faults in 2 files (2 cards, 7 messages checked)\n"


def test_json(run: Run, write_card: WriteCard) -> None:
    write_card("aaa-one", "serving", ("level: 2", "level: 9"))
    status, out, _ = run("--json")
    assert status == 1
    assert json.loads(out) == {
        "schema": 1,
        "checked": {"cards": 1, "messages": 7},
        "faults": [
            {"path": "content/serving/aaa-one.md", "line": 5, "message": "level must be 1, 2 or 3, not '9'"}
        ],
    }  # fmt: skip


def test_paths_narrow_it_down(run: Run, write_card: WriteCard) -> None:
    write_card("aaa-one", "serving", ("level: 2", "level: 9"))
    write_card("bbb-two", "cuda", ("level: 2", "level: 8"))
    write_card("ccc-three", "cuda")
    assert run("content/cuda")[1].splitlines() == ["content/cuda/bbb-two.md:5: level must be 1, 2 or 3, not '8'"]
    assert run("content/serving/aaa-one.md")[0] == 1
    assert run("content/cuda/ccc-three.md")[0] == 0
    assert run("content/cuda/bbb-two.md", "content")[1].count("\n") == 2


def test_cards_elsewhere(run: Run, write_card: WriteCard, tmp_path: Path) -> None:
    """A draft in any folder can be checked; it may link to the cards that there are."""
    write_card("aaa-one")
    other = tmp_path / "drafts"
    write_card("bbb-two", "serving", ("slots.", "slots, [[aaa-one]] and [[zzz]]."), below=other)
    for path in (other, other / "serving", other / "serving" / "bbb-two.md"):
        status, out, _ = run(str(path))
        assert status == 1
        assert "drafts/serving/bbb-two.md:31: [[zzz]] links to no card" in out
        assert "[[aaa-one]]" not in out


def test_a_path_that_is_not_there(run: Run) -> None:
    status, out, err = run("content/nowhere.md")
    assert (status, out) == (2, "")
    assert err.startswith("prep: there is no content/nowhere.md\n")


def test_the_user_s_own_cards_are_checked(run: Run, write_card: WriteCard, home: Path) -> None:
    path = write_card("aaa-one", "serving", ("level: 2", "level: 9"), below=home / "data" / "cards")
    assert run()[1] == f"{path.relative_to(home.parent)}:5: level must be 1, 2 or 3, not '9'\n"


def test_exercises_and_translations_are_checked(
    run: Run, write_card: WriteCard, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_card()
    (root.parent / "exercises" / "softmax").mkdir(parents=True)
    (root.parent / "exercises" / "softmax" / "exercise.yaml").write_text("id: softmax\n")
    translation = Fault(root / "prep.po", 12, "no zh translation of\n'Today'")
    monkeypatch.setattr(check, "_translations", lambda: ([translation], 7))
    status, out, err = run()
    assert status == 1
    assert "exercises/softmax/exercise.yaml:" in out
    assert "content/prep.po:12: no zh translation of 'Today'\n" in out
    assert "1 exercises" in err


def test_a_link_that_leads_nowhere_is_a_line_not_a_crash(run: Run, root: Path) -> None:
    (root / "serving").mkdir()
    (root / "serving" / "loop.md").symlink_to(root / "serving" / "loop.md")
    assert run()[1] == "content/serving/loop.md:1: cannot be read: Too many levels of symbolic links\n"
