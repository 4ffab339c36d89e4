"""Where bytes come from: what a kernel reads must be an input, a constant, or what the submission's own kernels wrote.

Each storage that torch allocates while watched is sealed: its content is digested after every fill, copy and launch,
and looked at again before the next. Bytes that changed in between were written by neither kernel nor torch: by ctypes,
numpy, a thread, an operator that was hidden from the watch. A storage that was never sealed holds data made elsewhere.
It may be a table of a few numbers (the shapes of a grouped product), and nothing that could hold an answer.
"""

from __future__ import annotations

import ctypes
import threading
import zlib
from dataclasses import dataclass
from typing import Any

import torch
from triton.runtime import interpreter as triton_interpreter

from prep.grading.worker.plan import TABLE_BYTES, Plan
from prep.grading.worker.watch import Watch

HOST_WRITE = "host-write"
HOST_DATA = "host-data"
THREAD = "thread"
"""Names of roads that are no operator; diagnosis/words.py has their words."""


@dataclass(slots=True)
class _Seal:
    digest: int
    start: int
    size: int
    reference: int
    """A weak reference to the storage, as torch counts them: an address may be given to another one later."""


class Provenance:
    """The storages of known content, over the worker's whole life."""

    def __init__(self, watch: Watch) -> None:
        self.watch = watch
        self._seals: dict[int, _Seal] = {}
        self._held: list[Any] = []
        self._tables: dict[int, int] = {}
        self._parameters: list[int] = []
        self._made: dict[int, str] = {}
        """Address -> the operator that computed the content at import."""

    def begin(self, parameters: dict[int, tuple[int, int, torch.Tensor]]) -> None:
        """Start a call; `parameters`: address of a storage -> where its data starts, its size, the storage."""
        self._held, self._tables = [], {}
        for address in [a for a, seal in self._seals.items() if torch.UntypedStorage._expired(seal.reference)]:
            torch.UntypedStorage._free_weak_ref(self._seals.pop(address).reference)
        self._parameters = list(parameters)
        for address, (start, size, storage) in parameters.items():
            self._add(storage.untyped_storage(), address, start, size)

    def end(self) -> None:
        """The entry has returned: what no kernel and no torch operator wrote, and who is still at work."""
        for address in self._parameters:
            self._check(address)
        if threading.active_count() > 1:
            self.watch.operator(THREAD)

    def seal(self, value: Any) -> None:
        """Torch filled, copied or allocated this, or an operator that the exercise allows computed it."""
        for tensor in _tensors(value):
            storage = tensor.untyped_storage()
            address, size = storage.data_ptr(), storage.nbytes()
            if address in self._seals:
                self._renew(address)
            elif size:
                self._add(storage, address, address, size)
                self._made.pop(address, None)

    def made(self, value: Any, operator: str) -> None:
        """An operator that is not allowed computed this, at import: no harm is done before a kernel reads it."""
        for tensor in _tensors(value):
            storage = tensor.untyped_storage()
            self._held.append(storage)
            self._made[storage.data_ptr()] = operator

    def check(self, value: Any) -> None:
        """A kernel or a copy is about to read this, or to write a part of it."""
        for tensor in _tensors(value):
            storage = tensor.untyped_storage()
            address, size = storage.data_ptr(), storage.nbytes()
            if address in self._seals:
                self._check(address)
            elif address in self._made:
                self.watch.operator(self._made[address])
            elif size:
                self._tables[address] = size
                if sum(self._tables.values()) > TABLE_BYTES:
                    self.watch.operator(HOST_DATA)

    def _add(self, storage: Any, address: int, start: int, size: int) -> None:
        self._held.append(storage)
        old = self._seals.pop(address, None)
        if old is not None:
            torch.UntypedStorage._free_weak_ref(old.reference)
        self._seals[address] = _Seal(_digest(start, size), start, size, storage._weak_ref())

    def _renew(self, address: int) -> None:
        seal = self._seals[address]
        seal.digest = _digest(seal.start, seal.size)

    def _check(self, address: int) -> None:
        seal = self._seals[address]
        if torch.UntypedStorage._expired(seal.reference):
            return
        digest = _digest(seal.start, seal.size)
        if digest != seal.digest:
            seal.digest = digest
            self.watch.operator(HOST_WRITE)


def install(provenance: Provenance, plan: Plan) -> None:
    """Look at what launches read and write, for this process's life."""
    executor = triton_interpreter.GridExecutor
    launch = executor.__call__

    def launched(self: Any, *args: Any, **named: Any) -> Any:
        arguments = [*args, *named.values()]
        provenance.check(arguments)
        step = plan.launch(self, args, named) if plan.active else None
        try:
            return launch(self, *args, **named)
        finally:
            provenance.seal([t for t in _tensors(arguments) if t.untyped_storage().data_ptr() in provenance._seals])
            if step is not None:
                plan.steps.append([*step, [int(n) for n in triton_interpreter.interpreter_builder.grid_dim]])

    executor.__call__ = launched


def _tensors(value: Any) -> list[torch.Tensor]:
    """The tensors in an argument or result: bare, in tuples, in descriptors, reinterpreted."""
    if isinstance(value, torch.Tensor):
        return [value]
    if isinstance(value, list | tuple):
        return [tensor for item in value for tensor in _tensors(item)]
    base = getattr(value, "base", None)
    return _tensors(base) if base is not None else []


def _digest(start: int, size: int) -> int:
    memory: Any = (ctypes.c_uint8 * size).from_address(start)
    return zlib.crc32(memory)
