"""In which order a launch's programs run, and what happens when one of them waits for another.

A GPU promises no order. The interpreter runs programs one after the other; here the same programs run forward,
backward or shuffled. A program that spins, on a lock or on a flag, is set aside on a thread of its own and others go
on, one at a time, until what it waits for has come; in shuffled order programs also take turns after an atomic, where
a GPU would have them overlap. Only when every program that is left spins on memory that nobody changes is that a
deadlock.
"""

from __future__ import annotations

import contextvars
import inspect
import random
import threading
from collections import deque
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from triton.runtime import interpreter as triton_interpreter

from prep.grading.dtypes import Array

ROUNDS = 200
"""Turns without any change of memory that each waiting program gets before they count as deadlocked."""


_ANYWHERE = 1 << 64

_STACK = 1 << 20
"""Bytes of a thread's stack: of 8 MiB each, 260 programs that wait for each other took more than a worker has."""


class Deadlock(RuntimeError):
    """A program waits for what no program will do; says which."""


class _Abandoned(BaseException):
    """Unwinds a waiting program after another one failed."""


@dataclass(eq=False, slots=True)
class Program:
    """One program instance of the launch that runs."""

    index: tuple[int, ...]
    number: int
    """Among the launch's programs."""

    clock: int = 1
    known: Array | None = None
    """Vector clock: for each program, up to which of its clocks this one has seen what it did; None: nothing yet."""

    seen: set[tuple[str, int, int]] = field(default_factory=set)
    changes: int = -1
    repeats: int = 0
    asleep: tuple[int, int] | None = None
    """First and last address that it waits for, while it is parked; None where it can go on."""

    carrier: _Carrier | None = None


class _Carrier:
    """A thread that runs programs; it goes on when somebody hands it the baton."""

    def __init__(self) -> None:
        self.baton = threading.Semaphore(0)


