"""What the worker notes while a submission runs: every load and store outside its tensor, every torch operator.

A pointer that a kernel gets carries the number of its tensor in the bits above the address, and pointer arithmetic
keeps them: each access is checked against the tensor that it was meant for, wherever it leads. Lanes that leave its
storage are switched off, so that they are reported instead of crashing the process. All of this is evidence for the
diagnosis: a verdict of "passed" never rests on it alone, the judge compares raw bytes.
"""

from __future__ import annotations

import bisect
import ctypes
import sys
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from prep.grading.buffers import Layout
from prep.grading.dtypes import Array
from prep.grading.worker.trace import Shadow, Trace

ADDRESS = np.uint64((1 << 48) - 1)
"""An address of user space has 47 bits; the ones from 48 on carry the tensor's number."""

_HALF = np.uint64(1 << 47)

_MOST_TAGS = 1 << 14


@dataclass(slots=True, eq=False)
class Region:
    """A storage that kernels may touch; addresses in bytes."""

    start: int
    end: int
    name: str | None = None
    layout: Layout | None = None
    member: Array | None = None
    """Bool for each element of the storage; None where all of `data` belongs."""

    data: tuple[int, int] = (0, 0)
    itemsize: int = 1
    shape: tuple[int, ...] = ()
    traced: bool = True
    """Inputs are traced only once somebody stores into them."""

    fresh: bool = False
    """Allocated and never filled: what it holds is whatever was there before."""

    arena: int = 0
    """Address of the allocation that a parameter's storage lies in; its moats belong to nobody."""

    tag: int = 0
    shadow: Shadow | None = None

    @property
    def nbytes(self) -> int:
        return self.end - self.start

    def shadowed(self) -> Shadow:
        if self.shadow is None:
            self.shadow = Shadow(self.start, self.nbytes, self.itemsize)
        return self.shadow

    def place(self, address: int) -> dict[str, Any]:
        """The element at an address: offset from the tensor's first one, and its coordinates."""
        if self.layout is not None:
            offset = (address - self.start) // self.layout.dtype.itemsize - self.layout.offset
            return {
                "offset": offset,
                "extent": self.layout.extent,
                "index": coordinates(offset, self.layout.shape, self.layout.strides),
                "shape": list(self.layout.shape),
            }
        offset = (address - self.start) // self.itemsize
        strides = [int(np.prod(self.shape[i + 1 :], dtype=np.int64)) for i in range(len(self.shape))]
        return {
            "offset": offset,
            "extent": self.nbytes // self.itemsize,
            "index": coordinates(offset, self.shape, tuple(strides)),
            "shape": list(self.shape),
        }


def coordinates(offset: int, shape: tuple[int, ...], strides: tuple[int, ...]) -> list[int]:
    """The index of an element, from its distance to the first; the outermost coordinate may lie outside the shape."""
    index = [0] * len(shape)
    for axis in sorted(range(len(shape)), key=lambda a: (-strides[a], shape[a])):
        if strides[axis]:
            index[axis], offset = divmod(offset, strides[axis])
    return index


@dataclass(slots=True)
class Access:
    """Where one load, store or atomic may go ahead."""

    addresses: Array
    """Without tags."""

    lanes: Array | None
    """Bool for each lane; None where all that the mask leaves may."""

    region: Region | None = None
    index: Array | None = None
    """Elements of the region's shadow, for each lane that goes ahead; None where nothing is traced."""


