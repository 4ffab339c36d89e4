"""Tensors of a GPU that is not there: they have shape, strides, dtype and an address, and no memory.

An exercise asks for specialisations of the size that a GPU works on (8192 x 8192), and a submission asks its tensors
whether they are on one. Meta tensors under a torch function mode answer as CUDA tensors would.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from types import SimpleNamespace
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

MULTIPROCESSORS = 132
"""Of an H100 SXM and of an H200."""

_GPU = torch.device("cuda", 0)
_ADDRESS = 1 << 40
"""Where all tensors without memory begin; a multiple of every alignment."""

_NAMES = "empty zeros ones full arange linspace eye tensor as_tensor rand randn randint empty_strided scalar_tensor"
_FACTORIES = tuple(getattr(torch, name) for name in _NAMES.split())


def _is_device(value: Any) -> bool:
    return isinstance(value, torch.device) or (isinstance(value, str) and value.partition(":")[0] in ("cuda", "cpu"))


class GhostMode(TorchFunctionMode):  # type: ignore[misc]
    """Meta tensors say that they are on a GPU, and everything that is made stays without memory."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = dict(kwargs or {})
        if func in _LIKE:
            return _like(args[0] if args else kwargs["input"], kwargs.get("dtype"))
        answer = _ANSWERS.get(func)
        if answer is not None:
            return answer(*args)
        args = tuple("meta" if _is_device(value) else value for value in args)
        kwargs = {name: "meta" if _is_device(value) else value for name, value in kwargs.items()}
        if func in _FACTORIES:
            kwargs["device"] = "meta"
            kwargs.pop("pin_memory", None)
        return func(*args, **kwargs)


def _address(tensor: torch.Tensor) -> int:
    return int(_ADDRESS + tensor.storage_offset() * tensor.element_size())


def _like(tensor: torch.Tensor, dtype: torch.dtype | None) -> torch.Tensor:
    """What `torch.empty_like` and its kin make; torch's own loads 487 modules for a meta tensor, 0.5 s."""
    step, strides = 1, [0] * tensor.dim()
    for axis in sorted(range(tensor.dim()), key=lambda i: (tensor.stride(i), -i)):
        strides[axis] = step
        step *= max(tensor.shape[axis], 1)
    return torch.empty_strided(tensor.shape, strides, dtype=dtype or tensor.dtype, device="meta")


_LIKE = tuple(getattr(torch, f"{name}_like") for name in ("empty", "zeros", "ones", "full", "rand", "randn"))

_ANSWERS: dict[Any, Callable[..., Any]] = {
    torch.Tensor.is_cuda.__get__: lambda tensor: True,
    torch.Tensor.is_cpu.__get__: lambda tensor: False,
    torch.Tensor.is_meta.__get__: lambda tensor: False,
    torch.Tensor.device.__get__: lambda tensor: _GPU,
    torch.Tensor.get_device: lambda tensor: 0,
    torch.Tensor.data_ptr: _address,
    torch.Tensor.cuda: lambda tensor, *rest: tensor,
}

_CUDA: dict[str, Any] = {
    "is_available": lambda: True,
    "is_initialized": lambda: True,
    "device_count": lambda: 1,
    "current_device": lambda: 0,
    "set_device": lambda device: None,
    "synchronize": lambda device=None: None,
    "current_stream": lambda device=None: SimpleNamespace(cuda_stream=0, synchronize=lambda: None),
    "device": lambda device=None: nullcontext(),
    "device_of": lambda tensor: nullcontext(),
    "get_device_name": lambda device=None: "none: compiled for sm_90",
}


@contextmanager
def gpu() -> Iterator[None]:
    """Inside, tensors of `empty` pass for tensors of a GPU."""
    before = {name: getattr(torch.cuda, name) for name in _CUDA}
    for name, stand_in in _CUDA.items():
        setattr(torch.cuda, name, stand_in)
    try:
        with GhostMode():
            yield
    finally:
        for name, value in before.items():
            setattr(torch.cuda, name, value)


def empty(shape: tuple[int, ...], strides: tuple[int, ...], dtype: str) -> torch.Tensor:
    """A tensor without memory."""
    return torch.empty_strided(shape, strides, dtype=getattr(torch, dtype), device="meta")
