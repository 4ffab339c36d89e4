"""An interview as a file for an editor: YAML front matter for the fields, the notes below it as they are."""

from __future__ import annotations

import difflib
import json
import re
from dataclasses import fields
from datetime import date
from typing import Any

from prep.errors import ImportFailed, UsageError
from prep.interviews.dates import parse_when
from prep.interviews.model import (
    GAPS,
    OUTCOMES,
    QUESTION_KINDS,
    RESULTS,
    ROUND_KINDS,
    InterviewDraft,
    Question,
    question_values,
    validate,
)

# Key in the file -> field, in the order of the form.
_KEYS = {
    "company": "company", "role": "role", "location": "location", "date": "held_on", "time": "held_time",
    "when": "when_text", "round": "round_no", "kind": "round_kind", "format": "format", "minutes": "minutes",
    "interviewers": "interviewers", "feeling": "feeling", "felt": "feeling_text", "result": "result",
    "result_text": "result_text", "result_on": "result_on",
}  # fmt: skip
_QUESTION_KEYS = {
    "text": "text_md", "outcome": "outcome", "kind": "kind", "topic": "topic", "gap": "gap", "said": "what_i_said",
    "better": "better_answer", "follow_ups": "follow_ups", "minutes": "minutes", "hints": "hints", "lang": "lang",
    "card": "card_id", "exercise": "exercise_id",
}  # fmt: skip
_ALWAYS_SHOWN = {"company", "role", "date", "time", "round", "kind", "feeling", "result"}
_WHOLE = {"round_no", "minutes", "feeling", "hints"}
_OUTCOME_WORDS = {
    "0": "not_reached", "1": "failed", "2": "partial", "3": "nailed", "not reached": "not_reached",
    "not-reached": "not_reached", "fail": "failed", "pass": "nailed", "没问到": "not_reached", "没到": "not_reached",
    "不会": "failed", "没答出": "failed", "挂": "failed", "部分": "partial", "一般": "partial", "会": "nailed",
    "全会": "nailed", "答出": "nailed",
}  # fmt: skip

_QUESTION_LINE = re.compile(
    rf"(?P<dash> {{0,2}}- +)(?P<text>(?!(?:{'|'.join(_QUESTION_KEYS)})\s*:(?:\s|$))[^\s\"'|>].*)"
)

_HELP = {
    "en": (
        "Edit, save and close. The notes below the second --- are kept as they are.",
        "A question is a line `- text :: failed`, or a block with the keys: ",
    ),
    "zh": (
        "编辑、保存并关闭。第二个 --- 以下是笔记，原样保存。",
        "一道题写成一行 `- 题目 :: failed`，或写成带这些键的块：",
    ),
}


def to_document(draft: InterviewDraft, lang: str = "en") -> str:
    """The file to edit."""
    values: dict[str, Any] = {}
    for key, name in _KEYS.items():
        value = getattr(draft, name)
        if value is not None or key in _ALWAYS_SHOWN:
            values[key] = value
    values["questions"] = [_question_item(q) for q in draft.questions]
    about, questions = _HELP[lang]
    comment = [
        about,
        f"result: {' | '.join(RESULTS)}",
        f"kind: {' | '.join(ROUND_KINDS)}",
        questions + ", ".join(_QUESTION_KEYS),
        f"  outcome: {' | '.join(OUTCOMES)}   kind: {' | '.join(QUESTION_KINDS)}",
        f"  gap: {' | '.join(GAPS)}",
    ]
    head = "".join(f"# {line}\n" for line in comment)
    notes = draft.notes_md or ""
    return f"---\n{head}{_dump(values)}---\n\n{notes}\n"


