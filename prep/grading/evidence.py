"""Does a submission reach for what no kernel needs? Evidence from its text, gathered where nothing of it has run.

In one process Python can undo whatever watches it: a submission that finds the watch through the garbage collector, or
writes to memory through ctypes, can make the worker say anything. No such construct is a fault by itself, and none is
looked for because a cheat once used it: listed is what a kernel file does need, and all else is evidence. A submission
with evidence passes if, and only if, its kernels alone reproduce its results: see stages/replay.py.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass


def words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_MODULES = words("""
    __future__ abc collections contextlib copy dataclasses enum fractions functools itertools logging math numbers numpy
    os packaging platform random statistics string sys textwrap time torch triton typing typing_extensions warnings
""")
"""Roots of what may be imported; what their attributes may lead to is limited below."""

_OF_OS = words("environ getenv path sep linesep name cpu_count")
_OF_SYS = words("argv byteorder exit float_info maxsize path platform stderr stdout version version_info")
_NAMES = words("""
    exec eval compile open __import__ globals vars setattr delattr breakpoint input __builtins__ __loader__ __spec__
""")
_DUNDERS = words("__name__ __doc__ __version__ __file__")
_LEADS_AWAY = words("""
    os sys ctypes inspect gc importlib builtins threading subprocess multiprocessing pickle marshal socket mmap signal
    atexit weakref traceback linecache runpy pathlib io tempfile shutil ast types modules

    attrgetter methodcaller get_type_hints settrace setprofile with_traceback f_back f_locals f_globals
    tb_frame gi_frame cr_frame ag_frame

    ctypeslib memmap fromfile frombuffer from_file from_dlpack to_dlpack dlpack cpp_extension load_library load_inline
    library overrides hub package

    interpreter add_pre_run_hook handle
