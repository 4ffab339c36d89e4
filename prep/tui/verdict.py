"""A verdict, and the way to it, as styled text: what failed first, where, why, and one hint."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from textual.content import Content

from prep.locale import current_language, ngettext
from prep.locale import gettext as _
from prep.tui.text import clip, two_ends

MARKS = {"passed": ("✓", "$success"), "failed": ("✗", "$error"), "running": ("…", "$warning"), "skipped": ("–", "")}
STAGES = ("static", "cpu", "compile", "gpu", "timing")
OUTPUT_LINES = 12
BAR_CELLS = 36


def stages_line(stages: Sequence[Mapping[str, Any]], seconds: float, width: int) -> Content:
    """`static ✓    cpu ✗ 7/9    compile –    gpu –    timing –          0.61 s`."""
    parts = []
    for stage in stages:
        mark, style = MARKS.get(stage["status"], ("?", ""))
        note = f" {stage['message']}" if stage["name"] == "cpu" and stage.get("message") else ""
        parts.append(Content.assemble((stage["name"], "" if style else "$text-muted"), " ", (mark, style), note))
    return two_ends(Content("   ").join(parts), Content.styled(f"{seconds:.2f} s", "$text-muted"), width)


class Progress:
    """What is known of a grading while it runs."""

    def __init__(self) -> None:
        self.stages: dict[str, dict[str, Any]] = {
            name: {"name": name, "status": "skipped", "message": "", "seconds": 0.0} for name in STAGES
        }
        self.cases: list[Mapping[str, Any]] = []
        self.total = 0

    def take(self, event: Mapping[str, Any]) -> None:
        """Take in one event of the grader."""
        if event["event"] == "stage":
            self.stages.setdefault(event["name"], {}).update({k: v for k, v in event.items() if k != "event"})
        elif event["event"] == "case":
            self.cases.append(event["case"])
            self.total = event["total"]

    def rows(self, seconds: float, width: int) -> list[Content]:
        stages = [dict(stage) for stage in self.stages.values()]
        for stage in stages:
            if stage["name"] == "cpu" and stage["status"] == "running" and self.total:
                stage["message"] = f"{len(self.cases)}/{self.total}"
        rows = [stages_line(stages, seconds, width), Content("")]
        if not any(stage["status"] != "skipped" for stage in stages):
            rows.append(Content.styled(_("Starting the grader: the first time it loads torch…"), "$text-muted"))
        rows += [case_row(case, width) for case in self.cases]
        return rows


def case_row(case: Mapping[str, Any], width: int) -> Content:
    """One case on one line."""
    mark, style = MARKS["passed" if case["status"] == "passed" else "failed"]
    return Content.assemble((f"  {mark} ", style), clip(case_title(case), width - 4))


def case_title(case: Mapping[str, Any]) -> str:
    """`padded rows · M=4 N=50 · float32`."""
    dims = " ".join(f"{name}={extent}" for name, extent in case["dims"].items())
    return " · ".join(filter(None, [_localized(case, "name", current_language()), dims, case["dtype"]]))


def number(value: Any) -> str:
    """A number of the verdict, short; NaN and infinities come as text."""
    return value if isinstance(value, str) else f"{value:.5g}"


def verdict_rows(verdict: Mapping[str, Any], width: int) -> list[Content]:
    """The whole verdict, in the current language."""
    cases = verdict["cases"]
    seconds = sum(stage["seconds"] for stage in verdict["stages"])
    rows = [stages_line(verdict["stages"], seconds, width), Content("")]
    right = sum(case["status"] == "passed" for case in cases)
    if verdict["passed"]:
        text = _("PASSED") + "  " + _("{right} of {total} cases").format(right=right, total=len(cases))
        rows += [Content.styled(text, "bold $success"), Content("")]
        rows += [case_row(case, width) for case in cases]
    else:
        wrong = next((case for case in cases if case["status"] != "passed"), None)
        if wrong is not None:
            rows += [*wrong_case(wrong, width), Content("")]
        elif not cases:
            rows += [Content.styled(_("FAILED"), "bold $error"), Content("")]
        for position, found in enumerate(verdict["diagnosis"]):
            rows += diagnosis(found, is_first=position == 0)
            rows.append(Content(""))
    rows += timing(verdict.get("timing") or [], width)
    printed = str(verdict.get("output") or "").rstrip().splitlines()
    if printed:
        rows.append(Content.styled(_("Your code printed:"), "bold"))
        rows += [Content.styled("  " + line, "$text-muted") for line in printed[:OUTPUT_LINES]]
        if len(printed) > OUTPUT_LINES:
            more = len(printed) - OUTPUT_LINES
            rows.append(Content("  " + ngettext("… {n} more line", "… {n} more lines", more).format(n=more)))
    return rows


def wrong_case(case: Mapping[str, Any], width: int) -> list[Content]:
    """The first case that failed: how much of it is wrong, where, and the first wrong element."""
    status = {"error": _("ERROR"), "timeout": _("TIMEOUT")}.get(case["status"], _("FAILED"))
    title = Content.styled(case_title(case), "bold")
    rows = [two_ends(title, Content.styled(status, "bold $error"), width)]
    why = _localized(case, "why", current_language())
    if why:
        rows.append(Content.styled(_("why this case: {why}").format(why=why), "$text-muted"))
    first = case.get("first_wrong")
    if case.get("mismatched"):
        text = _("wrong: {wrong} of {total}").format(wrong=f"{case['mismatched']:,}", total=f"{case['elements']:,}")
        rows.append(Content(text))
    picture = case.get("error_map") or []
    # A map of nothing but wrong elements says no more than the line above it.
    if any("░" in row for row in picture):
        rows += [Content.assemble("  ", error_map_row(row)) for row in picture]
        rows.append(Content.styled("  " + _("rows ↓  columns →   █ wrong  ░ right"), "$text-muted"))
    if first is not None:
        place = f"{first.get('output', 'out')}[{', '.join(map(str, first['index']))}]"
        expected = _("expected {value}").format(value=number(first["expected"]))
        written = first.get("written", True)
        got = _("got {value}").format(value=number(first["got"])) if written else _("never written")
        rows.append(
            Content.assemble(
                _("first: {place}").format(place=place), "  ", (expected, "$success"), "  ", (got, "bold $error")
            )
        )
        if written:
            text = _("largest error {error}, allowed there {tolerance}")
            text = text.format(error=number(case["max_abs_error"]), tolerance=number(case["tolerance"]))
            rows.append(Content.styled(text, "$text-muted"))
    return rows


def error_map_row(row: str) -> Content:
    """A row of ░ and █: the picture is in the characters, colour only helps."""
    return Content.assemble(*((c, "$error" if c == "█" else "$text-muted") for c in row))


def diagnosis(found: Mapping[str, Any], is_first: bool) -> list[Content]:
    """Code, line, meaning; for the first one the hint and what an interviewer would ask."""
    lang = current_language()
    line = found.get("line")
    head: list[Content | tuple[str, str]] = [(found["code"], "bold $warning")]
    if line:
        head.append(("   " + _("line {n}").format(n=line), "bold"))
    rows = [Content.assemble(*head), Content(_localized(found, "message", lang))]
    if line and found.get("source"):
        rows.append(Content.assemble((f"{line:>4} | ", "$text-muted"), found["source"]))
    if found.get("traceback"):
        rows += [Content.styled("  " + row, "$text-muted") for row in str(found["traceback"]).splitlines()]
    if is_first:
        hint = _localized(found, "hint", lang)
        if hint:
            rows.append(Content.assemble((_("hint: "), "bold"), hint))
        question = (found.get("question") or {}).get(lang)
        if question:
            rows.append(Content.assemble((_("An interviewer would ask: "), "bold"), question))
    return rows


def _localized(found: Mapping[str, Any], key: str, lang: str) -> str:
    texts = found.get(key + "s") or {}
    return str(texts.get(lang) or found.get(key) or "")


def timing(rows: Sequence[Mapping[str, Any]], width: int) -> list[Content]:
    """Time beside the peers' and the limit, a bar each."""
    lines: list[Content] = []
    for row in rows:
        lines.append(Content.styled(row["case"], "bold"))
        entries = [(_("yours"), row["median_us"])]
        entries += [(name, us) for name, us in (row.get("peers") or {}).items() if us]
        if row.get("roof_fraction"):
            entries.append((_("limit"), row["median_us"] * row["roof_fraction"]))
        best = min((us for _name, us in entries if us), default=0)
        for name, us in entries:
            if not us:
                continue
            filled = round(BAR_CELLS * best / us)
            bar = "█" * filled + "░" * (BAR_CELLS - filled)
            lines.append(Content(clip(f"  {name:<14} {us:>10.1f} us  {bar}  {100 * best / us:>3.0f}%", width)))
        if not row.get("stable", True):
            lines.append(Content.styled("  " + _("the clocks were not stable: measure again"), "$text-warning"))
        lines.append(Content(""))
    return lines
