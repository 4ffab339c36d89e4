"""What one case showed: the judge's findings, from which the diagnosis is made."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from prep.exercises.draw import SUITE
from prep.exercises.spec import Case
from prep.grading.compare import Comparison, error_grid, error_map, number
from prep.grading.diagnosis import pattern
from prep.grading.dtypes import Array


@dataclass
class Outcome:
    """One call of the entry and what came of it."""

    case: Case
    repeat: bool = False
    """True where the case was run again in the same buffers with new values."""

    error: dict[str, Any] | None = None
    """The exception that the submission raised, as worker.py reports it."""

    ended: str | None = None
    """`timeout`, or how the process died, where there was no reply."""

    comparisons: list[Comparison] = field(default_factory=list)
    mutated: list[str] = field(default_factory=list)
    """Inputs whose bits changed."""

    strays: dict[str, Array] = field(default_factory=dict)
    """Parameter -> indices outside the tensor that were overwritten, relative to its first element."""

    foreign: list[str] = field(default_factory=list)
    """Outputs that got values by another road than a kernel's store or a torch copy."""

    plan: Any = None
    """The launches, fills and copies of the call, where they are to be repeated."""

    unconfirmed: tuple[str, int] | None = None
    """What the submission reaches for and its line, where its kernels alone do not give the results."""

    launches: int = 0
    operators: list[dict[str, Any]] = field(default_factory=list)
    violations: list[dict[str, Any]] = field(default_factory=list)
    returned: str | None = None
    equals_previous: bool = False
    """True where the outputs are bitwise those of the earlier call with other values."""

    likeness: str | None = None
    """The code of the exercise's typical wrong answer that the outputs equal, if any."""

    low_precision: float = 0.0
    """The largest error as a multiple of what the next lower precision would explain; at most 1 where it does."""

    relative_error: float = float("inf")
    """Root mean square of the errors, as a share of the expected values'."""

    depth: int = 1

    owners: dict[str, Array] = field(default_factory=dict)
    """Output -> in its shape, the position in `programs` of the program that stored the element last, or -1."""

    programs: list[list[int]] = field(default_factory=list)
    """Indices in the grid of the programs that stored something."""

    store_lines: dict[str, Array] = field(default_factory=dict)
    """Output -> in its shape, the line of the submission that stored the element last; 0 where that is not known."""

    conflicts: list[dict[str, Any]] = field(default_factory=list)
    """Elements that two programs of one launch access without being ordered, as worker/trace.py reports them."""

    uninitialised: list[dict[str, Any]] = field(default_factory=list)
    """Loads of memory that nobody had written: outputs, and what torch.empty gives."""

    shared: bool = False
    """Did programs of one launch touch the same elements, one of them storing?"""

    atomics: bool = False
    one_each: bool = True
    """Had every launch one program only?"""

    other: Outcome | None = None
    """The first run on the same values, with programs in another order, that was wrong."""

    other_order: str = ""
    """`backward`, `shuffled`, or `stale`: with what memory held before the launch where nothing orders accesses."""

    unequal: bool = False
    """True where programs that share nothing gave other bits in another run on the same values."""

    disordered: bool = False
    """True where a wrong result is another one in another order."""

    alone: dict[str, bool] = field(default_factory=dict)
    """For a drawn case that failed: was it right with its sizes alone, or its sizes and strides alone?"""

    @property
    def published(self) -> bool:
        """A case that exercise.yaml names, run for the first time, with the values that it says."""
        return not self.repeat and self.case.suite != SUITE

    @property
    def strided(self) -> bool:
        return bool(self.case.strides)

    @property
    def values_right(self) -> bool:
        return bool(self.comparisons) and all(c.passed for c in self.comparisons)

    @property
    def passed(self) -> bool:
        return (
            self.error is None
            and self.ended is None
            and self.values_right
            and not (self.mutated or self.strays or self.foreign or self.operators or self.violations)
            and self.launches > 0
            and self.other is None
            and not self.unequal
            and self.unconfirmed is None
        )

    def notes(self, watched: dict[str, Any]) -> None:
        """Take over what the worker saw: evidence, of which some is reason enough to fail."""
        self.launches, self.operators = watched["launches"], watched["operators"]
        self.violations, self.mutated = watched["violations"], list(watched["stored_inputs"])
        self.conflicts, self.uninitialised = watched["conflicts"], watched["uninitialised"]
        self.shared, self.atomics, self.one_each = watched["shared"], watched["atomics"], watched["one_each"]
        self.programs = watched["where"]

    @property
    def status(self) -> str:
        if self.passed:
            return "passed"
        if self.ended == "timeout":
            return "timeout"
        return "error" if self.error is not None or self.ended is not None else "failed"

    @property
    def wrong(self) -> Comparison | None:
        """The first output that is wrong."""
        return next((c for c in self.comparisons if not c.passed), None)

    def describe(self) -> dict[str, Any]:
        """The case as the verdict shows it."""
        shown = max(self.comparisons, key=lambda c: c.mismatched, default=None)
        worst, tolerance = shown.worst() if shown else (0.0, 0.0)
        names = {"en": self.case.name, "zh": self.case.name_zh or self.case.name}
        if self.repeat:
            names = {"en": f"{names['en']}, again with new values", "zh": f"{names['zh']}，换一组数值重跑"}
        described: dict[str, Any] = {
            "name": names["en"],
            "names": names,
            "dims": dict(self.case.dims),
            "dtype": self.case.dtype,
            "status": self.status,
            "max_abs_error": number(worst),
            "tolerance": number(tolerance),
            "mismatched": sum(c.mismatched for c in self.comparisons),
            "elements": sum(c.wrong.size for c in self.comparisons),
            "why": self.case.why,
            "whys": {"en": self.case.why, "zh": self.case.why_zh or self.case.why},
        }
        if shown is not None and not shown.passed:
            described["error_map"] = error_map(shown.wrong)
            described["error_grid"] = error_grid(shown.wrong)
            described["differences"] = shown.differences()
            first = shown.first_wrong()
            owners = self.owners.get(shown.name)
            where = pattern.find(shown.wrong, owners, self.programs)
            described["pattern"] = where.code
            described["patterns"] = {"en": where.text.en, "zh": where.text.zh}
            if first is not None and owners is not None:
                place = pattern.tile(owners, self.programs, first["index"])
                first.update({} if place is None else {"tile": place})
            described["first_wrong"] = first
        return described


def all_equal(array: Array) -> bool:
    """True where every element has one value; NaN counts as one."""
    if array.size == 0:
        return False
    return bool(np.isnan(array).all() or (array == array.flat[0]).all())


def right_before(outcome: Outcome, passing: list[Outcome]) -> bool:
    """Was the same case right when it was run for the first time?"""
    return outcome.repeat and any(o.published and o.case.name == outcome.case.name for o in passing)
