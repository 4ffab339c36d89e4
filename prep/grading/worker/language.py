"""What compiles for a GPU and Triton's interpreter does not know: parts of the language, filled in.

* methods of tensors that are functions of tl.math: `x.exp()`
* kernels whose module sees triton.language by another name than `tl`, or only parts: `from triton.language import load`
* libdevice, and inline assembly of one instruction
* `kernel.warmup(...)`, which gives a compiled kernel with registers, shared memory and a way to launch it
"""

from __future__ import annotations

import inspect
import math
import re
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import triton.language as tl
from triton.language.extra import libdevice as any_libdevice
from triton.language.extra.cuda import libdevice
from triton.runtime import interpreter

from prep.grading.dtypes import Array

_erf = np.vectorize(math.erf, otypes=[np.float64])
_erfc = np.vectorize(math.erfc, otypes=[np.float64])

FUNCTIONS: dict[str, Callable[..., Any]] = {
    **{name: getattr(np, name) for name in ("exp", "exp2", "expm1", "log", "log2", "log10", "log1p", "sqrt", "cbrt")},
    **{name: getattr(np, name) for name in ("sin", "cos", "tan", "sinh", "cosh", "tanh", "fabs", "floor", "ceil")},
    **{name: getattr(np, name) for name in ("trunc", "rint", "fmax", "fmin", "fmod", "copysign", "hypot")},
    **{f"a{name}": getattr(np, f"arc{name}") for name in ("sin", "cos", "tan", "sinh", "cosh", "tanh", "tan2")},
    "nearbyint": np.rint,
    "round": lambda x: np.copysign(np.floor(np.abs(x) + 0.5), x),
    "exp10": lambda x: np.power(10.0, x),
    "rsqrt": lambda x: 1.0 / np.sqrt(x),
    "rcp": lambda x: 1.0 / x,
    "pow": np.power,
    "powi": np.power,
    "erf": _erf,
    "erfc": _erfc,
    "fma": lambda x, y, z: x * y + z,
    "add": np.add,
    "sub": np.subtract,
    "mul": np.multiply,
    "div": np.divide,
    "saturate": lambda x: np.clip(x, 0.0, 1.0),
    "isnan": np.isnan,
    "isinf": np.isinf,
}
"""By libdevice's name without `__nv_`, `fast_`, rounding mode and type. Computed in float64: none is less exact."""

INSTRUCTIONS = {"ex2": "exp2", "lg2": "log2", "max": "fmax", "min": "fmin", "abs": "fabs"} | {
    name: name for name in ("rcp", "rsqrt", "sqrt", "sin", "cos", "tanh", "add", "sub", "mul", "div", "fma")
}
"""PTX instructions on float32, by their first word."""

_PTX = re.compile(r"\s*\{?\s*(\w+)((?:\.\w+)*)\.f32\s+\$0\s*,\s*([^;{}]*);?\s*\}?\s*")


def install() -> None:
    """Fill the gaps in this process's interpreter."""
    builder = interpreter.interpreter_builder
    builder.create_extern_elementwise = _extern
    builder.create_inline_asm = _inline_asm
    # The kernel's own imports of libdevice find the same objects, patched below while a kernel runs.
    for name, function in inspect.getmembers(libdevice, tl.core.is_builtin):
        member = _with_semantic(function)
        setattr(libdevice, name, member)
        setattr(any_libdevice, name, member)
    for name, function in inspect.getmembers(tl.math, inspect.isfunction):
        method = getattr(tl.tensor, name, None)
        if tl.core.is_builtin(function) and method is not None and not tl.core.is_builtin(method):
            setattr(tl.tensor, name, _method(name))
    _see_imported_names()
    interpreter.InterpretedFunction.run = _or_compiled(interpreter.InterpretedFunction.run)
    interpreter.InterpretedFunction.rewrite = _annotated(interpreter.InterpretedFunction.rewrite)


def _with_semantic(function: Callable[..., Any]) -> Callable[..., Any]:
    def call(*args: Any, _semantic: Any = None, **named: Any) -> Any:
        return function(*args, **named, _semantic=interpreter.interpreter_semantic)

    return call


def _method(name: str) -> Callable[..., Any]:
    return lambda self, *args, **named: getattr(tl.math, name)(self, *args, **named)


