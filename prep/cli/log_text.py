"""How the interview log looks in a terminal: the list, one interview, and what an import would do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from datetime import UTC, date, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

from prep.interviews.cells import cell_width, cut, one_line, pad, safe_lines
from prep.interviews.model import UNKNOWN_COMPANY, InterviewDraft

if TYPE_CHECKING:
    from prep.interviews.markdown import ImportPreview, ImportRow
    from prep.interviews.match import Match
    from prep.interviews.model import ApplicationEvent, Interview

WORDS = {
    "en": {
        "heads": ("#", "DATE", "COMPANY", "ROLE", "ROUND", "FELT", "RESULT", "NOTES"),
        "pending": "pending", "pass": "passed", "fail": "failed", "ghosted": "ghosted", "withdrawn": "withdrawn",
        "offer": "offer", "ahead": "upcoming", "deleted": "deleted", "no_date": "no date",
        "none": 'no interviews yet; `prep log add --company NAME -q "question :: failed"`',
        "open": "open", "interviewing": "interviewing", "rejected": "rejected",
        "round": "round {n}", "minutes": "{n} min",
        "phone": "phone", "coding": "coding", "kernel": "kernel", "system": "system", "ml": "ml",
        "behavioural": "behavioural", "hm": "hiring manager", "onsite": "onsite", "hr": "HR", "take-home": "take-home",
        "mock": "mock", "theory": "theory",
        "nailed": "nailed", "partial": "partial", "failed": "failed", "not_reached": "not reached",
        "when": "As typed", "interviewers": "Interviewers", "felt": "Felt", "result": "Result", "notes": "Notes",
        "questions": "Questions", "history": "History", "kept": "Kept from the file", "application": "Application",
        "said": "said", "better": "better", "follow_ups": "follow-ups", "gap": "gap", "topic": "topic",
        "card": "card {id}", "match": "→ {id} ({share}%)", "exercise": "→ exercise {id}",
        "created": "application created", "added": "interview logged", "edited": "edited", "moved away": "moved away",
        "restored": "restored", "result_event": "result", "not_first": "recorded with or after the result",
        "new": "new", "changed": "changed", "present": "is there", "line": "line",
        "rows": "{path}: {new} new, {changed} changed, {present} already there; {empty} empty rows left out",
        "year": "dates without a year begin in {year}", "year_assumed": " (assumed: --year sets another)",
        "unparsed": "Could not be read in full; kept as text:",
        "conflict": "changed in the log and in the file; the log's stays: {field}", "was_deleted": "deleted in the log",
        "columns": "columns kept as text beside each row: {names}",
        "nothing": "nothing to import", "ask": "Import {new} new and {changed} changed rows?",
        "only_preview": "nothing was written; run it again with --yes to import",
        "imported": "imported {added}, updated {updated}, already there {present}",
        "logged": "logged as {n}:", "saved": "saved {n}:", "unchanged": "{n} is unchanged",
        "deleted_hint": "`prep log undelete {n}` brings it back", "exported": "{path}: {n} interviews",
        "again": "Open the editor again?", "draft_kept": "your text is kept in {path}",
        "resume": "`prep log edit {n} --file {path}` goes on with it",
    },
    "zh": {
        "heads": ("#", "日期", "公司", "岗位", "轮次", "感受", "结果", "记录"),
        "pending": "待定", "pass": "通过", "fail": "挂", "ghosted": "无后续", "withdrawn": "放弃",
        "offer": "offer", "ahead": "待面试", "deleted": "已删除", "no_date": "无日期",
        "none": "还没有面试记录；`prep log add --company 公司 -q \"题目 :: failed\"`",
        "open": "进行中", "interviewing": "面试中", "rejected": "未通过",
        "round": "第 {n} 轮", "minutes": "{n} 分钟",
        "phone": "电话", "coding": "编程", "kernel": "算子", "system": "系统设计", "ml": "机器学习",
        "behavioural": "行为面", "hm": "主管面", "onsite": "现场", "hr": "HR", "take-home": "作业", "mock": "模拟",
        "theory": "理论",
        "nailed": "答好", "partial": "部分", "failed": "没答出", "not_reached": "没问到",
        "when": "原文", "interviewers": "面试官", "felt": "感受", "result": "结果", "notes": "记录",
        "questions": "题目", "history": "经过", "kept": "文件中的其他内容", "application": "投递",
        "said": "我的回答", "better": "更好的回答", "follow_ups": "追问", "gap": "差距", "topic": "主题",
        "card": "卡片 {id}", "match": "→ {id}（{share}%）", "exercise": "→ 练习 {id}",
        "created": "建立投递", "added": "记录面试", "edited": "修改", "moved away": "移出",
        "restored": "恢复", "result_event": "结果", "not_first": "与结果同时或之后记录",
        "new": "新增", "changed": "更新", "present": "已有", "line": "第",
        "rows": "{path}：新增 {new}，更新 {changed}，已有 {present}；略去 {empty} 个空行",
        "year": "没写年份的日期从 {year} 年算起", "year_assumed": "（推断；用 --year 指定）",
        "unparsed": "未能完全识别，按原文保留：",
        "conflict": "日志和文件都改过，保留日志中的：{field}", "was_deleted": "在日志中已删除",
        "columns": "这些列按原文随行保留：{names}",
        "nothing": "没有可导入的内容", "ask": "导入 {new} 条新记录、更新 {changed} 条？",
        "only_preview": "没有写入任何内容；加上 --yes 再运行一次即可导入",
        "imported": "导入 {added}，更新 {updated}，已有 {present}",
        "logged": "已记录为 {n}：", "saved": "已保存 {n}：", "unchanged": "{n} 没有变化",
        "deleted_hint": "`prep log undelete {n}` 可恢复", "exported": "{path}：{n} 条面试",
        "again": "再次打开编辑器？", "draft_kept": "你的文本保存在 {path}",
        "resume": "`prep log edit {n} --file {path}` 可继续",
    },
}  # fmt: skip

_GAP = "  "
# What gives way, in this order, where the terminal is too narrow: (column, cells that it keeps; 0: it is left out).
# Notes end up in `show` before a role, a result or a company is cut: these are what the list is for.
_SQUEEZED = ((7, 12), (7, 0), (3, 8), (6, 8), (2, 8), (5, 0), (4, 0), (3, 4), (6, 4), (2, 4))


def words(lang: str) -> dict[str, Any]:
    return WORDS["zh" if lang == "zh" else "en"]


def when_text(draft: InterviewDraft, lang: str) -> str:
    """`2026-05-19 20:00`, or the person's own words where they could not be read."""
    if draft.held_on is None:
        return one_line(draft.when_text or "") or words(lang)["no_date"]
    return f"{draft.held_on} {draft.held_time or ''}".rstrip()


