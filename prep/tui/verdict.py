"""A verdict, and the way to it, as styled text: what failed first, where, why, and one hint."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.cells import cell_len
from textual.content import Content

from prep.grading.report import text_in, tile_words, wrong_words, xray_facts, xray_notes, xray_title
from prep.locale import current_language, ngettext
from prep.locale import gettext as _
from prep.tui.text import clip, fit, right_aligned, two_ends

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
    return " · ".join(filter(None, [text_in(current_language(), case, "name"), dims, case["dtype"]]))


def number(value: Any) -> str:
    """A number of the verdict, short; NaN and infinities come as text."""
    return value if isinstance(value, str) else f"{value:.5g}"


def wrong_case(verdict: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The case that is shown: the first that failed."""
    return next((case for case in verdict["cases"] if case["status"] != "passed"), None)


def rows_above(verdict: Mapping[str, Any], width: int) -> list[Content]:
    """The verdict up to where its picture stands: stages, and of the first wrong case how much of it is wrong."""
    cases = verdict["cases"]
    seconds = sum(stage["seconds"] for stage in verdict["stages"])
    rows = [stages_line(verdict["stages"], seconds, width), Content("")]
    wrong = wrong_case(verdict)
    if verdict["passed"]:
        right = sum(case["status"] == "passed" for case in cases)
        text = _("PASSED") + "  " + _("{right} of {total} cases").format(right=right, total=len(cases))
        rows += [Content.styled(text, "bold $success"), Content("")]
        rows += [case_row(case, width) for case in cases]
    elif wrong is None:
        rows.append(Content.styled(_("FAILED"), "bold $error"))
    else:
        status = {"error": _("ERROR"), "timeout": _("TIMEOUT")}.get(wrong["status"], _("FAILED"))
        rows.append(two_ends(Content.styled(case_title(wrong), "bold"), Content.styled(status, "bold $error"), width))
        why = text_in(current_language(), wrong, "why")
        if why:
            rows.append(Content.styled(_("why this case: {why}").format(why=why), "$text-muted"))
        if wrong.get("mismatched"):
            rows.append(Content(_("wrong: {what}").format(what=wrong_words(wrong, current_language()))))
    return rows


def rows_below(verdict: Mapping[str, Any], width: int) -> list[Content]:
    """The rest: the first wrong element, what it means, the time it took and what the submission printed."""
    rows: list[Content] = []
    if not verdict["passed"]:
        wrong = wrong_case(verdict)
        if wrong is not None and wrong.get("first_wrong") is not None:
            rows += first_wrong(wrong)
        rows.append(Content(""))
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


def first_wrong(case: Mapping[str, Any]) -> list[Content]:
    """`first: out[0, 976]  expected 0.00091  got 0`, who wrote it, and how far off the worst element is."""
    first = case["first_wrong"]
    written = first.get("written", True)
    expected = _("expected {value}").format(value=number(first["expected"]))
    got = _("got {value}").format(value=number(first["got"])) if written else _("never written")
    place = _("first: {place}").format(place=element(first))
    rows = [Content.assemble(place, "  ", (expected, "$success"), "  ", (got, "bold $error"))]
    tile = tile_words(first, current_language())
    if tile:
        rows.append(Content.styled(tile, "$text-muted"))
    if written:
        text = _("largest error {error}, allowed there {tolerance}")
        text = text.format(error=number(case["max_abs_error"]), tolerance=number(case["tolerance"]))
        rows.append(Content.styled(text, "$text-muted"))
    return rows


def element(wrong: Mapping[str, Any]) -> str:
    """`out[0, 976]`."""
    return f"{wrong.get('output', 'out')}[{', '.join(map(str, wrong['index']))}]"


def difference_rows(case: Mapping[str, Any], width: int) -> list[Content]:
    """The first wrong elements of a case one by one: what they should be and what they are."""
    wrong = case["differences"]
    rows = [Content.styled(case_title(case), "bold"), Content("")]
    cells = [(element(w), number(w["expected"]), number(w["got"])) for w in wrong]
    cells = [
        (e, x, g if w.get("written", True) else _("never written")) for (e, x, g), w in zip(cells, wrong, strict=True)
    ]
    head = (_("element"), _("expected"), _("got"))
    places, expecteds, gots = (max(cell_len(row[i]) for row in [head, *cells]) for i in range(3))
    for row in [head, *cells]:
        place, expected, got = fit(row[0], places), right_aligned(row[1], expecteds), right_aligned(row[2], gots)
        styles = ("$text-muted",) * 3 if row is head else ("", "$success", "bold $error")
        rows.append(Content.assemble((place, styles[0]), "   ", (expected, styles[1]), "   ", (got, styles[2])))
    more = case["mismatched"] - len(wrong)
    if more > 0:
        rows += [Content(""), Content.styled(_("and {n} more").format(n=f"{more:,}"), "$text-muted")]
    return rows


def xray_rows(entries: Sequence[Mapping[str, Any]], width: int) -> list[Content]:
    """What the compiler made of the kernels, a block each."""
    lang = current_language()
    rows: list[Content] = []
    for entry in entries:
        rows.append(Content.styled(xray_title(entry), "bold"))
        rows += [Content("  " + fact) for fact in xray_facts(entry, lang)]
        rows += [Content.assemble(("  ! ", "$warning"), note) for note in xray_notes(entry, lang)]
        rows.append(Content(""))
    return rows


def diagnosis(found: Mapping[str, Any], is_first: bool) -> list[Content]:
    """Code, line, meaning; for the first one the hint and what an interviewer would ask."""
    lang = current_language()
    line = found.get("line")
    head: list[Content | tuple[str, str]] = [(found["code"], "bold $warning")]
    if line:
        head.append(("   " + _("line {n}").format(n=line), "bold"))
    sure = text_in(lang, found, "confidence")
    if sure:
        head.append((f"   ({sure})", "$text-muted"))
    rows = [Content.assemble(*head), Content(text_in(lang, found, "message"))]
    if line and found.get("source"):
        rows.append(Content.assemble((f"{line:>4} | ", "$text-muted"), found["source"]))
    if found.get("traceback"):
        rows += [Content.styled("  " + row, "$text-muted") for row in str(found["traceback"]).splitlines()]
    if is_first:
        hint = text_in(lang, found, "hint")
        if hint:
            rows.append(Content.assemble((_("hint: "), "bold"), hint))
        question = (found.get("question") or {}).get(lang)
        if question:
            rows.append(Content.assemble((_("An interviewer would ask: "), "bold"), question))
    return rows


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
