"""The installed Triton, and its compiler for GPUs that need not be there.

triton.compile with an explicit target runs every stage, ptxas included.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

HERE = Path(__file__).parent
DIVISIBLE = [["tt.divisibility", 16]]

Compile = Callable[..., Any]


@pytest.fixture(scope="module")
def triton() -> Iterator[ModuleType]:
    with pytest.MonkeyPatch.context() as patch:
        # Left unset, 3.9 warns that the default is about to change, and warnings are errors here.
        patch.setenv("TRITON_DEFAULT_FP_FUSION", "1")
        yield pytest.importorskip("triton", exc_type=ImportError)


@pytest.fixture(scope="module")
def package(triton: ModuleType) -> Path:
    return Path(str(triton.__file__)).parent


@pytest.fixture(scope="module")
def kernels(triton: ModuleType) -> ModuleType:
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("TRITON_INTERPRET", raising=False)
        spec = importlib.util.spec_from_file_location("card_kernels", HERE / "card_kernels.py")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def compile_for(triton: ModuleType, kernels: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Compile]:
    """compile_for(name, signature, constexprs, divisible argument indices, target=..., **options) -> CompiledKernel"""
    from triton.backends.compiler import GPUTarget
    from triton.compiler import ASTSource

    def run(
        name: str,
        signature: dict[str, str],
        constants: dict[str, int],
        divisible: tuple[int, ...] = (),
        target: tuple[str, int | str, int] = ("cuda", 90, 32),
        **options: Any,
    ) -> Any:
        attributes = {(i,): DIVISIBLE for i in divisible}
        source = ASTSource(getattr(kernels, name), signature, constants, attributes)
        return triton.compile(source, target=GPUTarget(*target), options=options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TRITON_CACHE_DIR", str(tmp_path_factory.mktemp("triton-cache")))
        for name in ("TRITON_DEBUG", "TRITON_ALWAYS_COMPILE", "TRITON_KERNEL_OVERRIDE", "TRITON_KERNEL_DUMP"):
            patch.delenv(name, raising=False)
        yield run


@pytest.fixture(scope="module")
def interpreter(triton: ModuleType) -> dict[str, Any]:
    if importlib.util.find_spec("torch") is None:
        pytest.skip("the interpreter's checks need torch")
    environment = {k: v for k, v in os.environ.items() if not k.startswith("TRITON_")}
    command = [sys.executable, str(HERE / "interpreter_probe.py")]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found