def position_text(draft: InterviewDraft) -> str:
    return " · ".join(one_line(part) for part in (draft.role, draft.location) if part)


def result_text(draft: InterviewDraft, lang: str, *, ahead: bool = False) -> str:
    """The result, with the person's own words where they say more: `failed (性格测试挂)`."""
    known = words(lang)["ahead" if ahead else draft.result]
    own = one_line(draft.result_text or "")
    return known if not own or own.casefold() == known.casefold() else f"{known} ({own})"


def round_text(draft: InterviewDraft, lang: str) -> str:
    kind = words(lang)[draft.round_kind] if draft.round_kind else ""
    return " ".join(part for part in (str(draft.round_no) if draft.round_no else "", kind) if part)


def summary_line(draft: InterviewDraft, lang: str, *, ahead: bool = False) -> str:
    """One interview on one line, unshortened."""
    parts = (when_text(draft, lang), one_line(draft.company), position_text(draft), round_text(draft, lang))
    return _GAP.join(part for part in (*parts, result_text(draft, lang, ahead=ahead)) if part)


def list_table(interviews: Sequence[tuple[Interview, bool]], lang: str, width: int | None) -> list[str]:
    """A table of (interview, is it ahead), aligned by cells and at most `width` wide; None: as wide as it is."""
    table = [list(words(lang)["heads"])]
    for interview, ahead in interviews:
        result = result_text(interview, lang, ahead=ahead)
        if interview.deleted_at_ms is not None:
            result = f"{words(lang)['deleted']}, {result}"
        notes = [interview.notes_md or "", *(q.text_md for q in interview.questions)]
        table.append(
            [
                f"{'>' if ahead else ''}{interview.seq}",
                when_text(interview, lang),
                "" if interview.company == UNKNOWN_COMPANY else one_line(interview.company),
                position_text(interview),
                round_text(interview, lang),
                str(interview.feeling or ""),
                result,
                " · ".join(one_line(note) for note in notes if note),
            ]
        )
    columns = [i for i in range(len(table[0])) if i in (1, 2, 6) or any(row[i] for row in table[1:])]
    widths = {i: max(cell_width(row[i]) for row in table) for i in columns}

    def excess() -> int:
        return sum(widths.values()) + len(_GAP) * (len(widths) - 1) - width if width is not None else 0

    for column, least in _SQUEEZED:
        if column not in widths or excess() <= 0:
            continue
        if least:
            widths[column] = max(min(least, widths[column]), widths[column] - excess())
        else:
            del widths[column]
    right = 0  # numbers are read from their last digit
    lines = []
    for row in table:
        cells = [cut(row[i], w) for i, w in widths.items()]
        padded = [
            " " * (w - cell_width(c)) + c if i == right else pad(c, w)
            for c, (i, w) in zip(cells, widths.items(), strict=True)
        ]
        lines.append(_GAP.join(padded).rstrip())
    return lines


