"""The judge: makes inputs from secret seeds, holds the oracle, compares what the worker returns, and decides.

Workers are forked from another process, see process/, and get inputs only: what the judge knows was never in their
memory. Whatever a worker says about itself is evidence for the diagnosis; that a submission passed is concluded from
raw bytes alone, and only after the worker answered every call and left in good order.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from prep.exercises.spec import Exercise
from prep.grading import static
from prep.grading.diagnosis import diagnose
from prep.grading.diagnosis.messages import diagnosis
from prep.grading.guard import Guard
from prep.grading.process import launch
from prep.grading.process.launch import ZygoteDied
from prep.grading.stages.compile import CompileStage, merged
from prep.grading.stages.cpu import CpuStage, Emit
from prep.grading.verdict import Verdict, empty

CASE_TIMEOUT_S = 15.0
"""A case of ours takes 0.1 s with sensible blocks; one program for each element of the largest takes some 10 s."""


class Judge:
    """Grades submissions one after the other, with workers of one zygote."""

    def __init__(self, case_timeout: float = CASE_TIMEOUT_S) -> None:
        self.case_timeout = case_timeout

    def grade(self, exercise: Exercise, source: bytes, filename: str, emit: Emit = lambda event: None) -> Verdict:
        """Judge `source` (the content of `filename`) as a submission for `exercise` on the CPU.

        Events go to `emit` as they come; the last one carries the verdict that is returned.
        """
        files = Guard(exercise.folder)
        verdict = empty(exercise.id, filename, "cpu", launch.ensure().level)
        try:
            self._stages(exercise, source, filename, verdict, emit)
        except ZygoteDied:  # by another hand than the submission's, it may be: once more from the start
            verdict = empty(exercise.id, filename, "cpu", launch.again().level)
            try:
                self._stages(exercise, source, filename, verdict, emit)
            except ZygoteDied:
                error = {"ended": "was there when the process that starts the workers died, twice"}
                verdict = empty(exercise.id, filename, "cpu", launch.again().level)
                verdict["diagnosis"] = diagnose.of_outcomes(exercise, [], error, source)
        changed = files.changed()
        if changed:
            verdict["passed"] = False
            names = ", ".join(path.name for path in changed)
            verdict["diagnosis"] = [diagnosis("tampering", source, name=names)]
        emit({"event": "verdict", "verdict": verdict})
        return verdict

    def _stages(self, exercise: Exercise, source: bytes, filename: str, verdict: Verdict, emit: Emit) -> None:
        with self._stage(verdict, "static", emit) as stage:
            fault = static.check(source, exercise)
            if fault is not None:
                stage["status"] = "failed"
                verdict["diagnosis"] = [diagnose.of_static(fault, source)]
                stage["message"] = verdict["diagnosis"][0]["message"]
        if fault is None:
            self._run(exercise, source, filename, verdict, emit)

    def _run(self, exercise: Exercise, source: bytes, filename: str, verdict: Verdict, emit: Emit) -> None:
        """The stages that run the submission: it is compiled in one worker while its cases run in another."""
        compiling = CompileStage(exercise)
        try:
            compiling.start(source, filename)
            with self._stage(verdict, "cpu", emit) as stage:
                cpu = CpuStage(exercise, self.case_timeout)
                outcomes, load_error = cpu.run(source, filename, verdict, emit)
                found = diagnose.of_outcomes(exercise, outcomes, load_error, source)
                right = sum(o.passed for o in outcomes)
                passed = bool(outcomes) and right == len(outcomes) and not found
                stage["status"] = "passed" if passed else "failed"
                stage["message"] = f"{right}/{cpu.total}"
            # What does not come back from a call in the interpreter would not come back here either.
            if load_error is None and all(o.ended is None for o in outcomes):
                with self._stage(verdict, "compile", emit) as stage:
                    stage["status"] = compiling.finish(passed)
                    stage["message"] = compiling.message()
                    verdict["xray"] = compiling.xray()
                    faults = compiling.diagnoses(source)
                    found = merged(found, faults)
                    passed = passed and not faults
            verdict["diagnosis"], verdict["passed"] = found, passed
        finally:
            compiling.close()

    @contextmanager
    def _stage(self, verdict: Verdict, name: str, emit: Emit) -> Iterator[Any]:
        stage = next(s for s in verdict["stages"] if s["name"] == name)
        stage["status"] = "running"
        emit({"event": "stage", **stage})
        start = time.monotonic()
        stage["status"] = "passed"
        yield stage
        stage["seconds"] = round(time.monotonic() - start, 3)
        emit({"event": "stage", **stage})
