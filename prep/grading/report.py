"""The verdict as text for a person: stages, the first wrong case and a picture of its errors, diagnosis, one hint."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from prep.cells import safe_lines
from prep.grading.picture import picture_lines

_MARKS = {"passed": "✓", "failed": "✗", "running": "…", "skipped": "–"}

_WORDS: dict[str, dict[str, str]] = {
    "en": {
        "passed": "passed",
        "failed": "FAILED",
        "cases": "{right} of {total} cases right",
        "wrong": "wrong: {what}",
        "count": "{mismatched:,} of {elements:,}",
        "first": "first: {output}[{index}]  expected {expected}  got {got}",
        "unwritten": "first: {output}[{index}]  expected {expected}  never written",
        "tile": "that is element [{element}] of the tile of program ({program})",
        "error": "largest error {error}, allowed there {tolerance}",
        "axes": "rows down, columns across: █ wrong  ▌ in part  · right",
        "why": "why this case: {why}",
        "line": "line {line}",
        "hint": "hint: {hint}",
        "ask": "an interviewer would ask: {question}",
        "printed": "your code printed:",
        "more": "… {count} more lines",
        "registers": "{n} registers a thread",
        "spills": "{n} bytes spilled",
        "compiles": "compiles: {title}: {facts}",
        "no spills": "no spills",
        "shared": "{n} bytes of shared memory",
        "occupancy": "occupancy {n:.0%}",
        "tensor cores": "tensor cores: {n}",
        "no tensor cores": "no tensor cores",
        "vector": "widest access to global memory: {n} bytes",
        "async": "asynchronous copies: {n}",
    },
    "zh": {
        "passed": "通过",
        "failed": "未通过",
        "cases": "{total} 个用例中 {right} 个正确",
        "wrong": "错误：{what}",
        "count": "{elements:,} 个元素中 {mismatched:,} 个",
        "first": "第一处：{output}[{index}]  应为 {expected}  得到 {got}",
        "unwritten": "第一处：{output}[{index}]  应为 {expected}  从未写入",
        "tile": "即 program ({program}) 的 tile 中第 [{element}] 个元素",
        "error": "最大误差 {error}，该处允许 {tolerance}",
        "axes": "纵为行，横为列：█ 错  ▌ 部分错  · 对",
        "why": "此用例的用意：{why}",
        "line": "第 {line} 行",
        "hint": "提示：{hint}",
        "ask": "面试官会问：{question}",
        "printed": "你的代码打印了：",
        "more": "……另有 {count} 行",
        "registers": "每线程 {n} 个寄存器",
        "spills": "溢出 {n} 字节",
        "compiles": "可编译：{title}：{facts}",
        "no spills": "无寄存器溢出",
        "shared": "共享内存 {n} 字节",
        "occupancy": "占用率 {n:.0%}",
        "tensor cores": "Tensor Core：{n}",
        "no tensor cores": "未用 Tensor Core",
        "vector": "全局内存最宽访问：{n} 字节",
        "async": "异步拷贝：{n}",
    },
}

OUTPUT_LINES = 20
PICTURE_LINES = 8


def words(lang: str) -> Mapping[str, str]:
    """The report's own words in `lang`; English where there are none."""
    return _WORDS.get(lang, _WORDS["en"])


def text_in(lang: str, found: Mapping[str, Any], key: str) -> str:
    """`found[key]` in `lang`, which stands in `found[key + "s"]`; what an earlier prep recorded is in English only."""
    return str((found.get(key + "s") or {}).get(lang) or found.get(key) or "")


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


def result_line(verdict: Mapping[str, Any], lang: str) -> str:
    """`softmax: FAILED   7 of 9 cases right`."""
    w = words(lang)
    cases = verdict["cases"]
    right = sum(case["status"] == "passed" for case in cases)
    result = f"{verdict['exercise']}: {w['passed'] if verdict['passed'] else w['failed']}"
    return f"{result}   {w['cases'].format(right=right, total=len(cases))}" if cases else result


def case_title(case: Mapping[str, Any], lang: str = "en") -> str:
    """`padded rows: M=4, N=50, float32`."""
    dims = ", ".join(f"{name}={extent}" for name, extent in case["dims"].items())
    return f"{text_in(lang, case, 'name')}{'：' if lang == 'zh' else ': '}{dims}, {case['dtype']}"


def wrong_words(case: Mapping[str, Any], lang: str) -> str:
    """How much is wrong, and where where that has a name: `800 of 33,000, all in columns 976..999`."""
    count = words(lang)["count"].format(mismatched=case["mismatched"], elements=case["elements"])
    return text_in(lang, {"patterns": case.get("patterns"), "pattern": count}, "pattern")


def tile_words(first: Mapping[str, Any], lang: str) -> str:
    """Which program wrote the first wrong element, and where in its tile; empty where that is not known."""
    tile = first.get("tile") or {}
    if not tile:
        return ""
    element, program = (", ".join(map(str, tile.get(key) or ())) for key in ("index", "program"))
    return words(lang)["tile"].format(element=element, program=program)