def show_lines(
    interview: Interview,
    lang: str,
    *,
    ahead: bool,
    status: str,
    history: Sequence[ApplicationEvent],
    matches: Sequence[tuple[Sequence[Match], str | None]],
) -> list[str]:
    """Everything about one interview."""
    say = words(lang)
    lines = [f"#{interview.seq}  {summary_line(interview, lang, ahead=ahead)}"]
    if interview.deleted_at_ms is not None:
        lines[0] += f"  [{say['deleted']}]"
    facts = [
        say["minutes"].format(n=interview.minutes) if interview.minutes is not None else "",
        interview.format or "",
    ]
    if any(facts):
        lines.append(_GAP.join(one_line(fact) for fact in facts if fact))
    felt = f"{interview.feeling}/5" if interview.feeling is not None else ""
    if interview.feeling_text:
        felt = f"{felt}  {interview.feeling_text}".strip()
    if felt and interview.result_at_ms is not None and not interview.felt_first() and interview.feeling is not None:
        felt += f"  ({say['not_first']})"
    result_on = f"{result_text(interview, lang)}, {interview.result_on}" if interview.result_on else ""
    for name, text in (
        ("when", interview.when_text), ("interviewers", interview.interviewers), ("felt", felt), ("result", result_on),
        ("notes", interview.notes_md), ("kept", _kept_columns(interview)),
    ):  # fmt: skip
        if text:
            lines += _field(say[name], text)
    if interview.questions:
        lines += ["", say["questions"]]
    for question, (cards, exercise) in zip(interview.questions, matches, strict=True):
        outcome = say[question.outcome] if question.outcome else ""
        about = [say[question.kind] if question.kind else "", question.topic or "", outcome]
        tail = ", ".join(one_line(part) for part in about if part)
        lines += _field(f"{question.seq + 1}.", question.text_md + (f"  [{tail}]" if tail else ""), indent="  ")
        for name, value in (("said", question.what_i_said), ("better", question.better_answer)):
            if value:
                lines += _field(say[name], value, indent="     ")
        if question.follow_ups:
            lines += _field(say["follow_ups"], question.follow_ups, indent="     ")
        if question.gap:
            lines.append(f"     {say['gap']}: {question.gap}")
        if question.card_id:
            lines.append("     " + say["card"].format(id=one_line(question.card_id)))
        lines += [
            "     " + say["match"].format(id=match.card_id, share=round(match.share * 100))
            for match in cards
            if match.card_id != question.card_id
        ]
        if question.exercise_id or exercise:
            lines.append("     " + say["exercise"].format(id=one_line(question.exercise_id or exercise or "")))
    lines += ["", f"{say['history']}  ({say['application']}: {say.get(status, status)})"]
    lines += [_event_line(event, lang) for event in history]
    return lines


def _kept_columns(interview: Interview) -> str:
    from prep.interviews.rows import column_roles

    imported = interview.imported
    if imported is None:
        return ""
    known = set(column_roles(imported.columns).values())
    names = [*imported.columns, *[""] * (len(imported.cells) - len(imported.columns))]
    pairs = [(n, c) for i, (n, c) in enumerate(zip(names, imported.cells, strict=False)) if i not in known and c]
    return "\n".join(f"{name}: {cell}" if name else cell for name, cell in pairs)


