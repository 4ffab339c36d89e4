"""The verdict as text for a person: stages, the first wrong case with its error map, the diagnosis, one hint."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_MARKS = {"passed": "✓", "failed": "✗", "running": "…", "skipped": "–"}

_WORDS: dict[str, dict[str, str]] = {
    "en": {
        "passed": "passed",
        "failed": "FAILED",
        "cases": "{right} of {total} cases right",
        "wrong": "wrong: {mismatched:,} of {elements:,}",
        "first": "first: {output}[{index}]  expected {expected}  got {got}",
        "unwritten": "first: {output}[{index}]  expected {expected}  never written",
        "error": "largest error {error}, allowed there {tolerance}",
        "axes": "rows down, columns across; █ wrong, ░ right",
        "why": "why this case: {why}",
        "line": "line {line}",
        "hint": "hint: {hint}",
        "ask": "an interviewer would ask: {question}",
        "printed": "your code printed:",
        "more": "… {count} more lines",
    },
    "zh": {
        "passed": "通过",
        "failed": "未通过",
        "cases": "{total} 个用例中 {right} 个正确",
        "wrong": "错误：{elements:,} 个元素中 {mismatched:,} 个",
        "first": "第一处：{output}[{index}]  应为 {expected}  得到 {got}",
        "unwritten": "第一处：{output}[{index}]  应为 {expected}  从未写入",
        "error": "最大误差 {error}，该处允许 {tolerance}",
        "axes": "纵为行，横为列；█ 错，░ 对",
        "why": "此用例的用意：{why}",
        "line": "第 {line} 行",
        "hint": "提示：{hint}",
        "ask": "面试官会问：{question}",
        "printed": "你的代码打印了：",
        "more": "……另有 {count} 行",
    },
}

OUTPUT_LINES = 20


def words(lang: str) -> Mapping[str, str]:
    """The report's own words in `lang`; English where there are none."""
    return _WORDS.get(lang, _WORDS["en"])


def value(number: Any) -> str:
    """A number of the verdict, short; `nan` and `inf` come as text already."""
    return number if isinstance(number, str) else f"{number:.6g}"


def stage_line(verdict: Mapping[str, Any]) -> str:
    """All stages on one line: static ✓  cpu ✗ 7/9  compile –  gpu –  timing –  0.61 s."""
    parts = []
    for stage in verdict["stages"]:
        note = f" {stage['message']}" if stage["name"] == "cpu" and stage["message"] else ""
        parts.append(f"{stage['name']} {_MARKS[stage['status']]}{note}")
    seconds = sum(stage["seconds"] for stage in verdict["stages"])
    return f"{'  '.join(parts)}  {seconds:.2f} s"


def case_title(case: Mapping[str, Any], lang: str = "en") -> str:
    """`padded rows: M=4, N=50, float32`."""
    dims = ", ".join(f"{name}={extent}" for name, extent in case["dims"].items())
    name = case.get("names", {}).get(lang) or case["name"]  # attempts recorded by an earlier prep have one name
    return f"{name}{'：' if lang == 'zh' else ': '}{dims}, {case['dtype']}"


def case_lines(case: Mapping[str, Any], lang: str) -> list[str]:
    """What is wrong in one case, with its error map."""
    w = words(lang)
    why = case.get("whys", {}).get(lang) or case["why"]
    lines = [case_title(case, lang), "  " + w["why"].format(why=why)]
    first = case.get("first_wrong")
    if first is not None:
        lines.append("  " + w["wrong"].format(**{k: case[k] for k in ("mismatched", "elements")}))
        lines += [f"    {row}" for row in case["error_map"]]
        lines.append(f"    ({w['axes']})")
        shown = {
            "output": first["output"],
            "index": ", ".join(map(str, first["index"])),
            "expected": value(first["expected"]),
            "got": value(first["got"]),
        }
        lines.append("  " + w["first" if first["written"] else "unwritten"].format(**shown))
        if first["written"]:
            worst = {"error": value(case["max_abs_error"]), "tolerance": value(case["tolerance"])}
            lines.append("  " + w["error"].format(**worst))
    return lines


def diagnosis_lines(found: Mapping[str, Any], lang: str) -> list[str]:
    """One diagnosis: code, what it means, the line of the user's code, hint, question."""
    w = words(lang)
    where = f"  {w['line'].format(line=found['line'])}" if found.get("line") else ""
    lines = [f"{found['code']}{where}", f"  {found['messages'].get(lang, found['message'])}"]
    if found.get("source"):
        lines.append(f"    {found['line']} | {found['source']}")
    if found.get("traceback"):
        lines += [f"    {row}" for row in found["traceback"].splitlines()]
    lines.append("  " + w["hint"].format(hint=found["hints"].get(lang, found["hint"])))
    question = found.get("question", {}).get(lang)
    if question:
        lines.append("  " + w["ask"].format(question=question))
    return lines


def verdict_text(verdict: Mapping[str, Any], lang: str = "en") -> str:
    """The whole verdict for a person, as plain text."""
    w = words(lang)
    cases = verdict["cases"]
    right = sum(case["status"] == "passed" for case in cases)
    result = w["passed"] if verdict["passed"] else w["failed"]
    lines = [
        f"{verdict['exercise']}: {result}   {w['cases'].format(right=right, total=len(cases))}"
        if cases
        else f"{verdict['exercise']}: {result}",
        stage_line(verdict),
    ]
    wrong = next((case for case in cases if case["status"] != "passed"), None)
    if wrong is not None:
        lines += ["", *case_lines(wrong, lang)]
    for found in verdict["diagnosis"]:
        lines += ["", *diagnosis_lines(found, lang)]
    printed = verdict.get("output", "").splitlines()
    if printed:
        lines += ["", w["printed"], *(f"    {row}" for row in printed[:OUTPUT_LINES])]
        if len(printed) > OUTPUT_LINES:
            lines.append(f"    {w['more'].format(count=len(printed) - OUTPUT_LINES)}")
    return "\n".join(lines)
