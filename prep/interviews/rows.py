"""What the columns of an interview table mean, and how one of its rows is read and written."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field

from prep.interviews.companies import split_position
from prep.interviews.dates import When, format_when, parse_when
from prep.interviews.model import UNKNOWN_COMPANY, ImportedRow, InterviewDraft
from prep.interviews.problem import Problem
from prep.interviews.results import parse_result
from prep.interviews.tables import TableRow, decode_cell, encode_cell

HEADERS = {
    "en": ["Date", "Notes", "Feeling", "Result"],
    "zh": ["Date", "记录", "感受", "结果"],
}
"""The table's columns in each language: when, notes, feeling, result."""

RESULT_WORDS = {
    "en": {"pending": "", "pass": "passed", "fail": "failed", "ghosted": "ghosted", "withdrawn": "withdrawn"},
    "zh": {"pending": "", "pass": "通过", "fail": "挂", "ghosted": "无后续", "withdrawn": "放弃"},
}

_COLUMN_NAMES = {
    "when": "date|when|day|日期|面试日期|面试时间|date & time|date/time|date and time|日期时间",
    "time": "time|时间|时刻",
    "company": "company|employer|公司|企业|单位|公司名称",
    "role": "role|position|job|title|team|岗位|职位|部门|方向",
    "location": "location|city|base|地点|城市",
    "round": "round|stage|轮次|面试轮次|第几面",
    "interviewers": "interviewer|interviewers|面试官",
    "format": "format|mode|形式|方式|面试形式",
    "notes": "notes|note|record|records|details|questions|what was asked"
    "|记录|面试记录|内容|面试内容|过程|面经|问题|题目|笔记",
    "feeling": "feeling|feelings|impression|impressions|how it felt|感受|感觉|体验|心得|印象",
    "result": "result|results|outcome|status|结果|面试结果|结论|状态|进展|后续",
}
_ROLE_OF = {name: role for role, names in _COLUMN_NAMES.items() for name in names.split("|")}

_ROUND = re.compile(
    r"[\s,，·(（-]*(?:第?(?P<zh>[一二三四五六]|(?<!\d)[1-6])[面轮]|终面"
    r"|(?<![a-z])round\s*(?P<en>[1-9])|(?<!\d)(?P<nth>[1-9])(?:st|nd|rd|th) round"
    r"|(?<![a-z])(?P<hr>hr\s*面?)|(?P<phone>电话面试?|(?<![a-z])phone screen)|(?<![a-z])(?P<onsite>on-?site))[)）]?$",
    re.IGNORECASE,
)
_SCORE = re.compile(r"(?:(?P<text>.*?\S)\s*)?[(（]?(?<![\d.])(?P<score>[1-5])\s*[/／]\s*5[)）]?", re.DOTALL)


@dataclass(slots=True)
class ParsedRow:
    """A row of a file as the log would keep it."""

    line: int
    draft: InterviewDraft
    problems: list[Problem] = field(default_factory=list)
    """What stayed text."""
    has_year: bool = True


def column_roles(columns: Sequence[str]) -> dict[str, int]:
    """What is where: role -> index of the first column with such a name."""
    roles: dict[str, int] = {}
    for index, name in enumerate(columns):
        folded = " ".join(unicodedata.normalize("NFKC", name).casefold().replace("*", "").split())
        role = _ROLE_OF.get(folded)
        if role is not None:
            roles.setdefault(role, index)
    if "when" not in roles and "time" in roles:  # 时间 alone is the date
        roles["when"] = roles.pop("time")
    return roles


def is_interview_table(columns: Sequence[str]) -> bool:
    """Whether it has a date and something that an interview has: a timetable or a benchmark has not."""
    roles = column_roles(columns)
    return "when" in roles and bool(roles.keys() & {"notes", "feeling", "result", "company"})


def parse_row(columns: Sequence[str], row: TableRow, year: int) -> ParsedRow:
    """Read a row; whatever cannot be read stays in the draft as text."""
    roles = column_roles(columns)
    imported = ImportedRow(list(columns), list(row.cells))

    def cell(role: str) -> str:
        return imported.get(roles.get(role))

    when = parse_when(cell("when"), year=year)
    problems = list(when.problems)
    draft = InterviewDraft(
        company=cell("company"),
        role=decode_cell(cell("role")) or None,
        location=cell("location") or None,
        held_on=when.held_on,
        held_time=when.held_time,
        when_text=cell("when") or None,
        minutes=when.minutes,
        interviewers=cell("interviewers") or None,
        format=cell("format") or None,
        notes_md=decode_cell(cell("notes")) or None,
        result_text=cell("result") or None,
        imported=imported,
    )
    if cell("time") and draft.held_time is None:
        draft.held_time = parse_when(cell("time"), year=year).held_time
        if draft.held_time is None:
            problems.append(Problem(f"{cell('time')} is not a time", f"{cell('time')} 不是时间"))
    _read_position(draft, when, cell("round"), problems)
    draft.feeling_text, draft.feeling = read_feeling(cell("feeling"))
    result = parse_result(cell("result"))
    draft.result = result or "pending"
    if result is None:
        text = cell("result")
        problems.append(
            Problem(f"result {text!r} is not known; kept as words, pending", f"结果“{text}”不认识：保留原文，记为未定")
        )
    extra = row.cells[len(columns) :]
    if extra:
        text = " | ".join(extra)
        problems.append(
            Problem(
                f"{len(row.cells)} cells under {len(columns)} headers; kept beside it: {text}",
                f"{len(columns)} 列的表里有 {len(row.cells)} 格；多出的内容已保留：{text}",
            )
        )
    return ParsedRow(row.line, draft, problems, has_year=when.has_year or when.held_on is None)


