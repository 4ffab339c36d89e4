"""Where the watch hooks in: the interpreter's memory operations and launches.

The interpreter keeps one builder object whose methods do all memory access; wrapping them gives addresses, masks,
program and source line of each. The names wrapped are the same from triton 3.6 to 3.9; their argument lists differ, so
whatever follows the ones used here is passed on.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import numpy as np
import triton.language as tl
from triton.runtime import interpreter as triton_interpreter

from prep.grading.dtypes import Array
from prep.grading.worker.order import Programs
from prep.grading.worker.trace import UNSIGNED
from prep.grading.worker.watch import Access, Watch


class _Hooks:
    """The interpreter's memory operations, watched."""

    def __init__(self, watch: Watch) -> None:
        builder = triton_interpreter.interpreter_builder
        self.watch = watch
        self.load, self.store = builder.create_masked_load, builder.create_masked_store
        self.rmw, self.cas = builder.create_atomic_rmw, builder.create_atomic_cas
        self.semantics: str | None = None
        """Of the atomic load or store that runs: triton 3.9 makes plain ones of them."""

    def masked_load(self, ptrs: Any, mask: Any, *rest: Any, **named: Any) -> Any:
        watch = self.watch
        given, size = _array(mask), _itemsize(ptrs)
        access = watch.access("load", ptrs.data, given, size)
        volatile = self.semantics is not None or bool(named.get("is_volatile", rest[-1] if rest else False))
        stale = None
        if access.index is not None and access.region is not None:
            shadow, name = access.region.shadowed(), access.region.name
            if self.semantics is not None:
                watch.trace.atomic(shadow, name, access.index, _acquires(self.semantics), False, stores=False)
            else:
                stale = watch.trace.load(shadow, name, access.index)
        self._observed("atomic" if volatile else "load", access, volatile or access.index is not None)
        lanes = _lanes(given, access.lanes)
        result = self.load(_pointers(ptrs, access), lanes, *rest, **named)
        if stale is not None and stale.any() and access.region is not None:
            # What memory held before the launch, in the lanes that nothing orders after the other program's store.
            old = access.region.shadowed().before(access.addresses[np.asarray(lanes.data)], size)
            data = result.data.copy()
            picked = data[np.asarray(lanes.data)]
            picked[stale] = old.view(picked.dtype)[stale]
            data[np.asarray(lanes.data)] = picked
            result.data = data
        return result

    def masked_store(self, ptrs: Any, value: Any, mask: Any, *rest: Any, **named: Any) -> Any:
        watch = self.watch
        given, size = _array(mask), _itemsize(ptrs)
        access = watch.access("store", ptrs.data, given, size)
        lanes = _lanes(given, access.lanes)
        if access.index is None or access.region is None:
            return self.store(_pointers(ptrs, access), value, lanes, *rest, **named)
        shadow, name = access.region.shadowed(), access.region.name
        chosen = np.broadcast_to(np.asarray(lanes.data), access.addresses.shape)

        def bits() -> Array:
            stored = np.broadcast_to(np.asarray(value.data), access.addresses.shape)[chosen]
            raw: Array = np.ascontiguousarray(stored).view(UNSIGNED[shadow.itemsize])
            return raw

        if self.semantics is not None:
            watch.trace.atomic(shadow, name, access.index, False, _releases(self.semantics))
        else:
            lost = watch.trace.store(shadow, name, access.index, bits)
            if lost is not None and lost.any():
                mine = np.ones(access.index.size, dtype=bool)
                mine[lost] = False
                keep = chosen.copy()
                keep[chosen] = mine.reshape(int(chosen.sum()), -1).all(axis=1)
                self.store(_pointers(ptrs, access), value, _lanes(keep, None), *rest, **named)
                self._changed(access)
                return None
        self.store(_pointers(ptrs, access), value, lanes, *rest, **named)
        if self.semantics is None:
            watch.trace.stored(shadow, name, access.index, bits)
        self._changed(access)
        return None

    def atomic_rmw(self, operation: Any, ptr: Any, value: Any, mask: Any, sem: Any, *rest: Any) -> Any:
        given = _array(mask)
        access = self.watch.access("atomic", ptr.data, given, _itemsize(ptr))
        return self._atomic(
            access,
            sem,
            rest,
            lambda: self.rmw(operation, _pointers(ptr, access), value, _lanes(given, access.lanes), sem, *rest),
        )

    def atomic_cas(self, ptr: Any, cmp: Any, value: Any, sem: Any, *rest: Any) -> Any:
        access = self.watch.access("atomic", ptr.data, None, _itemsize(ptr))
        if access.lanes is not None and not access.lanes.all():
            raise IndexError("atomic_cas outside its tensor")
        return self._atomic(access, sem, rest, lambda: self.cas(_pointers(ptr, access), cmp, value, sem, *rest))

    def _atomic(self, access: Access, sem: Any, scope: tuple[Any, ...], operate: Callable[[], Any]) -> Any:
        if access.index is None or access.region is None:
            return operate()
        semantics = _name(sem)
        if scope and _name(scope[0]) == "CTA":  # orders threads of one program
            semantics = "RELAXED"
        shadow = access.region.shadowed()
        self.watch.trace.atomic(shadow, access.region.name, access.index, _acquires(semantics), _releases(semantics))
        before = shadow.memory[access.index] if access.index.size == 1 else None
        result = operate()
        if before is None or shadow.memory[access.index] != before:
            self._changed(access)
        else:
            self._observed("atomic", access, True)
        if (running := self.watch.trace.running) is not None:
            running.overlap()
        return result

    def atomic_poll(self, ptr: Any, expected: Any, timeout_ns: Any, sem: Any, scope: Any) -> Any:
        """Triton 3.9: wait until memory holds what is expected; the interpreter's own would wait for ever."""
        matched = np.zeros(ptr.data.shape, dtype=np.bool_)
        handle = triton_interpreter.TensorHandle
        for index in np.ndindex(ptr.data.shape):
            element = handle(np.asarray(ptr.data[index]), ptr.dtype)
            turns = 0
            while not matched[index] and (timeout_ns is None or turns < 1000):
                value = self.ordered(self.plain_load, sem)(element, None, True)
                matched[index] = value.data.item() == expected.data[index]
                turns += 1
        return handle(matched, tl.int1)

    plain_load: Callable[..., Any]

    def ordered(self, function: Callable[..., Any], sem: Any) -> Callable[..., Any]:
        """The function as an atomic of that semantics."""

        def call(*args: Any, **named: Any) -> Any:
            self.semantics = _name(sem)
            try:
                return function(*args, **named)
            finally:
                self.semantics = None

        return call

    def _observed(self, kind: str, access: Access, waits: bool) -> None:
        running = self.watch.trace.running
        if running is not None and access.addresses.size:
            saved = self.watch.unmasked, self.semantics
            self.semantics = None
            running.observed(kind, int(access.addresses.flat[0]), access.addresses.size, waits)
            self.watch.unmasked, self.semantics = saved

    def _changed(self, access: Access) -> None:
        running = self.watch.trace.running
        if running is not None and access.addresses.size:
            running.changed(int(access.addresses.min()), int(access.addresses.max()))


