"""Writing: drafts that parse, atomic replacement, and keys and comments that survive."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from prep.cards.card import Card
from prep.cards.parse import examine, parse_card, read_card
from prep.cards.write import editable_path, new_card, set_keys, slug, write_atomically
from prep.errors import ContentError, HomeNotWritable, UsageError

WriteCard = Callable[..., Path]


def read(path: Path) -> Card:
    card = read_card(path).card
    assert card is not None
    return card


def test_a_draft_has_every_section_and_no_fault(tmp_path: Path) -> None:
    path = new_card(
        "triton", {"en": "What is a CTA?", "zh": "CTA 是什么？"}, card_id="what-is-a-cta", level=1,
        tags=["gpu", "thread block"], origin=["interview:1"], exercises=["softmax"], root=tmp_path,
    )  # fmt: skip
    assert path == tmp_path / "triton" / "what-is-a-cta.md"
    found = read_card(path)
    assert found.faults == ()
    card = found.card
    assert card is not None
    assert (card.id, card.area, card.level, card.status) == ("what-is-a-cta", "triton", 1, "draft")
    assert (card.tags, card.origin, card.exercises) == (("gpu", "thread block"), ("interview:1",), ("softmax",))
    assert [card.faces["en"].question, card.faces["zh"].question] == ["What is a CTA?", "CTA 是什么？"]
    names = ["Q", "A", "Key points", "Details", "Pitfalls", "Follow-ups"]
    assert {lang: [s.name for s in sections] for lang, sections in found.sections.items()} == {"en": names, "zh": names}


def test_a_draft_that_is_activated_must_be_written_first(tmp_path: Path) -> None:
    path = new_card("triton", {"en": "What is a CTA?"}, root=tmp_path)
    text = path.read_text("utf-8").replace("status: draft\n", "")
    messages = [fault.message for fault in examine(text, path).faults]
    assert "a card needs at least one source (or `status: draft`)" in messages
    assert "`A` is empty in en" in messages
    assert "a key point is empty" in messages


def test_a_question_in_one_language_serves_both(tmp_path: Path) -> None:
    card = read(new_card("triton", {"zh": "CTA 是什么？"}, card_id="cta-zh", root=tmp_path))
    assert card.faces["en"].question == "CTA 是什么？"
    assert card.faces["en"].lang == "zh"


@settings(max_examples=60, deadline=None)
@example(["NULL", "on", "1.5", "2026-11-22", "a: b"])
@example(["notes:Q1", "-", '"', "a\\b"])
@given(st.lists(st.text(min_size=1, max_size=20).map(str.strip).filter(bool), max_size=4, unique=True))
def test_any_tag_is_read_back(tmp_path_factory: pytest.TempPathFactory, tags: list[str]) -> None:
    tags = [tag for tag in tags if tag.isprintable()]
    path = new_card("triton", {"en": "x"}, card_id="abc", tags=tags, root=tmp_path_factory.mktemp("cards"))
    assert read(path).tags == tuple(dict.fromkeys(tags))
    # Other tools read the same: text stays text.
    front = yaml.safe_load(path.read_text("utf-8").split("---\n")[1])
    assert front["tags"] == list(dict.fromkeys(tags))


@pytest.mark.parametrize(
    ("area", "card_id", "level", "message"),
    [
        ("../etc", "abc", 1, "is not an area"),
        ("Triton", "abc", 1, "is not an area"),
        ("triton", "../abc", 1, "is not an id"),
        ("triton", "ab", 1, "is not an id"),
        ("triton", "ABC", 1, "is not an id"),
        ("triton", None, 1, "gives no id"),
        ("triton", "abc", 4, "level must be"),
        ("triton", "taken-id", 1, "the id taken-id is taken"),
    ],
)
def test_bad_drafts(tmp_path: Path, area: str, card_id: str | None, level: int, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        new_card(area, {"zh": "问题"}, card_id=card_id, level=level, root=tmp_path, taken=["taken-id"])
    assert list(tmp_path.iterdir()) == []


def test_a_draft_never_overwrites(tmp_path: Path) -> None:
    path = new_card("triton", {"en": "one"}, card_id="abc", root=tmp_path)
    with pytest.raises(UsageError, match="taken"):
        new_card("triton", {"en": "two"}, card_id="abc", root=tmp_path)
    assert "one" in path.read_text()


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("What is the KV cache?", "kv-cache"),
        ("How does Triton's tl.dot lower to wgmma on Hopper and Blackwell GPUs?", "triton-s-tl-dot-lower-wgmma"),
        ("为什么？", ""),
        ("A B", ""),
        ("x" * 60, ""),
    ],
)
def test_slug(question: str, expected: str) -> None:
    assert slug(question) == expected


HEAD = """\
---
id: abc-card   # never changes
area: serving
reviewer: {name: somebody, on: [a, b]}
tags:
  - vllm
  # the tag below is new
  - memory