def _read_position(draft: InterviewDraft, when: When, round_cell: str, problems: list[Problem]) -> None:
    """Company, role, place and round, from their own columns or from what follows the date."""
    rest = decode_cell(when.rest).replace("\n", " ")
    round_text = round_cell or rest if draft.company or round_cell else rest
    match = _ROUND.search(round_text)
    if match is not None:
        number = match["zh"] or match["en"] or match["nth"]
        draft.round_no = (
            "一二三四五六".index(number) + 1 if number in tuple("一二三四五六") else int(number or 0) or None
        )
        draft.round_kind = next((kind for kind in ("hr", "phone", "onsite") if match[kind]), None)
        if round_text is rest:
            rest = rest[: match.start()]
    elif round_cell.strip().isdigit() and int(round_cell) > 0:
        draft.round_no = int(round_cell)
    elif round_cell:
        problems.append(
            Problem(f"round {round_cell!r} is not known; kept beside it", f"轮次“{round_cell}”不认识：已保留原文")
        )
    if draft.company:
        return
    position = split_position(rest)
    if position is None:
        draft.company = UNKNOWN_COMPANY
        problems.append(Problem("no company in it", "没有公司"))
        return
    draft.company = position.company
    draft.role = draft.role or position.role
    draft.location = draft.location or position.location


def read_round(text: str) -> tuple[int | None, str | None, str]:
    """(number, kind, what stands before it) of a text that ends with a round, as `云杉 二面` or `3` alone do."""
    if re.fullmatch(r"[1-9]", text.strip()):
        return int(text), None, ""
    match = _ROUND.search(text)
    if match is None:
        return None, None, text
    digit = match["zh"] or match["en"] or match["nth"]
    number = None if digit is None else "一二三四五六".find(digit) + 1 or int(digit)
    return number, next((kind for kind in ("hr", "phone", "onsite") if match[kind]), None), text[: match.start()]


def read_feeling(cell: str) -> tuple[str | None, int | None]:
    """(words, 1 to 5): `fine (4/5)` is both, `4/5` or `4` the number alone."""
    text = decode_cell(cell)
    if (score := _SCORE.fullmatch(text)) is not None:
        return score["text"] or None, int(score["score"])
    if re.fullmatch(r"[1-5１-５]", text):
        return None, int(text)
    return text or None, None


def write_cells(draft: InterviewDraft, columns: Sequence[str], lang: str) -> list[str]:
    """The row of `draft` under `columns`: a cell that says what the log says is given back word for word."""
    imported = draft.imported
    same_table = imported is not None and imported.columns == list(columns)
    cells = []
    roles = {index: role for role, index in column_roles(columns).items()}
    by_role = column_roles(imported.columns) if imported is not None else {}
    has_company = "company" in roles.values()
    for index in range(len(columns)):
        role = roles.get(index)
        raw = imported.get(by_role.get(role)) if imported is not None and role in by_role else ""
        if role is None:
            cells.append(imported.get(index) if imported is not None and same_table else "")
        else:
            cells.append(_cell(draft, role, raw, lang, has_company=has_company))
    if imported is not None and same_table:
        cells += imported.cells[len(columns) :]
    return cells


def _cell(draft: InterviewDraft, role: str, raw: str, lang: str, *, has_company: bool) -> str:
    if role == "when":
        if draft.when_text is not None:
            return encode_cell(draft.when_text)
        moment = format_when(draft.held_on, draft.held_time, with_year=True)
        return moment if has_company else encode_cell(f"{moment} {position_text(draft, lang)}")
    if role == "feeling":
        if read_feeling(raw) == (draft.feeling_text, draft.feeling):
            return raw
        score = f"{draft.feeling}/5" if draft.feeling is not None else ""
        if draft.feeling_text is None:
            return score
        return encode_cell(draft.feeling_text) + (f" ({score})" if score else "")
    if role == "notes":
        return raw if decode_cell(raw) == notes_text(draft) else encode_cell(notes_text(draft))
    if role == "result":
        return encode_cell(draft.result_text or RESULT_WORDS[lang].get(draft.result, draft.result))
    if role == "round":
        if read_round(raw)[:2] == (draft.round_no, draft.round_kind):
            return raw
        return str(draft.round_no) if draft.round_no is not None else draft.round_kind or ""
    if role == "time":
        return raw if parse_when(raw, year=2000).held_time == draft.held_time else draft.held_time or ""
    value = getattr(draft, role) or ""
    return raw if decode_cell(raw) == value else encode_cell(value)


def position_text(draft: InterviewDraft, lang: str) -> str:
    """`云杉科技 推理引擎 上海 2面`: what `parse_row` takes apart again."""
    rounds = "" if draft.round_no is None else f"{draft.round_no}面" if lang == "zh" else f"round {draft.round_no}"
    company = "" if draft.company == UNKNOWN_COMPANY else draft.company
    return " ".join(part for part in (company, draft.role, draft.location, rounds) if part)


def notes_text(draft: InterviewDraft) -> str:
    """Notes with a line for each question and how it went: a table has no other place for them."""
    lines = [f"{q.text_md} :: {q.outcome}" if q.outcome else q.text_md for q in draft.questions]
    return "\n".join(([draft.notes_md] if draft.notes_md else []) + lines)