def _array(mask: Any) -> Array:  # block pointers hand over a bare array
    return mask if isinstance(mask, np.ndarray) else np.asarray(mask.data)


def _lanes(mask: Array, allowed: Array | None) -> Any:
    # Always bool: `(cols < N) & (tl.program_id(0) < M)` comes as int32, which triton 3.9's own load refuses.
    return triton_interpreter.TensorHandle(mask.astype(bool, copy=False) if allowed is None else allowed, tl.int1)


def _pointers(ptrs: Any, access: Access) -> Any:
    return triton_interpreter.TensorHandle(access.addresses, ptrs.dtype)


def _itemsize(pointer: Any) -> int:
    return max(1, int(pointer.get_element_ty().primitive_bitwidth) // 8)


def _name(enumerator: Any) -> str:
    return getattr(enumerator, "name", str(enumerator)).upper()


def _acquires(semantics: str) -> bool:
    return semantics.startswith("ACQUIRE")


def _releases(semantics: str) -> bool:
    return semantics.endswith("RELEASE")


def install(watch: Watch, around: Callable[[], AbstractContextManager[Any]]) -> None:
    """Wrap the interpreter's memory operations and launches, for this process's life.

    Args:
        around: what a further thread that runs programs has to be inside of.
    """
    builder = triton_interpreter.interpreter_builder
    hooks = _Hooks(watch)

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

    def atomic(function: Callable[..., Any]) -> Callable[..., Any]:
        names = list(inspect.signature(function).parameters)

        def call(*args: Any, **named: Any) -> Any:
            sem = named["sem"] if "sem" in named else args[names.index("sem")]
            return hooks.ordered(function, sem)(*args, **named)

        return call

    builder.create_masked_load, builder.create_masked_store = hooks.masked_load, hooks.masked_store
    builder.create_load, builder.create_store = without_mask(builder.create_load), without_mask(builder.create_store)
    hooks.plain_load = builder.create_load
    builder.create_atomic_rmw, builder.create_atomic_cas = hooks.atomic_rmw, hooks.atomic_cas
    if hasattr(builder, "create_atomic_poll"):  # triton 3.9
        builder.create_atomic_load = atomic(builder.create_atomic_load)
        builder.create_atomic_store = atomic(builder.create_atomic_store)
        builder.create_atomic_poll = hooks.atomic_poll
    # Gone in triton 3.9, where block pointers are descriptors.
    for name, position in (("create_tensor_pointer_load", 1), ("create_tensor_pointer_store", 2)):
        if hasattr(builder, name):
            setattr(builder, name, block_access(getattr(builder, name), position))

    step = builder.set_grid_idx

    def set_grid_idx(*index: int) -> None:
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
        for name, value in (*zip(self.arg_names, args, strict=False), *named.items()):
            watch.keep(value, name)
        watch.in_launch = True
        programs = Programs(self.fn, watch.order, watch.seed + watch.launches, watch.trace.enter, around)
        self.fn = programs
        watch.trace.launch(programs)
        try:
            return launch(self, *args, **named)
        finally:
            watch.in_launch = watch.in_body = False
            watch.trace.running = None

    executor.__call__, executor._restore_args_dev = launched, handed_back
    _tag_pointers(watch)
    _patch_index()


def _tag_pointers(watch: Watch) -> None:
    convert = triton_interpreter._implicit_cvt

    def tagged(value: Any) -> Any:
        result = convert(value)
        if hasattr(value, "data_ptr") and not isinstance(value, int):
            tag = watch.tag(value)
            if tag:
                result.handle.data = result.handle.data | np.uint64(tag)
        return result

    triton_interpreter._implicit_cvt = tagged


def _patch_index() -> None:
    """Triton 3.6 under numpy 2.4 and later cannot take a loop bound from tl.program_id; 3.7 mends it this way."""
    patch = triton_interpreter._patch_lang_tensor

    def patched(tensor: Any, *rest: Any) -> Any:
        result = patch(tensor, *rest)
        tensor.__index__ = lambda self: int(self.handle.data.squeeze())
        return result

    triton_interpreter._patch_lang_tensor = patched