def case_lines(case: Mapping[str, Any], lang: str, width: int = 80, height: int = PICTURE_LINES) -> list[str]:
    """What is wrong in one case, with a picture of where."""
    w = words(lang)
    lines = [case_title(case, lang), "  " + w["why"].format(why=text_in(lang, case, "why"))]
    first = case.get("first_wrong")
    if first is not None:
        lines.append("  " + w["wrong"].format(what=wrong_words(case, lang)))
        drawn = picture_lines(case["error_grid"], width - 4, height) if "error_grid" in case else []
        if drawn:
            lines += [*(f"    {row}" for row in drawn), f"    ({w['axes']})"]
        shown = {
            "output": first["output"],
            "index": ", ".join(map(str, first["index"])),
            "expected": value(first["expected"]),
            "got": value(first["got"]),
        }
        lines.append("  " + w["first" if first["written"] else "unwritten"].format(**shown))
        if tile_words(first, lang):
            lines.append("  " + tile_words(first, lang))
        if first["written"]:
            worst = {"error": value(case["max_abs_error"]), "tolerance": value(case["tolerance"])}
            lines.append("  " + w["error"].format(**worst))
    return lines


def diagnosis_lines(found: Mapping[str, Any], lang: str) -> list[str]:
    """One diagnosis: code, what it means and how sure that is, the line of the user's code, hint, question."""
    w = words(lang)
    head = [found["code"]]
    if found.get("line"):
        head.append(w["line"].format(line=found["line"]))
    if text_in(lang, found, "confidence"):
        head.append(f"({text_in(lang, found, 'confidence')})")
    lines = ["  ".join(head), f"  {text_in(lang, found, 'message')}"]
    if found.get("source"):
        lines.append(f"    {found['line']} | {found['source']}")
    if found.get("traceback"):
        lines += [f"    {row}" for row in found["traceback"].splitlines()]
    lines.append("  " + w["hint"].format(hint=text_in(lang, found, "hint")))
    question = (found.get("question") or {}).get(lang)
    if question:
        lines.append("  " + w["ask"].format(question=question))
    return lines


def xray_facts(entry: Mapping[str, Any], lang: str) -> list[str]:
    """What the compiler made of one kernel, a fact each; what the stage did not find out is left out."""
    w = words(lang)
    facts = []
    if entry.get("registers"):
        facts.append(w["registers"].format(n=entry["registers"]))
    if entry.get("spills") is not None:
        facts.append(w["spills"].format(n=entry["spills"]) if entry["spills"] else w["no spills"])
    if entry.get("shared_bytes") is not None:
        facts.append(w["shared"].format(n=f"{entry['shared_bytes']:,}"))
    if entry.get("occupancy"):
        facts.append(w["occupancy"].format(n=entry["occupancy"]))
    used = entry.get("tensor_cores")
    if used is not None:
        facts.append(w["tensor cores"].format(n=used) if used not in ("", "none") else w["no tensor cores"])
    if entry.get("vector_width"):
        facts.append(w["vector"].format(n=entry["vector_width"]))
    if entry.get("async_copies") not in (None, "", "none"):
        facts.append(w["async"].format(n=entry["async_copies"]))
    return facts


def xray_title(entry: Mapping[str, Any]) -> str:
    """`softmax_kernel  sm_90  M=4096, N=1024, float32`."""
    return "  ".join(str(entry[key]) for key in ("kernel", "target", "case") if entry.get(key))


def _compiled_line(entry: Mapping[str, Any], lang: str) -> str:
    """One kernel on one line; that it compiles is all that is said."""
    return words(lang)["compiles"].format(title=xray_title(entry), facts=", ".join(xray_facts(entry, lang)))


def xray_notes(entry: Mapping[str, Any], lang: str) -> list[str]:
    notes = entry.get("notes") or ()
    return [str(note.get(lang) or note.get("en")) if isinstance(note, Mapping) else str(note) for note in notes]


def xray_lines(entries: Sequence[Mapping[str, Any]], lang: str) -> list[str]:
    """What the compile stage saw, a block for each kernel."""
    lines = []
    for entry in entries:
        lines += ["", xray_title(entry), *(f"  {fact}" for fact in xray_facts(entry, lang))]
        lines += [f"  ! {note}" for note in xray_notes(entry, lang)]
    return lines[1:]


def verdict_lines(
    verdict: Mapping[str, Any], lang: str = "en", width: int = 80, height: int = PICTURE_LINES
) -> list[str]:
    """The whole verdict for a person, line by line.

    Args:
        width: cells that a picture may take; other lines are as long as they are.
        height: lines that a picture may take.
    """
    w = words(lang)
    lines = [result_line(verdict, lang), stage_line(verdict)]
    wrong = next((case for case in verdict["cases"] if case["status"] != "passed"), None)
    if wrong is not None:
        lines += ["", *case_lines(wrong, lang, width, height)]
    for found in verdict["diagnosis"]:
        lines += ["", *diagnosis_lines(found, lang)]
    printed = verdict.get("output", "").splitlines()
    if printed:
        lines += ["", w["printed"], *(f"    {row}" for row in printed[:OUTPUT_LINES])]
        if len(printed) > OUTPUT_LINES:
            lines.append(f"    {w['more'].format(count=len(printed) - OUTPUT_LINES)}")
    # What the submission printed, raised or is written in must not drive the terminal.
    return [part.expandtabs(4) for line in lines for part in safe_lines(line).split("\n")]


def verdict_text(verdict: Mapping[str, Any], lang: str = "en", width: int = 80) -> str:
    """`verdict_lines` as one text, and a line for each kernel that was compiled: here no key shows them."""
    compiled = [_compiled_line(entry, lang) for entry in verdict.get("xray", ())]
    return "\n".join([*verdict_lines(verdict, lang, width), *(["", *compiled] if compiled else [])])
