"""An interview as a file for an editor: nothing that was not changed changes, nothing that is wrong gets through."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prep.errors import ImportFailed, UsageError
from prep.interviews.editing import from_document, keep_ids, merge, parse_question, to_document
from prep.interviews.model import (
    GAPS,
    OUTCOMES,
    QUESTION_KINDS,
    RESULTS,
    ROUND_KINDS,
    InterviewDraft,
    Question,
    changed_fields,
    question_values,
    validate,
)

TODAY = date(2026, 11, 22)


def draft() -> InterviewDraft:
    return InterviewDraft(
        company="云杉科技", role="推理引擎", held_on="2026-11-20", held_time="19:00", when_text="11/20 19：00 云杉科技",
        round_no=2, round_kind="coding", feeling=3, feeling_text="快: 很快 # 真的", notes_md="# 标题\n---\n- 一\n- 二",
        questions=[
            Question("softmax 手撕", outcome="nailed"),
            Question("碎片?", outcome="failed", what_i_said="第一行\n第二行", gap="numbers"),
        ],
    )  # fmt: skip


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_a_file_that_was_not_edited_changes_nothing(lang: str) -> None:
    text = to_document(draft(), lang)
    assert changed_fields(draft(), from_document(text, today=TODAY)) == {}
    assert from_document(text.replace("\n", "\r\n"), today=TODAY).questions == draft().questions
    assert "role: 推理引擎\n" in text  # Chinese is written as it is
    assert "\n\n# 标题\n---\n- 一" in text


texts = st.text(st.characters(codec="utf-8"), max_size=25)
lines = texts.filter(lambda t: bool(t.strip()))
optional = st.none() | lines
drafts = st.builds(
    InterviewDraft,
    company=lines.map(str.strip),
    held_on=st.none() | st.dates().map(lambda d: d.isoformat()),
    held_time=st.none() | st.times().map(lambda t: f"{t:%H:%M}"),
    round_no=st.none() | st.integers(1, 9),
    round_kind=st.none() | st.sampled_from(ROUND_KINDS),
    minutes=st.none() | st.integers(0, 999),
    feeling=st.none() | st.integers(1, 5),
    result=st.sampled_from(RESULTS),
    result_on=st.none() | st.dates().map(lambda d: d.isoformat()),
    questions=st.lists(
        st.builds(
            Question,
            text_md=lines,
            outcome=st.none() | st.sampled_from(OUTCOMES),
            kind=st.none() | st.sampled_from(QUESTION_KINDS),
            gap=st.none() | st.sampled_from(GAPS),
            topic=optional,
            lang=optional,
            follow_ups=optional,
            what_i_said=optional,
            better_answer=optional,
            card_id=optional,
            exercise_id=optional,
            minutes=st.none() | st.integers(0, 99),
            hints=st.none() | st.integers(0, 9),
            id=st.none(),
            seq=st.just(0),
        ),
        max_size=3,
    ),
    imported=st.none(),
    **dict.fromkeys(
        ("role", "location", "when_text", "format", "interviewers", "feeling_text", "result_text", "notes_md"), optional
    ),
)


@settings(max_examples=80, deadline=None)
@given(drafts)
def test_any_interview_survives_the_editor(made: InterviewDraft) -> None:
    validate(made)
    text = to_document(made)
    before, after = from_document(text, today=TODAY), from_document(text, today=TODAY)
    merged = merge(made, before, after)
    assert merged == made
    read = changed_fields(made, after)
    read.pop("notes_md", None)  # blank lines around the notes belong to the file
    assert read == {}


def test_quotes_within_a_text_are_the_texts_own() -> None:
    made = InterviewDraft(
        company="A", feeling_text="one: ''\ntwo\n", interviewers="''", questions=[Question("q: ''\nr")]
    )
    assert changed_fields(made, from_document(to_document(made), today=TODAY)) == {}


def test_an_edit_changes_what_was_edited_and_only_that() -> None:
    before = from_document(to_document(draft()), today=TODAY)
    text = to_document(draft()).replace("feeling: 3", "feeling: 5").replace("date: '2026-11-20'", "date: 11/21 7pm")
    text = text.replace("time: '19:00'", "time:").replace("questions:\n", "questions:\n  - 新题 :: 1\n")
    after = from_document(text, today=TODAY)
    meanwhile = draft()
    meanwhile.result, meanwhile.notes_md = "pass", "other window"
    for number, question in enumerate(meanwhile.questions):
        question.id = str(number)
    merged = merge(meanwhile, before, after)
    assert (merged.feeling, merged.held_on, merged.held_time) == (5, "2026-11-21", "19:00")
    assert (merged.result, merged.notes_md, merged.role) == ("pass", "other window", "推理引擎")
    assert [(q.text_md, q.outcome, q.id) for q in merged.questions] == [
        ("新题", "failed", None), ("softmax 手撕", "nailed", "0"), ("碎片?", "failed", "1"),
    ]  # fmt: skip


def test_a_question_is_a_line_taken_word_for_word() -> None:
    text = (
        "---\ncompany: A\nquestions:\n- what: is :: failed\n- C# vs C++ # really\n  - text: b\n"
        "- 'quoted :: nailed'\n- *pointer\n---\n"
    ).replace("  - text: b\n", "- text: b\n  said: |\n    - x :: failed\n")
    after = from_document(text, today=TODAY)
    assert [(q.text_md, q.outcome, q.what_i_said) for q in after.questions] == [
        ("what: is", "failed", None), ("C# vs C++ # really", None, None), ("b", None, "- x :: failed\n"),
        ("quoted", "nailed", None), ("*pointer", None, None),
    ]  # fmt: skip


def test_a_simple_question_is_shown_as_a_line() -> None:
    text = to_document(draft())
    assert "  - 'softmax 手撕 :: nailed'\n" in text
    assert "  - text: 碎片?\n    outcome: failed\n" in text


def test_emptied_fields_are_emptied() -> None:
    after = from_document("---\ncompany: A\n---\n", today=TODAY)
    merged = merge(draft(), from_document(to_document(draft()), today=TODAY), after)
    assert merged == InterviewDraft(company="A")


def test_a_reworded_question_at_its_place_is_the_same_question() -> None:
    stored = [Question("a", id="1"), Question("b", id="2"), Question("c", id="3")]
    edited = [Question("c"), Question("b, reworded"), Question("new")]
    keep_ids(edited, stored)
    assert [q.id for q in edited] == ["3", "2", None]


@pytest.mark.parametrize(
    ("document", "message", "line"),
    [
        ("", "between two lines ---", 1),
        ("company: A\n", "between two lines ---", 1),
        ("---\ncompany: A\n", "between two lines ---", 1),
        ("---\ncompany: [A\n---\n", "not YAML", 3),
        ("---\ncompany: A: B\n---\n", "not YAML", 2),
        ("---\n- A\n---\n", "fields must be lines", 2),
        ("---\ncompany: A\ncompnay: B\n---\n", "field 'compnay' is unknown", 3),
        ("---\ncompany:\n---\n", "the company is missing", None),
        ("---\ncompany: A\nfeeling: 9\n---\n", "feeling 9", None),
        ("---\ncompany: A\nfeeling: good\n---\n", "feeling must be a whole number", None),
        ("---\ncompany: A\nresult: won\n---\n", "result 'won' is unknown", None),
        ("---\ncompany: A\ndate: 2/30\n---\n", "date '2/30' is not a date", None),
        ("---\ncompany: A\ntime: noonish\n---\n", "time 'noonish' is not a time", None),
        ("---\ncompany: {a: b}\n---\n", "company must be one value", None),
        ("---\ncompany: A\nquestions: many\n---\n", "questions must be a list", None),
        ("---\ncompany: A\nquestions:\n-\n  - a\n---\n", "question 1: neither", None),
        ("---\ncompany: A\nquestions:\n- a\n- text: b\n  mood: c\n---\n", "question 2: field 'mood'", None),
        ("---\ncompany: A\nquestions:\n- outcome: failed\n---\n", "question 1: its text is missing", None),
        ("---\ncompany: A\nquestions:\n- text: b\n  outcome: fine\n---\n", "question 1: outcome 'fine'", None),
        ("---\ncompany: \x00\n---\n", "not YAML", None),
    ],
)
def test_a_broken_edit_is_refused(document: str, message: str, line: int | None) -> None:
    with pytest.raises(ImportFailed) as failed:
        from_document(document, today=TODAY)
    assert message in failed.value.message
    assert failed.value.line == line


@pytest.mark.parametrize(
    ("line", "text", "outcome"),
    [
        ("PagedAttention fragmentation? :: failed", "PagedAttention fragmentation?", "failed"),
        ("碎片 :: NAILED ", "碎片", "nailed"),
        ("a :: 0", "a", "not_reached"),
        ("a :: not reached", "a", "not_reached"),
        ("a :: 不会", "a", "failed"),
        ("a", "a", None),
        ("std::move and std::forward", "std::move and std::forward", None),
        ("what is A :: B", "what is A :: B", None),
        ("A :: B :: partial", "A :: B", "partial"),
        ("a ::", "a", None),
    ],
)
def test_question_lines(line: str, text: str, outcome: str | None) -> None:
    question = parse_question(line)
    assert (question.text_md, question.outcome) == (text, outcome)


@pytest.mark.parametrize("line", ["a :: faild", "a :: nailled", " :: failed", "", " ", "::"])
def test_a_mistyped_outcome_is_not_taken_for_text(line: str) -> None:
    if line == "::":
        assert question_values([parse_question(line)]) == [{"text_md": "::"}]
        return
    with pytest.raises(UsageError):
        parse_question(line)
