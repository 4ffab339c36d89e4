"""The kernels of a submission without the rest of it: what can be run where nothing else of the file may.

Taken from the text: imports of triton and math, module constants, and the functions under `@triton.jit`, their other
decorators left away. A kernel is pure where each name in it is a parameter, a local, a constant, another pure kernel
or triton's language, and no attribute leads out of that: then it can compute and store, and nothing more.
"""

from __future__ import annotations

import ast
import builtins
from collections import Counter

from prep.grading.evidence import is_kernel, words

_BUILTINS = words("range len min max abs float int bool tuple print isinstance zip enumerate round sum")
_LANGUAGES = ("triton", "math")
_OF_TRITON = frozenset({"language", "cdiv", "next_power_of_2"})
_NOT_OF_LANGUAGE = words("core semantic standard random sys os inspect builtins types importlib")
_NOT_OF_VALUES = words("handle data fn src numpy")
_STATEMENTS = (
    ast.Assign | ast.AugAssign | ast.AnnAssign | ast.For | ast.While | ast.If | ast.Return | ast.Expr | ast.Pass
    | ast.Break | ast.Continue | ast.Assert
)  # fmt: skip
_EXPRESSIONS = (
    ast.BoolOp | ast.BinOp | ast.UnaryOp | ast.IfExp | ast.Compare | ast.Call | ast.Constant | ast.Attribute
    | ast.Subscript | ast.Name | ast.Tuple | ast.List | ast.Slice | ast.Starred | ast.ListComp | ast.JoinedStr
    | ast.FormattedValue | ast.NamedExpr
)  # fmt: skip
_PARTS = (
    ast.operator | ast.unaryop | ast.boolop | ast.cmpop | ast.expr_context | ast.keyword | ast.comprehension
    | ast.arguments | ast.arg
)  # fmt: skip


class Impure(Exception):
    """A kernel, or what it uses, does more than kernels do; the message says what."""


def extract(source: bytes) -> tuple[str, frozenset[str]]:
    """The text of a module that holds the pure kernels of `source`, and their names.

    Kernels that are not pure are left away: a launch of one of them cannot be repeated.
    """
    tree = ast.parse(source)
    imports, aliases = _imports(tree)
    constants = _constants(tree, aliases)
    functions = [n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef) and is_kernel(n)]
    count = Counter(f.name for f in functions)
    candidates = {f.name: f for f in functions if count[f.name] == 1}
    while True:  # a kernel that calls one that is left away is left away as well
        names = frozenset(candidates) | frozenset(constants)
        impure = [name for name, kernel in candidates.items() if _fault(kernel, aliases, names) is not None]
        if not impure:
            break
        for name in impure:
            del candidates[name]
    parts = [*imports, *(f"{name} = {ast.unparse(value)}" for name, value in constants.items())]
    parts += [_bare(kernel) for kernel in functions if kernel.name in candidates]
    return "\n".join(parts) + "\n", frozenset(candidates)


def _imports(tree: ast.Module) -> tuple[list[str], dict[str, str]]:
    lines, aliases = ["import triton"], {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                root = alias.name.split(".")[0]
                if root in _LANGUAGES and _leads_to_language(alias.name):
                    lines.append(ast.unparse(ast.Import(names=[alias])))
                    aliases[alias.asname or root] = alias.name if alias.asname else root
        elif isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] in _LANGUAGES:
            for alias in node.names:
                path = f"{node.module}.{alias.name}"
                if _leads_to_language(path) and alias.name not in ("*", "jit"):
                    lines.append(ast.unparse(ast.ImportFrom(module=node.module, names=[alias], level=0)))
                    aliases[alias.asname or alias.name] = path
    return lines, aliases


def _leads_to_language(path: str) -> bool:
    root, *rest = path.split(".")
    if any(part.startswith("_") for part in rest):
        return False
    if root == "math" or not rest:
        return root in _LANGUAGES and len(rest) <= 1
    if rest[0] not in _OF_TRITON:
        return False
    return not any(part in _NOT_OF_LANGUAGE for part in rest[1:])


def _constants(tree: ast.Module, aliases: dict[str, str]) -> dict[str, ast.expr]:
    """Names that the module binds once, at its top, to something made of literals."""
    bound: Counter[str] = Counter()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            bound[node.id] += 1
    constants: dict[str, ast.expr] = {}
    for statement in tree.body:
        match statement:
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                pass
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                pass
            case _:
                continue
        if bound[name] == 1 and _is_constant(value, aliases, frozenset(constants)):
            constants[name] = value
    return constants


def _is_constant(value: ast.expr, aliases: dict[str, str], known: frozenset[str]) -> bool:
    for node in ast.walk(value):
        match node:
            case ast.Constant() | ast.UnaryOp() | ast.BinOp() | ast.Tuple() | ast.operator() | ast.unaryop():
                continue
            case ast.expr_context() | ast.keyword():
                continue
            case ast.Name(id=name) if name in known or name in aliases or name in ("float", "int", "bool"):
                continue
            case ast.Attribute() if _path(node, aliases) is not None and _leads_to_language(_path(node, aliases) or ""):
                continue
            case ast.Call() if isinstance(node.func, ast.Name | ast.Attribute):
                continue
        return False
    return True


def _path(node: ast.AST, aliases: dict[str, str]) -> str | None:
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if isinstance(node, ast.Name) and node.id in aliases:
        return ".".join([aliases[node.id], *reversed(parts)])
    return None


def _fault(kernel: ast.FunctionDef, aliases: dict[str, str], names: frozenset[str]) -> str | None:
    """What keeps a kernel from being pure, or None."""
    every = [kernel.args, *kernel.args.defaults, *kernel.body]
    nodes = [node for part in every for node in ast.walk(part)]
    annotations = {
        id(n) for a in ast.walk(kernel.args) if isinstance(a, ast.arg) and a.annotation for n in ast.walk(a.annotation)
    }
    arguments = kernel.args
    own = {a.arg for a in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)}
    own |= {n.id for n in nodes if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    if arguments.vararg or arguments.kwarg or own & set(aliases):
        return "its parameters"
    for node in nodes:
        if id(node) in annotations:
            continue
        if not isinstance(node, _STATEMENTS | _EXPRESSIONS | _PARTS):
            return type(node).__name__
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            known = node.id in own or node.id in names or node.id in aliases
            if not known and not (node.id in _BUILTINS and hasattr(builtins, node.id)):
                return node.id
        elif isinstance(node, ast.Attribute):
            path = _path(node, aliases)
            if not isinstance(node.ctx, ast.Load) or node.attr.startswith("_") or node.attr in _NOT_OF_VALUES:
                return f".{node.attr}"
            if path is not None and not _leads_to_language(path):
                return path
    return None


def _bare(kernel: ast.FunctionDef) -> str:
    """The kernel under nothing but `@triton.jit`; only annotations that say constexpr are kept."""
    arguments = ast.unparse(kernel.args)
    copy = ast.parse(f"@triton.jit\ndef {kernel.name}({arguments}):\n    pass").body[0]
    assert isinstance(copy, ast.FunctionDef)
    for argument in (*copy.args.posonlyargs, *copy.args.args, *copy.args.kwonlyargs):
        text = ast.unparse(argument.annotation) if argument.annotation else ""
        is_constexpr = text.strip("'\"").split(".")[-1].startswith("constexpr")
        argument.annotation = ast.parse("triton.language.constexpr", mode="eval").body if is_constexpr else None
    copy.body = kernel.body
    return ast.unparse(copy)
