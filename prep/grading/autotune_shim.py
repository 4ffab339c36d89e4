"""`@triton.autotune` without a GPU: there is no driver to time configurations with, so they take turns.

Each call of the entry runs the next of the configurations that the submission's own pruning leaves, so that over the
cases all of them are judged. A GPU would pick any of them by speed: one that is wrong is a fault of the submission.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from triton.runtime.autotuner import Autotuner


def install(turn: Callable[[], int]) -> None:
    """Replace the timing loop of every autotuner in this process; `turn()` says which call this is."""

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
