"""Search finds what people type: two Chinese characters, two letters, part of a word."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from prep.cards.library import Library
from prep.cards.search import find_folded, query_words, search

WriteCard = Callable[..., Path]


@pytest.fixture
def library(root: Path, tmp_path: Path, write_card: WriteCard) -> Library:
    write_card()  # kv-cache-paging, serving
    write_card(
        "tensor-core-dot", "triton",
        ("Why does vLLM page the KV cache?", "What does `tl.dot` compile to?"),
        ("Because lengths are unknown.", "To **mma** instructions on swizzled shared memory."),
        ("Waste is at most $B - 1$ slots.", "Scores are $QK^T/\\sqrt{d_k}$, in ＦＰ１６, Straße."),
        ("为什么 vLLM 要对 KV cache 分页，而不是用连续显存？", "`tl.dot` 编译成什么？共享内\n存怎么 swizzle？"),
        ("tags: [vllm, memory]", "tags: [mma]"), ("level: 2", "level: 3"),
        ("origin: [notes:Q9, notes:interview-12]", "origin: [book:2]"), ("exercises: []", "exercises: [matmul]"),
    )  # fmt: skip
    write_card(
        "prefix-cache", "serving",
        ("Why does vLLM page the KV cache?", "What is shared?"), ("unknown", "shared by paging"),
        ("为什么 vLLM 要对 KV cache 分页，而不是用连续显存？", "前缀缓存是什么？"),
        ("aliases: []", "aliases: [radix-cache]"), ("tags: [vllm, memory]", "tags: [sglang]"),
    )  # fmt: skip
    return Library.load([root], tmp_path / "cache.sqlite")


def ids(library: Library, query: str, **filters: object) -> list[str]:
    return [hit.card.id for hit in search(library, query, **filters)]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("分页", ["kv-cache-paging"]),
        ("显存", ["kv-cache-paging"]),
        ("连续显存", ["kv-cache-paging"]),
        ("页", ["kv-cache-paging"]),
        ("KV", ["kv-cache-paging"]),
        ("ｋｖ", ["kv-cache-paging"]),
        ("Ｋｖ　ＣＡＣＨＥ", ["kv-cache-paging"]),
        ("tl.dot", ["tensor-core-dot"]),
        ("swizzle", ["tensor-core-dot"]),
        ("SWIZZLED", ["tensor-core-dot"]),
        ("fp16", ["tensor-core-dot"]),
        ("STRASSE", ["tensor-core-dot"]),
        ("共享内存", ["tensor-core-dot"]),  # wrapped in the source between 内 and 存
        ("\\sqrt{d_k}", ["tensor-core-dot"]),
        ("√dₖ", ["tensor-core-dot"]),
        ("QKᵀ", ["tensor-core-dot"]),
        ("mma instructions", ["tensor-core-dot"]),
        ('"mma instructions"', ["tensor-core-dot"]),
        ('"instructions mma"', []),
        ("instructions mma", ["tensor-core-dot"]),
        ("KV 分页", ["kv-cache-paging"]),
        ("KV nothing", []),
        ("radix", ["prefix-cache"]),
        ("notes:Q9", ["prefix-cache", "kv-cache-paging"]),
        ("not-there", []),
        ("%", []),
        ("d_k}", ["tensor-core-dot"]),
        ("dxk}", []),
    ],
)
def test_query(library: Library, query: str, found: list[str]) -> None:
    assert sorted(ids(library, query)) == sorted(found)


def test_a_name_stands_before_a_question_before_an_answer_before_details(
    root: Path, tmp_path: Path, write_card: WriteCard
) -> None:
    write_card("card-details", "serving", ("Waste is", "Needle is"))
    write_card("card-answer", "serving", ("Because", "Needle"))
    write_card("card-points", "serving", ("- [ ] fixed", "- [ ] needle"))
    write_card("card-question", "serving", ("Why does", "Needle does"))
    write_card("card-tag", "serving", ("tags: [vllm", "tags: [needle"))
    write_card("card-needle-id")
    write_card("needle")
    library = Library.load([root], tmp_path / "cache.sqlite")
    hits = search(library, "needle")
    assert [hit.card.id for hit in hits] == [
        "needle", "card-needle-id", "card-tag", "card-question", "card-answer", "card-points", "card-details",
    ]  # fmt: skip
    assert [hit.score for hit in hits] == [108, 8, 8, 4, 2, 2, 1]


def test_among_equals_the_card_that_says_it_most_is_first(
    root: Path, tmp_path: Path, write_card: WriteCard, monkeypatch: pytest.MonkeyPatch
) -> None:
    """量化 is in 向量化 too: once in a card on clustering, many times in one on quantization."""
    write_card("aaa-vectorised", "serving", ("因为", "向量化，因为"))
    write_card("bbb-quantization", "serving", ("因为", "量化，因为"), ("浪费", "量化的量化误差；量化、反量化。浪费"))
    library = Library.load([root], tmp_path / "cache.sqlite")
    assert ids(library, "量化") == ids(library, "量化", limit=None) == ["bbb-quantization", "aaa-vectorised"]
    monkeypatch.setattr("prep.cards.search._COUNTED", 1)
    assert ids(library, "量化") == ["aaa-vectorised", "bbb-quantization"]


def test_a_mixed_word_is_looked_for_in_all_text(root: Path, tmp_path: Path, write_card: WriteCard) -> None:
    """Words without ASCII have an index of their own, in which what ASCII parts must not be joined."""
    write_card("aaa-mixed", "serving", ("因为", "吞KV吐和FP8量化，因为"))
    library = Library.load([root], tmp_path / "cache.sqlite")
    assert ids(library, "吞吐") == ids(library, "kvfp8") == []
    assert ids(library, "FP8量化") == ids(library, "吐和fp8") == ids(library, "吞kv吐") == ["aaa-mixed"]


def test_each_word_counts_by_its_best_field(library: Library) -> None:
    (hit,) = search(library, "kv-cache-paging lengths")
    assert hit.score == 100 + 8 + 2


def test_language(library: Library) -> None:
    assert ids(library, "分页", lang="en") == []
    assert ids(library, "分页", lang="zh") == ["kv-cache-paging"]
    assert ids(library, "unknown", lang="zh") == []
    assert ids(library, "sglang", lang="zh") == ["prefix-cache"]  # names belong to both


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({"area": "triton"}, ["tensor-core-dot"]),
        ({"tag": "VLLM"}, ["kv-cache-paging"]),
        ({"level": 3}, ["tensor-core-dot"]),
        ({"origin": "notes"}, ["kv-cache-paging", "prefix-cache"]),
        ({"origin": "notes:q9"}, ["kv-cache-paging", "prefix-cache"]),
        ({"origin": "note"}, []),
        ({"exercise": "matmul"}, ["tensor-core-dot"]),
        ({"area": "serving", "tag": "sglang"}, ["prefix-cache"]),
        ({"area": "cuda"}, []),
        ({"limit": 1}, ["kv-cache-paging"]),
    ],
)
def test_filters(library: Library, filters: dict[str, object], found: list[str]) -> None:
    assert sorted(ids(library, "", **filters)) == found
    if filters != {"limit": 1}:
        assert sorted(ids(library, "e", **filters)) == found


def test_snippet_shows_the_hit(library: Library) -> None:
    (hit,) = search(library, "分页")
    assert hit.snippet == "为什么 vLLM 要对 KV cache 分页，而不是用连续显存？"
    assert hit.face.lang == "zh"
    (hit,) = search(library, "FP16")
    assert hit.snippet == "Scores are $QK^T/\\sqrt{d_k}$, in ＦＰ１６, Straße."
    (hit,) = search(library, "radix")  # in the name only: the question
    assert hit.snippet == "What is shared?"
    (hit,) = search(library, "分页", lang="zh")
    assert hit.face.lang == "zh"


def test_a_cut_snippet_is_marked(root: Path, tmp_path: Path, write_card: WriteCard) -> None:
    write_card("aaa-one", "serving", ("Waste is", f"{'before ' * 40}needle {'after ' * 40}"))
    (hit,) = search(Library.load([root], tmp_path / "cache.sqlite"), "needle")
    assert hit.snippet.startswith("…before before")
    assert hit.snippet.endswith("…")
    assert "needle after" in hit.snippet
    assert len(hit.snippet) <= 92


def test_a_changed_card_is_found_by_its_new_words(library: Library) -> None:
    assert ids(library, "zyzzyva") == []
    path = library.cards["kv-cache-paging"].path
    path.write_text(path.read_text("utf-8").replace("unknown", "zyzzyva"), "utf-8")
    library.reload("kv-cache-paging")
    assert ids(library, "zyzzyva") == ["kv-cache-paging"]


def test_search_without_a_cache(root: Path, tmp_path: Path, write_card: WriteCard) -> None:
    write_card()
    (tmp_path / "file").write_text("")
    library = Library.load([root], tmp_path / "file" / "cache.sqlite")
    assert ids(library, "显存") == ["kv-cache-paging"]


def test_a_card_in_one_language_is_found_once_and_in_that_language(
    root: Path, tmp_path: Path, write_card: WriteCard
) -> None:
    path = write_card()
    text = path.read_text("utf-8")
    path.write_text(text[: text.index("# zh\n")], "utf-8")
    library = Library.load([root], tmp_path / "cache.sqlite")
    assert ids(library, "unknown") == ["kv-cache-paging"]
    assert ids(library, "unknown", lang="zh") == []


@pytest.mark.parametrize("count", [2, 3, 40])
def test_many_cards_with_the_same_word(root: Path, tmp_path: Path, write_card: WriteCard, count: int) -> None:
    for i in range(count):
        write_card(f"card-{i:02}", "serving", *([("Because", "Because needle")] if i % 2 else []))
    library = Library.load([root], tmp_path / "cache.sqlite")
    assert ids(library, "needle", limit=None) == [f"card-{i:02}" for i in range(1, count, 2)]
    assert len(ids(library, "的", limit=None)) == count
    assert ids(library, "needle 的 because", limit=None) == [f"card-{i:02}" for i in range(1, count, 2)]


def test_words() -> None:
    assert query_words('  KV  "Paged  Attention" kv ｆｐ８ ""') == ("kv", "paged attention", "fp8", '""')
    assert query_words("   ") == ()
    assert query_words("**bold** `tl.dot`") == ("bold", "tl.dot")


@pytest.mark.parametrize(
    ("text", "word", "at"),
    [
        ("aKVb", "kv", 1),
        ("ＫＶ", "kv", 0),
        ("ßß fp", "fp", 3),
        ("ﬃ ＦＰ", "fp", 2),
        ("abc", "x", None),
        ("", "x", None),
    ],
)
def test_find_folded(text: str, word: str, at: int | None) -> None:
    assert find_folded(text, word) == at
