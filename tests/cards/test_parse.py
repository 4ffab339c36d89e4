"""Every kind of fault is rejected, with the line that a person must look at."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from prep.cards.card import CardFaults, Fault
from prep.cards.parse import examine, parse_card

PATH = Path("content/serving/kv-cache-paging.md")
TODAY = date(2026, 11, 22)


def line_of(text: str, needle: str, after: str = "") -> int:
    """The line that `needle` begins on, the first one behind `after`."""
    start = text.index(after)
    return text.count("\n", 0, text.index(needle, start)) + 1


def test_a_whole_card(card: str) -> None:
    parsed = parse_card(card, PATH, today=TODAY)
    assert (parsed.id, parsed.area, parsed.level, parsed.status) == ("kv-cache-paging", "serving", 2, "active")
    assert parsed.tags == ("vllm", "memory")
    assert parsed.origin == ("notes:Q9", "notes:interview-12")
    source = parsed.sources[0]
    assert (source.title, source.checked) == ("Efficient Memory Management for LLM Serving", date(2026, 11, 20))
    assert (source.url, source.locator) == ("https://arxiv.org/abs/2309.06180", "section 4.3")
    en, zh = parsed.faces["en"], parsed.faces["zh"]
    assert en.question == "Why does vLLM page the KV cache?"
    assert en.answer == "Because lengths are unknown.\n\n```python\n## not a section\n# en\n```"
    assert en.key_points == (
        "fixed-size blocks",
        "a block table per sequence,\nlike a page table",
        "no external fragmentation",
    )
    assert (en.details, en.pitfalls) == ("Waste is at most $B - 1$ slots.", "")
    assert zh.follow_ups == "- 前缀缓存带来什么？"
    assert (en.lang, zh.lang) == ("en", "zh")


def test_the_sha_is_of_the_wording_alone(card: str) -> None:
    face = parse_card(card, PATH, today=TODAY).faces["en"]
    rewrapped = card.replace("Because lengths are", "Because lengths\nare").replace("[vllm, memory]", "[vllm]")
    assert parse_card(rewrapped, PATH, today=TODAY).faces["en"].sha == face.sha
    for old, new in (("Because lengths", "As lengths"), ("fixed-size blocks", "blocks"), ("$B - 1$", "$B$")):
        assert parse_card(card.replace(old, new), PATH, today=TODAY).faces["en"].sha != face.sha
    assert len(face.sha) == 64


# (replace, by, the line at fault is the first of this text, a part of the message)
FRONT_MATTER = [
    ("id: kv-cache-paging\n", "", "area: serving", "the key id is missing"),
    ("area: serving\n", "", "id: kv", "the key area is missing"),
    ("level: 2\n", "", "id: kv", "the key level is missing"),
    ("id: kv-cache-paging", "id: KV-Cache", "id: KV", "'KV-Cache'"),
    ("id: kv-cache-paging", "id: kv", "id: kv", "3 to 64"),
    ("id: kv-cache-paging", "id: kv-cache-pagin", "id: kv", "not the file's name"),
    ("id: kv-cache-paging", "id: [kv-cache-paging]", "id: [kv", "it is a list"),
    ("id: kv-cache-paging", "id:", "id:", "it is empty"),
    ("area: serving", "area: Serving!", "area:", "must be a name"),
    ("area: serving", "area: vllm", "area:", "not the file's folder, serving"),
    ("level: 2", "level: 4", "level: 4", "level must be 1, 2 or 3, not '4'"),
    ("level: 2", 'level: "2"', "level:", "level must be 1, 2 or 3"),
    ("level: 2", "level: two", "level:", "not 'two'"),
    ("level: 2", "level: 2\nlevel: 3", "level: 3", "the key level is there twice (first on line 5)"),
    ("level: 2", "level: 2\nlevl: 3", "levl: 3", "unknown key levl: is level meant?"),
    ("level: 2", "level: 2\nstatus: done", "status: done", "status must be active, draft, retired"),
    ("tags: [vllm, memory]", "tags: vllm", "tags: vllm", "tags must be a list, not text"),
    ("tags: [vllm, memory]", "tags: [vllm, {a: b}]", "tags:", "each item of tags must be text"),
    ("tags: [vllm, memory]", "tags:\n  - vllm\n  - vllm", "  - vllm\nlevel", "tags names vllm twice"),
    ("aliases: []", "aliases: [Old Id]", "aliases:", "the alias 'Old Id' is not an id"),
    ("aliases: []", "aliases: [kv-cache-paging]", "aliases:", "is the card's own id"),
    ("exercises: []", "exercises: {a: b}", "exercises:", "exercises must be a list, not a mapping"),
    ("checked: 2026-11-20", "checked: 2026-11-25", "checked:", "in the future"),
    ("checked: 2026-11-20", "checked: 2026-02-30", "checked:", "must be a day like"),
    ("checked: 2026-11-20", "checked: yesterday", "checked:", "must be a day like"),
    ("checked: 2026-11-20", "checked:", "checked:", "has no checked date"),
    ("    checked: 2026-11-20\n", "", "- title:", "has no checked date: open it"),
    ("- title: Efficient Memory Management for LLM Serving\n    url", "- url", "- url", "a source has no title"),
    ("url: https://arxiv.org/abs/2309.06180", "url: arxiv.org", "url:", "must start with http"),
    ("    locator:", "    locater:", "    locater:", "is locator meant?"),
    ("origin: [notes:Q9, notes:interview-12]", "origin: [a", "exercises:", "not YAML"),
    ("origin: [notes:Q9, notes:interview-12]", "origin: &a [x]\nold: *a", "old:", "YAML aliases"),
    ("origin: [notes:Q9, notes:interview-12]", "\torigin: [x]", "\torigin", "not YAML"),
    ("origin: [notes:Q9, notes:interview-12]", "origin: [\x07]", "origin", "not YAML"),
]


@pytest.mark.parametrize(("old", "new", "at", "message"), FRONT_MATTER)
def test_front_matter_fault(card: str, old: str, new: str, at: str, message: str) -> None:
    text = card.replace(old, new, 1)
    assert text != card
    with pytest.raises(CardFaults) as caught:
        parse_card(text, PATH, today=TODAY)
    found = [(fault.line, message in fault.message) for fault in caught.value.faults]
    assert (line_of(text, at), True) in found, caught.value.faults


def test_a_source_needs_a_place(card: str) -> None:
    text = card.replace("    url: https://arxiv.org/abs/2309.06180\n    locator: section 4.3\n", "")
    faults = examine(text, PATH, today=TODAY).faults
    assert [fault.line for fault in faults if "neither url nor locator" in fault.message] == [10]


@pytest.mark.parametrize("sources", ["sources: []", "sources:", "sources: paper"])
def test_sources_are_needed(card: str, sources: str) -> None:
    head, _, rest = card.partition("sources:\n")
    text = head + sources + "\n---\n" + rest.partition("---\n")[2]
    faults = examine(text, PATH, today=TODAY).faults
    assert [fault.line for fault in faults] == [9]
    assert "source" in faults[0].message


def test_unknown_keys_are_tolerated(card: str) -> None:
    assert parse_card(card.replace("level: 2", "level: 2\nreviewer: someone\nx-y: {a: [1]}"), PATH, today=TODAY)


def test_a_day_ahead_is_another_time_zone(card: str) -> None:
    assert parse_card(card.replace("2026-11-20", "2026-11-23"), PATH, today=TODAY)


# (replace, by, the line at fault, looked for behind this text, a part of the message)
BODY = [
    ("---\n# en", "---\nhello\n# en", "hello", "", "before `# en` or `# zh` belongs to no section"),
    ("# en\n## Q", "# en\nhello\n## Q", "hello", "", "between `# en` and `## Q`"),
    ("# en\n## Q", "## Q\nx\n# en\n## Q", "## Q", "", "stands before `# en` or `# zh`"),
    ("# zh", "# cn", "# cn", "", "unknown language heading `# cn`"),
    ("# zh", "# en", "# en", "- What does", "`# en` is there twice"),
    ("### Details\nWaste", "### Detail\nWaste", "### Detail", "", "unknown section `### Detail`"),
    ("## A\nBecause", "## Answer\nBecause", "## Answer", "", "unknown section `## Answer`"),
    ("### Details\nWaste", "## Details\nWaste", "## Details", "", "unknown section `## Details`"),
    ("### Follow-ups\n- What", "### Details\n- What", "### Details", "slots.", "`### Details` is there twice in en"),
    ("## A\nBecause", "### Pitfalls\nx\n## A\nBecause", "### Pitfalls", "", "belongs under `## A`"),
    ("## Q\nWhy does vLLM page the KV cache?\n", "", "## A", "", "`## Q` is missing in en"),
    ("## A\nBecause lengths are unknown.", "Because lengths are unknown.", "## Q", "", "`## A` is missing in en"),
    ("Why does vLLM page the KV cache?", "", "## Q", "", "`Q` is empty in en"),
    ("Waste is at most $B - 1$ slots.\n", "", "### Details", "", "`Details` is empty in en"),
    ("- [ ] no external fragmentation\n", "", "### Key points", "", "2 key points in en: at least 3"),
    ("- [ ] fixed-size blocks", "- fixed-size blocks", "- fixed", "", "starts with an empty box"),
    ("- [ ] fixed-size blocks", "- [x] fixed-size blocks", "- [x]", "", "starts with an empty box"),
    ("- [ ] fixed-size blocks", "- [ ]", "- [ ]", "", "a key point is empty"),
    ("### Details\nWaste", "\nstray\n\n### Details\nWaste", "stray", "", "only `- [ ]` items belong"),
    ("### Follow-ups\n- What does prefix caching add?\n", "", "### Follow-ups", "# zh", "is in zh but not in en"),
    ("slots.", "slots \x1b[2J.", "Waste", "", "control character U+001B"),
    ("slots.", "slots.\n---", "---\n### Fol", "", "makes it a heading"),
]


@pytest.mark.parametrize(("old", "new", "at", "after", "message"), BODY)
def test_body_fault(card: str, old: str, new: str, at: str, after: str, message: str) -> None:
    text = card.replace(old, new, 1)
    assert text != card
    with pytest.raises(CardFaults) as caught:
        parse_card(text, PATH, today=TODAY)
    found = [(fault.line, message in fault.message) for fault in caught.value.faults]
    assert (line_of(text, at, after), True) in found, caught.value.faults


def test_key_points_are_needed(card: str) -> None:
    start, end = card.index("### Key points"), card.index("### Details")
    text = card[:start] + card[end:]
    faults = examine(text, PATH, today=TODAY).faults
    assert (line_of(text, "## A"), "`### Key points` is missing in en") in [(f.line, f.message) for f in faults]


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_a_missing_language_is_a_fault_and_falls_back(card: str, lang: str) -> None:
    middle = card.index("# zh\n")
    text = card[:middle] if lang == "zh" else card[: card.index("# en\n")] + card[middle:]
    found = examine(text, PATH, today=TODAY)
    assert [f.message for f in found.faults] == [f"the language {lang} is missing: add `# {lang}` with its sections"]
    assert found.card is not None
    other = "en" if lang == "zh" else "zh"
    assert found.card.faces["en"] == found.card.faces["zh"]
    assert found.card.faces["en"].lang == other


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("", 1, "the file is empty"),
        (" \n\t\n", 1, "the file is empty"),
        ("# en\n", 1, "starts with its front matter"),
        ("---\nid: x\n", 1, "has no end"),
        ("---\n---\n# en\n", 2, "front matter is empty"),
        ("---\n# only a comment\n---\n# en\n", 2, "front matter is empty"),
        ("---\n- a\n---\n", 2, "must be a mapping of keys, not a list"),
        ("---\njust text\n---\n", 2, "must be a mapping of keys, not text"),
    ],
)
def test_not_a_card(text: str, line: int, message: str) -> None:
    found = examine(text, PATH, today=TODAY)
    assert found.card is None
    assert found.faults[0].line == line
    assert message in found.faults[0].message


def test_deep_nesting_is_a_fault_and_no_crash(card: str) -> None:
    """libyaml's own composer overflows the C stack on this."""
    for deep in ("[" * 100_000, "- " * 50_000, "{a: " * 50_000):
        found = examine(card.replace("origin: [notes:Q9, notes:interview-12]", f"origin: {deep}"), PATH, today=TODAY)
        assert found.card is None
        assert found.faults


