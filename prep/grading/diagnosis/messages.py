"""What each diagnosis says, in English and Chinese: what is wrong, how sure that is, a hint, and what is asked next."""

from __future__ import annotations

from typing import Any

from prep.exercises.spec import Case
from prep.grading.diagnosis.words import CONFIDENCES, LIKELY, MESSAGES, Text


class _Blank(dict[str, Any]):
    def __missing__(self, key: str) -> str:
        return "?"


def _values(fields: dict[str, Any], lang: int) -> _Blank:
    def shown(value: Any) -> Any:
        if isinstance(value, Text):
            return value[lang]
        return f"{value:.6g}" if isinstance(value, float) else value

    return _Blank({name: shown(value) for name, value in fields.items()})


def diagnosis(
    code: str,
    source: bytes,
    *,
    line: int | None = None,
    line_of: str = "fault",
    case: Case | None = None,
    confidence: str = "",
    **fields: Any,
) -> dict[str, Any]:
    """A diagnosis of the verdict: code, message and hint in English, all in both languages, the line of the file.

    Args:
        line_of: `fault` where the line is at fault; `store` where it only wrote the first wrong element.
        confidence: of CONFIDENCES; by default what the code's evidence usually is. A guess says so in its message.
        fields: what the message's placeholders stand for; a `Text` where that differs by language.
    """
    entry = MESSAGES[code]
    confidence = confidence or ("likely" if code in LIKELY else "certain")
    known = {**fields, "case": None if case is None else Text(case.name, case.name_zh or case.name)}
    messages = [text.format_map(_values(known, lang)) for lang, text in enumerate(entry.message)]
    if confidence == "guess":
        messages = [f"a guess: {messages[0]}", f"猜测：{messages[1]}"]
    lines = source.decode(errors="replace").splitlines()
    text = lines[line - 1].strip() if line is not None and 0 < line <= len(lines) else ""
    where = ", ".join(part for part in (f"line {line}" if line else "", f"case '{case.name}'" if case else "") if part)
    found: dict[str, Any] = {
        "code": code,
        "message": messages[0],
        "where": where,
        "hint": entry.hint.en,
        "messages": {"en": messages[0], "zh": messages[1]},
        "hints": {"en": entry.hint.en, "zh": entry.hint.zh},
        "question": {"en": entry.question.en, "zh": entry.question.zh},
        "confidence": confidence,
        "confidences": {"en": CONFIDENCES[confidence].en, "zh": CONFIDENCES[confidence].zh},
        "line": line,
        "line_of": line_of if line else None,
        "source": text,
        "case": case.name if case else None,
    }
    if fields.get("traceback"):
        found["traceback"] = fields["traceback"]
    return found