""")
"""Attributes, in turn: modules that other modules hold; roads from names and frames to objects; roads from numpy and
torch to memory and code; the insides of the interpreter."""

_SUBCLASSED = frozenset({"torch.nn.Module", "torch.autograd.Function"})


@dataclass(frozen=True, slots=True)
class Evidence:
    """A construct that reaches beyond kernels and torch."""

    what: str
    line: int


def find(source: bytes) -> list[Evidence]:
    """What the text of a submission reaches for, in its order; empty for nearly every honest one."""
    return _Finder(ast.parse(source)).found


class _Finder:
    def __init__(self, tree: ast.Module) -> None:
        self.found: list[Evidence] = []
        self.imported: dict[str, str] = {}
        self.plain = {n.name for n in tree.body if isinstance(n, ast.FunctionDef) and not is_kernel(n)}
        self.own = {n.name for n in ast.walk(tree) if isinstance(n, ast.FunctionDef | ast.ClassDef)}
        nodes = list(_walk(tree))
        for node in nodes:
            self._import(node)
        for node in nodes:
            self._look(node)
        self.found.sort(key=lambda e: e.line)

    def _note(self, what: str, node: ast.AST) -> None:
        self.found.append(Evidence(what, getattr(node, "lineno", 0)))

    def _import(self, node: ast.AST) -> None:
        if isinstance(node, ast.Import):
            for alias in node.names:
                self.imported[alias.asname or alias.name.split(".")[0]] = (
                    alias.name if alias.asname else alias.name.split(".")[0]
                )
                self._path(alias.name, node)
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                path = f"{node.module or ''}.{alias.name}"
                self.imported[alias.asname or alias.name] = path
                self._path(path, node)

    def _path(self, path: str, node: ast.AST) -> None:
        """Judge a dotted path that begins with a module."""
        root, *rest = path.split(".")
        if root not in _MODULES:
            self._note(path, node)
            return
        known = {"os": _OF_OS, "sys": _OF_SYS}.get(root)
        beyond = known is not None and bool(rest) and rest[0] not in known
        if beyond or any(part in _LEADS_AWAY or (part.startswith("_") and part not in _DUNDERS) for part in rest):
            self._note(path, node)

    def _look(self, node: ast.AST) -> None:
        match node:
            case ast.Name(id=name) if name in _NAMES:
                self._note(name, node)
            case ast.Attribute():
                self._attribute(node)
            case ast.Call(func=ast.Name(id="getattr"), args=[_, name, *_]):
                if not (isinstance(name, ast.Constant) and isinstance(name.value, str)):
                    self._note("getattr with a computed name", node)
                elif name.value in _LEADS_AWAY or name.value.startswith("_"):
                    self._note(f"getattr(..., {name.value!r})", node)
            case ast.ClassDef(bases=bases):
                for base in bases:
                    path = self.dotted(base) or ""
                    if path.startswith("torch.") and path not in _SUBCLASSED:
                        self._note(f"a subclass of {path}", node)
            case ast.FunctionDef() if is_kernel(node):
                self._body(node)

    def _attribute(self, node: ast.Attribute) -> None:
        name, base = node.attr, node.value
        of_self = isinstance(base, ast.Name) and base.id in ("self", "cls", "ctx")
        if isinstance(node.ctx, ast.Store | ast.Del):
            if not of_self and not (isinstance(base, ast.Name) and base.id in self.own):
                self._note(f"an assignment to .{name}", node)
            return
        path = self.dotted(node)
        if path is not None:
            self._path(path, node)
        elif name in _LEADS_AWAY:
            self._note(f".{name}", node)
        elif name.startswith("_") and name not in _DUNDERS:
            of_super = isinstance(base, ast.Call) and isinstance(base.func, ast.Name) and base.func.id == "super"
            if not ((of_self and not name.startswith("__")) or (of_super and name == "__init__")):
                self._note(f".{name}", node)

    def dotted(self, node: ast.AST) -> str | None:
        """The dotted path of a chain of attributes that begins with an imported name, or None."""
        parts: list[str] = []
        while isinstance(node, ast.Attribute):
            parts.append(node.attr)
            node = node.value
        if isinstance(node, ast.Name) and node.id in self.imported:
            return ".".join([self.imported[node.id], *reversed(parts)])
        return None

    def _body(self, kernel: ast.FunctionDef) -> None:
        """A kernel that calls what no compiler of kernels accepts: the interpreter runs it as plain Python."""
        for node in ast.walk(ast.Module(body=kernel.body, type_ignores=[])):
            if not isinstance(node, ast.Call):
                continue
            if isinstance(node.func, ast.Name) and node.func.id in self.plain:
                self._note(f"{node.func.id}() inside the kernel {kernel.name}", node)
            path = self.dotted(node.func)
            if path is not None and path.split(".")[0] not in ("triton", "math"):
                self._note(f"{path} inside the kernel {kernel.name}", node)


def is_kernel(function: ast.FunctionDef) -> bool:
    """Is it decorated with triton's jit, whatever the name by which that is called?"""
    for decorator in function.decorator_list:
        inner = decorator.func if isinstance(decorator, ast.Call) else decorator
        if (isinstance(inner, ast.Attribute) and inner.attr == "jit") or (
            isinstance(inner, ast.Name) and inner.id == "jit"
        ):
            return True
    return False


def _walk(tree: ast.Module) -> Iterator[ast.AST]:
    """All nodes but those under `if __name__ == "__main__":`, which the judge never runs."""
    stack: list[ast.AST] = [tree]
    while stack:
        node = stack.pop()
        yield node
        if isinstance(node, ast.If) and _is_main(node.test):
            stack.extend(node.orelse)
            continue
        stack.extend(ast.iter_child_nodes(node))


def _is_main(test: ast.expr) -> bool:
    match test:
        case ast.Compare(left=ast.Name(id="__name__"), ops=[ast.Eq()], comparators=[ast.Constant(value="__main__")]):
            return True
    return False
