"""What the worker notes while a submission runs: every load and store outside its tensor, every torch operator.

Accesses outside every known storage are switched off lane by lane, so that they are reported instead of crashing the
process. All of this is evidence for the diagnosis: a verdict of "passed" never rests on it alone, the judge compares
raw bytes.
"""

from __future__ import annotations

import bisect
import sys
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from triton.runtime import interpreter as triton_interpreter

from prep.grading.buffers import Layout
from prep.grading.dtypes import Array


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

    arena: int = 0
    """Address of the allocation that a parameter's storage lies in; its moats belong to nobody."""


@dataclass
class Watch:
    """Collects what one call did; `begin()` starts a new one."""

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
    arenas: set[int] = field(default_factory=set)
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
        self.arenas = {region.arena for region in regions}
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
            if storage.nbytes() and storage.data_ptr() not in self.arenas:
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
