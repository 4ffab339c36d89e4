"""Compiles one specialisation of a kernel for sm_90 and reads what the compiler made of it.

`triton.compile` needs neither a GPU nor a driver for that. Registers and spills come from the `ptxas -v` that triton
runs anyway, shared memory from triton's metadata, the rest is counted in the PTX.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import triton
from triton import knobs
from triton.backends.compiler import GPUTarget
from triton.backends.nvidia import compiler as nvidia
from triton.backends.nvidia.compiler import CUDABackend
from triton.compiler import ASTSource

from prep.grading.process.protocol import BUILD_MARK

TARGET = GPUTarget("cuda", 90, 32)

CPU_LIMIT_S = 20
"""CPU time that one kernel may take; the slowest of the solutions' takes 4 s, a dot of 512 x 512 takes 180."""

LARGE_TENSOR = 1 << 16
"""Elements from which on the shared memory is worked out before LLVM sees the kernel, which may take minutes."""

SMALL_TENSOR = 1 << 13
"""Elements up to which LLVM and ptxas take some 0.1 s; 16,384 take 0.4 s."""


@dataclass(slots=True)
class Specialisation:
    """A kernel with all that decides its code: what triton would compile at this launch."""

    fn: Any
    signature: dict[str, Any]
    constexprs: dict[Any, Any]
    options: Any
    attrs: dict[Any, Any]

    @property
    def name(self) -> str:
        return str(self.fn.__name__)

    def front_key(self) -> str:
        """What the frontend's answer can depend on: not on which arguments are multiples of 16."""
        return f"{id(self.fn)} {self.signature} {self.constexprs} {self.options}"

    def key(self) -> str:
        return f"{self.front_key()} {self.attrs}"

    def constants(self) -> dict[str, Any]:
        """Its compile-time values by name."""
        names = self.fn.arg_names
        return {names[path[0]]: value for path, value in self.constexprs.items() if len(path) == 1}


TOO_MANY_REGISTERS = 512
"""A thread has 255; from twice as many for one tensor LLVM and ptxas take minutes over what is spilled (16 x 4096
float32 on 4 warps: ptxas alone 90 s). It is a slow kernel, not one that cannot run."""


class Heavy(Exception):
    """Not compiled to the end, since that would take too long; it has the shared memory that it needs."""


class _Enough(Exception):
    """Ends a compilation before its end."""


class SharedMemoryExceeded(Exception):
    """Known before the kernel was compiled to the end."""

    def __init__(self, required: int) -> None:
        super().__init__(required)
        self.required = required


class _Subprocess:
    """What triton's backend calls ptxas with, with a limit."""

    CalledProcessError = subprocess.CalledProcessError

    def __getattr__(self, name: str) -> Any:
        return getattr(subprocess, name)

    @staticmethod
    def run(*args: Any, **named: Any) -> Any:
        try:
            return subprocess.run(*args, timeout=CPU_LIMIT_S, **named)
        except subprocess.TimeoutExpired:
            raise Heavy(f"ptxas takes more than {CPU_LIMIT_S} s") from None


class Builder:
    """Compiles in this process; see `install`."""

    def __init__(self) -> None:
        self.count = 0
        """Of compilations begun: what each printed is found by it."""

        self.front_only = self.cheaply = False
        self.rounded = ""
        self._wrap_stages()
        knobs.nvidia.dump_ptxas_log = True
        nvidia.subprocess = _Subprocess()

    def front(self, spec: Specialisation) -> str:
        """Raise what triton's frontend has against the kernel: names, types, shapes, constexprs.

        Returns where it rounds float32 operands of a product to tf32, as MLIR writes a location; empty where nowhere.
        That may stand in the source, as the default of `tl.dot`, or come from the compiler: triton up to 3.7 makes a
        product of `tl.sum(a[:, :, None] * b[None, :, :], 1)`. The interpreter multiplies in float32 in each case.
        """
        self.front_only, self.rounded = True, ""
        try:
            self._compile(spec)
        except _Enough:
            pass
        finally:
            self.front_only = False
        return self.rounded

    def build(self, spec: Specialisation, cheaply: bool = False) -> dict[str, Any] | None:
        """Compile to the end; returns what the code needs and uses.

        Args:
            cheaply: stop, with None, where shared memory is known and the rest would take long.
        """
        self.cheaply = cheaply
        try:
            kernel, log = self._compile(spec)
        except _Enough:
            return None
        found = re.search(r"Used (\d+) registers", log)
        spills = re.search(r"(\d+) bytes spill stores, (\d+) bytes spill loads", log)
        return {
            "registers": int(found[1]) if found else 0,
            "spills": int(spills[1]) if spills else 0,
            "shared_bytes": int(kernel.metadata.shared),
            "num_warps": int(kernel.metadata.num_warps),
            "num_stages": int(kernel.metadata.num_stages),
            **_read_ptx(kernel.asm["ptx"]),
        }

    def _compile(self, spec: Specialisation) -> tuple[Any, str]:
        source = ASTSource(spec.fn, spec.signature, spec.constexprs, spec.attrs)
        self.count += 1
        # MLIR and LLVM print what is wrong, and then say no more than that a pass failed, or abort.
        os.write(2, BUILD_MARK % self.count)
        log = io.StringIO()
        with _cpu_limit(), contextlib.redirect_stdout(log):
            kernel = triton.compile(source, target=TARGET, options=spec.options.__dict__)
        return kernel, log.getvalue()

    def _wrap_stages(self) -> None:
        add = CUDABackend.add_stages

        def add_stages(backend: Any, stages: dict[str, Callable[..., Any]], *rest: Any, **named: Any) -> None:
            add(backend, stages, *rest, **named)
            if "ttir" in stages and "llir" in stages:
                lower = stages["llir"]
                after = list(stages)[list(stages).index("ttir") + 1]
                first = stages[after]
                stages[after] = lambda module, metadata: self._stop(first, module, metadata)
                stages["llir"] = lambda module, metadata: self._lower(lower, module, metadata)

        CUDABackend.add_stages = add_stages

    def _stop(self, stage: Callable[..., Any], module: Any, metadata: Any) -> Any:
        if self.front_only:
            self.rounded = _rounds_to_tf32(str(module))
            raise _Enough
        return stage(module, metadata)

    def _lower(self, stage: Callable[..., Any], module: Any, metadata: Any) -> Any:
        text = str(module)
        largest = largest_tensor(text)
        stop = self.cheaply and largest > SMALL_TENSOR
        registers = largest // (32 * int(metadata["num_warps"]))
        if stop or largest >= LARGE_TENSOR or registers >= TOO_MANY_REGISTERS:
            required = _shared_memory(text, module.context)
            if required > SHARED_LIMIT:
                raise SharedMemoryExceeded(required)
        if registers >= TOO_MANY_REGISTERS:
            raise Heavy(f"its largest tensor takes {registers} registers of each thread, which has 255")
        if stop:
            raise _Enough
        return stage(module, metadata)