def test_windows_line_ends_and_a_byte_order_mark_change_nothing(card: str) -> None:
    plain = parse_card(card, PATH, today=TODAY)
    assert parse_card("\ufeff" + card.replace("\n", "\r\n"), PATH, today=TODAY) == plain
    assert parse_card(card.replace("\n", "\r"), PATH, today=TODAY) == plain


def test_lines_count_the_same_with_windows_line_ends(card: str) -> None:
    text = card.replace("- [ ] fixed", "- fixed")
    expected = [fault.line for fault in examine(text, PATH, today=TODAY).faults]
    assert [fault.line for fault in examine(text.replace("\n", "\r\n"), PATH, today=TODAY).faults] == expected


@pytest.mark.parametrize(
    "block",
    [
        "~~~\n## x\n~~~",
        "- item\n\n  ```\n  ## x\n  ```",
        "> ## x",
        "    ## x",
        "- ## x",
        "$$\n## x\n$$",
        "#hashtag",
        "#### deeper",
        "\\## x",
    ],
)
def test_what_looks_like_a_section_and_is_none(card: str, block: str) -> None:
    parsed = parse_card(card.replace("Waste is", f"{block}\n\nWaste is"), PATH, today=TODAY)
    assert parsed.faces["en"].details == f"{block}\n\nWaste is at most $B - 1$ slots."


