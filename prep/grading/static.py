"""Stage 0: what can be seen without running anything. Only what makes a run impossible fails here."""

from __future__ import annotations

import ast
from dataclasses import dataclass

from prep.exercises.spec import Exercise


@dataclass(frozen=True, slots=True)
class StaticFault:
    code: str
    line: int | None
    detail: str


def check(source: bytes, exercise: Exercise) -> StaticFault | None:
    """The first fault that keeps `source` from being run as a submission for `exercise`, or None."""
    try:
        tree = ast.parse(source)
    except SyntaxError as e:
        return StaticFault("syntax-error", e.lineno, e.msg or "invalid syntax")
    except ValueError as e:  # null bytes
        return StaticFault("syntax-error", None, str(e))
    except RecursionError:
        return StaticFault("syntax-error", None, "nested too deeply to be read")
    names = [p.name for p in exercise.params]
    wanted = f"def {exercise.entry}({', '.join(names)})"
    entry = _definition(tree, exercise.entry)
    if entry is None:
        return StaticFault("wrong-signature", None, f"no function '{exercise.entry}': the judge calls {wanted}")
    if isinstance(entry, ast.FunctionDef) and not _accepts(entry.args, len(names)):
        has = f"def {entry.name}({ast.unparse(entry.args)})"
        return StaticFault("wrong-signature", entry.lineno, f"has {has}, but the judge calls {wanted}")
    return None


def _definition(tree: ast.Module, name: str) -> ast.AST | None:
    """Where module level binds `name`: a def, an assignment, or an import inside if and try as well."""
    found: ast.AST | None = None
    stack: list[ast.AST] = list(reversed(tree.body))
    while stack:
        node = stack.pop()
        match node:
            case ast.FunctionDef(name=defined) | ast.AsyncFunctionDef(name=defined) | ast.ClassDef(name=defined):
                if defined == name:
                    found = node
            case ast.Assign(targets=targets) if any(isinstance(t, ast.Name) and t.id == name for t in targets):
                found = node
            case ast.AnnAssign(target=ast.Name(id=defined)) if defined == name:
                found = node
            case ast.Import(names=aliases) | ast.ImportFrom(names=aliases):
                if any((a.asname or a.name) in (name, "*") for a in aliases):
                    found = node
            case ast.If() | ast.Try() | ast.With():
                stack.extend(reversed(list(ast.iter_child_nodes(node))))
            case ast.ExceptHandler():
                stack.extend(reversed(node.body))
    return found


def _accepts(args: ast.arguments, count: int) -> bool:
    positional = len(args.posonlyargs) + len(args.args)
    required = positional - len(args.defaults)
    keyword_only = sum(default is None for default in args.kw_defaults)
    return required <= count and (positional >= count or args.vararg is not None) and not keyword_only