class Programs:
    """Stands in for the kernel's function in one launch: the first call runs all programs, the others nothing."""

    def __init__(
        self,
        kernel: Callable[..., None],
        order: str,
        seed: int,
        entered: Callable[[Program], None],
        around: Callable[[], AbstractContextManager[Any]],
    ) -> None:
        # What the interpreter asks of the function it is about to call.
        self.__signature__ = inspect.signature(kernel)
        self.__globals__ = kernel.__globals__
        self.__name__ = kernel.__name__
        self.kernel = kernel
        self.order = order
        self.random = random.Random(seed)
        self.entered = entered
        self.around = around
        self.total = 0
        self.dims = 1
        """Dimensions of the grid, without trailing ones."""

        self.fresh: deque[Program] = deque()
        self.parked: list[Program] = []
        self.idlers: list[_Carrier] = []
        self.threads: list[threading.Thread] = []
        self.main = _Carrier()
        self.current: Program | None = None
        self.failure: BaseException | None = None
        self.idle = 0
        self.changes = 0
        self.arguments: dict[str, Any] = {}

    def __call__(self, **arguments: Any) -> None:
        if self.total:
            return
        builder = triton_interpreter.interpreter_builder
        grid = builder.grid_dim
        self.dims = max((axis + 1 for axis in range(3) if grid[axis] > 1), default=1)
        indices = [tuple(int(i) for i in index) for index in np.ndindex(*grid)]
        programs = [Program(index, number) for number, index in enumerate(indices)]
        if self.order == "backward":
            programs.reverse()
        elif self.order == "shuffled":
            self.random.shuffle(programs)
        self.total = len(programs)
        self.arguments = arguments
        self.fresh.extend(programs)
        self._carry(self.main)
        for carrier in (*self.idlers, *(p.carrier for p in self.parked)):
            if carrier is not None and carrier is not self.main:
                carrier.baton.release()
        for thread in self.threads:
            thread.join(1.0)
        if self.failure is not None:
            raise self.failure

    # What the program that runs does

    def observed(self, kind: str, address: int, size: int, waits: bool) -> None:
        """Note an access that changes nothing; one that repeats what it saw in unchanged memory lets others go on."""
        program = self.current
        if program is None:
            return
        if program.changes != self.changes:
            program.changes, program.repeats = self.changes, 0
            program.seen.clear()
        key = (kind, address, size)
        if key not in program.seen:
            program.seen.add(key)
            program.repeats = 0
        elif waits:
            program.repeats += 1
            # A plain load may be a loop that reads one value again and again, and mostly is.
            if program.repeats >= (1 if kind == "atomic" else ROUNDS):
                self.idle += 1
                if kind == "atomic" and not self.fresh and self.idle > ROUNDS * (len(self.parked) + 1):
                    raise Deadlock(", ".join(map(str, program.index[: self.dims])))
                wide = any(count > 1 for _, _, count in program.seen)
                addresses = [at for _, at, _ in program.seen]
                program.asleep = (0, _ANYWHERE) if wide else (min(addresses), max(addresses))
                self._pause()

    def changed(self, low: int, high: int) -> None:
        """Memory between two addresses was changed: whoever waits for it may find what it waits for."""
        self.changes += 1
        self.idle = 0
        for program in self.parked:
            if program.asleep is not None and program.asleep[0] <= high and low <= program.asleep[1]:
                program.asleep = None

    def overlap(self) -> None:
        """After an atomic, in shuffled order: perhaps another program is faster."""
        if self.order == "shuffled" and self.total > 1 and self.random.random() < 0.5:
            self._pause()

    # Taking turns

    def _choose(self) -> Program | None:
        # Those that wait for other memory than was changed find nothing new: letting 96 programs that meet at barriers
        # of their own look anyway took 20 s.
        awake = next((p for p in self.parked if p.asleep is None), None)
        if self.fresh and not (awake is not None and self.random.random() < 0.5):
            return self.fresh.popleft()
        if awake is not None:
            self.parked.remove(awake)
            return awake
        return self.parked.pop(0) if self.parked else None

    def _pause(self) -> None:
        me = self.current
        assert me is not None
        assert me.carrier is not None
        self.parked.append(me)
        program = self._choose()
        if program is None or program is me:
            return
        carrier = program.carrier
        if carrier is None:
            self.fresh.appendleft(program)
            carrier = self.idlers.pop() if self.idlers else self._new_carrier()
            if carrier is None:  # no more threads to be had
                self.parked.remove(me)
                return
        self._switch(me.carrier, carrier)
        if self.failure is not None:
            raise _Abandoned
        self._enter(me)

    def _enter(self, program: Program) -> None:
        program.asleep = None
        self.current = program
        triton_interpreter.interpreter_builder.grid_idx = program.index
        self.entered(program)

    def _switch(self, me: _Carrier, other: _Carrier) -> None:
        other.baton.release()
        me.baton.acquire()

    def _new_carrier(self) -> _Carrier | None:
        carrier = _Carrier()
        context = contextvars.copy_context()  # numpy keeps in it which floating-point errors are ignored

        def carry() -> None:
            carrier.baton.acquire()
            with self.around():
                self._carry(carrier)

        threading.stack_size(_STACK)
        thread = threading.Thread(target=context.run, args=(carry,), daemon=True)
        try:
            thread.start()
        except RuntimeError:
            return None
        self.threads.append(thread)
        return carrier

    def _carry(self, me: _Carrier) -> None:
        while self.failure is None:
            program = self._choose()
            if program is None:
                break
            if program.carrier is not None:
                self.idlers.append(me)
                self._switch(me, program.carrier)
                continue
            program.carrier = me
            self._enter(program)
            try:
                self.kernel(**self.arguments)
            except _Abandoned:
                break
            except BaseException as e:
                self.failure = self.failure or e
            self.idle = 0
        if me is not self.main:
            self.main.baton.release()
