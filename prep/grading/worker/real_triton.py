"""Undoes TRITON_INTERPRET in a forked process: the interpreted triton.language becomes the one that compiles.

The variable is read when `@triton.jit` decorates, and triton's own library (`tl.sum`, `tl.softmax`, `tl.cdiv` ...) was
decorated when it was imported. Those some 50 functions are decorated again (10-40 ms), where a second
process that imports torch and triton anew takes 2 s.
"""

from __future__ import annotations

import importlib
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import triton.language as tl
from triton import knobs
from triton.runtime import cache
from triton.runtime.interpreter import InterpretedFunction
from triton.runtime.jit import JITFunction

with suppress(ImportError):
    # Whatever specialises the first launch imports it: 41 modules, 60 ms, else in each worker.
    importlib.import_module("triton.experimental.gluon")

_Place = tuple[Any, str, Any]
"""Object, attribute, and what belongs there."""


def _places() -> list[_Place]:
    compiled: dict[int, tuple[Any, Any]] = {}
    places: list[_Place] = []
    for module in [m for name, m in sys.modules.items() if name.partition(".")[0] == "triton"]:
        for name, value in vars(module).items():
            if isinstance(value, InterpretedFunction):
                if id(value) not in compiled:
                    compiled[id(value)] = (value, JITFunction(value.fn, **value.kwargs))
                places.append((module, name, compiled[id(value)][1]))
    # `x.sum()`: methods that wrap an interpreted function, where a compiled one is a method itself.
    for name, value in vars(tl.tensor).items():
        for cell in getattr(value, "__closure__", None) or ():
            if id(cell.cell_contents) in compiled:
                places.append((tl.tensor, name, compiled[id(cell.cell_contents)][1]))
    return places


_PLACES = _places()
"""Made in the process that forks, once; the child only puts them in place."""


def uninterpret() -> None:
    """From now on `@triton.jit` compiles, in this process."""
    os.environ["TRITON_INTERPRET"] = "0"
    knobs.runtime.interpret = False  # stays, whatever the submission puts into the environment
    # A hash of all of libtriton.so, 1.8 s, which only names cached files; the cache is this process's own.
    cache.triton_key = lambda: "prep"
    cache.FileCacheManager.put = _put
    for owner, name, value in _PLACES:
        setattr(owner, name, value)


def _put(self: Any, data: Any, filename: str, binary: bool = True) -> str:
    """Keep a file of the compiler's, without the detour over a folder of its own that processes who share would need.

    40 of them are made and removed in a grading, 2 ms each.
    """
    path = Path(self.cache_dir) / filename
    if isinstance(data, bytes):
        path.write_bytes(data)
    else:
        path.write_text(str(data))
    return str(path)
