"""The library and its cache: what is cached is what the file says, and a bad cache costs nobody anything."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from prep.cards import library as library_module
from prep.cards.card import CardFaults
from prep.cards.library import Library
from prep.cards.parse import Examined, read_card
from prep.errors import UsageError

WriteCard = Callable[..., Path]
OLD = (1_700_000_000, 1_700_000_000)


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "cards.sqlite"


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the files that were parsed."""
    names: list[str] = []

    def read(path: Path) -> Examined:
        names.append(path.stem)
        return read_card(path)

    monkeypatch.setattr(library_module, "_read_card", read)
    return names


def test_cards_come_from_the_cache_the_second_time(
    root: Path, cache: Path, write_card: WriteCard, reads: list[str]
) -> None:
    write_card("aaa-one")
    write_card("bbb-two", "cuda", ("tags: [vllm, memory]", "tags: []"), ("aliases: []", "aliases: [old-two]"))
    first = Library.load([root], cache)
    wanted = {i: (read_card(c.path).card, dict(c.faces)) for i, c in first.cards.items()}
    assert reads == ["bbb-two", "aaa-one"]
    second = Library.load([root], cache)
    assert list(second.ids()) == ["bbb-two", "aaa-one"]
    for card_id, (parsed, faces) in wanted.items():
        card = second.cards[card_id]
        assert parsed is not None
        assert dict(card.faces) == faces == dict(parsed.faces)
        assert tuple(card.sources) == tuple(parsed.sources)
        assert (card.tags, card.aliases, card.origin, card.level, card.status, card.path) == (
            parsed.tags, parsed.aliases, parsed.origin, parsed.level, parsed.status, parsed.path,
        )  # fmt: skip
    assert reads == ["bbb-two", "aaa-one"]


def test_an_edit_of_the_same_size_is_seen_by_its_mtime(
    root: Path, cache: Path, write_card: WriteCard, reads: list[str]
) -> None:
    path = write_card("aaa-one")
    Library.load([root], cache)
    path.write_text(path.read_text("utf-8").replace("unknown", "UNKNOWN"), "utf-8")
    os.utime(path, ns=(1, path.stat().st_mtime_ns - 5_000_000_000))
    library = Library.load([root], cache)
    assert "UNKNOWN" in library.cards["aaa-one"].faces["en"].answer
    assert reads == ["aaa-one", "aaa-one"]


def test_an_edit_of_another_size_is_seen_though_the_mtime_is_kept(
    root: Path, cache: Path, write_card: WriteCard
) -> None:
    path = write_card("aaa-one")
    Library.load([root], cache)
    path.write_text(path.read_text("utf-8").replace("unknown", "not known"), "utf-8")
    os.utime(path, OLD)
    assert "not known" in Library.load([root], cache).cards["aaa-one"].faces["en"].answer


def test_an_edit_within_the_clock_s_tick_is_seen(root: Path, cache: Path, write_card: WriteCard) -> None:
    """Same size, same mtime, because the first load came so soon: git calls such a file racily clean."""
    path = write_card("aaa-one")
    os.utime(path)
    kept = path.stat().st_mtime_ns
    Library.load([root], cache)
    path.write_text(path.read_text("utf-8").replace("unknown", "UNKNOWN"), "utf-8")
    os.utime(path, ns=(kept, kept))
    assert "UNKNOWN" in Library.load([root], cache).cards["aaa-one"].faces["en"].answer


def test_a_deleted_file_leaves_the_library_and_the_cache(root: Path, cache: Path, write_card: WriteCard) -> None:
    path = write_card("aaa-one")
    write_card("bbb-two")
    Library.load([root], cache)
    path.unlink()
    assert list(Library.load([root], cache).ids()) == ["bbb-two"]
    with sqlite3.connect(cache) as connection:
        for table in ("meta", "body"):
            assert connection.execute(f"SELECT count(*) FROM {table}").fetchone() == (1,)
    connection.close()


def corrupt(cache: Path) -> None:
    cache.write_bytes(b"not a database" * 1000)


def truncate(cache: Path) -> None:
    cache.write_bytes(cache.read_bytes()[:5000])


def scramble(cache: Path) -> None:
    data = bytearray(cache.read_bytes())
    data[4096:] = bytes(len(data) - 4096)
    cache.write_bytes(data)


def other_version(cache: Path) -> None:
    with sqlite3.connect(cache) as connection:
        connection.execute("PRAGMA user_version = 1")
        connection.execute("UPDATE meta SET id = 'from-the-past'")
    connection.close()


def other_schema(cache: Path) -> None:
    with sqlite3.connect(cache) as connection:
        connection.execute("DROP TABLE body")
    connection.close()


def damaged_rows(cache: Path) -> None:
    with sqlite3.connect(cache) as connection:
        connection.execute(
            "UPDATE meta SET sources = '{', status = 'x', faults = CASE faults WHEN '' THEN '' ELSE '{' END"
        )
        connection.execute("UPDATE body SET faces = '{'")
    connection.close()


