"""Compiling Triton and Gluon kernels for GPUs that need not be there, for the checks of facts."""

from __future__ import annotations

import importlib.util
import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ALIGNED = [["tt.divisibility", 16]]


def load(path: Path) -> ModuleType:
    """The module in `path`; `@triton.jit` reads its source."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return module


def clean(patch: pytest.MonkeyPatch, cache: Path) -> None:
    """A cache of its own, and no environment variable that changes what is compiled."""
    patch.setenv("TRITON_CACHE_DIR", str(cache))
    for name in ("TRITON_INTERPRET", "TRITON_DEBUG", "TRITON_F32_DEFAULT", "TRITON_ALWAYS_COMPILE"):
        patch.delenv(name, raising=False)


def build(fn: Any, kinds: dict[str, str], constants: dict[str, Any], sm: int = 90, **options: Any) -> Any:
    """The kernel compiled for `sm`; pointers and int32 arguments divisible by 16."""
    import triton
    from triton.backends.compiler import GPUTarget
    from triton.compiler import ASTSource
    from triton.experimental.gluon._runtime import GluonASTSource

    signature = kinds | dict.fromkeys(constants, "constexpr")
    aligned = {(i,): ALIGNED for i, kind in enumerate(kinds.values()) if kind[0] == "*" or kind == "i32"}
    source = (GluonASTSource if fn.is_gluon() else ASTSource)(fn, signature, constants, aligned)
    return triton.compile(source, GPUTarget("cuda", sm, 32), options)


def found(pattern: str, kernel: Any, stage: str = "ptx") -> list[str]:
    return re.findall(pattern, kernel.asm[stage])
