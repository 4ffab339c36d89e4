"""Who stored and who loaded each element, and whether two programs may do so at the same time.

Programs of one launch are unordered, but for what atomics order: an atomic with release semantics publishes all that
its program did so far, one with acquire semantics that meets it later sees that (vector clocks; triton's default is
both, `relaxed` is neither). Locks, counters that let the last program reduce, and flags are right by that rule,
whatever the order of programs was; the same without the atomic is not. Launches are ordered among each other.

Two programs conflict over an element when neither is ordered before the other, one of them stores, not both are atomic,
and it can matter: equal bits stored twice do no harm. Whether a conflict does matter is then seen in a run with
*stale* memory, in which each unordered load may get what memory held before the launch, and each unordered store may
come first: a value that is thrown away stays harmless, a lost update shows in the result.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any

import numpy as np

from prep.grading.dtypes import Array
from prep.grading.worker.order import Program, Programs

LIMIT = 24
"""Conflicts of different lines and kinds that are reported; one would do."""

UNSIGNED = {1: np.uint8, 2: np.uint16, 4: np.uint32, 8: np.uint64}


class Shadow:
    """What is known of each element of a storage: the accesses that last stored and loaded it, by number."""

    def __init__(self, start: int, nbytes: int, itemsize: int) -> None:
        self.start = start
        self.nbytes = nbytes
        self.itemsize = itemsize
        count = max(1, nbytes // itemsize)
        self.writer = np.zeros(count, dtype=np.int32)
        """0: no kernel stored here since the call began."""

        self.reader = np.zeros(count, dtype=np.int32)
        self.reader_before = np.zeros(count, dtype=np.int32)
        """The last reader that is another program than `reader`."""

        self.last_read = 0
        self.memory = self._memory()
        """The storage as it is now, one number of `itemsize` bytes for each element."""

        self.released: Array | None = None
        """For each element the vector clock that an atomic published there, by number; 0: none."""

        self.snapshot: Array | None = None
        """The storage's bytes before the launch's first store into it."""

    def index(self, addresses: Array, itemsize: int) -> Array:
        """Elements that the addresses stand for; another item size, as a cast pointer has, changes the granule."""
        if itemsize < self.itemsize:
            self._refine(itemsize)
        # Shifted, not divided: item sizes are powers of two, and dividing 64-bit integers takes five times as long.
        at: Array = ((addresses - np.uint64(self.start)) >> np.uint64(self.itemsize.bit_length() - 1)).view(np.int64)
        if itemsize > self.itemsize:
            at = (at[:, None] + np.arange(itemsize // self.itemsize)).reshape(-1)
        return at

    def _refine(self, itemsize: int) -> None:
        times = self.itemsize // itemsize
        self.writer, self.reader = np.repeat(self.writer, times), np.repeat(self.reader, times)
        self.reader_before = np.repeat(self.reader_before, times)
        if self.released is not None:
            self.released = np.repeat(self.released, times)
        self.itemsize = itemsize
        self.memory = self._memory()

    def _memory(self) -> Array:
        raw: Any = (ctypes.c_uint8 * (self.writer.size * self.itemsize)).from_address(self.start)
        return np.frombuffer(raw, dtype=UNSIGNED[self.itemsize])

    def before(self, addresses: Array, itemsize: int) -> Array:
        """What the snapshot holds there, as unsigned numbers."""
        assert self.snapshot is not None
        raw = self.snapshot.view(np.uint8)
        at = ((addresses - np.uint64(self.start)) // np.uint64(itemsize)).astype(np.int64)
        old: Array = raw[: raw.size // itemsize * itemsize].view(UNSIGNED[itemsize])[at]
        return old

    def by(self, itemsize: int) -> Array:
        """`writer` for elements of `itemsize` bytes: of several stores, the later one."""
        if itemsize == self.itemsize:
            return self.writer
        latest: Array = self.writer.reshape(-1, itemsize // self.itemsize).max(axis=1)
        return latest


class Trace:
    """The accesses of one call of the entry."""

    def __init__(self, line: Callable[[], int | None]) -> None:
        self.line = line
        self.begin()

    def begin(self, stale: float = 0.0, seed: int = 0) -> None:
        """Forget the last call; `stale`: how often an unordered access gets the other outcome."""
        self.stale = stale
        self.random = np.random.default_rng(seed)
        self.count = 1  # number of the next access; 0 means none
        self.first = 1  # number of the launch's first access
        self.base = 0  # programs of earlier launches
        self.programs: list[tuple[int, ...]] = []
        capacity = 1024
        self.program = np.zeros(capacity, dtype=np.int32)
        self.clock = np.zeros(capacity, dtype=np.int32)
        self.lines = np.zeros(capacity, dtype=np.int32)
        self.atomic_ones = np.zeros(capacity, dtype=bool)
        self.clocks: dict[int, Array] = {}
        self.launch_shadows: list[Shadow] = []
        self.running: Programs | None = None
        self.current: Program | None = None
        self.shared = False
        """Did programs of a launch touch the same element, one of them storing?"""

        self.atomics = False
        self.alone = True
        """Had every launch one program?"""

        self.conflicts: dict[tuple[str, str | None, int, int], dict[str, Any]] = {}

    def launch(self, programs: Programs) -> None:
        """A launch begins: what earlier ones did is ordered before it."""
        for shadow in self.launch_shadows:
            shadow.released = shadow.snapshot = None
        self.launch_shadows, self.clocks = [], {}
        self.base = len(self.programs)
        self.first = self.count
        self.running = programs
        self.current = None

    def enter(self, program: Program) -> None:
        """From here on it is `program` that runs."""
        missing = self.base + program.number + 1 - len(self.programs)
        if missing > 0:
            self.programs.extend([()] * missing)
            self.alone = self.alone and program.number == 0
        self.programs[self.base + program.number] = program.index
        self.current = program

    def _number(self, kind: str) -> int:
        """A number for an access of the program that runs."""
        number = self.count
        if number == len(self.program):
            for table in ("program", "clock", "lines", "atomic_ones"):
                setattr(self, table, np.concatenate([getattr(self, table), np.zeros_like(getattr(self, table))]))
        program = self.current
        if program is not None:
            self.program[number] = self.base + program.number
            self.clock[number] = program.clock
        self.lines[number] = self.line() or 0
        self.atomic_ones[number] = kind == "atomic"
        self.count += 1
        return number

    def _unordered(self, accesses: Array) -> Array:
        """Bool: accesses of this launch by other programs that are not known to have come before."""
        program = self.current
        if program is None or accesses.size == 0 or int(accesses.max()) < self.first:
            return np.zeros(accesses.shape, dtype=bool)
        of = self.program[accesses]
        other: Array = (accesses >= self.first) & (of != self.base + program.number)
        if other.any():
            self.shared = True
            if program.known is not None:
                seen = program.known[np.where(other, of - self.base, 0)]
                other &= self.clock[accesses] > seen
        return other

    def _touch(self, shadow: Shadow) -> None:
        """Before the launch's first store into a storage: keep what it held."""
        if shadow.snapshot is None:
            shadow.snapshot = shadow.memory.copy()
            self.launch_shadows.append(shadow)

    # What the hooks tell

    def load(self, shadow: Shadow, name: str | None, index: Array) -> Array | None:
        """Note a load. In a run with stale memory: which of the elements are to be served from before the launch."""
        old = None
        writer = shadow.writer[index]
        unordered = self._unordered(writer)
        if unordered.any() and shadow.snapshot is not None:
            before = _at(shadow, shadow.snapshot, index)
            unordered &= before != shadow.memory[index]
            if unordered.any():
                self._conflict("load", shadow, name, index, unordered, writer)
                if self.stale:
                    old = unordered & (self.random.random(index.size) < self.stale)
        number = self._number("load")
        reader = shadow.reader[index]
        if int(reader.max(initial=0)) >= self.first:
            other = (reader >= self.first) & (self.program[reader] != self.program[number])
            if other.any():
                shadow.reader_before[index[other]] = reader[other]
        shadow.reader[index] = shadow.last_read = number
        return old

    def store(self, shadow: Shadow, name: str | None, index: Array, bits: Callable[[], Array]) -> Array | None:
        """Note a store. In a run with stale memory: which of the elements somebody else's store comes after."""
        self._touch(shadow)
        lost = None
        earlier = [("store", shadow.writer)]
        if shadow.last_read >= self.first:
            earlier += [("overwrite", shadow.reader), ("overwrite", shadow.reader_before)]
        for kind, last in earlier:
            accesses = last[index]
            unordered = self._unordered(accesses)
            if unordered.any():
                unordered &= shadow.memory[index] != bits()
                if unordered.any():
                    self._conflict(kind, shadow, name, index, unordered, accesses)
                    if self.stale and kind == "store":
                        lost = unordered & (self.random.random(index.size) < self.stale)
        number = self._number("store")
        shadow.writer[index] = number
        if shadow.released is not None:
            shadow.released[index] = 0
        return lost

    def stored(self, shadow: Shadow, name: str | None, index: Array, bits: Callable[[], Array]) -> None:
        """After a store: lanes of one program that stored different values into one element."""
        wanted = bits()
        differ = shadow.memory[index] != wanted
        if differ.any():
            self._conflict("lanes", shadow, name, index, differ, shadow.writer[index])
            if self.stale:  # the first of them comes last
                shadow.memory[index[::-1]] = wanted[::-1]

    def atomic(
        self, shadow: Shadow, name: str | None, index: Array, acquire: bool, release: bool, stores: bool = True
    ) -> None:
        """Note an atomic: it conflicts with plain accesses only, and may order what comes after it."""
        if stores:
            self._touch(shadow)
        self.atomics = True
        program = self.current
        writer = shadow.writer[index]
        if int(writer.max(initial=0)) >= self.first:
            unordered = self._unordered(writer) & ~self.atomic_ones[writer]
            if unordered.any():
                self._conflict("mixed", shadow, name, index, unordered, writer)
        if program is not None and self.running is not None and (acquire or release):
            if shadow.released is None:
                shadow.released = np.zeros(shadow.writer.size, dtype=np.int32)
            met = [int(i) for i in np.unique(shadow.released[index]) if i]
            if acquire and met:
                known = np.zeros(self.running.total, dtype=np.int32) if program.known is None else program.known
                for number in met:
                    known = np.maximum(known, self.clocks[number])
                program.known = known
        if not stores:
            return
        number = self._number("atomic")
        shadow.writer[index] = number
        if release and program is not None and self.running is not None and shadow.released is not None:
            mine = np.zeros(self.running.total, dtype=np.int32) if program.known is None else program.known.copy()
            mine[program.number] = program.clock
            for met_number in met if not acquire else []:
                mine = np.maximum(mine, self.clocks[met_number])
            program.clock += 1
            self.clocks[number] = mine
            shadow.released[index] = number
            if len(self.clocks) > 4096:
                self._forget_clocks()

    def _forget_clocks(self) -> None:
        live: set[int] = set()
        for shadow in self.launch_shadows:
            if shadow.released is not None:
                live.update(int(i) for i in np.unique(shadow.released))
        self.clocks = {number: clock for number, clock in self.clocks.items() if number in live}

    def shown(self, program: int) -> list[int]:
        """A program's index in its grid, in as many numbers as the grid has dimensions of more than one."""
        return list(self.programs[program][: self.running.dims if self.running is not None else 3])

    def _conflict(
        self, kind: str, shadow: Shadow, name: str | None, index: Array, lanes: Array, accesses: Array
    ) -> None:
        lane = int(np.flatnonzero(lanes)[0])
        other = int(accesses[lane])
        line = self.line() or 0
        key = (kind, name, int(self.lines[other]), line)
        if key in self.conflicts:
            self.conflicts[key]["lanes"] += int(lanes.sum())
        elif len(self.conflicts) < LIMIT:
            mine = self.shown(self.base + self.current.number) if self.current is not None else []
            self.conflicts[key] = {
                "kind": kind,
                "name": name,
                "address": shadow.start + int(index[lane]) * shadow.itemsize,
                "lanes": int(lanes.sum()),
                "first": {"program": self.shown(int(self.program[other])), "line": int(self.lines[other])},
                "second": {"program": mine, "line": line},
            }


def _at(shadow: Shadow, snapshot: Array, index: Array) -> Array:
    before: Array = snapshot.view(UNSIGNED[shadow.itemsize])[index]
    return before