def test_a_draft_may_be_empty(card: str) -> None:
    text = card.replace("level: 2", "level: 2\nstatus: draft").replace("Because lengths are unknown.", "")
    text = text.replace("- [ ] fixed-size blocks\n", "")
    found = examine(text, PATH, today=TODAY)
    assert found.faults == ()
    assert found.card is not None
    assert found.card.status == "draft"


def test_faults_come_in_the_order_of_lines(card: str) -> None:
    text = card.replace("level: 2", "level: 9").replace("# zh", "# cn").replace("- [ ] fixed", "- fixed")
    with pytest.raises(CardFaults) as caught:
        parse_card(text, PATH, today=TODAY)
    lines = [fault.line or 0 for fault in caught.value.faults]
    assert lines == sorted(lines)
    assert len(lines) > 2
    assert str(caught.value) == f"{PATH}:5: level must be 1, 2 or 3, not '9' (and {len(lines) - 1} more)"


PIECES = st.sampled_from([
    "---\n", "# en\n", "# zh\n", "## Q\n", "## A\n", "### Key points\n", "### Details\n", "- [ ] a\n", "- [ ]\n",
    "```\n", "$$\n", "id: abc\n", "level: 1\n", "area: x\n", "sources: [{title: a}]\n", "tags: [\n", "}\n", "\t",
    "\r", "text\n", "===\n", "> ", "\ufeff", "\u0000", "*a", "&a ", "!!int ", "'", "\"", "| a | b |\n|---|---|\n",
    "- - - \n",
])  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(st.one_of(st.text(), st.lists(PIECES).map("".join), st.lists(PIECES).map(lambda p: "---\n" + "".join(p))))
@example("---\n\ud800\n---\n")
@example("---\nid: !!python/object:os.system x\n---\n")
@example("---\n? [a]\n: b\n---\n# en\n")
@example("---\n<<: {id: x}\n---\n# en\n")
@example("---\n...\nid: x\n---\n# en\n## Q\n")
def test_parsing_raises_nothing_but_card_faults(text: str) -> None:
    lines = text.replace("\r\n", "\n").replace("\r", "\n").count("\n") + 1
    found: tuple[Fault, ...] = ()
    try:
        parse_card(text, PATH, today=TODAY)
    except CardFaults as e:
        found = e.faults
    assert all(fault.line is not None and 1 <= fault.line <= lines + 1 for fault in found)
    assert all(fault.message and "\n" not in fault.message for fault in found)
    assert (examine(text, PATH, today=TODAY).faults == ()) == (found == ())
