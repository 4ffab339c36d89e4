"""The plan of a call: which kernels it launched on what, and which fills and copies it made between them.

Enough to do the same again without any of the submission's own Python, and nothing that could carry an answer: a plan
holds shapes, numbers and constants, never the content of a tensor of more than TABLE_BYTES.
"""

from __future__ import annotations

import ctypes
from typing import Any

import torch
import triton.language as tl
from triton.runtime import interpreter as triton_interpreter

from prep.grading.evidence import words

TABLE_BYTES = 256
"""What tables made on the host, such as the shapes of a grouped product, may hold in all. Every exercise has cases with
a larger output."""

_FILLS = words("zeros zeros_like new_zeros ones ones_like new_ones full full_like new_full zero_ fill_")
_EMPTY = words("empty empty_like empty_strided new_empty new_empty_strided")
_COPIES = words("copy_ clone _to_copy contiguous")


class Plan:
    """Notes the steps of one call."""

    def __init__(self) -> None:
        self.active = False
        self.steps: list[list[Any]] = []
        self._names: dict[int, tuple[str, int]] = {}
        self._kept: list[Any] = []

    def begin(self, parameters: dict[str, tuple[int, int]], active: bool) -> None:
        """Start anew; `parameters` maps each name to the address of its storage and the bytes before its data."""
        self.active, self.steps, self._kept = active, [], []
        self._names = {address: (name, moat) for name, (address, moat) in parameters.items()}

    def operator(self, name: str, args: tuple[Any, ...], result: Any) -> None:
        """Note a fill or a copy that torch made."""
        if not self.active or not isinstance(result, torch.Tensor) or result.numel() == 0:
            return
        name = name.removeprefix("aten::")
        if name in _FILLS:
            first = ctypes.string_at(result.data_ptr(), result.element_size())
            self.steps.append(["fill", self._view(result, known=True), first.hex()])
        elif name in _EMPTY:
            self._view(result, known=True)
        elif name in _COPIES:
            source = args[1] if name == "copy_" else args[0]
            if isinstance(source, torch.Tensor):
                of = self._view(source)
                self.steps.append(["copy", self._view(result, known=True), of])

    def launch(self, executor: Any, args: tuple[Any, ...], named: dict[str, Any]) -> list[Any]:
        """A launch that is about to happen; the grid is known once it did."""
        values = {**dict(zip(executor.arg_names, args, strict=False)), **named}
        encoded = {name: self._encode(values[name]) for name in executor.arg_names if name in values}
        return ["launch", executor.fn.__name__, encoded]

    def _view(self, tensor: torch.Tensor, known: bool = False) -> dict[str, Any]:
        storage = tensor.untyped_storage()
        address = storage.data_ptr()
        if address not in self._names:
            self._names[address] = (f"#{len(self._names)}", 0)
            self._kept.append(storage)
            size = storage.nbytes()
            content = b"" if known else ctypes.string_at(address, size)
            table = content if size <= TABLE_BYTES else b""
            self.steps.append(["alloc", self._names[address][0], size, table.hex()])
            if size > TABLE_BYTES and not known and not any(content):  # counters and locks kept from call to call
                whole = {"of": self._names[address][0], "dtype": "uint8", "at": 0, "shape": [size], "strides": [1]}
                self.steps.append(["fill", whole, "00"])
        name, moat = self._names[address]
        return {
            "of": name,
            "dtype": str(tensor.dtype).removeprefix("torch."),
            "at": tensor.storage_offset() * tensor.element_size() - moat,
            "shape": list(tensor.shape),
            "strides": list(tensor.stride()),
        }

    def _encode(self, value: Any) -> Any:
        if isinstance(value, torch.Tensor):
            return {"tensor": self._view(value)}
        if isinstance(value, tl.constexpr):
            return {"constexpr": self._encode(value.value)}
        if value is None or isinstance(value, bool | int | float | str):
            return {"value": value}
        if isinstance(value, tl.dtype):
            return {"dtype": str(value)}
        if isinstance(value, tuple | list):
            return {"tuple": [self._encode(item) for item in value]}
        if isinstance(value, triton_interpreter.InterpretedFunction):
            return {"kernel": value.fn.__name__}
        if hasattr(value, "base") and hasattr(value, "block_shape"):
            parts = (value.shape, value.strides, value.block_shape)
            numbers = [[int(n) for n in part] for part in parts]
            return {"descriptor": [self._encode(value.base), *numbers, getattr(value, "padding", "zero")]}
        if hasattr(value, "base") and isinstance(value.base, torch.Tensor) and hasattr(value, "dtype"):
            return {"as": [self._encode(value.base), str(value.dtype)]}
        return {"unknown": type(value).__name__}