def a_folder(cache: Path) -> None:
    cache.unlink()
    cache.mkdir()


@pytest.mark.parametrize(
    "damage", [corrupt, truncate, scramble, other_version, other_schema, damaged_rows, a_folder, lambda p: p.unlink()]
)
def test_a_bad_cache_is_ignored_and_made_anew(
    root: Path, cache: Path, write_card: WriteCard, reads: list[str], damage: Callable[[Path], None]
) -> None:
    for i in range(30):
        write_card(f"card-{i:02}")
    write_card("one-fault", "serving", ("    checked: 2026-11-20\n", ""))
    wanted = Library.load([root], cache)
    damage(cache)
    library = Library.load([root], cache)
    assert list(library.ids()) == list(wanted.ids())
    assert library.faults == wanted.faults
    assert len(library.faults) == 1
    for card_id, card in library.cards.items():
        parsed = read_card(card.path).card
        assert parsed is not None
        assert (card.id, card.status, tuple(card.sources)) == (card_id, parsed.status, tuple(parsed.sources))
        assert dict(card.faces) == dict(parsed.faces)
    if damage not in (damaged_rows, a_folder):
        reads.clear()
        assert list(Library.load([root], cache).ids()) == list(wanted.ids())
        assert reads == []


def test_a_cache_that_cannot_be_written_is_no_error(root: Path, tmp_path: Path, write_card: WriteCard) -> None:
    write_card("aaa-one")
    (tmp_path / "file").write_text("x")
    library = Library.load([root], tmp_path / "file" / "cards.sqlite")
    assert library.cards["aaa-one"].faces["zh"].answer == "因为长度事先不知道。"


def test_a_locked_cache_is_no_error(root: Path, cache: Path, write_card: WriteCard) -> None:
    write_card("aaa-one")
    Library.load([root], cache)
    write_card("bbb-two")
    connection = sqlite3.connect(cache)
    connection.execute("BEGIN EXCLUSIVE")
    library = Library.load([root], cache)
    assert [library.cards[i].faces["en"].lang for i in library.ids()] == ["en", "en"]
    connection.rollback()
    connection.close()


def test_the_cache_may_vanish_while_the_library_is_open(root: Path, cache: Path, write_card: WriteCard) -> None:
    write_card("aaa-one")
    Library.load([root], cache)
    library = Library.load([root], cache)
    with sqlite3.connect(cache) as connection:
        connection.execute("DELETE FROM body")
    connection.close()
    assert library.cards["aaa-one"].faces["en"].question == "Why does vLLM page the KV cache?"


def test_a_broken_card_breaks_no_other(root: Path, cache: Path, write_card: WriteCard) -> None:
    write_card("aaa-one")
    broken = write_card("bbb-two", "serving", ("level: 2", "level: nine"))
    for _ in range(2):  # parsed, then from the cache
        library = Library.load([root], cache)
        assert list(library.ids()) == ["aaa-one"]
        assert [str(fault) for fault in library.faults] == [f"{broken}:5: level must be 1, 2 or 3, not 'nine'"]


def test_a_fault_that_does_no_harm_keeps_the_card(root: Path, cache: Path, write_card: WriteCard) -> None:
    write_card("aaa-one", "serving", ("    checked: 2026-11-20\n", ""))
    library = Library.load([root], cache)
    assert list(library.ids()) == ["aaa-one"]
    assert "has no checked date" in library.faults[0].message


def test_two_cards_with_one_id(root: Path, cache: Path, write_card: WriteCard) -> None:
    first = write_card("aaa-one", "cuda")
    second = write_card("aaa-one", "serving")
    library = Library.load([root], cache)
    assert library.cards["aaa-one"].path == first
    assert [(f.path, f.line, f.message) for f in library.faults] == [(second, 1, f"the id aaa-one is taken by {first}")]


def test_the_user_s_card_shadows_the_bundled_one(
    root: Path, tmp_path: Path, cache: Path, write_card: WriteCard
) -> None:
    write_card("aaa-one")
    mine = tmp_path / "mine"
    copy = write_card("aaa-one", "serving", ("unknown", "mine"), below=mine)
    library = Library.load([root, mine], cache)
    assert library.cards["aaa-one"].path == copy
    assert library.cards["aaa-one"].faces["en"].answer.startswith("Because lengths are mine")
    assert library.faults == []
    # A broken copy must not hide the card.
    copy.write_text("---\n", "utf-8")
    library = Library.load([root, mine], cache)
    assert library.cards["aaa-one"].path != copy
    assert [fault.path for fault in library.faults] == [copy]


def test_aliases_lead_to_the_card_that_has_them(root: Path, cache: Path, write_card: WriteCard) -> None:
    write_card("aaa-one", "serving", ("aliases: []", "aliases: [old-one, bbb-two]"))
    write_card("bbb-two")
    library = Library.load([root], cache)
    assert library.aliases() == {"old-one": "aaa-one"}  # bbb-two is a card: its history is its own
    assert library.get("old-one") is library.cards["aaa-one"]
    assert library.get("bbb-two") is library.cards["bbb-two"]
    assert library.get("nothing") is None
    with pytest.raises(KeyError):
        library.cards["old-one"]


