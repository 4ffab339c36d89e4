"""InterviewLog: what is stored, what history stays, and what is refused."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from prep.errors import UsageError
from prep.interviews.log import InterviewLog
from prep.interviews.model import InterviewDraft, Question
from prep.store.database import Database
from tests.conftest import TestClock


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    with Database.open(tmp_path / "prep.db") as db:
        yield db


@pytest.fixture
def log(db: Database, clock: TestClock) -> InterviewLog:
    return InterviewLog(db, clock)


def coding_round() -> InterviewDraft:
    return InterviewDraft(
        company="云杉科技",
        role="推理引擎",
        location="上海",
        held_on="2026-11-20",
        held_time="19:00",
        when_text="11/20 19：00 云杉科技 推理引擎 上海",
        round_no=2,
        round_kind="coding",
        format="video",
        minutes=60,
        interviewers="L. Fern",
        feeling=3,
        feeling_text="节奏很快",
        notes_md="手写 softmax | 追问带宽\n第二行",
        questions=[
            Question("PagedAttention 的碎片有多少？", outcome="failed", kind="theory", topic="kv-cache", gap="numbers"),
            Question("softmax", outcome="nailed", exercise_id="softmax", minutes=12, hints=0, what_i_said="…"),
        ],
    )


def test_everything_of_a_draft_comes_back(log: InterviewLog) -> None:
    draft = coding_round()
    stored = log.get(log.add(draft))
    back = stored.draft()
    for seq, question in enumerate(back.questions):
        assert question.id is not None
        assert question.seq == seq
        question.id, question.seq = None, 0
    assert back == draft
    assert (stored.seq, stored.result, stored.tz_offset_min) == (1, "pending", 480)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"company": "  "}, "the company is missing"),
        ({"feeling": 9}, "feeling 9 is not between 1 and 5"),
        ({"feeling": 0}, "feeling 0 is not between 1 and 5"),
        ({"feeling": "3"}, "feeling must be a whole number"),
        ({"feeling": True}, "feeling must be a whole number"),
        ({"result": "maybe"}, "result 'maybe' is unknown"),
        ({"held_on": "2026-02-30"}, "date '2026-02-30' is not a date"),
        ({"held_on": "20260220"}, "date '20260220' is not a date"),
        ({"held_time": "25:00"}, "'25:00' is not a time"),
        ({"round_kind": "chat"}, "kind of round 'chat' is unknown"),
        ({"round_no": 0}, "round 0 is less than 1"),
        ({"minutes": 1 << 63}, "minutes 9223372036854775808 is too large"),
        ({"role": "\ud800"}, "not valid Unicode"),
        ({"questions": [Question(" ")]}, "question 1: its text is missing"),
        ({"questions": [Question("a"), Question("b", outcome="ok")]}, "question 2: outcome 'ok' is unknown"),
        ({"questions": [Question("a", gap="sleep")]}, "question 1: gap 'sleep' is unknown"),
    ],
)
def test_what_cannot_be_kept_is_refused_and_nothing_is_written(
    log: InterviewLog, change: dict[str, object], message: str
) -> None:
    draft = coding_round()
    for name, value in change.items():
        setattr(draft, name, value)
    with pytest.raises(UsageError, match=re.escape(message)):
        log.add(draft)
    assert log.all() == []
    assert log.rows.companies() == []


def test_a_transaction_that_fails_halfway_leaves_nothing(log: InterviewLog, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("power cut")

    monkeypatch.setattr(log.rows, "insert_event", fail)
    with pytest.raises(RuntimeError):
        log.add(coding_round())
    assert log.rows.companies() == []
    assert log.rows.applications() == []


def test_it_is_found_by_number_id_and_prefix(log: InterviewLog, clock: TestClock) -> None:
    first = log.add(InterviewDraft(company="Alder"))
    clock.advance(days=400)
    second = log.add(InterviewDraft(company="Birch"))
    for ref in ("1", "#1", first, first.upper(), first[:8]):
        assert log.get(ref).company == "Alder"
    assert log.get(second[:10]).company == "Birch"
    with pytest.raises(UsageError, match="start of 2 interviews") as ambiguous:
        log.get("0")
    assert ambiguous.value.hint == "say which by its number: 1, 2"
    for ref in ("3", "", "0999", "%", "zzz", "9" * 30, "３"):
        with pytest.raises(UsageError, match="no interview"):
            log.get(ref)


def test_spellings_of_one_company_are_one_company(log: InterviewLog) -> None:
    log.add(InterviewDraft(company="字节", held_on="2026-05-01"))
    log.add(InterviewDraft(company="Alder", held_on="2026-06-01"))
    log.add(InterviewDraft(company="ByteDance", held_on="2026-07-01"))
    log.add(InterviewDraft(company="ＡＬＤＥＲ", held_on="2026-05-02"))
    assert log.companies() == ["字节", "Alder"]
    assert [i.company for i in log.all("entered")] == ["字节", "Alder", "字节", "Alder"]


def test_a_result_is_an_event_that_names_what_it_overwrote(log: InterviewLog, clock: TestClock) -> None:
    draft = coding_round()
    draft.result, draft.result_text = "ghosted", "无后续"
    added = log.add(draft)
    clock.advance(days=3)
    after = log.set_result(added, "fail", on=date(2026, 11, 24))
    assert (after.result, after.result_text, after.result_on) == ("fail", None, "2026-11-24")
    history = log.history(after)
    assert [(e.from_status, e.to_status, e.note) for e in history] == [
        (None, "open", "created"),
        ("open", "ghosted", "added"),
        ("ghosted", "rejected", "result"),
    ]
    assert history[-1].changes == {
        "result": ["ghosted", "fail"],
        "result_text": ["无后续", None],
        "result_on": [None, "2026-11-24"],
    }
    assert history[-1].interview_id == added
    assert log.set_result(added, "fail").updated_ms == after.updated_ms  # no change, no event
    assert len(log.history(after)) == 3
    assert log.set_result(added, "pending").result_on is None
    assert log.application(after).status == "interviewing"
    with pytest.raises(UsageError, match="result 'won' is unknown"):
        log.set_result(added, "won")


def test_the_day_of_a_result_is_today_unless_given(log: InterviewLog) -> None:
    assert log.set_result(log.add(coding_round()), "pass").result_on == "2026-11-22"


def test_an_application_stands_where_its_last_interview_left_it(log: InterviewLog) -> None:
    first, second = coding_round(), coding_round()
    second.held_on, second.round_no = "2026-11-21", 3
    one, two = log.add(first), log.add(second)
    assert log.get(one).application_id == log.get(two).application_id
    log.set_result(two, "fail")
    log.set_result(one, "pass")  # recorded later, held earlier
    assert log.application(log.get(one)).status == "rejected"


def test_only_a_feeling_recorded_before_the_result_counts(log: InterviewLog, clock: TestClock) -> None:
    before = log.add(coding_round())
    clock.advance(days=1)
    assert log.get(before).felt_first()
    assert log.set_result(before, "pass").felt_first()

    blank = coding_round()
    blank.feeling = blank.feeling_text = None
    after = log.add(blank)
    log.set_result(after, "fail")
    clock.advance(minutes=1)
    draft = log.get(after).draft()
    draft.feeling = 1
    assert not log.update(after, draft).felt_first()

    together = coding_round()
    together.result = "fail"
    assert not log.get(log.add(together)).felt_first()


def test_editing_keeps_the_ids_of_questions(log: InterviewLog) -> None:
    added = log.add(coding_round())
    paged, softmax = (q.id for q in log.get(added).questions)
    draft = log.get(added).draft()
    draft.questions = [Question("new"), Question("softmax", outcome="partial"), draft.questions[0]]
    draft.questions[2].text_md = "PagedAttention: how much is wasted?"
    ids = [q.id for q in log.update(added, draft).questions]
    assert ids[1:] == [softmax, paged]
    assert ids[0] not in (paged, softmax)


def test_the_same_question_twice_is_two_questions(log: InterviewLog) -> None:
    added = log.add(InterviewDraft(company="A", questions=[Question("why?")]))
    draft = log.get(added).draft()
    (first,) = draft.questions
    draft.questions = [Question("why?"), Question("why?"), first, first]
    ids = [q.id for q in log.update(added, draft).questions]
    assert ids[2] == first.id
    assert len(set(ids)) == 4


def test_an_edit_that_changes_nothing_writes_nothing(log: InterviewLog, clock: TestClock) -> None:
    added = log.add(coding_round())
    clock.advance(days=1)
    before = log.get(added)
    assert log.update(added, before.draft()) == before
    assert len(log.history(before)) == 2


def test_words_that_no_longer_fit_the_date_go_to_the_history(log: InterviewLog) -> None:
    added = log.add(coding_round())
    draft = log.get(added).draft()
    draft.held_on = "2026-11-21"
    after = log.update(added, draft)
    assert after.when_text is None
    changes = log.history(after)[-1].changes
    assert changes is not None
    assert changes["when_text"] == ["11/20 19：00 云杉科技 推理引擎 上海", None]


def test_a_corrected_name_renames_the_application_and_a_shared_one_is_left(log: InterviewLog) -> None:
    one = log.add(coding_round())
    application = log.get(one).application_id
    draft = log.get(one).draft()
    draft.company = "云松科技"
    assert log.update(one, draft).application_id == application
    assert [a.company for a, _ in log.rows.applications()] == ["云松科技"]

    two = log.add(log.get(one).draft())
    assert log.get(two).application_id == application
    draft = log.get(two).draft()
    draft.role = "训练框架"
    moved = log.update(two, draft)
    assert moved.application_id != application
    assert log.get(one).role == "推理引擎"
    assert [e.note for e in log.rows.events(application)] == ["created", "added", "edited", "added", "moved away"]
    assert [e.note for e in log.history(moved)] == ["created", "edited"]


def test_deleting_hides_it_and_can_be_undone(log: InterviewLog) -> None:
    added = log.add(InterviewDraft(company="云杉科技", held_on="2026-12-01", questions=[Question("a")]))
    assert log.upcoming() is not None
    before = log.get(added)
    log.delete(added)
    assert log.all() == []
    assert log.companies() == []
    assert log.upcoming() is None
    assert [i.id for i in log.all(deleted=True)] == [added]
    restored = log.undelete("1")
    restored.updated_ms = before.updated_ms
    assert restored == before
    assert [e.note for e in log.history(before)] == ["created", "added", "deleted", "restored"]


def test_upcoming_is_the_nearest_pending_interview_that_is_not_over(log: InterviewLog, clock: TestClock) -> None:
    def plan(company: str, on: str | None, at: str | None, result: str = "pending") -> None:
        log.add(InterviewDraft(company=company, held_on=on, held_time=at, result=result))

    plan("over", "2026-11-21", None)
    plan("no date", None, None)
    plan("this morning", "2026-11-22", "08:59")
    plan("cancelled", "2026-11-22", "10:00", "withdrawn")
    assert log.upcoming() is None
    plan("far", "2027-01-04", "10:00")
    plan("today", "2026-11-22", "19:00")
    plan("today, earlier", "2026-11-22", "09:00")
    plan("today, some time", "2026-11-22", None)
    names = []
    while (ahead := log.upcoming()) is not None:
        names.append(ahead.company)
        log.set_result(ahead.id, "pass")
    assert names == ["today, some time", "today, earlier", "today", "far"]


def test_what_was_felt_or_answered_today_is_over(log: InterviewLog) -> None:
    today = log.today().isoformat()
    log.add(InterviewDraft(company="felt", held_on=today, feeling=3))
    log.add(InterviewDraft(company="in words", held_on=today, feeling_text="ok"))
    log.add(InterviewDraft(company="answered", held_on=today, questions=[Question("a", outcome="failed")]))
    assert log.upcoming() is None
    log.add(InterviewDraft(company="prepared", held_on=today, notes_md="ask about paging", questions=[Question("a")]))
    assert [i.company for i in log.all() if log.is_upcoming(i)] == ["prepared"]


def test_orders(log: InterviewLog) -> None:
    for company, on in (("b", "2026-02-01"), ("none", None), ("c", "2026-03-01"), ("a", "2026-01-01")):
        log.add(InterviewDraft(company=company, held_on=on))
    assert [i.company for i in log.all("newest")] == ["c", "b", "a", "none"]
    assert [i.company for i in log.all("oldest")] == ["a", "b", "c", "none"]
    assert [i.company for i in log.all("entered")] == ["b", "none", "c", "a"]