def _extern(library: str, path: str, symbol: str, args: list[Any], result: Any, pure: bool) -> Any:
    # fast_fdividef is the only one of which the name without `f` is not that of the operation.
    name = symbol.removeprefix("__nv_").removeprefix("fast_").replace("fdividef", "div")
    name = re.sub(r"_r[nzud]$", "", name)
    typed = (name.removesuffix("f"), name.removesuffix("d"), name.removeprefix("f"), name.removeprefix("d"))
    for candidate in (name, *typed):
        if candidate in FUNCTIONS:
            return _apply(candidate, args)
    raise NotImplementedError(f"{symbol} of libdevice can't be run without a GPU")


def _apply(name: str, args: list[Any]) -> Any:
    values: list[Array] = [np.asarray(arg.data, dtype=np.float64) for arg in args]
    value = np.asarray(FUNCTIONS[name](*values))
    dtype = tl.int32 if value.dtype == bool else args[0].dtype.scalar
    return interpreter.TensorHandle(value.astype(np.int32 if value.dtype == bool else args[0].data.dtype), dtype)


def _inline_asm(text: str, constraints: str, values: list[Any], types: Any, pure: bool, pack: int) -> Any:
    found = _PTX.fullmatch(text)
    operands = [part.strip() for part in found[3].split(",")] if found is not None else []
    in_order = operands == [f"${i + 1}" for i in range(len(values))]
    if found is None or found[1] not in INSTRUCTIONS or not in_order or pack != 1:
        raise NotImplementedError("inline assembly of more than one float32 instruction can't be run without a GPU")
    result = _apply(INSTRUCTIONS[found[1]], values)
    return SimpleNamespace(get_result=lambda index: result)


def _annotated(rewrite: Callable[..., Any]) -> Callable[..., Any]:
    """The rewritten function keeps its annotations as text, and only `tl.constexpr` would be known for one."""

    def call(self: Any) -> Any:
        rewritten = rewrite(self)
        rewritten.__annotations__ = self.fn.__annotations__
        return rewritten

    return call


class _Names:
    """A function's globals as attributes, so that the interpreter's scope can set and restore them."""

    def __init__(self, names: dict[str, Any]) -> None:
        self.__dict__ = names


def _see_imported_names() -> None:
    """The interpreter patches triton.language where a kernel's module sees it; names taken from it are others."""
    patch = interpreter._patch_lang
    # `tl.math` first: what both have is found in tl itself.
    originals = {
        id(value): (module, name)
        for module in (tl.math, tl)
        for name, value in inspect.getmembers(module)
        if tl.core.is_builtin(value) or value in (tl.range, tl.static_range)
    }

    def patched(fn: Any) -> Any:
        names = fn.__globals__
        visible = any(value is tl or value is tl.core for value in names.values())
        scope = patch(fn if visible else SimpleNamespace(__globals__={"tl": tl}))
        for name, value in [item for item in names.items() if id(item[1]) in originals]:
            module, original = originals[id(value)]
            scope.set_attr(_Names(names), name, getattr(module, original))
        return scope

    interpreter._patch_lang = patched


class Compiled:
    """What `warmup` gives: figures of a modest kernel, and the kernel itself to launch."""

    n_regs = 64
    n_spills = 0
    n_max_threads = 1024

    def __init__(self, kernel: Any, named: dict[str, Any]) -> None:
        self.kernel, self.named = kernel, named
        self.metadata = SimpleNamespace(
            shared=1024,
            num_warps=named.get("num_warps", 4),
            num_stages=named.get("num_stages", 3),
            name=kernel.__name__,
        )
        self.asm: dict[str, str] = {}

    def _init_handles(self) -> None:
        """Nothing is loaded: there is no GPU."""

    def __getitem__(self, grid: Any) -> Callable[..., Any]:
        def launch(*args: Any, **named: Any) -> Any:
            given = set(self.kernel.arg_names[: len(args)])
            rest = {name: value for name, value in self.named.items() if name not in given}
            return self.kernel.run(*args, grid=grid, warmup=False, **{**rest, **named})

        return launch


def _or_compiled(run: Callable[..., Any]) -> Callable[..., Any]:
    def call(self: Any, *args: Any, grid: Any, warmup: bool, **named: Any) -> Any:
        return Compiled(self, named) if warmup else run(self, *args, grid=grid, warmup=warmup, **named)

    return call
