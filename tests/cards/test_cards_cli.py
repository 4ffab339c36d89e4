"""`prep cards` as a person and a script meet it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from prep.cells import cell_width
from prep.cli import main

WriteCard = Callable[..., Path]


class Prep:
    """Runs the command and keeps what it said."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys
        self.out = self.err = ""

    def __call__(self, *arguments: str) -> int:
        with pytest.raises(SystemExit) as left:
            main(list(arguments))
        self.out, self.err = self._capsys.readouterr()
        return int(left.value.code or 0)

    def json(self, *arguments: str) -> Any:
        assert self(*arguments, "--json") == 0, self.err
        return json.loads(self.out)


@pytest.fixture
def prep(
    home: Path, root: Path, write_card: WriteCard, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Prep:
    monkeypatch.setenv("PREP_BUNDLED", str(root.parent))
    monkeypatch.setenv("COLUMNS", "60")
    write_card()
    write_card(
        "tensor-core-dot", "triton",
        ("Why does vLLM page the KV cache?", "What does `tl.dot` compile to?"),
        ("Waste is at most $B - 1$ slots.", "Scores: $QK^T/\\sqrt{d_k}$."),
        ("origin: [notes:Q9, notes:interview-12]", "origin: []"), ("level: 2", "level: 3"),
    )  # fmt: skip
    return Prep(capsys)


def test_search(prep: Prep) -> None:
    assert prep("cards", "search", "连续", "显存") == 0
    assert prep.out.splitlines()[0] == "kv-cache-paging  (serving, 级别 2)"
    assert "tensor-core-dot" in prep.out
    found = prep.json("cards", "search", "tl.dot")
    assert [(hit["id"], hit["level"], hit["score"]) for hit in found["hits"]] == [("tensor-core-dot", 3, 4)]
    assert found["hits"][0]["snippet"] == "What does tl.dot compile to?"
    assert found["total"] == 1


def test_search_filters_and_limit(prep: Prep) -> None:
    assert prep.json("cards", "search", "cache", "--area", "triton")["total"] == 1
    assert prep.json("cards", "search", "cache", "--level", "2")["hits"][0]["id"] == "kv-cache-paging"
    assert prep.json("cards", "search", "分页", "--lang", "en") == {"schema": 1, "total": 0, "hits": []}
    assert prep("cards", "search", "分页", "--limit", "1") == 0
    assert "1 of 2" in prep.err


def test_nothing_found_is_said_and_no_failure(prep: Prep) -> None:
    assert prep("cards", "search", "zyzzyva") == 0
    assert prep.out == "no card matches\n"


@pytest.mark.parametrize("lang", ["en", "zh", "both"])
def test_show(prep: Prep, lang: str) -> None:
    assert prep("cards", "show", "tensor-core-dot", "--lang", lang) == 0
    assert ("What does `tl.dot` compile to?" in prep.out) == (lang != "zh")
    assert ("为什么 vLLM" in prep.out) == (lang != "en")
    assert ("QKᵀ/√dₖ" in prep.out) == (lang != "zh")
    assert ("2026-11-20 核对" in prep.out) == (lang != "en")
    assert ("checked 2026-11-20" in prep.out) == (lang != "zh")
    assert "https://arxiv.org/abs/2309.06180" in prep.out
    assert "    ## not a section" in prep.out or lang == "zh"
    assert all(cell_width(line) <= 60 for line in prep.out.splitlines())


def test_show_json(prep: Prep) -> None:
    card = prep.json("cards", "show", "kv-cache-paging")
    assert card["faces"]["zh"]["key_points"] == ["固定大小的块", "每个序列一张块表", "没有外部碎片"]
    assert card["sources"][0]["checked"] == "2026-11-20"


def test_unknown_card(prep: Prep) -> None:
    assert prep("cards", "show", "kv-cache-pagin") == 2
    assert prep.out == ""
    assert prep.err == "prep: there is no card 'kv-cache-pagin'\n  did you mean kv-cache-paging?\n"
    assert prep("cards", "show", "dot") == 2
    assert "did you mean tensor-core-dot?" in prep.err


def test_a_broken_card_is_named_with_its_line(prep: Prep, write_card: WriteCard) -> None:
    path = write_card("ccc-three", "serving", ("level: 2", "level: x"))
    assert prep("cards", "show", "ccc-three") == 2
    assert prep.err.startswith(f"prep: {path}:5: the card ccc-three is broken: level must be")


def test_a_former_id_shows_the_card(prep: Prep, write_card: WriteCard) -> None:
    write_card("ccc-three", "serving", ("aliases: []", "aliases: [old-three]"))
    assert prep("cards", "show", "old-three") == 0
    assert prep.out.startswith("ccc-three\n")


def test_list(prep: Prep) -> None:
    counts = prep.json("cards", "list")
    assert counts == {
        "schema": 1, "total": 2, "area": {"serving": 1, "triton": 1}, "level": {"2": 1, "3": 1},
        "origin": {"-": 1, "notes": 1},
    }  # fmt: skip
    assert prep("cards", "list") == 0
    assert prep.out.startswith("2 cards\n\narea\n      1  serving\n")
    assert prep("cards", "list", "--area", "triton") == 0
    assert prep.out == "3  tensor-core-dot  What does `tl.dot` compile to?\n"
    assert prep("cards", "list", "--area", "cuda") == 2
    assert "there are: serving, triton" in prep.err


def test_new_goes_to_the_user_s_cards(prep: Prep, home: Path) -> None:
    assert prep("cards", "new", "--area", "cuda", "--question", "What is a warp?", "--tag", "simt") == 0
    path = home / "data" / "cards" / "cuda" / "warp.md"
    assert prep.out == f"{path}\n"
    assert prep.json("cards", "list")["area"]["cuda"] == 1
    assert prep("check", str(path)) == 0, prep.out
    assert prep("cards", "new", "--area", "cuda", "--question", "What is a warp?") == 2
    assert "the id warp is taken" in prep.err
    assert prep("cards", "new", "--area", "cuda", "--id", "kv-cache-paging") == 2
    assert prep("cards", "new", "--area", "cuda", "--question", "What is a CTA?", "--here") == 2
    assert "needs a checkout" in prep.err


def editor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> Path:
    """An editor with a space in its arguments that runs `script` on the file."""
    program = tmp_path / "my editor"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("EDITOR", f"'{program}' --wait")
    return program


def test_edit_copies_opens_and_checks(
    prep: Prep, home: Path, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    editor(tmp_path, monkeypatch, 'sed -i "s/level: 2/level: 3/" "$2"')
    assert prep("cards", "edit", "kv-cache-paging") == 0, prep.err
    copy = home / "data" / "cards" / "serving" / "kv-cache-paging.md"
    assert "level: 3" in copy.read_text("utf-8")
    assert "level: 2" in (root / "serving" / "kv-cache-paging.md").read_text("utf-8")
    assert prep.json("cards", "show", "kv-cache-paging")["level"] == 3
    editor(tmp_path, monkeypatch, 'sed -i "s/level: 3/level: 7/" "$2"')
    assert prep("cards", "edit", "kv-cache-paging") == 1
    assert prep.out == f"{copy}:5: level must be 1, 2 or 3, not '7'\n"
    assert prep.json("cards", "show", "kv-cache-paging")["level"] == 2  # the bundled one serves meanwhile


def test_edit_opens_a_card_that_is_broken(
    prep: Prep, write_card: WriteCard, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_card("ccc-three", "serving", ("level: 2", "level: x"), below=home / "data" / "cards")
    editor(tmp_path, monkeypatch, 'sed -i "s/level: x/level: 1/" "$2"')
    assert prep("cards", "edit", "ccc-three") == 0, prep.err
    assert "level: 1" in path.read_text("utf-8")


def test_edit_without_an_editor(prep: Prep, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDITOR", "/nowhere/editor")
    assert prep("cards", "edit", "kv-cache-paging") == 2
    assert "cannot be started" in prep.err
    monkeypatch.setenv("EDITOR", "vi 'unclosed")
    assert prep("cards", "edit", "kv-cache-paging") == 2
    assert prep("cards", "edit", "zzz") == 2
    assert "there is no card 'zzz'" in prep.err


def test_the_editor_s_failure_is_said(prep: Prep, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    editor(tmp_path, monkeypatch, "exit 3")
    assert prep("cards", "edit", "kv-cache-paging") == 0
    assert "the editor ended with status 3" in prep.err


def test_new_in_a_checkout(prep: Prep, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("prep.paths.is_checkout", lambda: True)
    assert prep("cards", "new", "--area", "cuda", "--id", "cuda-graphs", "--question-zh", "CUDA graph？", "--here") == 0
    assert prep.out == f"{root / 'cuda' / 'cuda-graphs.md'}\n"
    assert prep.json("cards", "show", "cuda-graphs")["status"] == "draft"
    assert prep("cards", "show", "cuda-graphs", "--lang", "en") == 0
    assert "(no en text yet)" in prep.out
    assert "CUDA graph？" in prep.out


def test_new_and_edit_at_once(prep: Prep, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    editor(tmp_path, monkeypatch, 'sed -i "s/^status: draft//" "$2"')
    assert prep("cards", "new", "--area", "cuda", "--question", "What is a warp?", "--edit") == 1
    path, *faults = prep.out.splitlines()
    assert any(fault.startswith(f"{path}:") and "a card needs at least one source" in fault for fault in faults)