def _field(name: str, text: str, indent: str = "") -> list[str]:
    first, *rest = safe_lines(text).split("\n")
    return [f"{indent}{name}  {first}", *(f"{indent}  {line}" for line in rest)]


def _event_line(event: ApplicationEvent, lang: str) -> str:
    say = words(lang)
    zone = timezone(timedelta(minutes=event.tz_offset_min))
    moment = datetime.fromtimestamp(event.at_ms / 1000, tz=UTC).astimezone(zone)
    note = say["result_event"] if event.note == "result" else say.get(event.note or "", event.note or "")
    status = f"{say.get(event.from_status, event.from_status)} → " if event.from_status else ""
    line = f"  {moment:%Y-%m-%d %H:%M}  {one_line(note)}: {status}{say.get(event.to_status, event.to_status)}"
    changes = [
        f"{name}: {_shown(before)} → {_shown(after)}"
        for name, (before, after) in (event.changes or {}).items()
        if name != "questions"
    ]
    if event.changes and "questions" in event.changes:
        changes.append(say["questions"].lower())
    return line + (f"  ({'; '.join(changes)})" if changes else "")


def _shown(value: object) -> str:
    return "–" if value is None else one_line(str(value))


def preview_lines(preview: ImportPreview, path: str, lang: str) -> list[str]:
    """What an import would do, row by row, and what it could not read."""
    say = words(lang)
    assumed = "" if preview.year_given else say["year_assumed"]
    lines = [
        say["rows"].format(
            path=path, new=len(preview.new), changed=len(preview.changed), present=len(preview.already_present),
            empty=preview.empty,
        )
    ]  # fmt: skip
    if any(not row.parsed.has_year for row in preview.new):
        lines.append(say["year"].format(year=preview.year) + assumed)
    if preview.kept_columns:
        lines.append(say["columns"].format(names=", ".join(one_line(n) or "–" for n in preview.kept_columns)))
    lines.append("")
    for row in preview.rows:
        lines += _preview_row(row, lang)
    if preview.unparsed:
        lines += ["", say["unparsed"]]
        for row in preview.unparsed:
            problems = "; ".join(problem.text(lang) for problem in row.problems)
            lines.append(f"  {_line(row, lang)}  {one_line(row.draft.when_text or '')!r}: {one_line(problems)}")
    return lines


def _preview_row(row: ImportRow, lang: str) -> list[str]:
    say = words(lang)
    draft = row.draft
    shown = draft if row.existing is None else row.existing
    head = f"  {pad(say[row.status], 10)}{summary_line(shown, lang, ahead=row.upcoming)}"
    if row.existing is not None:
        head += f"  (#{row.existing.seq})"
        if row.existing.deleted_at_ms is not None:
            head += f"  [{say['was_deleted']}]"
    lines = [head]
    if row.status == "new":
        felt = " ".join(
            p for p in (f"{draft.feeling}/5" if draft.feeling else "", one_line(draft.feeling_text or "")) if p
        )
        for name, text in (("notes", one_line(draft.notes_md or "")), ("felt", felt)):
            if text:
                lines.append(f"            {say[name]}: {text}")
    for name, (before, after) in row.changes.items():
        lines.append(f"            {name}: {_shown(before)} → {_shown(after)}")
    for name, (before, after) in row.conflicts.items():
        field = f"{name}: {_shown(before)} / {_shown(after)}"
        lines.append(f"            {say['conflict'].format(field=field)}")
    return lines


def _line(row: ImportRow, lang: str) -> str:
    return f"第 {row.line} 行" if lang == "zh" else f"line {row.line}"


def as_json(interview: Interview, *, ahead: bool) -> dict[str, Any]:
    """An interview as `--json` prints it: every field, whether it is empty or not."""
    record = {f.name: getattr(interview, f.name) for f in fields(interview) if f.name not in ("questions", "imported")}
    record["upcoming"] = ahead
    record["questions"] = [{f.name: getattr(q, f.name) for f in fields(q)} for q in interview.questions]
    return record


def day(text: str, today: date) -> date | None:
    """A day as people type it; None when it is none."""
    from prep.interviews.dates import parse_when

    when = parse_when(text, year=today.year, today=today)
    bare = when.held_on is not None and not when.rest and not when.problems
    return date.fromisoformat(when.held_on) if bare and when.held_on is not None else None
