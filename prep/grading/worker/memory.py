"""Where the watch hooks in: the interpreter's memory operations and launches.

The interpreter keeps one builder object whose methods do all memory access; wrapping them gives addresses, masks,
program and source line of each. The names wrapped are the same from triton 3.6 to 3.9; their argument lists differ, so
whatever follows the ones used here is passed on.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import triton.language as tl
from triton.runtime import interpreter as triton_interpreter

from prep.grading.dtypes import Array
from prep.grading.worker.watch import Watch


def install(watch: Watch) -> None:
    """Wrap the interpreter's memory operations and launches, for this process's life."""
    builder = triton_interpreter.interpreter_builder
    load, store = builder.create_masked_load, builder.create_masked_store
    plain_load, plain_store = builder.create_load, builder.create_store
    handle = triton_interpreter.TensorHandle

    def array(mask: Any) -> Array:  # block pointers hand over a bare array
        return mask if isinstance(mask, np.ndarray) else np.asarray(mask.data)

    def lanes(mask: Any, allowed: Array | None) -> Any:
        # Always bool: `(cols < N) & (tl.program_id(0) < M)` comes as int32, which triton 3.9's own load refuses.
        return handle(array(mask).astype(bool) if allowed is None else allowed, tl.int1)

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


def _patch_index() -> None:
    """Triton 3.6 under numpy 2.4 and later cannot take a loop bound from tl.program_id; 3.7 mends it this way."""
    patch = triton_interpreter._patch_lang_tensor

    def patched(tensor: Any, *rest: Any) -> Any:
        result = patch(tensor, *rest)
        tensor.__index__ = lambda self: int(self.handle.data.squeeze())
        return result

    triton_interpreter._patch_lang_tensor = patched
