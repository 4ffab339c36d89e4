"""The exact copy: byte for byte through an empty log, merged by id into another, refused with a line number."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prep.errors import ImportFailed
from prep.interviews.jsonl import export_jsonl, import_jsonl, read_jsonl
from prep.interviews.log import InterviewLog
from prep.interviews.model import (
    GAPS,
    OUTCOMES,
    QUESTION_KINDS,
    RESULTS,
    ROUND_KINDS,
    ImportedRow,
    InterviewDraft,
    Question,
)
from prep.store.database import Database
from tests.conftest import TestClock

Open = Callable[[str], InterviewLog]


@pytest.fixture
def open_log(tmp_path: Path, clock: TestClock, request: pytest.FixtureRequest) -> Open:
    def open_named(name: str) -> InterviewLog:
        db = Database.open(tmp_path / f"{name}.db")
        request.addfinalizer(db.close)
        return InterviewLog(db, clock)

    return open_named


texts = st.text(st.characters(codec="utf-8"), max_size=20)
optional_texts = st.none() | texts
names = texts.filter(lambda t: bool(t.strip()))
small = st.none() | st.integers(0, 500)
questions = st.builds(
    Question,
    text_md=names,
    outcome=st.none() | st.sampled_from(OUTCOMES),
    kind=st.none() | st.sampled_from(QUESTION_KINDS),
    gap=st.none() | st.sampled_from(GAPS),
    minutes=small,
    hints=small,
    id=st.none(),
    seq=st.just(0),
    **dict.fromkeys(
        ("topic", "lang", "follow_ups", "what_i_said", "better_answer", "card_id", "exercise_id"), optional_texts
    ),
)
drafts = st.builds(
    InterviewDraft,
    company=names | st.sampled_from(["字节", "ByteDance", "Alder"]),
    held_on=st.none() | st.dates().map(lambda d: d.isoformat()),
    held_time=st.none() | st.times().map(lambda t: f"{t:%H:%M}"),
    round_no=st.none() | st.integers(1, 9),
    round_kind=st.none() | st.sampled_from(ROUND_KINDS),
    minutes=small,
    feeling=st.none() | st.integers(1, 5),
    result=st.sampled_from(RESULTS),
    result_on=st.none() | st.dates().map(lambda d: d.isoformat()),
    questions=st.lists(questions, max_size=3),
    imported=st.none() | st.builds(ImportedRow, columns=st.lists(texts, max_size=4), cells=st.lists(texts, max_size=5)),
    **dict.fromkeys(
        ("role", "location", "when_text", "format", "interviewers", "feeling_text", "result_text", "notes_md"),
        optional_texts,
    ),
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(st.lists(drafts, max_size=5), st.data())
def test_an_export_imported_into_an_empty_log_exports_the_same_bytes(made: list[InterviewDraft], data: Any) -> None:
    with (
        tempfile.TemporaryDirectory() as folder,
        Database.open(Path(folder) / "a.db") as a,
        Database.open(Path(folder) / "b.db") as b,
    ):
        clock = TestClock()
        log = InterviewLog(a, clock)
        for draft in made:
            log.add(draft)
            clock.advance(minutes=data.draw(st.integers(0, 2)))
            ref = str(data.draw(st.integers(1, len(log.all(deleted=True)))))
            action = data.draw(st.sampled_from(["none", "result", "update", "delete"]))
            if action == "result":
                log.set_result(ref, data.draw(st.sampled_from(RESULTS)))
            elif action == "update":
                log.update(ref, data.draw(drafts))
            elif action == "delete":
                log.delete(ref)
        text = export_jsonl(log)
        other = InterviewLog(b, clock)
        assert import_jsonl(text, other).added == len(made)
        assert export_jsonl(other) == text
        assert other.all(deleted=True) == log.all(deleted=True)
        again = import_jsonl(text, other)
        assert (again.added, again.updated, again.already_present) == (0, 0, len(made))
        assert export_jsonl(other) == text


def full_log(log: InterviewLog, clock: TestClock) -> str:
    log.add(
        InterviewDraft(
            company="云杉科技", role="推理引擎", held_on="2026-11-20", interviewers="L. Fern、王松", feeling=3,
            notes_md="云杉科技的 L. Fern 问了 Linux\u2028第二行", when_text="11/20 云杉科技",
            questions=[Question("云杉 KV cache?", outcome="failed", what_i_said="王松 nodded")],
            imported=ImportedRow(["Date"], ["11/20 云杉科技"]),
        )
    )  # fmt: skip
    clock.advance(days=1)
    log.add(InterviewDraft(company="ByteDance", notes_md="字节 and bytedance, not ByteDancer"))
    log.set_result("1", "fail")
    return export_jsonl(log)


def test_two_logs_merge_and_the_later_edit_stays(open_log: Open, clock: TestClock) -> None:
    here, there = open_log("here"), open_log("there")
    import_jsonl(full_log(here, clock), there)
    here.add(InterviewDraft(company="Alder"))
    there.add(InterviewDraft(company="字节跳动", role="x"))  # also number 3, also a company known by another name
    clock.advance(days=1)
    there.set_result("1", "pass")
    merged = import_jsonl(export_jsonl(there), here)
    assert (merged.added, merged.updated, merged.already_present) == (1, 1, 1)
    assert here.get("1").result == "pass"
    assert here.application(here.get("1")).status == "interviewing"
    assert [(i.seq, i.company) for i in here.all("entered")] == [
        (1, "云杉科技"),
        (2, "ByteDance"),
        (3, "Alder"),
        (4, "ByteDance"),
    ]
    before = export_jsonl(here)
    assert import_jsonl(full_log(open_log("third"), clock), here).added == 2
    import_jsonl(before, here)
    back = import_jsonl(export_jsonl(here), there)
    assert back.updated == 0
    assert {i.id for i in there.all()} == {i.id for i in here.all()}


def test_redaction_hides_companies_and_interviewers_everywhere(open_log: Open, clock: TestClock) -> None:
    log = open_log("a")
    full_log(log, clock)
    log.delete(log.add(InterviewDraft(company="Deleted Inc", notes_md="secret")))
    text = export_jsonl(log, redact=True)
    for hidden in ("云杉科技", "Fern", "王松", "ByteDance,", "字节", "bytedance,", "11/20", "secret", "Deleted Inc"):
        assert hidden not in text, hidden
    assert "Company 1的 (interviewer) 问了 Linux" in text  # Li is no name here, Linux stays
    assert "Company 2 and Company 2, not ByteDancer" in text
    assert len(read_jsonl(text).interviews) == 2
    assert "云杉科技" in export_jsonl(log)


def header() -> str:
    return '{"type": "prep-log", "version": 1}\n'


def broken(text: str, change: Callable[[dict[str, Any]], object], kind: str) -> str:
    lines = [json.loads(line) for line in text.splitlines() if line]
    change(next(r for r in lines if r["type"] == kind))
    return "\n".join(json.dumps(r) for r in lines)


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("", None, "empty"),
        ("\n\n", None, "empty"),
        ('{"a": 1}\n', 1, "not a prep log"),
        ("[1]\n", 1, "not a JSON object"),
        (header() + "{broken\n", 2, "not JSON"),
        (header() + "\n" + "[" * 100_000, 3, "not JSON"),
        (header() + '{"id": ' + "9" * 5000 + "}", 2, "not JSON"),
        ('{"type": "prep-log", "version": 2}\n', 1, "newer prep"),
        ('{"type": "prep-log", "version": true}\n', 1, "not a number"),
        (header() + '{"type": "diary", "id": "x"}', 2, "type 'diary' is unknown"),
        (header() + '{"type": "company"}', 2, "the id is missing"),
        (header() + '{"type": "company", "id": "x"}', 2, "the company's name is missing"),
        (header() + '{"type": "company", "id": "x", "name": "a", "aliases": [1]}', 2, "list of texts"),
        (header() + '{"type": "company", "id": "x", "name": "a"}\n' * 2, 3, "already on line 2"),
        (header() + '{"type": "application", "id": "x", "company_id": ["y"]}', 2, "on no line above"),
        (header() + '{"type": "event", "id": "x", "application_id": {}}', 2, "on no line above"),
    ],
)
def test_a_broken_file_is_refused_with_its_line(open_log: Open, text: str, line: int | None, message: str) -> None:
    log = open_log("a")
    with pytest.raises(ImportFailed, match=message) as failed:
        import_jsonl(text, log)
    assert failed.value.line == line
    assert log.all() == []
    assert log.rows.companies() == []


@pytest.mark.parametrize(
    ("kind", "change", "message"),
    [
        ("interview", lambda r: r.update(result="won"), "result 'won' is unknown"),
        ("interview", lambda r: r.update(result=None), "result is missing"),
        ("interview", lambda r: r.update(feeling=9), "feeling 9"),
        ("interview", lambda r: r.update(seq="1"), "seq must be a whole number"),
        ("interview", lambda r: r.pop("created_ms"), "field 'created_ms' is missing"),
        ("interview", lambda r: r.update(mood=1), "field 'mood' is unknown"),
        ("interview", lambda r: r.update(company="x"), "belongs to the application"),
        ("interview", lambda r: r.update(notes_md="\ud800"), "not valid Unicode"),
        ("interview", lambda r: r.update(imported={"columns": []}), "imported must be"),
        ("interview", lambda r: r.update(questions="a"), "questions must be a list"),
        ("interview", lambda r: r["questions"][0].pop("id"), "question 1: the id is missing"),
        ("interview", lambda r: r["questions"].append(r["questions"][0]), "already on line"),
        ("interview", lambda r: r.update(minutes=1.5), "minutes must be a whole number"),
        ("application", lambda r: r.update(status=3), "status must be text"),
        ("event", lambda r: r.update(changes=["a"]), "changes must be"),
        ("event", lambda r: r.update(changes={"a": [1]}), "changes must be"),
    ],
)
def test_a_wrong_field_is_refused_with_its_line(
    open_log: Open, clock: TestClock, kind: str, change: Callable[[dict[str, Any]], object], message: str
) -> None:
    text = broken(full_log(open_log("a"), clock), change, kind)
    log = open_log("b")
    with pytest.raises(ImportFailed, match=message) as failed:
        import_jsonl(text, log)
    assert failed.value.line == next(n for n, s in enumerate(text.splitlines(), 1) if f'"type": "{kind}"' in s)
    assert log.all() == []


def test_every_field_of_an_interview_is_exported(open_log: Open, clock: TestClock) -> None:
    """A field that is added to the model must not stay behind."""
    log = open_log("a")
    draft = InterviewDraft(
        "a", "b", "c", "2026-01-01", "10:00", "d", 1, "hr", "e", 1, "f", 1, "g", "fail", "h", "2026-01-02", "i",
        [Question("q", "failed", "theory", "t", "en", 1, 2, "f", "s", "b", "c", "e", "none")],
        ImportedRow(["x"], ["y"]),
    )  # fmt: skip
    log.delete(log.add(draft))
    record = next(r for r in map(json.loads, export_jsonl(log).splitlines()) if r["type"] == "interview")
    assert record.keys() >= {f.name for f in fields(type(log.get("1")))} - {"company", "role", "location"}
    assert record["questions"][0].keys() == {f.name for f in fields(Question)} - {"seq"}
