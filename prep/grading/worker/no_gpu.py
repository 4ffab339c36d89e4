"""What a submission may ask of a GPU that is not there, so that a kernel written for one runs in the interpreter.

* `@triton.autotune` has no driver to time configurations with: they take turns. Each call of the entry runs the next of
  those that the submission's own pruning leaves, so that over the cases all of them are judged. A GPU would pick any of
  them by speed: one that is wrong is a fault of the submission.
* Triton's driver and torch.cuda answer for a small GPU: what tutorials ask before they choose a persistent grid.
"""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import torch
from triton.backends.compiler import GPUTarget
from triton.runtime import driver
from triton.runtime.autotuner import Autotuner

MULTIPROCESSORS = 4
"""So few that a persistent kernel's programs go round their loop more than once on the small cases."""

_PROPERTIES: dict[str, int] = {  # of an H100, but for the number of multiprocessors
    "max_shared_mem": 232448,
    "max_num_regs": 65536,
    "multiprocessor_count": MULTIPROCESSORS,
    "warpSize": 32,
    "sm_clock_rate": 1980000,
    "mem_clock_rate": 2619000,
    "mem_bus_width": 5120,
}


class _Driver:
    """The part of triton's driver that Python code asks; nothing can be compiled or launched with it."""

    utils = SimpleNamespace(get_device_properties=lambda device=0: dict(_PROPERTIES))

    def get_active_torch_device(self) -> torch.device:
        return torch.device("cpu")

    def get_current_target(self) -> GPUTarget:
        return GPUTarget("cuda", 90, 32)

    def get_current_device(self) -> int:
        return 0

    def get_device_capability(self, device: int = 0) -> tuple[int, int]:
        return (9, 0)


def _device_properties(device: Any = None) -> SimpleNamespace:
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
    driver.set_active(_Driver())
    torch.cuda.get_device_properties = _device_properties
    torch.cuda.get_device_capability = lambda device=None: (9, 0)