# how hard
level: 2
sources: []
status: draft
x-more: "kept: as it is"
---
# en
## Q
tags: not this one
"""


def test_only_the_named_keys_change() -> None:
    text = set_keys(HEAD, {"tags": ["a b", "c"], "level": 3, "aliases": ["old-abc"]}, Path("abc-card.md"))
    start, end = HEAD.index("tags:\n"), HEAD.index("\n# how hard")
    expected = HEAD[:start] + 'tags: ["a b", c]\n' + HEAD[end:]
    expected = expected.replace("level: 2", "level: 3").replace("---\n# en", "aliases: [old-abc]\n---\n# en")
    assert text == expected


def test_windows_line_ends_survive() -> None:
    text = set_keys(HEAD.replace("\n", "\r\n"), {"level": 3, "origin": ["x"]}, Path("abc-card.md"))
    assert text.replace("\r\n", "").count("\n") == 0
    assert text.replace("\r\n", "\n") == set_keys(HEAD, {"level": 3, "origin": ["x"]}, Path("abc-card.md"))


@pytest.mark.parametrize("text", ["", "# en\n", "---\nid: abc\n", "---\n[\n---\n", "---\n- a\n---\n"])
def test_keys_of_no_front_matter(text: str) -> None:
    with pytest.raises(ContentError):
        set_keys(text, {"level": 1}, Path("abc.md"))


def test_a_card_round_trips_through_a_change_of_keys(card: str) -> None:
    path = Path("content/serving/kv-cache-paging.md")
    before = parse_card(card, path)
    after = parse_card(set_keys(card, {"tags": ["new"]}, path), path)
    assert after.tags == ("new",)
    assert (after.faces, after.sources, after.origin) == (before.faces, before.sources, before.origin)
    assert set_keys(set_keys(card, {"tags": ["new"]}, path), {"tags": ["vllm", "memory"]}, path) == card


def test_writing_leaves_no_temporary_file_and_keeps_mode_and_link(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "abc.md"
    write_atomically(path, "一")
    path.chmod(0o640)
    link = tmp_path / "link.md"
    link.symlink_to(path)
    write_atomically(link, "二")
    assert (path.read_text("utf-8"), link.is_symlink()) == ("二", True)
    assert path.stat().st_mode & 0o777 == 0o640
    assert [p.name for p in path.parent.iterdir()] == ["abc.md"]


def test_a_failed_write_leaves_the_old_content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "abc.md"
    write_atomically(path, "old")

    def full(source: object, target: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(HomeNotWritable, match="No space left on device"):
        write_atomically(path, "new")
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["abc.md"]


def test_a_bundled_card_is_copied_to_the_user_s(
    root: Path, home: Path, monkeypatch: pytest.MonkeyPatch, write_card: WriteCard
) -> None:
    monkeypatch.setenv("PREP_BUNDLED", str(root.parent))
    bundled = write_card("aaa-one")
    copy = editable_path(read(bundled))
    assert copy == home / "data" / "cards" / "serving" / "aaa-one.md"
    assert copy.read_bytes() == bundled.read_bytes()
    copy.write_text("edited")
    assert editable_path(read(bundled)) == copy
    assert copy.read_text() == "edited"


def test_a_card_of_the_user_or_of_a_checkout_is_edited_in_place(
    root: Path, home: Path, monkeypatch: pytest.MonkeyPatch, write_card: WriteCard
) -> None:
    mine = write_card("bbb-two", below=home / "data" / "cards")
    assert editable_path(read(mine)) == mine
    monkeypatch.setenv("PREP_BUNDLED", str(root.parent))
    monkeypatch.setattr("prep.paths.is_checkout", lambda: True)
    bundled = write_card("aaa-one")
    assert editable_path(read(bundled)) == bundled
    monkeypatch.setattr("prep.cards.write.os.access", lambda *_: False)
    assert editable_path(read(bundled)) == home / "data" / "cards" / "serving" / "aaa-one.md"


def test_a_card_that_is_gone_cannot_be_copied(
    root: Path, home: Path, monkeypatch: pytest.MonkeyPatch, write_card: WriteCard
) -> None:
    monkeypatch.setenv("PREP_BUNDLED", str(root.parent))
    path = write_card("aaa-one")
    card = read(path)
    path.unlink()
    with pytest.raises(ContentError, match="No such file"):
        editable_path(card)
