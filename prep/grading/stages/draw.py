"""Which calls a run makes: the published cases, one of them again with other values, and cases drawn in secret."""

from __future__ import annotations

import math
import secrets
from dataclasses import replace

from prep.exercises.draw import draw_cases
from prep.exercises.spec import Case, Exercise

SECRET_CASES = 2

REPEAT_ELEMENTS = 16
"""Output elements that a case must have to be run again with new values, against results kept from call to call."""

MIXED = "mixed"
"""By convention the regime whose rows differ in scale, place and structure: what `normal` values hide shows there."""

_rng = secrets.SystemRandom()

Turn = tuple[Case, bool]
"""A case, and whether it is called again in the buffers of the call before."""


def plan(exercise: Exercise) -> list[Turn]:
    """The calls of one run, in order."""
    cases = exercise.suite("cpu")
    turns = [(case, False) for case in cases]
    # A case whose answer depends on the values: softmax of one element is 1 whatever it is.
    many = [i for i, case in enumerate(cases) if _elements(exercise, case) >= REPEAT_ELEMENTS]
    again = secrets.choice(many) if many else secrets.randbelow(len(cases))
    turns.insert(again + 1, (_other_values(exercise, cases[again]), True))
    return turns + [(case, False) for case in draw_cases(exercise, SECRET_CASES, _rng)]


def _other_values(exercise: Exercise, case: Case) -> Case:
    mixed = exercise.draw is not None and (case.dtype, MIXED) in exercise.draw.values
    return replace(case, regime=MIXED) if mixed and case.regime == "normal" else case


def probes(case: Case) -> dict[str, Case]:
    """What tells sizes, strides and values apart when a drawn case failed: its sizes, and these with its strides."""
    regime = "normal" if case.dtype.startswith("float") else case.regime
    found = {"sizes": replace(case, regime=regime, strides={})}
    return found | ({"strides": replace(case, regime=regime)} if case.strides else {})


def _elements(exercise: Exercise, case: Case) -> int:
    return min(math.prod(exercise.shape(p, case)) for p in exercise.outputs)
