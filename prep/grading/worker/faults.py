"""What the compiler has against a kernel, in its own words and with the line of the submission."""

from __future__ import annotations

import ast
import builtins
import inspect
import re
import textwrap
from collections.abc import Iterator
from typing import Any

from triton.compiler.errors import CompilationError
from triton.runtime.errors import OutOfResources
from triton.runtime.jit import JITFunction

from prep.grading.worker.build import SHARED_LIMIT, SharedMemoryExceeded, Specialisation

WORDS_LIMIT = 300
"""Characters of the compiler's words that a verdict shows."""


def words(error: BaseException) -> str:
    """The innermost reason, on one line: triton wraps it once for each call on the way."""
    innermost = error
    while innermost.__cause__ is not None:
        innermost = innermost.__cause__
    if isinstance(innermost, CompilationError):
        text = innermost.error_message or type(innermost).__name__
    else:
        text = str(innermost)
        if not text or isinstance(innermost, KeyError | NameError | AttributeError):
            text = f"{type(innermost).__name__}: {text}".rstrip(": ")
    return _one_line(text)


def _one_line(text: str) -> str:
    line = re.sub(r" at 0x[0-9a-f]+", "", " ".join(text.split()))
    return line if len(line) <= WORDS_LIMIT else line[: WORDS_LIMIT - 1] + "…"


def first_line(fn: Any) -> int:
    """Where the `def` of a kernel is, below its decorators: triton counts from there (3.9 no longer says it)."""
    lines, begin = inspect.getsourcelines(fn.fn)
    return begin + next((n for n, line in enumerate(lines) if re.match(r"\s*def\s", line)), 0)


class Faults:
    """Describes errors for one submission."""

    def __init__(self, filename: str) -> None:
        self.filename = filename
        self.functions: list[JITFunction[Any]] = []
        self._note_functions()

    def of(self, error: BaseException, spec: Specialisation | None) -> dict[str, Any]:
        """A fault from what compiling or launching raised."""
        if isinstance(error, SharedMemoryExceeded):
            return self._shared(error.required, spec)
        if isinstance(error, OutOfResources) and error.name == "shared memory":
            return self._shared(int(error.required), spec)
        detail, line = words(error), self._line(error)
        outside = self._outside_function(error, spec)
        if outside is not None:
            line, name = outside
            detail = f"{name} is not a @triton.jit function: {detail}"
        if line is None and spec is not None:
            line = first_line(spec.fn)
        return {"code": "does-not-compile", "line": line, "detail": detail, "foreign": outside is not None}

    def line_in(self, location: str) -> int | None:
        """The submission's line in a location as MLIR writes it."""
        found = re.search(rf'"{re.escape(self.filename)}":(\d+)', location)
        return int(found[1]) if found else None

    def of_import(self, error: BaseException) -> dict[str, Any] | None:
        """The fault where `@triton.jit` itself refused while the file was imported."""
        if not isinstance(error, CompilationError):
            return None
        return {"code": "does-not-compile", "line": None, "detail": words(error), "foreign": False, "kernel": ""}

    def _shared(self, required: int, spec: Specialisation | None) -> dict[str, Any]:
        constants = spec.constants() if spec else {}
        blocks = {n: v for n, v in constants.items() if isinstance(v, int) and not isinstance(v, bool) and v >= 16}
        return {
            "code": "too-much-shared-memory",
            "line": first_line(spec.fn) if spec else None,
            "detail": "",
            "required": required,
            "limit": SHARED_LIMIT,
            "stages": int(getattr(spec.options, "num_stages", 0)) if spec else 0,
            "largest": max(blocks, key=lambda name: blocks[name]) if blocks else "",
            "value": max(blocks.values()) if blocks else 0,
            "foreign": False,
        }

    def _line(self, error: BaseException) -> int | None:
        """The innermost line of the submission: of its own functions, where the reason may lie in triton's."""
        line = None
        seen: BaseException | None = error
        while seen is not None:
            node = getattr(seen, "node", None)
            if isinstance(seen, CompilationError) and node is not None and hasattr(node, "lineno"):
                for fn in self.functions:
                    if fn.src == seen.src:
                        line = first_line(fn) + node.lineno - 1
            seen = seen.__cause__
        return line

    def _outside_function(self, error: BaseException, spec: Specialisation | None) -> tuple[int, str] | None:
        """Line and name of a Python function that a kernel calls, torch's for one; triton names it without a line."""
        text = str(error)
        if spec is None or "nsupported function referenced" not in text:
            return None
        for fn in [spec.fn, *self.functions]:
            begin = first_line(fn)
            scope = {**vars(builtins), **fn.get_capture_scope()}
            for node, name, value in _references(fn.src, scope):
                if text.endswith(f"{value}"):
                    return begin + node.lineno - 1, name
        return None

    def _note_functions(self) -> None:
        create = JITFunction.__init__
        faults = self

        def __init__(self: Any, fn: Any, *args: Any, **named: Any) -> None:
            create(self, fn, *args, **named)
            if fn.__code__.co_filename == faults.filename:
                faults.functions.append(self)

        JITFunction.__init__ = __init__


def _references(source: str, scope: dict[str, Any]) -> Iterator[tuple[Any, str, Any]]:
    """Every dotted name in `source` that stands for something callable."""
    for node in ast.walk(ast.parse(textwrap.dedent(source))):
        if not isinstance(node, ast.Attribute | ast.Name):
            continue
        name = ast.unparse(node)
        parts = name.split(".")
        value = scope.get(parts[0])
        for part in parts[1:]:
            value = getattr(value, part, None)
        if callable(value):
            yield node, name, value
