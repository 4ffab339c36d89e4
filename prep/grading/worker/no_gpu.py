"""What a submission may ask of a GPU that is not there, so that a kernel written for one runs in the interpreter.

* `@triton.autotune` has no driver to time configurations with: they take turns. Each call of the entry runs the next of
  those that the submission's own pruning leaves, so that over the cases all of them are judged. A GPU would pick any of
  them by speed: one that is wrong is a fault of the submission.
* Triton's driver and torch.cuda answer for a small GPU: what tutorials ask before they choose a persistent grid.
* `device="cuda"`, `.to("cuda")` and `.cuda()` mean the CPU, and what waits for a GPU or selects one does nothing.
* In a guard, an `assert` or an `if` that only raises, a tensor says that it is on a GPU. Nowhere else: a submission
  that asks in order to take another way on the CPU is judged on that one.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable
from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any

import torch
from torch.overrides import TorchFunctionMode
from triton.backends.compiler import GPUTarget
from triton.runtime import driver
from triton.runtime.autotuner import Autotuner

MULTIPROCESSORS = 4
"""So few that a persistent kernel's programs go round their loop more than once on the small cases."""

PROPERTIES: dict[str, int] = {  # of an H100, but for the number of multiprocessors
    "max_shared_mem": 232448,
    "max_num_regs": 65536,
    "multiprocessor_count": MULTIPROCESSORS,
    "warpSize": 32,
    "sm_clock_rate": 1980000,
    "mem_clock_rate": 2619000,
    "mem_bus_width": 5120,
}


class Driver:
    """The part of triton's driver that Python code asks; nothing can be compiled or launched with it."""

    utils = SimpleNamespace(get_device_properties=lambda device=0: dict(PROPERTIES))

    def get_active_torch_device(self) -> torch.device:
        return torch.device("cpu")

    def get_current_target(self) -> GPUTarget:
        return GPUTarget("cuda", 90, 32)

    def get_current_device(self) -> int:
        return 0

    def get_current_stream(self, device: Any = None) -> int:
        return 0

    def get_device_interface(self) -> Any:
        return torch.cuda

    def get_device_capability(self, device: int = 0) -> tuple[int, int]:
        return (9, 0)


def device_properties(device: Any = None) -> SimpleNamespace:
    return SimpleNamespace(
        name="none: Triton's interpreter",
        major=9,
        minor=0,
        multi_processor_count=MULTIPROCESSORS,
        warp_size=32,
        regs_per_multiprocessor=65536,
        shared_memory_per_multiprocessor=233472,
        shared_memory_per_block_optin=232448,
        L2_cache_size=50 << 20,
    )


def install(turn: Callable[[], int]) -> None:
    """Stand in for the GPU in this process; `turn()` says which call of the entry this is."""

    def run(self: Any, *args: Any, **kwargs: Any) -> Any:
        self.nargs = dict(zip(self.arg_names, args, strict=False))
        configs = self.prune_configs(kwargs) if len(self.configs) > 1 else self.configs
        config = configs[turn() % len(configs)]
        self.best_config = config
        arguments = {**self.nargs, **kwargs, **config.all_kwargs()}
        self.pre_hook(arguments, reset_only=True)
        if config.pre_hook is not None:
            config.pre_hook(arguments)
        try:
            return self.fn.run(*args, **kwargs, **config.all_kwargs())
        finally:
            self.nargs = None

    Autotuner.run = run
    driver.set_active(Driver())
    torch.cuda.get_device_properties = device_properties
    torch.cuda.get_device_capability = lambda device=None: (9, 0)
    stream = SimpleNamespace(cuda_stream=0, synchronize=lambda: None, wait_stream=lambda other: None)
    # One function for each name: dynamo, which torch.library brings in, refuses an object under two names.
    torch.cuda.get_device_name = lambda device=None: device_properties().name
    torch.cuda.current_device = lambda: 0
    torch.cuda.current_stream = lambda device=None: stream
    torch.cuda.default_stream = lambda device=None: stream
    torch.cuda.synchronize = lambda device=None: None
    torch.cuda.set_device = lambda device=None: None
    torch.cuda.device = lambda device: nullcontext()
    # Outside of tracing it hands the kernel back; torch 2.11's refuses one that is interpreted.
    torch.library.wrap_triton = lambda kernel, /: kernel


class CudaIsCpu(TorchFunctionMode):  # type: ignore[misc]
    """Torch while a submission's own code runs: what it puts on a GPU lies in the memory that there is."""

    def __init__(self, source: bytes, filename: str) -> None:
        super().__init__()
        self.filename = filename
        self.guards = _guards(source)

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = dict(kwargs or {})
        if func == torch.Tensor.is_cuda.__get__ and self._in_guard():
            return True
        if func == torch.Tensor.device.__get__ and self._in_guard(naming_it=True):
            return torch.device("cuda", 0)
        if func is torch.Tensor.cuda:
            return args[0]
        if _is_cuda(kwargs.get("device")):
            kwargs["device"] = "cpu"
            kwargs.pop("pin_memory", None)
        if func is torch.Tensor.to:
            args = tuple("cpu" if _is_cuda(argument) else argument for argument in args)
        return func(*args, **kwargs)

    def _in_guard(self, naming_it: bool = False) -> bool:
        frame: Any = sys._getframe(2)
        while frame is not None and frame.f_code.co_filename != self.filename:
            frame = frame.f_back
        names_it = self.guards.get(frame.f_lineno) if frame is not None else None
        return names_it is not None and (names_it or not naming_it)


def _is_cuda(device: Any) -> bool:
    return isinstance(device, str | torch.device) and str(device).startswith("cuda")


def _guards(source: bytes) -> dict[int, bool]:
    """The lines of the tests of guards, and whether the test speaks of "cuda"."""
    lines: dict[int, bool] = {}
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Assert(test=test):
                pass
            case ast.If(test=test, body=body, orelse=[]) if all(isinstance(n, ast.Raise) for n in body):
                pass
            case _:
                continue
        texts = [n.value for n in ast.walk(test) if isinstance(n, ast.Constant) and isinstance(n.value, str)]
        names_it = any("cuda" in text for text in texts)
        lines.update(dict.fromkeys(range(test.lineno, (test.end_lineno or test.lineno) + 1), names_it))
    return lines
