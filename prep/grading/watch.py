"""What the worker sees while a submission runs in the interpreter: every load and store, every torch operator.

The interpreter keeps one builder object whose methods do all memory access; wrapping them gives addresses, masks,
program and source line of each. Accesses outside every known storage are switched off lane by lane, so that they are
reported instead of crashing the process. The names wrapped are the same from triton 3.6 to 3.9; their argument lists
differ, so whatever follows the ones used here is passed on.

All of this is evidence for the diagnosis. A verdict of "passed" never rests on it alone: the judge compares raw bytes.
"""

from __future__ import annotations

import bisect
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
import triton.language as tl
from torch.utils._python_dispatch import TorchDispatchMode
from triton.runtime import interpreter as triton_interpreter

from prep.grading.buffers import Layout
from prep.grading.dtypes import Array

_VIEWS = (
    "view _unsafe_view reshape _reshape_alias t transpose permute expand squeeze unsqueeze select slice as_strided "
    "alias detach split split_with_sizes chunk unbind diagonal unfold movedim view_as numpy_T narrow flatten unflatten"
)
_ALLOCATIONS = (
    "empty empty_like empty_strided new_empty new_empty_strided zeros zeros_like new_zeros ones ones_like new_ones "
    "full full_like new_full zero_"
)
_COPIES = "clone copy_ _to_copy contiguous to lift_fresh"
_OWN = "set_ new_empty copy_"
"""Called by the interpreter itself when it takes a launch's arguments and hands them back."""

ALWAYS_ALLOWED = frozenset(f"aten::{name}" for name in f"{_VIEWS} {_ALLOCATIONS}".split())
COPIES = frozenset(f"aten::{name}" for name in _COPIES.split())
INTERPRETER_OWN = frozenset(f"aten::{name}" for name in _OWN.split())
_TO_HOST = ("numpy", "__array__", "tolist", "item", "__dlpack__", "__bool__", "__float__", "__int__", "__index__")
_TEXT = ("__repr__", "__str__", "__format__")


@dataclass(slots=True)
class Region:
    """A storage that kernels may touch; addresses in bytes."""

    start: int
    end: int
    name: str | None = None
    layout: Layout | None = None
    member: Array | None = None
    """Bool for each element of the storage; None where all of `data` belongs."""

    data: tuple[int, int] = (0, 0)
    stored: Array | None = None
    """Bool for each element of an output's storage: did a kernel store there?"""


