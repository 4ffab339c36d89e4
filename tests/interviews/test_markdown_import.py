"""A Markdown table into the log, previewed, once, and out again as it was."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prep.errors import ImportFailed
from prep.interviews.log import InterviewLog
from prep.interviews.markdown import ImportPreview, apply, export_markdown, import_markdown
from prep.interviews.model import Interview, InterviewDraft, Question
from prep.interviews.tables import find_tables, format_table
from prep.store.database import Database
from tests.conftest import TestClock

NOTES = Path(__file__).parents[1] / "data" / "interviews" / "notes.md"
HEAD = "| Date | 记录 | 感受 | 结果 |\n| - | - | - | - |\n"


@pytest.fixture
def log(tmp_path: Path, clock: TestClock) -> Iterator[InterviewLog]:
    with Database.open(tmp_path / "prep.db") as db:
        yield InterviewLog(db, clock)


def preview_of(log: InterviewLog, text: str, year: int | None = None) -> ImportPreview:
    existing = log.all("entered", deleted=True)
    return import_markdown(text, today=log.today(), year=year, existing=existing)


def take(log: InterviewLog, text: str, year: int | None = None) -> list[Interview]:
    apply(preview_of(log, text, year), log)
    return log.all("entered")


def cells_of(text: str, heading: str | None = None) -> list[list[str]]:
    return [
        row.cells
        for table in find_tables(text)
        if heading is None or table.heading == heading
        for row in table.rows
        if any(row.cells)
    ]


def test_the_notes_table_comes_in_whole(log: InterviewLog) -> None:
    text = NOTES.read_text(encoding="utf-8")
    preview = preview_of(log, text, 2025)
    assert (len(preview.rows), preview.empty, preview.unparsed, preview.kept_columns) == (12, 8, [], [])
    assert log.all() == []  # a preview writes nothing
    apply(preview, log)
    assert [(i.held_on, i.held_time, i.company, i.role, i.location, i.result) for i in log.all("entered")] == [
        ("2025-03-12", "20:00", "云杉", "AI Infra", None, "ghosted"),
        ("2025-03-20", "11:00", "白桦科技", "内推", None, "fail"),
        ("2025-04-02", "19:00", "松柏视觉研究院", None, None, "fail"),
        ("2025-04-03", "14:00", "青藤科技", "星球组", None, "pending"),
        ("2025-04-07", "09:50", "江城计算技术院", None, None, "pending"),
        ("2025-04-07", "19:00", "云杉", "大模型", None, "pending"),
        ("2025-04-09", None, "红枫", "多模态", None, "pending"),
        ("2025-04-10", None, "银杏", "后端开发岗", "上海", "pending"),
        ("2025-04-15", "18:00", "红枫", "大模型训推优化", None, "pending"),
        ("2025-04-17", "10:10", "某国企", "夏令营", None, "pending"),
        ("2025-04-22", "15:00", "云杉", "搜索", None, "pending"),
        ("2025-08-03", "16:00", "银杏", "Star-X AI Infra 推理引擎", None, "pending"),
    ]
    first, gemm, last = log.get("1"), log.get("6"), log.get("12")
    assert (first.when_text, first.notes_md) == ("3/12 20：00 云杉AI Infra", "讲了 batch 调度，白板写 reduce")
    assert (first.feeling_text, first.feeling, first.result_text) == ("节奏快，准备不足", None, "无后续")
    assert gemm.notes_md == "介绍项目，写 GEMM，问 a | b 与 a || b"
    assert (last.notes_md, last.feeling_text, last.result_text) == (None, None, None)


def test_exporting_gives_the_same_table_back(log: InterviewLog) -> None:
    text = NOTES.read_text(encoding="utf-8")
    out = export_markdown(take(log, text, 2025))
    assert cells_of(out) == cells_of(text, "面试记录")
    assert [t.columns for t in find_tables(out)] == [["Date", "记录", "感受", "结果"]]
    table = text[text.index("## 面试记录") : text.index("## 问题整理")]
    filled = [line for line in table.splitlines() if line.strip("| ")]
    assert out.splitlines() == filled[1:]  # the padding too


def test_importing_twice_adds_nothing_twice(log: InterviewLog, tmp_path: Path, clock: TestClock) -> None:
    text = NOTES.read_text(encoding="utf-8")
    before = take(log, text, 2025)
    for year in (None, 2025):
        again = preview_of(log, text, year)
        assert (len(again.new), len(again.changed), len(again.already_present)) == (0, 0, 12)
        assert apply(again, log).added == []
    assert take(log, export_markdown(before)) == before
    with Database.open(tmp_path / "other.db") as db:
        log = InterviewLog(db, clock)
        log.add(InterviewDraft(company="云杉", role="AI Infra", held_on="2025-03-12"))  # typed by hand before
        preview = preview_of(log, text, 2025)
        assert [row.status for row in preview.rows] == ["changed"] + ["new"] * 11
        assert set(preview.rows[0].changes) == {"notes_md", "feeling_text", "result", "result_text"}
        apply(preview, log)
        assert len(log.all()) == 12
        assert log.get("1").result == "ghosted"


def test_two_previews_applied_one_after_the_other_add_once(log: InterviewLog) -> None:
    text = NOTES.read_text(encoding="utf-8")
    one, two = preview_of(log, text), preview_of(log, text)
    assert len(apply(one, log).added) == 12
    assert apply(two, log).already_present == 12


def test_a_wrong_row_writes_nothing_at_all(log: InterviewLog) -> None:
    preview = preview_of(log, NOTES.read_text(encoding="utf-8"))
    preview.rows[5].draft.feeling = 9
    with pytest.raises(Exception, match="feeling 9"):
        apply(preview, log)
    assert log.all() == []


def test_same_table_rows_are_not_taken_for_one_another(log: InterviewLog) -> None:
    text = HEAD + "| 4/7 云杉 | a | | |\n| 4/7 云杉 | b | | |\n| | c | | |\n| | c | | |\n| 4/7 20:00 云杉 | d | | |\n"
    assert [i.notes_md for i in take(log, text)] == ["a", "b", "c", "c", "d"]
    assert len(preview_of(log, text).already_present) == 5


def test_what_was_filled_in_later_is_taken_over_and_the_logs_own_edits_stay(log: InterviewLog) -> None:
    take(log, HEAD + "| 4/7 云杉 | GEMM | 难 | |\n| 4/8 红枫 | RAG | 易 | |\n| 4/9 银杏 | 图 | 快 | |\n")
    log.set_result("2", "pass")
    draft = log.get("3").draft()
    draft.notes_md = "图，更详细"
    log.update("3", draft)
    later = HEAD + "| 4/7 云杉 | GEMM | 难 | 挂 |\n| 4/8 红枫 | RAG | 易 | 挂 |\n| 4/9 银杏 | 图论 | 快 | 过 |\n"
    preview = preview_of(log, later)
    assert [(r.status, set(r.changes), set(r.conflicts)) for r in preview.rows] == [
        ("changed", {"result", "result_text"}, set()),
        ("present", set(), {"result", "result_text"}),
        ("changed", {"result", "result_text"}, {"notes_md"}),
    ]
    assert preview.rows[2].conflicts["notes_md"] == ["图，更详细", "图论"]
    apply(preview, log)
    assert [(i.notes_md, i.result) for i in log.all("entered")] == [
        ("GEMM", "fail"), ("RAG", "pass"), ("图，更详细", "pass"),
    ]  # fmt: skip


def test_a_deleted_row_stays_deleted(log: InterviewLog) -> None:
    take(log, HEAD + "| 4/7 云杉 | GEMM | | |\n")
    log.delete("1")
    preview = preview_of(log, HEAD + "| 4/7 云杉 | GEMM | | 挂 |\n")
    assert [r.status for r in preview.rows] == ["present"]
    assert take(log, HEAD + "| 4/7 云杉 | GEMM | | 挂 |\n") == []


def test_a_wrong_year_is_corrected_by_importing_again(log: InterviewLog) -> None:
    text = HEAD + "| 4/7 云杉 | GEMM | | |\n| 2024-04-08 红枫 | RAG | | |\n"
    assert [i.held_on for i in take(log, text)] == ["2026-04-07", "2024-04-08"]
    assert [i.held_on for i in take(log, text, 2025)] == ["2025-04-07", "2024-04-08"]
    assert log.get("1").when_text == "4/7 云杉"
    assert cells_of(export_markdown(log.all("entered"))) == cells_of(text)


@pytest.mark.parametrize(
    ("today", "year", "dates", "expected"),
    [
        ((2026, 11, 22), None, ["5/19", "9/3"], ["2026-05-19", "2026-09-03"]),
        ((2026, 11, 22), 2025, ["5/19", "9/3"], ["2025-05-19", "2025-09-03"]),
        ((2026, 2, 1), None, ["5/19", "9/3"], ["2025-05-19", "2025-09-03"]),  # has notes: cannot be ahead
        ((2026, 1, 20), None, ["11/30", "12/28", "1/5"], ["2025-11-30", "2025-12-28", "2026-01-05"]),
        (
            (2026, 11, 22),
            2025,
            ["12/28", "1/5", "6/9", "6/5"],
            ["2025-12-28", "2026-01-05", "2026-06-09", "2026-06-05"],
        ),
        ((2026, 11, 22), 2025, ["2024-12-28", "1/5", "1/4"], ["2024-12-28", "2025-01-05", "2025-01-04"]),
    ],
)
def test_years(today: tuple[int, int, int], year: int | None, dates: list[str], expected: list[str]) -> None:
    text = HEAD + "".join(f"| {d} 云杉 | notes | | |\n" for d in dates)
    preview = import_markdown(text, today=date(*today), year=year)
    assert [r.draft.held_on for r in preview.rows] == expected


def test_a_row_without_notes_may_be_ahead(log: InterviewLog) -> None:
    preview = preview_of(
        log,
        HEAD + "| 11/20 云杉 | a | | |\n| 11/22 红枫 | | | |\n| 12/30 银杏 | | | |\n| 12/31 白桦 | | | 放弃 |\n",
        2026,
    )
    assert [r.upcoming for r in preview.rows] == [False, True, True, False]
    apply(preview, log)
    upcoming = log.upcoming()
    assert upcoming is not None
    assert upcoming.company == "红枫"


def test_what_cannot_be_read_stays_text_and_is_listed(log: InterviewLog) -> None:
    text = HEAD + (
        "| 2/30 20:00 云杉 | a | | |\n| 下周某天 红枫 | | | |\n| 5/19 25:00 银杏 | | | |\n| | 只有记录 | | |\n"
        "| 5/20 白桦 | | | 随便 |\n| 5/21 青藤 | a | b | 挂 | 多余 \\| 格 | x |\n| 5/22 | 没写公司 | | |\n"
    )
    preview = preview_of(log, text)
    assert [(r.line, [str(p) for p in r.problems]) for r in preview.unparsed] == [
        (3, ["2/30 is not a date"]),
        (4, ["no date in it"]),
        (5, ["25:00 is not a time"]),
        (6, ["no date in it", "no company in it"]),
        (7, ["result '随便' is not known; kept as words, pending"]),
        (8, ["6 cells under 4 headers; kept beside it: 多余 | 格 | x"]),
        (9, ["no company in it"]),
    ]
    apply(preview, log)
    kept = log.all("entered")
    assert [(i.held_on, i.when_text, i.company) for i in kept] == [
        (None, "2/30 20:00 云杉", "云杉"),
        (None, "下周某天 红枫", "下周某天"),
        ("2026-05-19", "5/19 25:00 银杏", "银杏"),
        (None, None, "?"),
        ("2026-05-20", "5/20 白桦", "白桦"),
        ("2026-05-21", "5/21 青藤", "青藤"),
        ("2026-05-22", "5/22", "?"),
    ]
    assert (kept[4].result, kept[4].result_text) == ("pending", "随便")
    assert cells_of(export_markdown(kept)) == cells_of(text)
    assert len(preview_of(log, text).already_present) == 7


def test_english_headers_and_columns_of_their_own(log: InterviewLog) -> None:
    text = (
        "| Date | Time | Company | Role | Round | Interviewer | Notes | Feeling | Result | Salary |\n"
        "|---|---|---|---|---|---|---|---|---|---|\n"
        "| May 19, 2026 | 7pm | Alder Labs | Staff Engineer | 2 | L. Fern | KV cache<br>paging"
        " | fine (4/5) | passed | 10k |\n"
        "| 2026-05-20 | soon | Birch | | HR面 | | | 3 | | |\n"
        "| 2026-05-21 | | Cedar | | last | | | 4/5 | | |\n"
    )
    preview = preview_of(log, text)
    assert preview.kept_columns == ["Salary"]
    assert [[str(p) for p in r.problems] for r in preview.rows] == [
        [],
        ["soon is not a time"],
        ["round 'last' is not known; kept beside it"],
    ]
    apply(preview, log)
    one, two, three = log.all("entered")
    assert (one.company, one.role, one.round_no, one.interviewers) == ("Alder Labs", "Staff Engineer", 2, "L. Fern")
    assert (one.held_on, one.held_time, one.notes_md) == ("2026-05-19", "19:00", "KV cache\npaging")
    assert (one.feeling, one.feeling_text, one.result) == (4, "fine", "pass")
    assert (two.round_kind, two.feeling, two.feeling_text, three.feeling) == ("hr", 3, None, 4)
    assert cells_of(export_markdown(log.all("entered"))) == cells_of(text)


def test_rounds_at_the_end_of_the_cell(log: InterviewLog) -> None:
    text = HEAD + "".join(
        f"| 5/1{n} {cell} | x | | |\n"
        for n, cell in enumerate(
            ["云杉 推理 二面", "Alder inference, round 3", "云杉HR面", "红枫 电话面试", "Alder 2nd round"]
        )
    )
    assert [(i.company, i.role, i.round_no, i.round_kind) for i in take(log, text)] == [
        ("云杉", "推理", 2, None),
        ("Alder", "inference", 3, None),
        ("云杉", None, None, "hr"),
        ("红枫", None, None, "phone"),
        ("Alder", None, 2, None),
    ]


def test_an_edited_interview_exports_what_the_log_says(log: InterviewLog) -> None:
    take(log, HEAD + "| 4/7 云杉 推理 | GEMM | 难 | 挂 |\n| 4/8 红枫 | RAG | 易 | |\n")
    draft = log.get("1").draft()
    draft.held_on, draft.notes_md, draft.feeling = "2026-04-08", "GEMM\nsplit-K", 2
    draft.questions = [Question("K 太大怎么办？", outcome="partial")]
    log.update("1", draft)
    log.set_result("1", "pass")
    log.add(
        InterviewDraft(company="Alder", role="infra", held_on="2026-05-01", held_time="10:00", round_no=2, feeling=4)
    )
    out = export_markdown(log.all("entered"), lang="zh")
    assert cells_of(out) == [
        ["2026-04-08 云杉 推理", "GEMM<br>split-K<br>K 太大怎么办？ :: partial", "难 (2/5)", "通过"],
        ["4/8 红枫", "RAG", "易", ""],
        ["2026-05-01 10:00 Alder infra 2面", "", "4/5", ""],
    ]
    again = preview_of(log, out)
    assert [r.status for r in again.rows] == ["present"] * 3


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no Markdown table in it"),
        ("# notes\n\nno table\n", "no Markdown table in it"),
        ("| a | b |\n| - | - |\n| 1 | 2 |\n", "no interview table in it; tables found: line 1: a | b"),
        ("| Date | Price |\n| - | - |\n| 5/1 | 2 |\n", "no interview table"),
        ("```\n" + HEAD + "| 5/1 | | | |\n```\n", "no Markdown table in it"),
    ],
)
def test_a_file_without_the_table_is_refused(text: str, message: str) -> None:
    with pytest.raises(ImportFailed, match=message.replace("|", r"\|")):
        import_markdown(text, today=date(2026, 11, 22))


cells = (
    st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Zl", "Zp"]), max_size=14)
    | st.sampled_from(
        ["a|b", "\\|", "挂", "4/5", "好 (3/5)", "👨‍👩‍👧", "a<br>b", "5/19 20：00 云杉", "2/30 x", "字节 二面", "<BR/>x"]
    )
).map(str.strip)


@settings(max_examples=80, deadline=None)
@given(st.lists(st.tuples(cells, cells, cells, cells).filter(any), min_size=1, max_size=6))
def test_any_table_comes_back_byte_for_byte_and_only_once(rows: list[tuple[str, str, str, str]]) -> None:
    text = format_table(["日期", "记录", "感受", "结果"], rows)
    with tempfile.TemporaryDirectory() as folder, Database.open(Path(folder) / "a.db") as db:
        log = InterviewLog(db, TestClock())
        kept = take(log, text, 2025)
        assert export_markdown(kept) == text
        assert len(preview_of(log, text, 2025).already_present) == len(rows)