def from_document(text: str, *, today: date) -> InterviewDraft:
    """Read an edited file.

    Raises:
        ImportFailed: it cannot be read, with the line where that is known.
    """
    lines = text.replace("\r\n", "\n").removeprefix("\ufeff").split("\n")
    end = next((n for n, line in enumerate(lines) if n > 0 and line.rstrip() == "---"), None)
    if lines[0].rstrip() != "---" or end is None:
        raise ImportFailed("the fields must stand between two lines ---", line=1)
    values = _load("".join(f"{line}\n" for line in _quote_question_lines(lines[1:end])))
    notes = "\n".join(lines[end + 1 :]).strip("\n")
    if unknown := [key for key in values if key not in _KEYS and key != "questions"]:
        near = difflib.get_close_matches(str(unknown[0]), [*_KEYS, "questions"], 1)
        hint = f"did you mean {near[0]}?" if near else "fields: " + ", ".join(_KEYS)
        raise ImportFailed(f"field {str(unknown[0])!r} is unknown", line=_line_of(lines, str(unknown[0])), hint=hint)
    try:
        draft = InterviewDraft(**{_KEYS[k]: _value(_KEYS[k], k, v) for k, v in values.items() if k in _KEYS} | {
            "company": _value("company", "company", values.get("company")) or "",
            "result": _value("result", "result", values.get("result")) or "pending",
        })  # fmt: skip
        _read_moment(draft, today)
        draft.notes_md = notes or None
        draft.questions = _questions(values.get("questions") or [])
        validate(draft)
    except UsageError as e:
        raise ImportFailed(e.message, hint=e.hint) from e
    return draft


def merge(current: InterviewDraft, before: InterviewDraft, after: InterviewDraft) -> InterviewDraft:
    """`current` with what an edit changed from `before` to `after`; what another window changed meanwhile stays."""
    merged = current
    for f in fields(InterviewDraft):
        if f.name in ("imported", "questions"):
            continue
        if getattr(before, f.name) != getattr(after, f.name):
            setattr(merged, f.name, getattr(after, f.name))
    if question_values(before.questions) != question_values(after.questions):
        keep_ids(after.questions, current.questions)
        merged.questions = after.questions
    return merged


def parse_question(line: str) -> Question:
    """`text :: failed`, or the text alone.

    Raises:
        UsageError: what follows the last ` :: ` is nearly an outcome, or there is no text.
    """
    text, separator, tail = line.rpartition(" :: ")
    if not separator:
        text, tail = (line.strip()[:-2], "") if line.strip().endswith(" ::") else (line, "")
    outcome = _outcome(tail) if separator else None
    if separator and outcome is None:
        word = tail.strip().casefold()
        if " " not in word and difflib.get_close_matches(word, OUTCOMES, 1, 0.75):
            raise UsageError(f"outcome {tail.strip()!r} is unknown", hint="one of: " + ", ".join(OUTCOMES))
        text = line  # `a :: b` is text of its own, as in C++
    if not text.strip():
        raise UsageError(
            "a question has no text", hint='a question looks like "PagedAttention fragmentation? :: failed"'
        )
    return Question(text.strip(), outcome=outcome)


def keep_ids(questions: list[Question], stored: list[Question]) -> None:
    """Give edited questions the ids of those they were: the same text, else what is left at the same place."""
    free = {q.id: q for q in stored if q.id is not None}
    for question in questions:
        same = next((i for i, q in free.items() if q.text_md == question.text_md), None)
        if same is not None:
            question.id = same
            del free[same]
    for place, question in enumerate(questions):
        left = stored[place].id if place < len(stored) else None
        if question.id is None and left is not None and free.pop(left, None) is not None:
            question.id = left


def _question_item(question: Question) -> str | dict[str, Any]:
    """A line where that says everything, else its fields."""
    filled = {key: v for key, name in _QUESTION_KEYS.items() if (v := getattr(question, name)) is not None}
    line = f"{question.text_md} :: {question.outcome}" if question.outcome else question.text_md
    if filled.keys() <= {"text", "outcome"} and line.isprintable():
        try:
            if question_values([parse_question(line)]) == question_values([question]):
                return line
        except UsageError:
            pass
    return filled


def _outcome(text: str) -> str | None:
    word = " ".join(text.split()).casefold()
    return word if word in OUTCOMES else _OUTCOME_WORDS.get(word)


def _read_moment(draft: InterviewDraft, today: date) -> None:
    """Dates and times may be typed as anywhere else: 5/19, 明天, 7pm."""
    if draft.held_on is not None:
        when = parse_when(draft.held_on, year=today.year, today=today)
        if when.held_on is None or when.rest or when.problems:
            raise UsageError(f"date {draft.held_on!r} is not a date", hint="a date looks like 2026-05-19")
        draft.held_on = when.held_on
        draft.held_time = draft.held_time or when.held_time
    if draft.held_time is not None:
        when = parse_when(draft.held_time, year=today.year)
        if when.held_time is None or when.held_on is not None or when.rest:
            raise UsageError(f"time {draft.held_time!r} is not a time", hint="a time looks like 19:00")
        draft.held_time = when.held_time