@dataclass
class Watch:
    """Collects what one call did; `call()` starts a new one."""

    filename: str
    allowed: frozenset[str]
    regions: list[Region] = field(default_factory=list)
    starts: list[int] = field(default_factory=list)
    launches: int = 0
    programs: int = 0
    operators: dict[tuple[str, int | None], int] = field(default_factory=dict)
    violations: dict[tuple[str, str | None, int | None, bool], dict[str, Any]] = field(default_factory=dict)
    kept: list[Any] = field(default_factory=list)
    filled: set[int] = field(default_factory=set)
    in_launch: bool = False
    in_body: bool = False
    """Inside a launch, while programs run: there nothing is the interpreter's own."""

    silent: int = 0
    unmasked: bool = False

    def begin(self, regions: list[Region]) -> None:
        """Forget the last call; `regions` are the parameters' storages."""
        self.launches = self.programs = 0
        self.operators, self.violations, self.kept, self.filled = {}, {}, [], set()
        self.regions, self.starts = [], []
        for region in regions:
            self._add(region)

    def _add(self, region: Region) -> None:
        at = bisect.bisect_left(self.starts, region.start)
        if at < len(self.starts) and self.starts[at] == region.start:
            if self.regions[at].layout is None and region.end > self.regions[at].end:
                self.regions[at] = region
            return
        self.starts.insert(at, region.start)
        self.regions.insert(at, region)

    def keep(self, value: Any) -> None:
        """Let kernels touch what torch gave the submission, and keep it alive so that its address stays its own."""
        if isinstance(value, torch.Tensor):
            storage = value.untyped_storage()
            if storage.nbytes():
                self.kept.append(value)
                start = storage.data_ptr()
                self._add(Region(start, start + storage.nbytes(), data=(start, start + storage.nbytes())))
        elif isinstance(value, list | tuple):
            for item in value:
                self.keep(item)
        elif hasattr(value, "base") and hasattr(value, "block_shape"):
            self.keep(value.base)

    def line(self) -> int | None:
        """The innermost line of the submission on the stack."""
        frame = sys._getframe(1)
        while frame is not None:
            if frame.f_code.co_filename == self.filename:
                return frame.f_lineno
            if frame.f_back is None:
                return None
            frame = frame.f_back
        return None

    def operator(self, name: str) -> None:
        """Note an operator that a submission may not use."""
        key = (name, self.line())
        self.operators[key] = self.operators.get(key, 0) + 1

    # Memory

    def access(self, kind: str, pointers: Any, mask: Array | None, itemsize: int) -> Array | None:
        """Check an access; returns the lanes that may go ahead, or None where all may."""
        addresses = np.asarray(pointers)
        if mask is not None:
            mask = mask.astype(bool)  # `a & b` of comparisons may come as integers, which would index
        active = addresses if mask is None else addresses[np.broadcast_to(mask, addresses.shape)]
        if active.size == 0:
            return None
        low, high = int(active.min()), int(active.max()) + itemsize
        at = bisect.bisect_right(self.starts, low) - 1
        if at >= 0:
            region = self.regions[at]
            if region.data[0] <= low and high <= region.data[1]:
                index = ((active - np.uint64(region.start)) // np.uint64(itemsize)).astype(np.int64)
                if region.member is None or region.member[index].all():
                    if kind != "load" and region.stored is not None:
                        region.stored[index] = True
                    return None
        return self._violation(kind, addresses, mask, itemsize)

    def _violation(self, kind: str, addresses: Array, mask: Array | None, itemsize: int) -> Array:
        lanes = np.ones(addresses.shape, dtype=bool) if mask is None else np.broadcast_to(mask, addresses.shape).copy()
        inside = np.zeros(addresses.shape, dtype=bool)
        flat, active, allowed = addresses.reshape(-1), lanes.reshape(-1), inside.reshape(-1)
        bad: dict[int, tuple[Region | None, int]] = {}
        for lane in np.flatnonzero(active):
            address = int(flat[lane])
            at = bisect.bisect_right(self.starts, address) - 1
            region = self.regions[at] if at >= 0 else None
            if region is None or address + itemsize > region.end:
                bad[int(lane)] = (self._nearest(address), address)
                continue
            allowed[lane] = True
            index = (address - region.start) // itemsize
            member = region.data[0] <= address and address + itemsize <= region.data[1]
            if member and region.member is not None:
                member = bool(region.member[index])
            if not member:
                bad[int(lane)] = (region, address)
            elif kind != "load" and region.stored is not None:
                region.stored[index] = True
        if bad:
            region, address = next(iter(bad.values()))
            self._record(kind, region, address, itemsize, len(bad), mask is None or self.unmasked)
        return np.asarray(inside & lanes)

    def _nearest(self, address: int) -> Region | None:
        named = [r for r in self.regions if r.name]
        return min(named, key=lambda r: min(abs(r.start - address), abs(r.end - address)), default=None)

    def _record(
        self, kind: str, region: Region | None, address: int, itemsize: int, lanes: int, unmasked: bool
    ) -> None:
        line = self.line()
        name = region.name if region else None
        key = (kind, name, line, unmasked)
        if key in self.violations:
            self.violations[key]["lanes"] += lanes
            return
        offset = extent = 0
        if region is not None and region.layout is not None:
            offset = (address - region.start) // itemsize - region.layout.offset
            extent = region.layout.extent
        program = triton_interpreter.interpreter_builder.grid_idx
        self.violations[key] = {
            "kind": kind,
            "name": name,
            "line": line,
            "unmasked": unmasked,
            "offset": offset,
            "extent": extent,
            "lanes": lanes,
            "program": [int(i) for i in program] if program else [],
        }

    def report(self) -> dict[str, Any]:
        """What the call did, for the judge."""
        return {
            "launches": self.launches,
            "programs": self.programs,
            "operators": [{"name": n, "line": line, "count": c} for (n, line), c in self.operators.items()],
            "violations": list(self.violations.values()),
        }


class OperatorWatch(TorchDispatchMode):  # type: ignore[misc]
    """Notes every aten operator outside the allow-list, and gives kernels access to what the others return."""

    def __init__(self, watch: Watch) -> None:
        super().__init__()
        self.watch = watch

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        # torch wraps a mode so that dynamo looks away, and imports dynamo for that at the first operator: 1.4 s.
        return False

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        watch = self.watch
        result = func(*args, **(kwargs or {}))
        if watch.silent:
            return result
        name = func._schema.name
        own = watch.in_launch and not watch.in_body and name in INTERPRETER_OWN
        if not own and name not in watch.allowed and not (name == "aten::fill_" and func._overloadname == "Scalar"):
            watch.operator(name)
        if not own:
            watch.keep(result)
            if name in COPIES or name in ("aten::zero_", "aten::fill_"):
                target = result if isinstance(result, torch.Tensor) else None
                if target is not None:
                    watch.filled.add(target.untyped_storage().data_ptr())
        return result


def install(watch: Watch) -> None:
    """Wrap the interpreter's memory operations, its launches and torch's roads to the host, for this process's life."""
    builder = triton_interpreter.interpreter_builder
    load, store = builder.create_masked_load, builder.create_masked_store
    plain_load, plain_store = builder.create_load, builder.create_store
    handle = triton_interpreter.TensorHandle

    def array(mask: Any) -> Array:  # block pointers hand over a bare array
        return mask if isinstance(mask, np.ndarray) else np.asarray(mask.data)

    def lanes(mask: Any, allowed: Array | None) -> Any:
        return mask if allowed is None else handle(allowed, tl.int1)

    def itemsize(pointer: Any) -> int:
        return max(1, int(pointer.get_element_ty().primitive_bitwidth) // 8)

    def masked_load(ptrs: Any, mask: Any, *rest: Any, **named: Any) -> Any:
        return load(ptrs, lanes(mask, watch.access("load", ptrs.data, array(mask), itemsize(ptrs))), *rest, **named)

    def masked_store(ptrs: Any, value: Any, mask: Any, *rest: Any, **named: Any) -> Any:
        allowed = watch.access("store", ptrs.data, array(mask), itemsize(ptrs))
        return store(ptrs, value, lanes(mask, allowed), *rest, **named)

    def without_mask(function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **named: Any) -> Any:
            watch.unmasked = True
            try:
                return function(*args, **named)
            finally:
                watch.unmasked = False

        return call

    def block_access(function: Callable[..., Any], position: int) -> Callable[..., Any]:
        def call(*args: Any, **named: Any) -> Any:
            checked = named["boundary_check"] if "boundary_check" in named else args[position]
            watch.unmasked = not checked
            try:
                return function(*args, **named)
            finally:
                watch.unmasked = False

        return call

    rmw, cas = builder.create_atomic_rmw, builder.create_atomic_cas

    def atomic_rmw(operation: Any, ptr: Any, value: Any, mask: Any, *rest: Any) -> Any:
        allowed = watch.access("store", ptr.data, array(mask), itemsize(ptr))
        return rmw(operation, ptr, value, lanes(mask, allowed), *rest)

    def atomic_cas(ptr: Any, *rest: Any) -> Any:
        if watch.access("store", ptr.data, None, itemsize(ptr)) is not None:
            raise IndexError("atomic_cas outside its tensor")
        return cas(ptr, *rest)

    builder.create_masked_load, builder.create_masked_store = masked_load, masked_store
    builder.create_load, builder.create_store = without_mask(plain_load), without_mask(plain_store)
    builder.create_atomic_rmw, builder.create_atomic_cas = atomic_rmw, atomic_cas
    # Gone in triton 3.9, where block pointers are descriptors.
    for name, position in (("create_tensor_pointer_load", 1), ("create_tensor_pointer_store", 2)):
        if hasattr(builder, name):
            setattr(builder, name, block_access(getattr(builder, name), position))

    step = builder.set_grid_idx

    def set_grid_idx(*index: int) -> None:
        watch.programs += 1
        watch.in_body = True
        step(*index)

    builder.set_grid_idx = set_grid_idx

    executor = triton_interpreter.GridExecutor
    launch, hand_back = executor.__call__, executor._restore_args_dev

    def handed_back(self: Any, *args: Any) -> Any:
        watch.in_body = False
        return hand_back(self, *args)

    def launched(self: Any, *args: Any, **named: Any) -> Any:
        watch.launches += 1
        for value in (*args, *named.values()):
            watch.keep(value)
        watch.in_launch = True
        try:
            return launch(self, *args, **named)
        finally:
            watch.in_launch = watch.in_body = False

    executor.__call__, executor._restore_args_dev = launched, handed_back
    _patch_index()
    _watch_host_access(watch)


def _patch_index() -> None:
    """Triton 3.6 under numpy 2.4 and later cannot take a loop bound from tl.program_id; 3.7 mends it this way."""
    patch = triton_interpreter._patch_lang_tensor

    def patched(tensor: Any, *rest: Any) -> Any:
        result = patch(tensor, *rest)
        tensor.__index__ = lambda self: int(self.handle.data.squeeze())
        return result

    triton_interpreter._patch_lang_tensor = patched


def _watch_host_access(watch: Watch) -> None:
    """Values that leave torch for Python or numpy go round the operators; printing a tensor stays allowed."""

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