@dataclass
class Watch:
    """Collects what one call did; `begin()` starts a new one."""

    filename: str
    allowed: frozenset[str]
    regions: list[Region] = field(default_factory=list)
    starts: list[int] = field(default_factory=list)
    tagged: list[Region] = field(default_factory=list)
    launches: int = 0
    operators: dict[tuple[str, int | None], int] = field(default_factory=dict)
    violations: dict[tuple[str, str | None, int | None, bool], dict[str, Any]] = field(default_factory=dict)
    uninitialised: dict[tuple[str | None, int | None], dict[str, Any]] = field(default_factory=dict)
    kept: list[Any] = field(default_factory=list)
    filled: set[int] = field(default_factory=set)
    arenas: dict[int, Region] = field(default_factory=dict)
    order: str = "forward"
    seed: int = 0
    poison: int = 0xFF
    """What every byte of memory that torch.empty returns is set to."""

    in_launch: bool = False
    in_body: bool = False
    """Inside a launch, while programs run: there nothing is the interpreter's own."""

    silent: int = 0
    unmasked: bool = False

    def __post_init__(self) -> None:
        self.trace = Trace(self.line)

    def begin(self, regions: list[Region], order: str = "forward", seed: int = 0, stale: float = 0.0) -> None:
        """Forget the last call; `regions` are the parameters' storages, `order` that of each launch's programs."""
        self.launches = 0
        self.operators, self.violations, self.uninitialised, self.kept, self.filled = {}, {}, {}, [], set()
        self.regions, self.starts, self.tagged = [], [], []
        self.arenas = {}
        self.order, self.seed = order, seed
        self.poison = 0xFF if order == "forward" else 0x5A
        self.trace.begin(stale, seed)
        for region in regions:
            self._add(region)

    @property
    def programs(self) -> int:
        """How many programs ran so far."""
        return len(self.trace.programs)

    def _add(self, region: Region) -> Region:
        at = bisect.bisect_left(self.starts, region.start)
        if at < len(self.starts) and self.starts[at] == region.start:
            if self.regions[at].layout is not None or region.end <= self.regions[at].end:
                return self.regions[at]
            self.regions[at] = region
        else:
            self.starts.insert(at, region.start)
            self.regions.insert(at, region)
        if len(self.tagged) < _MOST_TAGS:
            self.tagged.append(region)
            region.tag = len(self.tagged)
        self.arenas[region.arena] = region
        return region

    def keep(self, value: Any, name: str | None = None) -> None:
        """Let kernels touch what torch gave the submission, and keep it alive so that its address stays its own."""
        if isinstance(value, torch.Tensor):
            self._kept(value, name)
        elif isinstance(value, list | tuple):
            for item in value:
                self.keep(item, name)
        elif hasattr(value, "base"):  # a descriptor, or a tensor seen with another dtype
            self.keep(value.base, name)

    def _kept(self, tensor: torch.Tensor, name: str | None) -> Region | None:
        storage = tensor.untyped_storage()
        start, nbytes = storage.data_ptr(), storage.nbytes()
        if not nbytes:
            return None
        region = self.arenas.get(start)
        if region is None or (region.end - region.start < nbytes and region.layout is None):
            self.kept.append(tensor)
            shape = tuple(tensor.shape) if tensor.numel() * tensor.element_size() == nbytes else ()
            region = Region(
                start,
                start + nbytes,
                data=(start, start + nbytes),
                itemsize=tensor.element_size(),
                shape=shape or (nbytes // tensor.element_size(),),
                arena=start,
            )
            region = self._add(region)
        if name is not None and region.name is None:
            region.name = name
        return region

    def allocated(self, value: Any) -> None:
        """Memory that torch.empty gave: set it to what no kernel can take for a result."""
        if isinstance(value, torch.Tensor):
            storage = value.untyped_storage()
            if storage.nbytes() and (region := self._kept(value, None)) is not None and region.layout is None:
                ctypes.memset(storage.data_ptr(), self.poison, storage.nbytes())
                region.fresh = True

    def tag(self, tensor: Any) -> int:
        """What to add to a pointer to the tensor, so that accesses through it are checked against its storage."""
        base = getattr(tensor, "base", tensor)
        region = self.arenas.get(base.untyped_storage().data_ptr()) if isinstance(base, torch.Tensor) else None
        return region.tag << 48 if region is not None else 0

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

    def access(self, kind: str, pointers: Any, mask: Array | None, itemsize: int) -> Access:
        """Check an access of `kind` load, store or atomic."""
        addresses = np.asarray(pointers)
        if mask is None:
            active = addresses.reshape(-1)
        else:
            mask = np.broadcast_to(
                mask.astype(bool, copy=False), addresses.shape
            )  # `a & b` of comparisons may come as integers
            # Picking lanes costs 20 times what the question whether all are picked does.
            active = addresses.reshape(-1) if mask.all() else addresses[mask]
        if active.size == 0:
            return Access(addresses & ADDRESS, None)
        low, high = int(active.min()), int(active.max())
        if low >> 48 == high >> 48 and (region := self._region(low)) is not None:
            base = low >> 48 << 48
            if region.data[0] <= low - base and high - base + itemsize <= region.data[1]:
                inside = True
                if region.member is not None:
                    at = (active - np.uint64(base + region.start)) >> np.uint64(region.itemsize.bit_length() - 1)
                    inside = bool(region.member[at.view(np.int64)].all())
                if inside:
                    index = self._traced(kind, region, active - np.uint64(base) if base else active, itemsize)
                    return Access(addresses & ADDRESS if base else addresses, None, region, index)
        return self._violation(kind, addresses, mask, itemsize)

    def _region(self, pointer: int) -> Region | None:
        # Addresses of a process end below 2^47: half a tag up, one that ran below 0 does not borrow from the tag.
        tag, address = divmod(pointer + int(_HALF), 1 << 48)
        address -= int(_HALF)
        if tag:
            return self.tagged[tag - 1] if tag <= len(self.tagged) else None
        at = bisect.bisect_right(self.starts, address) - 1
        return self.regions[at] if at >= 0 else None

    def _traced(self, kind: str, region: Region, active: Array, itemsize: int) -> Array | None:
        if kind != "load":
            region.traced = True
        if not region.traced:
            return None
        shadow = region.shadowed()
        index = shadow.index(active, itemsize)
        if kind != "store" and self._unwritten(region):
            never = shadow.writer[index] == 0
            if never.any():
                self._read_uninitialised(
                    region, int(active[int(np.flatnonzero(never)[0]) * active.size // index.size]), never
                )
        return index

    def _unwritten(self, region: Region) -> bool:
        if region.arena in self.filled:
            return False
        return region.fresh if region.layout is None else region.layout.role == "out"

    def _read_uninitialised(self, region: Region, address: int, never: Array) -> None:
        key = (region.name, self.line())
        if key in self.uninitialised:
            self.uninitialised[key]["lanes"] += int(never.sum())
        elif len(self.uninitialised) < 16:
            self.uninitialised[key] = {
                "name": region.name,
                "line": key[1],
                "lanes": int(never.sum()),
                "program": self.program(),
                **region.place(address),
            }

    def _violation(self, kind: str, addresses: Array, mask: Array | None, itemsize: int) -> Access:
        lanes = np.ones(addresses.shape, dtype=bool) if mask is None else mask
        flat = addresses.reshape(-1)
        where = np.flatnonzero(lanes.reshape(-1))
        active = flat[where]
        # Each lane's region: by its tag, or by its address where the pointer came from an integer.
        regions = [self._region(int(p)) for p in active]
        plain = ((active + _HALF) & ADDRESS).astype(np.int64) - np.int64(_HALF)
        allowed = np.zeros(addresses.size, dtype=bool)
        indices: list[Array] = []
        traced: Region | None = None
        for region in dict.fromkeys(regions):
            mine = np.array([r is region for r in regions])
            if region is None:
                self._record(kind, None, int(plain[mine][0]), int(mine.sum()), mask is None or self.unmasked)
                continue
            stored = mine & (plain >= region.start) & (plain + itemsize <= region.end)
            member = stored & (plain >= region.data[0]) & (plain + itemsize <= region.data[1])
            if region.member is not None:
                member[member] = region.member[(plain[member] - region.start) // region.itemsize]
            bad = mine & ~member
            if bad.any():
                first = int(plain[bad][0])
                self._record(kind, region, first, int(bad.sum()), mask is None or self.unmasked)
            allowed[where[stored]] = True
            if stored.any():
                index = self._traced(kind, region, plain[stored].astype(np.uint64), itemsize)
                if index is not None:
                    traced = region
                    indices.append(index)
        # Traced are accesses within one storage; pointers to several in one block are checked, and no more.
        one = traced is not None and len(indices) == 1 and indices[0].size % max(1, int(allowed.sum())) == 0
        return Access(
            addresses & ADDRESS,
            allowed.reshape(addresses.shape),
            traced if one else None,
            indices[0] if one else None,
        )

    def program(self) -> list[int]:
        """The program that runs, in as many numbers as its grid has dimensions of more than one."""
        trace = self.trace
        return trace.shown(trace.base + trace.current.number) if trace.current is not None else []

    def _record(self, kind: str, region: Region | None, address: int, lanes: int, unmasked: bool) -> None:
        line = self.line()
        name = region.name if region else None
        key = ("load" if kind == "load" else "store", name, line, unmasked)
        if key in self.violations:
            self.violations[key]["lanes"] += lanes
            return
        place = region.place(address) if region is not None else {"offset": 0, "extent": 0, "index": [], "shape": []}
        self.violations[key] = {
            "kind": key[0],
            "name": name,
            "line": line,
            "unmasked": unmasked,
            "lanes": lanes,
            "program": self.program(),
            **place,
        }

    def _where(self, address: int) -> dict[str, Any]:
        region = self._region(address)
        return region.place(address) if region is not None else {"index": [], "shape": []}

    def report(self) -> dict[str, Any]:
        """What the call did, for the judge."""
        trace = self.trace
        return {
            "launches": self.launches,
            "programs": self.programs,
            "operators": [{"name": n, "line": line, "count": c} for (n, line), c in self.operators.items()],
            "violations": list(self.violations.values()),
            "uninitialised": list(self.uninitialised.values()),
            "conflicts": [{**conflict, **self._where(conflict["address"])} for conflict in trace.conflicts.values()],
            "shared": trace.shared,
            "atomics": trace.atomics,
            "one_each": trace.alone,
            "where": [list(index) for index in trace.programs],
            "stored_inputs": [r.name for r in self.tagged if r.layout and r.layout.role == "in" and r.shadow],
        }
