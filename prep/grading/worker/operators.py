"""Torch operators and the roads from torch to the host: what a submission computes outside its kernels."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from triton.runtime import interpreter as triton_interpreter

from prep.grading.worker.plan import Plan
from prep.grading.worker.provenance import Provenance
from prep.grading.worker.watch import Watch

_VIEWS = (
    "view _unsafe_view reshape _reshape_alias t transpose permute expand squeeze unsqueeze select slice as_strided "
    "alias detach split split_with_sizes chunk unbind diagonal unfold movedim view_as numpy_T narrow flatten unflatten"
)
_ALLOCATIONS = (
    "empty empty_like empty_strided new_empty new_empty_strided zeros zeros_like new_zeros ones ones_like new_ones "
    "full full_like new_full zero_"
)
_COPIES = "clone copy_ _to_copy contiguous to"
_OWN = "set_ new_empty copy_"
"""Called by the interpreter itself when it takes a launch's arguments and hands them back."""

_FROM_HOST = "lift_fresh"
"""torch.tensor(...): what may be done with its result is provenance's question."""

ALWAYS_ALLOWED = frozenset(f"aten::{name}" for name in f"{_VIEWS} {_ALLOCATIONS} {_FROM_HOST}".split())
NEW = frozenset(f"aten::{name}" for name in _ALLOCATIONS.split()) | {"aten::fill_"}
COPIES = frozenset(f"aten::{name}" for name in _COPIES.split())
EMPTY = frozenset(
    f"aten::{name}" for name in ["empty", "empty_like", "empty_strided", "new_empty", "new_empty_strided"]
)
"""What they return is poisoned: on a GPU it holds whatever was there before."""

INTERPRETER_OWN = frozenset(f"aten::{name}" for name in _OWN.split())
_NAMESPACES = frozenset(name.partition("::")[0] for name in torch._C._dispatch_get_all_op_names())
"""Of operators that are there before a submission is imported."""

_TO_HOST = ("numpy", "__array__", "tolist", "item", "__dlpack__", "__bool__", "__float__", "__int__", "__index__")
_TEXT = ("__repr__", "__str__", "__format__")


class OperatorWatch(TorchDispatchMode):  # type: ignore[misc]
    """Notes every aten operator outside the allow-list, and gives kernels access to what the others return."""

    def __init__(self, watch: Watch, provenance: Provenance, plan: Plan, importing: bool = False) -> None:
        super().__init__()
        self.watch = watch
        self.provenance = provenance
        self.plan = plan
        self.importing = importing
        """While the submission is imported, nothing is a fault yet: what a kernel reads later is looked at then."""

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        # torch wraps a mode so that dynamo looks away, and imports dynamo for that at the first operator: 1.4 s.
        return False

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        watch, name = self.watch, func._schema.name
        if watch.silent or (name in INTERPRETER_OWN and _is_interpreters()):
            return func(*args, **(kwargs or {}))
        if name.partition("::")[0] not in _NAMESPACES:
            # The submission's own, by torch.library: what it does inside is watched, past the key that led here.
            with self:
                return func.redispatch(torch._C.DispatchKeySet(torch._C.DispatchKey.CPU), *args, **(kwargs or {}))
        moves = name in COPIES or name in NEW
        if moves and args:
            self.provenance.check(args[:2] if name in ("aten::copy_", "aten::fill_") else args[:1])
        result = func(*args, **(kwargs or {}))
        allowed = name in watch.allowed or name == "aten::fill_"
        if self.importing and not allowed:
            self.provenance.made(result, name)
        elif not allowed:
            watch.operator(name)
        if name in EMPTY:
            watch.allocated(result)
        watch.keep(result)
        if moves:
            self.provenance.seal(result)
            self.plan.operator(name, args, result)
            if name in COPIES or name in ("aten::zero_", "aten::fill_"):
                watch.filled.add(result.untyped_storage().data_ptr())
        elif allowed and name not in ALWAYS_ALLOWED:
            self.provenance.seal(result)
        return result


def _is_interpreters() -> bool:
    """Is it the interpreter itself that calls, and not a hook or a grid function that runs inside a launch?"""
    frame = sys._getframe(2)
    while frame.f_back is not None and str(frame.f_globals.get("__name__")).partition(".")[0] == "torch":
        frame = frame.f_back
    return frame.f_globals is vars(triton_interpreter)


def install(watch: Watch) -> None:
    """Watch torch's roads to the host, for this process's life.

    Values that leave torch for Python or numpy go round the operators; printing a tensor stays allowed.
    """

    def noted(name: str, original: Callable[..., Any]) -> Callable[..., Any]:
        def call(self: Any, *args: Any, **named: Any) -> Any:
            if not watch.silent:
                watch.operator(f"Tensor.{name}")
            return original(self, *args, **named)

        return call

    def silent(original: Callable[..., Any]) -> Callable[..., Any]:
        def call(self: Any, *args: Any, **named: Any) -> Any:
            with silenced(watch):
                return original(self, *args, **named)

        return call

    for name in _TO_HOST:
        setattr(torch.Tensor, name, noted(name, getattr(torch.Tensor, name)))
    for name in _TEXT:
        setattr(torch.Tensor, name, silent(getattr(torch.Tensor, name)))


@contextmanager
def silenced(watch: Watch) -> Iterator[None]:
    """Nothing is noted inside."""
    watch.silent += 1
    try:
        yield
    finally:
        watch.silent -= 1