def test_the_mapping(root: Path, cache: Path, write_card: WriteCard) -> None:
    write_card("aaa-one", "cuda")
    write_card("bbb-two")
    library = Library.load([root], cache)
    assert len(library.cards) == 2
    assert "aaa-one" in library.cards
    assert "zzz" not in library.cards
    assert library.areas() == ["cuda", "serving"]
    assert library.cards["aaa-one"] is library.cards["aaa-one"]
    assert library.cards["aaa-one"].sources[0].locator == "section 4.3"


def test_reload_reads_the_file_again(root: Path, cache: Path, write_card: WriteCard) -> None:
    path = write_card("aaa-one")
    library = Library.load([root], cache)
    before = library.generation
    path.write_text(path.read_text("utf-8").replace("unknown", "new").replace("level: 2", "level: 3"), "utf-8")
    card = library.reload("aaa-one")
    assert (card.level, card.faces["en"].answer[:23]) == (3, "Because lengths are new")
    assert library.cards["aaa-one"] is card
    assert library.generation > before


def test_reload_of_a_card_that_was_broken_keeps_the_old_one(root: Path, cache: Path, write_card: WriteCard) -> None:
    path = write_card("aaa-one")
    library = Library.load([root], cache)
    whole = path.read_text("utf-8")
    path.write_text(whole.replace("level: 2", "level: x"), "utf-8")
    with pytest.raises(CardFaults) as caught:
        library.reload("aaa-one")
    assert (caught.value.line, caught.value.where) == (5, path)
    assert library.cards["aaa-one"].level == 2
    assert [fault.line for fault in library.faults] == [5]
    path.write_text(whole, "utf-8")
    library.reload("aaa-one")
    assert library.faults == []


def test_reload_finds_a_new_copy_of_the_user(root: Path, tmp_path: Path, cache: Path, write_card: WriteCard) -> None:
    write_card("aaa-one")
    mine = tmp_path / "mine"
    library = Library.load([root, mine], cache)
    copy = write_card("aaa-one", "serving", ("unknown", "mine"), below=mine)
    assert library.reload("aaa-one").path == copy
    assert "mine" in library.cards["aaa-one"].faces["en"].answer


def test_reload_of_nothing(root: Path, cache: Path, write_card: WriteCard) -> None:
    path = write_card("aaa-one")
    library = Library.load([root], cache)
    with pytest.raises(UsageError, match="no card has the id zzz"):
        library.reload("zzz")
    path.unlink()
    with pytest.raises(CardFaults, match="the file is gone"):
        library.reload("aaa-one")


def test_a_date_in_the_future_is_looked_at_again(
    root: Path, cache: Path, write_card: WriteCard, reads: list[str]
) -> None:
    write_card("aaa-one", "serving", ("2026-11-20", "2999-01-01"))
    for _ in range(2):
        assert "in the future" in Library.load([root], cache).faults[0].message
    assert reads == ["aaa-one", "aaa-one"]


def test_rows_of_a_folder_that_is_gone_are_dropped(
    root: Path, tmp_path: Path, cache: Path, write_card: WriteCard
) -> None:
    other = tmp_path / "other"
    path = write_card("bbb-two", below=other)
    Library.load([other], cache)
    path.unlink()
    path.parent.rmdir()
    other.rmdir()
    write_card("aaa-one")
    Library.load([root], cache)
    with sqlite3.connect(cache) as connection:
        assert connection.execute("SELECT DISTINCT root FROM meta").fetchall() == [(str(root),)]
    connection.close()


def test_a_warm_open_loads_no_parser(root: Path, cache: Path, write_card: WriteCard) -> None:
    write_card("aaa-one")
    Library.load([root], cache)
    code = (
        "import sys; from pathlib import Path\n"
        "from prep.cards.library import Library; from prep.cards.search import search\n"
        "library = Library.load([Path(sys.argv[1])], Path(sys.argv[2]))\n"
        "(hit,) = search(library, '连续显存'); assert hit.snippet and library.cards['aaa-one'].sources\n"
        "bad = {'markdown_it', 'yaml', 'mdit_py_plugins', 'prep.cards.parse'} & set(sys.modules); assert not bad, bad"
    )
    subprocess.run([sys.executable, "-c", code, str(root), str(cache)], check=True)


def test_default_folders(home: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, write_card: WriteCard) -> None:
    monkeypatch.setenv("PREP_BUNDLED", str(tmp_path))
    write_card("aaa-one")
    write_card("bbb-two", below=home / "data" / "cards")
    library = Library.load()
    assert list(library.ids()) == ["aaa-one", "bbb-two"]
    assert (home / "cache" / "cards.sqlite").is_file()