def _questions(values: object) -> list[Question]:
    if not isinstance(values, list):
        raise UsageError("questions must be a list", hint="each a line `- text :: failed`")
    questions = []
    for number, item in enumerate(values, 1):
        if isinstance(item, str):
            questions.append(parse_question(item))
            continue
        if not isinstance(item, dict):
            raise UsageError(f"question {number}: neither a text nor fields")
        if unknown := [key for key in item if key not in _QUESTION_KEYS]:
            hint = "fields: " + ", ".join(_QUESTION_KEYS)
            raise UsageError(f"question {number}: field {str(unknown[0])!r} is unknown", hint=hint)
        filled = {_QUESTION_KEYS[k]: _value(_QUESTION_KEYS[k], f"question {number}: {k}", v) for k, v in item.items()}
        outcome = filled.get("outcome")
        if isinstance(outcome, str):
            filled["outcome"] = _outcome(outcome) or outcome
        questions.append(Question(**{"text_md": ""} | {k: v for k, v in filled.items() if v is not None}))
    return questions


def _value(name: str, key: str, value: object) -> Any:
    """A scalar of the file as the field holds it."""
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        raise UsageError(f"{key} must be one value", hint="put a text with `: ` or # in it in quotes")
    if name not in _WHOLE:
        return value
    if not re.fullmatch(r"[+-]?[0-9]{1,9}", value.strip()):
        raise UsageError(f"{key} must be a whole number, not {value!r}")
    return int(value)


def _quote_question_lines(lines: list[str]) -> list[str]:
    """Put question lines in quotes: YAML would take `- what: is it :: failed` for fields, `# really` for a comment."""
    quoted, within = [], False
    for line in lines:
        if re.match(r"\S", line) and not line.startswith(("-", "#")):
            within = re.match(r"questions\s*:\s*(#.*)?$", line) is not None
        # A question's fields lie deeper, so that no line of theirs is taken for a question.
        match = _QUESTION_LINE.fullmatch(line) if within else None
        quoted.append(f"{match['dash']}{json.dumps(match['text'].strip(), ensure_ascii=False)}" if match else line)
    return quoted


def _line_of(lines: list[str], key: str) -> int | None:
    return next((n for n, line in enumerate(lines, 1) if line.startswith(f"{key}:")), None)


def _dump(values: dict[str, Any]) -> str:
    import yaml

    class Dumper(yaml.SafeDumper):
        def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
            super().increase_indent(flow, False)  # `  - text` under `questions:`, as people write it

    def text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
        # Other line breaks than \n are escaped: outside double quotes a YAML reader folds them into blanks.
        style = '"' if any(c in value for c in "\r\x85\u2028\u2029") else "|" if "\n" in value else None
        return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)

    def nothing(dumper: yaml.SafeDumper, _value: None) -> yaml.ScalarNode:
        return dumper.represent_scalar("tag:yaml.org,2002:null", "")  # `role:`, to be filled in

    Dumper.add_representer(str, text)
    Dumper.add_representer(type(None), nothing)
    dumped: str = yaml.dump(values, Dumper=Dumper, allow_unicode=True, sort_keys=False, width=100_000)
    return dumped


def _load(text: str) -> dict[str, Any]:
    import yaml

    try:
        # BaseLoader: every scalar stays the text that was typed. 20:00 is no number to the base of 60 here.
        values = yaml.load(text, Loader=yaml.BaseLoader)
    except yaml.YAMLError as e:
        mark = getattr(e, "problem_mark", None)
        problem = getattr(e, "problem", None) or getattr(e, "reason", None) or "cannot be read"
        raise ImportFailed(
            f"the fields are not YAML: {problem}",
            line=mark.line + 2 if mark is not None else None,
            hint="put a text with `: ` or # in it in quotes",
        ) from e
    if values is None or values == "":
        return {}
    if not isinstance(values, dict):
        raise ImportFailed("the fields must be lines of the form `company: name`", line=2)
    return values