SHARED_LIMIT = 232448
"""Bytes of shared memory that a block may use on sm_90: 227 KiB (CUDA C++ Programming Guide, table of 9.0)."""


def largest_tensor(ir: str) -> int:
    """Elements of the largest tensor in a module."""
    largest = 0
    for shape in set(re.findall(r"tensor<((?:\d+x)+)", ir)):
        elements = 1
        for extent in shape.split("x")[:-1]:
            elements *= int(extent)
        largest = max(largest, elements)
    return largest


def _rounds_to_tf32(ttir: str) -> str:
    for line in ttir.splitlines():
        if "inputPrecision = tf32 :" in line and "xf32> *" in line:
            found = re.search(r"loc\((#\w+)\)$", line)
            return _location(str(found[1]), ttir) if found else "unknown"
    return ""


def _location(name: str, ir: str) -> str:
    """A location with all that it refers to spelled out."""
    defined: dict[str, str] = dict(re.findall(r"^(#\w+) = (loc\(.*\))$", ir, re.MULTILINE))
    text = defined.get(name, "")
    for _ in range(20):
        text, count = re.subn(r"#\w+", lambda found: defined.get(found[0], ""), text)
        if not count:
            break
    return text


def _shared_memory(ir: str, context: Any) -> int:
    """What the allocation pass alone gives, on a copy; 0 where this triton has it under another name."""
    try:
        from triton._C.libtriton import ir as mlir
        from triton._C.libtriton import nvidia as passes_nvidia
        from triton._C.libtriton import passes

        with tempfile.NamedTemporaryFile("w", suffix=".ttgir") as file:
            file.write(ir)
            file.flush()
            copy = mlir.parse_mlir_module(file.name, context)
        manager = mlir.pass_manager(context)
        passes.ttgpuir.add_combine_tensor_select_and_if(manager)
        passes.convert.add_scf_to_cf(manager)
        passes.gluon.add_inliner(manager)
        passes_nvidia.passes.ttgpuir.add_allocate_shared_memory_nv(manager, 90, 84)
        manager.run(copy, "shared")
        return int(copy.get_int_attr("ttg.shared") or 0)
    except (ImportError, AttributeError, TypeError, RuntimeError):
        return 0


@contextlib.contextmanager
def _cpu_limit() -> Iterator[None]:
    """End the process where the compiler takes longer: it runs in C++, which no exception leaves."""
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_PROF, CPU_LIMIT_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


def _read_ptx(ptx: str) -> dict[str, Any]:
    wide = 0
    for vector, bits in re.findall(r"(?:ld|st)\.global(?:\.\w+(?:::\w+)?)*?(?:\.v(\d))?\.[bfsu](\d+)", ptx):
        wide = max(wide, int(vector or 1) * int(bits) // 8)
    for size in re.findall(r"cp\.async\.c[ag]\.shared\.global.*?,\s*(?:0x)?(\d+)", ptx):
        wide = max(wide, int(size, 16) if size == "10" else int(size))
    cores = "wgmma" if "wgmma.mma_async" in ptx else "mma.sync" if re.search(r"\bmma\.sync", ptx) else "none"
    copies = "tma" if "cp.async.bulk.tensor" in ptx else "cp.async" if "cp.async.c" in ptx else "none"
    return {"tensor_cores": cores, "vector_width": wide, "async_copies": copies}
