"""Stage cpu: every case of the suite in triton's interpreter, compared with the oracle."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

from prep.errors import ContentError
from prep.exercises.draw import SUITE
from prep.exercises.spec import Exercise
from prep.grading import evidence
from prep.grading.diagnosis.outcome import Outcome
from prep.grading.dtypes import Array
from prep.grading.process.child import Child
from prep.grading.stages.call import Call
from prep.grading.stages.draw import SECRET_CASES, plan, probes
from prep.grading.stages.orders import RUNS, Orders
from prep.grading.stages.replay import Replay
from prep.grading.verdict import Verdict

Emit = Callable[[dict[str, Any]], None]


class CpuStage:
    """One submission's run over the CPU suite."""

    def __init__(self, exercise: Exercise, case_timeout: float) -> None:
        self.exercise = exercise
        self.case_timeout = case_timeout
        self.total = 0

    def run(
        self, source: bytes, filename: str, verdict: Verdict, emit: Emit
    ) -> tuple[list[Outcome], dict[str, Any] | None]:
        """The outcome of every case, or what kept the submission from being loaded."""
        exercise, reference = self.exercise, load_reference(self.exercise.reference_path)
        # Drawn after the fork: the worker's memory holds no case that no file names.
        child = Child.fork("run", self.case_timeout * RUNS * (len(exercise.suite("cpu")) + 2 + SECRET_CASES))
        turns = plan(exercise)
        self.total = len(turns)
        reaches = evidence.find(source)
        second: Replay | None = None
        outcomes: list[Outcome] = []
        try:
            job = {
                "op": "load",
                "filename": Path(filename).name,
                "entry": exercise.entry,
                "allowed_ops": list(exercise.allowed_ops),
                "forbid_copies": exercise.forbid_copies,
                "params": [{"name": p.name, "role": p.role} for p in exercise.params],
            }
            reply = child.ask(job, source, self.case_timeout, lambda: None)
            verdict["environment"]["isolation"] = child.level
            if reply is None or reply.header.get("status") != "ok":
                error = reply.header.get("error") if reply else {"ended": child.ended}
                return [], error
            if reaches:
                second = Replay(source, reaches[0], self.case_timeout, len(turns))
            previous: dict[str, Array] | None = None
            orders = Orders(child)
            for turn, (case, repeat) in enumerate(turns):
                outcome = Outcome(case, repeat=repeat)
                call = Call(exercise, reference, case, turn, self.case_timeout)
                outputs = call.ask(child, outcome, record=second is not None)
                if repeat and previous and outputs:
                    outcome.equals_previous = all((previous[n] == outputs[n]).all() for n in outputs)
                # Nothing may come between a case and its repeat.
                if outputs is not None and not (turn + 1 < len(turns) and turns[turn + 1][1]):
                    orders.check(call, outcome, outputs)
                if second is not None and outcome.passed and not second.confirms(call, outcome.plan):
                    outcome.unconfirmed = (second.evidence.what, second.evidence.line)
                previous = outputs
                outcomes.append(outcome)
                if case.suite == SUITE and not outcome.values_right and child.ended is None:
                    for what, probed in probes(case).items():
                        alone = Outcome(probed)
                        Call(exercise, reference, probed, turn, self.case_timeout).ask(child, alone)
                        outcome.alone[what] = alone.values_right
                described = outcome.describe()
                verdict["cases"].append(described)
                emit({"event": "case", "index": turn, "total": len(turns), "case": described})
                if child.ended is not None:
                    break
            if child.ended is None:
                for outcome in orders.spot_checks():
                    if not outcome.passed:
                        verdict["cases"][next(i for i, o in enumerate(outcomes) if o is outcome)] = outcome.describe()
            if child.ended is None and not child.finish(self.case_timeout):
                outcomes[-1].ended = child.ended
                verdict["cases"][-1] = outcomes[-1].describe()
            return outcomes, None
        finally:
            child.close()
            if second is not None:
                second.close()
            verdict["output"] = child.printed.decode(errors="replace")


_references: dict[Path, tuple[int, ModuleType]] = {}


def load_reference(path: Path) -> ModuleType:
    """The exercise's reference.py as a module, loaded again when the file changed."""
    stamp = path.stat().st_mtime_ns
    if path in _references and _references[path][0] == stamp:
        return _references[path][1]
    spec = importlib.util.spec_from_file_location(f"prep_reference_{path.parent.name.replace('-', '_')}", path)
    if spec is None or spec.loader is None:
        raise ContentError("cannot be loaded", where=path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    for name in ("make_inputs", "oracle", "magnitude"):
        if not hasattr(module, name):
            raise ContentError(f"does not define {name}()", where=path)
    _references[path] = (stamp, module)
    return module
