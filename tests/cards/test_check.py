"""What only shows when cards are held against each other."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from prep.cards.check import check_cards, check_file, check_library, exercise_ids
from prep.cards.write import new_card

WriteCard = Callable[..., Path]


def test_whole_cards_have_no_fault(root: Path, write_card: WriteCard) -> None:
    write_card("aaa-one", "serving", ("$B - 1$ slots.", "$B - 1$ slots, see [[bbb-two]]."))
    write_card("bbb-two", "cuda", ("exercises: []", "exercises: [softmax]"), ("aliases: []", "aliases: [old-two]"))
    new_card("cuda", {"en": "draft"}, card_id="ccc-three", root=root)
    result = check_cards([root], exercises={"softmax"})
    assert result.faults == []
    assert (result.files, result.ids, result.aliases) == (
        3,
        {"aaa-one", "bbb-two", "ccc-three"},
        {"old-two": "bbb-two"},
    )


@pytest.mark.parametrize(
    ("edit", "line", "message"),
    [
        (("cache?", "cache? [[bbb-twoo]]"), 17, "[[bbb-twoo]] links to no card: is bbb-two meant?"),
        (("slots.", "slots.\n\n[[zzz]]"), 33, "[[zzz]] links to no card"),
        (("- [ ] fixed", "- [ ] [[nothing-like-it]]"), 26, "[[nothing-like-it]] links to no card"),
        (("前缀缓存带来什么？", "[[old-two]]"), 46, "[[old-two]] is a former id: write [[bbb-two]]"),
        (("前缀缓存带来什么？", "[[aaa-one]]"), 46, "[[aaa-one]] links to the card itself"),
        (("exercises: []", "exercises: [soft-max]"), 7, "there is no exercise soft-max: is softmax meant?"),
        (("aliases: []", "aliases: [bbb-two]"), 8, "the alias bbb-two is the id of"),
        (("most $B - 1$", "most $\\foo$"), 31, "has \\foo, which no terminal can show"),
        (("$B - 1$ slots", "$5 a slot"), 31, "may be read as a formula"),
        (("level: 2", "level: 9"), 5, "level must be 1, 2 or 3"),
    ],
)
def test_fault(root: Path, write_card: WriteCard, edit: tuple[str, str], line: int, message: str) -> None:
    path = write_card("aaa-one", "serving", edit)
    write_card("bbb-two", "serving", ("aliases: []", "aliases: [old-two]"))
    faults = check_library([root], exercises={"softmax"})
    assert [(f.path, f.line, message in f.message) for f in faults] == [(path, line, True)], faults


def test_one_alias_of_two_cards(root: Path, write_card: WriteCard) -> None:
    write_card("aaa-one", "serving", ("aliases: []", "aliases: [old-one]"))
    second = write_card("bbb-two", "serving", ("aliases: []", "aliases:\n  - older\n  - old-one"))
    (fault,) = check_library([root], exercises=())
    assert (fault.path, fault.line) == (second, 10)
    assert fault.message == "the alias old-one is also claimed by the card aaa-one"


def test_one_id_of_two_cards(root: Path, write_card: WriteCard) -> None:
    first = write_card("aaa-one", "cuda")
    second = write_card("aaa-one", "serving")
    (fault,) = check_library([root], exercises=())
    assert (fault.path, fault.line, fault.message) == (second, 2, f"the id aaa-one is taken by {first}")


def test_a_copy_of_the_user_is_no_second_card(root: Path, tmp_path: Path, write_card: WriteCard) -> None:
    write_card("aaa-one", "serving", ("aliases: []", "aliases: [old-one]"))
    write_card("aaa-one", "serving", ("aliases: []", "aliases: [old-one]"), below=tmp_path / "mine")
    assert check_library([root, tmp_path / "mine"], exercises=()) == []


def test_a_link_to_a_broken_card_is_no_second_fault(root: Path, write_card: WriteCard) -> None:
    write_card("aaa-one", "serving", ("slots.", "slots, [[bbb-two]]."))
    broken = write_card("bbb-two", "serving", ("level: 2", ""))
    assert [fault.path for fault in check_library([root], exercises=())] == [broken]


def test_faults_of_the_text_are_found_in_a_card_that_is_broken_otherwise(root: Path, write_card: WriteCard) -> None:
    write_card("aaa-one", "serving", ("level: 2", "level: 9"), ("$B - 1$", "$\\foo$"))
    assert [fault.line for fault in check_library([root], exercises=())] == [5, 31, 44]


def test_exercises_are_folders_with_a_spec(tmp_path: Path) -> None:
    assert exercise_ids(tmp_path / "nothing") is None
    assert exercise_ids(tmp_path) is None
    (tmp_path / "softmax").mkdir()
    (tmp_path / "softmax" / "exercise.yaml").write_text("")
    (tmp_path / "unfinished").mkdir()
    assert exercise_ids(tmp_path) == {"softmax"}


def test_without_exercises_none_is_checked(
    root: Path, write_card: WriteCard, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PREP_BUNDLED", str(tmp_path))
    write_card("aaa-one", "serving", ("exercises: []", "exercises: [softmax]"))
    assert check_library([root]) == []
    (tmp_path / "exercises" / "matmul").mkdir(parents=True)
    (tmp_path / "exercises" / "matmul" / "exercise.yaml").write_text("")
    assert [fault.message for fault in check_library([root])] == ["there is no exercise softmax"]


def test_one_file(root: Path, write_card: WriteCard, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PREP_BUNDLED", str(tmp_path))
    path = write_card("aaa-one", "serving", ("slots.", "slots [[bbb-two]] [[zzz]]."))
    assert [f.message for f in check_file(path, ["bbb-two"])] == ["[[zzz]] links to no card"]
