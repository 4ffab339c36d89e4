"""Where the watch hooks in: the interpreter's memory operations and launches, torch's operators and roads to the host.

The interpreter keeps one builder object whose methods do all memory access; wrapping them gives addresses, masks,
program and source line of each. The names wrapped are the same from triton 3.6 to 3.9; their argument lists differ, so
whatever follows the ones used here is passed on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
import triton.language as tl
from torch.utils._python_dispatch import TorchDispatchMode
from triton.runtime import interpreter as triton_interpreter

from prep.grading.dtypes import Array
from prep.grading.watch import Watch

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
