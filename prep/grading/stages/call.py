"""One case's inputs, and what a reply to them says: made once, asked as often as orders are tried."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from types import ModuleType
from typing import Any

import numpy as np

from prep.errors import ContentError
from prep.exercises.spec import Case, Exercise, evaluate
from prep.grading.buffers import Layout
from prep.grading.compare import Comparison, compare, tolerance_of
from prep.grading.diagnosis.likeness import annotate
from prep.grading.diagnosis.outcome import Outcome
from prep.grading.dtypes import DTYPES, Array, bits, to_float64, to_storage
from prep.grading.process.child import Child


class Call:
    """A case with secret values."""

    def __init__(self, exercise: Exercise, reference: ModuleType, case: Case, turn: int, timeout: float) -> None:
        self.exercise = exercise
        self.reference = reference
        self.case = case
        self.turn = turn
        self.timeout = timeout
        made = reference.make_inputs(case, np.random.default_rng(secrets.randbits(128)))
        self.layouts = {p.name: _layout(exercise, p, case) for p in exercise.params if p.role != "scalar"}
        self.scalars = {p.name: made[p.name] for p in exercise.params if p.role == "scalar"}
        self.sent = {
            name: layout.pack(made[name] if layout.role != "out" else None) for name, layout in self.layouts.items()
        }
        self.values = {
            name: to_float64(to_storage(made[name], layout.dtype), layout.dtype)
            for name, layout in self.layouts.items()
            if layout.role != "out"
        }
        self.payload = b"".join(storage.tobytes() for storage in self.sent.values())
        self.truth: dict[str, Mapping[str, Array]] = {}

    def ask(
        self, child: Child, outcome: Outcome, order: str = "forward", stale: float = 0.0, record: bool = False
    ) -> dict[str, Array] | None:
        """Have the worker run it, its programs in that order, and fill in `outcome`; returns the outputs' bits."""
        header = {
            "op": "call",
            "buffers": [layout.header() for layout in self.layouts.values()],
            "scalars": {name: _plain(value) for name, value in self.scalars.items()},
            "reuse": outcome.repeat and order == "forward",
            "turn": self.turn,
            "order": order,
            "stale": stale,
            "seed": secrets.randbits(31),
            "record": record,
        }
        written = [layout for layout in self.layouts.values() if layout.role != "in"]
        notes = sum(-(-layout.elements // 8) + 8 * layout.elements for layout in written)
        reply = child.ask(header, self.payload, self.timeout, self.ask_oracle)
        if reply is None or len(reply.payload) != len(self.payload) + notes:
            if child.ended is None:  # a reply of another size: forged, or torn
                child.ended = "sent an answer that is none"
                child.kill()
            outcome.ended = child.ended
            return None
        try:
            outcome.notes(reply.header["watch"])
        except (KeyError, TypeError, ValueError, AttributeError):
            child.ended = outcome.ended = "sent an answer that is none"
            child.kill()
            return None
        outcome.error = reply.header.get("error")
        outcome.returned = reply.header.get("returned")
        outcome.plan = reply.header.get("plan")
        return self._compared(outcome, reply.payload)

    def ask_oracle(self) -> None:
        if not self.truth:
            self.truth["oracle"] = self.reference.oracle(**self.values, **self.scalars)
            self.truth["magnitude"] = self.reference.magnitude(**self.values, **self.scalars)

    def with_new_values(self) -> Call:
        """The same case with other secret values, and the scalars of this one."""
        again = Call(self.exercise, self.reference, self.case, self.turn, self.timeout)
        again.scalars = self.scalars
        return again

    def accepts(self, payload: bytes) -> bool:
        """Are these storages right, and nothing but the outputs changed?"""
        if len(payload) != len(self.payload):
            return False
        at = 0
        for name, layout in self.layouts.items():
            got = layout.unpack(payload[at : at + layout.nbytes])
            at += layout.nbytes
            if layout.strays(got).size:
                return False
            if layout.role == "in":
                if (bits(layout.view(got)) != bits(layout.view(self.sent[name]))).any():
                    return False
            elif not self._compare(layout, got, np.zeros(layout.shape, dtype=bool)).passed:
                return False
        return True

    def _compared(self, outcome: Outcome, payload: bytes) -> dict[str, Array]:
        at, note = 0, len(self.payload)
        outputs: dict[str, Array] = {}
        for name, layout in self.layouts.items():
            sent = self.sent[name]
            got = layout.unpack(payload[at : at + layout.nbytes])
            at += layout.nbytes
            strays = layout.strays(got)
            if strays.size:
                outcome.strays[name] = strays
            if layout.role == "in":
                if (bits(layout.view(got)) != bits(layout.view(sent))).any() and name not in outcome.mutated:
                    outcome.mutated.append(name)
                continue
            stored = layout.unpack_bits(payload[note:])
            note += -(-layout.elements // 8)
            for notes in (outcome.owners, outcome.store_lines):
                flat = np.frombuffer(payload, dtype=np.int32, count=layout.elements, offset=note)
                notes[name] = flat.reshape(layout.shape)
                note += 4 * layout.elements
            outputs[name] = bits(np.ascontiguousarray(layout.view(got)))
            untouched = outputs[name] == bits(np.ascontiguousarray(layout.view(sent)))
            outcome.comparisons.append(self._compare(layout, got, untouched & ~stored))
            # Values that no kernel and no torch operator put there: numpy, ctypes, another process.
            if (~untouched & ~stored).any():
                outcome.foreign.append(name)
        outcome.depth = max(1, evaluate(self.exercise.tolerance.depth, self.case.dims))
        if not outcome.values_right and outcome.error is None:
            annotate(self.exercise, outcome, self.reference, self.values, self.scalars, self.truth["magnitude"])
        return outputs

    def _compare(self, layout: Layout, got: Array, unwritten: Array) -> Comparison:
        exercise = self.exercise
        expected = np.asarray(self.truth["oracle"][layout.name], dtype=np.float64)
        if expected.shape != layout.shape:
            raise ContentError(
                f"oracle gives '{layout.name}' the shape {expected.shape}, the case says {layout.shape}",
                where=exercise.reference_path,
            )
        tolerance = tolerance_of(
            expected,
            np.asarray(self.truth["magnitude"][layout.name], dtype=np.float64),
            exercise.tolerance,
            dict(self.case.dims),
            layout.dtype,
            DTYPES[self.case.dtype],
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
