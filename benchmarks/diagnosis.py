"""How often a mutant gets its own code, over several runs with other secrets.

python -m benchmarks.diagnosis [-n 5] [ID ...]

exact: the code of the mutant's first line. family: another code for the same kind of fault. vague: a code that says no
cause, only that values are wrong. misleading: a code that sends the learner elsewhere. passed: worst of all.
"""

from __future__ import annotations

import argparse
from collections import Counter
from pathlib import Path
from typing import Any

from prep.exercises.check import mutant_code
from prep.exercises.load import load_exercises

FAMILIES = (
    {"missing-mask", "out-of-bounds-read", "out-of-bounds-write", "uninitialised-read"},
    {"race", "order-dependent", "nondeterministic"},
    {"tail-wrong", "missing-mask", "not-written", "hardcoded-shape"},
    {"transposed", "wrong-axis", "ignores-strides"},
    {"stale-output", "cached-result", "constant-output"},
    {"low-precision", "nan-or-inf", "overflow-no-max-subtraction"},
    {"hardcoded-shape", "distribution-dependent"},
    {"no-kernel", "uses-library-op"},
    {"not-written", "uninitialised-read"},
)
VAGUE = ("numerically-wrong", "nan-or-inf")


def kind(expected: str, got: str | None) -> str:
    """exact, family, vague, misleading or passed."""
    if got is None:
        return "passed"
    if got == expected:
        return "exact"
    if any({expected, got} <= family for family in FAMILIES):
        return "family"
    return "vague" if got in VAGUE else "misleading"


def measure(ids: list[str], rounds: int) -> Counter[str]:
    """Grade every mutant `rounds` times; prints those that are not always exact, and the table."""
    from prep.grading.client import JudgeProcess

    total: Counter[str] = Counter()
    with JudgeProcess() as judge:
        for exercise in load_exercises().values():
            if ids and exercise.id not in ids:
                continue
            counts: Counter[str] = Counter()
            for path in sorted((exercise.folder / "mutants").glob("*.py")):
                expected = mutant_code(path)
                got = Counter(_code(judge, exercise.id, path) for _ in range(rounds))
                for code, times in got.items():
                    counts[kind(expected, code)] += times
                if set(got) != {expected}:
                    print(f"  {exercise.id} {path.stem}: {expected} expected, {dict(got)}", flush=True)
            print(f"{exercise.id}: {_row(counts)}", flush=True)
            total += counts
    print(f"all: {_row(total)}")
    return total


def _code(judge: Any, exercise_id: str, path: Path) -> str | None:
    *_, last = judge.grade(exercise_id, path)
    found = last["verdict"]["diagnosis"]
    return found[0]["code"] if found else None


def _row(counts: Counter[str]) -> str:
    total = sum(counts.values()) or 1
    kinds = ("exact", "family", "vague", "misleading", "passed")
    return ", ".join(f"{name} {counts[name]} ({counts[name] / total:.1%})" for name in kinds)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("ids", nargs="*", metavar="ID")
    parser.add_argument("-n", "--rounds", type=int, default=5)
    options = parser.parse_args()
    measure(options.ids, options.rounds)
