"""Stage cpu: every case of the suite in triton's interpreter, compared with the oracle."""

from __future__ import annotations

import importlib.util
import secrets
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from prep.errors import ContentError
from prep.exercises.draw import SUITE
from prep.exercises.spec import Case, Exercise, evaluate
from prep.grading.buffers import Layout
from prep.grading.compare import Comparison, compare, tolerance_of
from prep.grading.diagnosis.likeness import annotate
from prep.grading.diagnosis.outcome import Outcome
from prep.grading.dtypes import DTYPES, Array, bits, to_float64, to_storage
from prep.grading.process.child import Child
from prep.grading.stages.draw import SECRET_CASES, plan, probes
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
        child = Child.fork("run", self.case_timeout * (len(exercise.suite("cpu")) + 2 + SECRET_CASES))
        turns = plan(exercise)
        self.total = len(turns)
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
            previous: dict[str, Array] = {}
            for turn, (case, repeat) in enumerate(turns):
                outcome = Outcome(case, repeat=repeat)
                previous = self._call(child, reference, outcome, turn, previous)
                outcomes.append(outcome)
                if case.suite == SUITE and not outcome.values_right and child.ended is None:
                    for what, probed in probes(case).items():
                        alone = Outcome(probed)
                        self._call(child, reference, alone, turn, {})
                        outcome.alone[what] = alone.values_right
                described = outcome.describe()
                verdict["cases"].append(described)
                emit({"event": "case", "index": turn, "total": len(turns), "case": described})
                if child.ended is not None:
                    break
            if child.ended is None and not child.finish(self.case_timeout):
                outcomes[-1].ended = child.ended
                verdict["cases"][-1] = outcomes[-1].describe()
            return outcomes, None
        finally:
            child.close()
            verdict["output"] = child.printed.decode(errors="replace")

    def _call(
        self,
        child: Child,
        reference: ModuleType,
        outcome: Outcome,
        turn: int,
        previous: dict[str, Array],
    ) -> dict[str, Array]:
        """Run one case and fill in `outcome`; returns the outputs' bits, for the comparison with a repeat."""
        exercise, case = self.exercise, outcome.case
        rng = np.random.default_rng(secrets.randbits(128))
        made = reference.make_inputs(case, rng)
        layouts = {p.name: _layout(exercise, p, case) for p in exercise.params if p.role != "scalar"}
        scalars = {p.name: made[p.name] for p in exercise.params if p.role == "scalar"}
        sent = {name: layout.pack(made[name] if layout.role != "out" else None) for name, layout in layouts.items()}
        values = {
            name: to_float64(to_storage(made[name], layout.dtype), layout.dtype)
            for name, layout in layouts.items()
            if layout.role != "out"
        }
        header = {
            "op": "call",
            "buffers": [layout.header() for layout in layouts.values()],
            "scalars": {name: _plain(value) for name, value in scalars.items()},
            "reuse": outcome.repeat,
            "turn": turn,
        }
        truth: dict[str, Mapping[str, Array]] = {}

        def ask_oracle() -> None:
            truth["oracle"] = reference.oracle(**values, **scalars)
            truth["magnitude"] = reference.magnitude(**values, **scalars)

        payload = b"".join(storage.tobytes() for storage in sent.values())
        notes = sum(-(-layout.elements // 8) for layout in layouts.values() if layout.role != "in")
        reply = child.ask(header, payload, self.case_timeout, ask_oracle)
        if reply is None or len(reply.payload) != len(payload) + notes:
            if child.ended is None:  # a reply of another size: forged, or torn
                child.ended = "sent an answer that is none"
                child.kill()
            outcome.ended = child.ended
            return previous
        outcome.error = reply.header.get("error")
        outcome.returned = reply.header.get("returned")
        watched = reply.header["watch"]
        outcome.launches, outcome.operators = watched["launches"], watched["operators"]
        outcome.violations = watched["violations"]
        at, note = 0, len(payload)
        outputs: dict[str, Array] = {}
        for name, layout in layouts.items():
            got = layout.unpack(reply.payload[at : at + layout.nbytes])
            at += layout.nbytes
            strays = layout.strays(got)
            if strays.size:
                outcome.strays[name] = strays
            if layout.role == "in":
                if (bits(layout.view(got)) != bits(layout.view(sent[name]))).any():
                    outcome.mutated.append(name)
                continue
            stored = layout.unpack_bits(reply.payload[note:])
            note += -(-layout.elements // 8)
            outputs[name] = bits(np.ascontiguousarray(layout.view(got)))
            untouched = outputs[name] == bits(np.ascontiguousarray(layout.view(sent[name])))
            outcome.comparisons.append(self._compare(case, layout, truth, got, untouched & ~stored))
            # Values that no kernel and no torch operator put there: numpy, ctypes, another process.
            if (~untouched & ~stored).any():
                outcome.foreign.append(name)
        outcome.depth = max(1, evaluate(exercise.tolerance.depth, case.dims))
        if outcome.repeat and previous:
            outcome.equals_previous = all((previous[n] == outputs[n]).all() for n in outputs)
        if not outcome.values_right and outcome.error is None:
            annotate(exercise, outcome, reference, values, scalars, truth["magnitude"])
        return outputs

    def _compare(
        self,
        case: Case,
        layout: Layout,
        truth: Mapping[str, Mapping[str, Array]],
        got: Array,
        unwritten: Array,
    ) -> Comparison:
        exercise = self.exercise
        expected = np.asarray(truth["oracle"][layout.name], dtype=np.float64)
        if expected.shape != layout.shape:
            raise ContentError(
                f"oracle gives '{layout.name}' the shape {expected.shape}, the case says {layout.shape}",
                where=exercise.reference_path,
            )
        tolerance = tolerance_of(
            expected,
            np.asarray(truth["magnitude"][layout.name], dtype=np.float64),
            exercise.tolerance,
            dict(case.dims),
            layout.dtype,
            DTYPES[case.dtype],
        )
        if layout.role != "out":  # an inout that keeps its value may be right
            unwritten = np.zeros(layout.shape, dtype=bool)
        return compare(layout.name, expected, layout.values(got), tolerance, layout.dtype, unwritten)


def _layout(exercise: Exercise, param: Any, case: Case) -> Layout:
    return Layout(
        param.name,
        param.role,
        DTYPES[exercise.dtype(param, case)],
        exercise.shape(param, case),
        exercise.strides(param, case),
    )


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value


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
