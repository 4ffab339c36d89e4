"""Mechanical mutants of right kernels: one small change of the source each, as a slip of the hand would make it.

`python -m tests.grading.source_mutants [ID ...]` grades all of them and prints the survivors: each is equivalent to
what it came from, and then stands in EQUIVALENT with the reason, or is a hole in the suite to be closed.
"""

from __future__ import annotations

import ast
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from prep import paths
from prep.exercises.load import load_exercises


@dataclass(frozen=True)
class SourceMutant:
    exercise: str
    rule: str
    line: int
    source: str
    changed: str
    """The statement after the change, or the head of its loop or branch."""

    @property
    def name(self) -> str:
        return f"{self.exercise}:{self.line} {self.rule}"


ANY_FINITE = "any finite number does where the row is all -inf so far, or past the last one"
NOT_STORED = "only lanes that the store masks out differ"

SQUARE_TILES = "on a CPU tiles are 32 x 32, of which the mask needs one: it never moves on"
MASKED_TOO = "blocks that need no mask get one, at a cost in time"

EQUIVALENT: dict[tuple[str, str], str] = {
    ("softmax", "top = tl.where(rows <= M, tl.max(x, axis=1), 0.0)"): NOT_STORED,
    ("softmax", "top = tl.where(rows < M, tl.max(x, axis=1), 1.0)"): NOT_STORED,
    ("softmax", "total = tl.where(rows <= M, tl.sum(e, axis=1), 1.0)"): NOT_STORED,
    ("softmax", "total = tl.where(rows < M, tl.sum(e, axis=1), 2.0)"): NOT_STORED,
    ("softmax", "total = 1.0"): "the first block multiplies it by exp2(-inf)",
    ("softmax", "base = tl.where(higher == -float('inf'), 1.0, higher)"): ANY_FINITE,
    (
        "softmax",
        "x = tl.load(x_ptr + start + cols, mask=inside, eviction_policy='evict_first')",
    ): NOT_STORED,
    (
        "softmax",
        "x = tl.load(x_ptr + start + cols, mask=inside, other=1.0, eviction_policy='evict_first')",
    ): NOT_STORED,
    ("layernorm", "weight = tl.load(weight_ptr + cols, mask=inside, other=1.0).to(tl.float32)"): NOT_STORED,
    ("layernorm", "bias = tl.load(bias_ptr + cols, mask=inside, other=1.0).to(tl.float32)"): NOT_STORED,
    (
        "layernorm",
        "weight = tl.load(weight_ptr + start + cols, mask=inside, other=1.0, eviction_policy='evict_last')",
    ): NOT_STORED,
    (
        "layernorm",
        "bias = tl.load(bias_ptr + start + cols, mask=inside, other=1.0, eviction_policy='evict_last')",
    ): NOT_STORED,
    (
        "layernorm",
        "x = tl.load(x_ptr + start + cols, mask=inside, other=1.0, eviction_policy='evict_first').to(tl.float32)",
    ): NOT_STORED,
    ("layernorm", "mean = 1.0"): "a count of 0 weighs it",
    ("layernorm", "squares = 1.0"): "1 in 16,411 squares, below the rounding of their sum",
    ("layernorm", "count = 1.0"): "one value more in 16,411, below the rounding of their sum",
    ("matmul", "a = tl.load(a_ptrs, mask=offs_k[None, :] < K - k, other=1.0)"): "b is 0 there",
    ("matmul", "b = tl.load(b_ptrs, mask=offs_k[:, None] < K - k, other=1.0)"): "a is 0 there",
    ("flash-attention", "k = tl.load(k_ptrs, mask=keys[None, :] < S, other=1.0)"): "its scores become -inf",
    ("flash-attention", "v = tl.load(v_ptrs, mask=keys[:, None] < S, other=1.0)"): "its weights are 0",
    ("flash-attention", "q = tl.load(q_ptrs, mask=offs_m[:, None] < S, other=1.0)"): "those rows are not stored",
    (
        "flash-attention",
        "row_max, row_sum, accumulator = _attend(q, k_ptrs, v_ptrs, stride_kd, stride_vs, row_max, row_sum, "
        "accumulator, scale_log2, unmasked, end, offs_m, S, CAUSAL, True, BLOCK_N)",
    ): SQUARE_TILES,
    (
        "flash-attention",
        "row_max, row_sum, accumulator = _attend(q, k_ptrs, v_ptrs, stride_ks, stride_vd, row_max, row_sum, "
        "accumulator, scale_log2, unmasked, end, offs_m, S, CAUSAL, True, BLOCK_N)",
    ): SQUARE_TILES,
    ("flash-attention", "end = tl.maximum(S, first_query + BLOCK_M)"): "keys past the diagonal are masked all the same",
    ("flash-attention", "unmasked = tl.minimum(S, first_query - 1) // BLOCK_N * BLOCK_N"): MASKED_TOO,
    ("flash-attention", "unmasked = tl.minimum(S, 0 + 1) // BLOCK_N * BLOCK_N"): MASKED_TOO,
}
"""(exercise, the changed statement) -> why it computes the same."""


def equivalent(mutant: SourceMutant) -> bool:
    """Is it known to compute the same as what it came from?"""
    return (mutant.exercise, mutant.changed) in EQUIVALENT


def of_solution(exercise_id: str) -> list[SourceMutant]:
    """Every mutant of the exercise's solution, in the order of its lines."""
    path = paths.solutions_dir() / exercise_id / "solution.py"
    return list(mutants(exercise_id, path.read_text(encoding="utf-8")))


def mutants(exercise_id: str, source: str) -> Iterator[SourceMutant]:
    """Changes of one place each in the @triton.jit functions of `source`."""
    tree = ast.parse(source)
    kernels = [node for node in tree.body if isinstance(node, ast.FunctionDef) and _is_kernel(node)]
    seen = {ast.unparse(tree)}
    for kernel in kernels:
        for statement, node in _places(kernel):
            for rule, undo in _changes(node):
                text = ast.unparse(ast.fix_missing_locations(tree))
                line = getattr(node, "lineno", kernel.lineno)
                changed = ast.unparse(statement)
                undo()
                if text not in seen:
                    seen.add(text)
                    yield SourceMutant(exercise_id, rule, line, text, changed)


def _places(kernel: ast.FunctionDef) -> Iterator[tuple[ast.AST, ast.AST]]:
    """Every node of the body with what to show of it: its statement, or the head of its loop or branch."""
    for statement in ast.walk(kernel):
        match statement:
            case ast.Assign() | ast.AugAssign() | ast.Expr() | ast.Return():
                shown: ast.AST = statement
            case ast.For(iter=head) | ast.If(test=head) | ast.While(test=head):
                shown = head
            case _:
                continue
        for node in ast.walk(shown):
            yield shown, node


def _is_kernel(function: ast.FunctionDef) -> bool:
    return any("jit" in ast.unparse(decorator) for decorator in function.decorator_list)


def _changes(node: ast.AST) -> Iterator[tuple[str, Any]]:
    """Change `node` in place, yield what was done and how to undo it, and go on with the next change."""
    match node:
        case ast.Call(func=ast.Attribute(attr="load" | "store" | "atomic_add")):
            for i, keyword in enumerate(node.keywords):
                # Masked lanes are 0 in the interpreter where no `other` is given: leaving it out changes nothing.
                if keyword.arg == "mask" or (keyword.arg == "other" and ast.unparse(keyword.value) != "0.0"):
                    del node.keywords[i]
                    yield f"no {keyword.arg}", lambda i=i, k=keyword: node.keywords.insert(i, k)
                if keyword.arg == "other":
                    old = keyword.value
                    keyword.value = ast.Constant(1.0)
                    yield "other=1", lambda k=keyword, old=old: setattr(k, "value", old)
        case ast.Call(func=ast.Attribute(attr="maximum" | "minimum" as name)) if isinstance(node.func, ast.Attribute):
            node.func.attr = "minimum" if name == "maximum" else "maximum"
            yield f"{name} turned round", lambda: setattr(node.func, "attr", name)
        case ast.Call(func=ast.Attribute(attr="sum" | "max" as name)) if isinstance(node.func, ast.Attribute):
            node.func.attr = "max" if name == "sum" else "sum"
            yield f"{name} replaced", lambda: setattr(node.func, "attr", name)
        case ast.Compare(ops=[ast.Lt() | ast.GtE() as operator]):
            node.ops[0] = ast.LtE() if isinstance(operator, ast.Lt) else ast.Gt()
            yield "bound off by one", lambda: node.ops.__setitem__(0, operator)
        case ast.BinOp(op=ast.Add() | ast.Sub() | ast.Mult() | ast.Div() | ast.BitAnd() as operator):
            others: dict[type[ast.operator], ast.operator] = {
                ast.Add: ast.Sub(),
                ast.Sub: ast.Add(),
                ast.Mult: ast.Add(),
                ast.Div: ast.Mult(),
                ast.BitAnd: ast.BitOr(),
            }
            node.op = others[type(operator)]
            yield f"{type(operator).__name__} replaced", lambda: setattr(node, "op", operator)
            if isinstance(operator, ast.Add | ast.Mult | ast.Sub):
                yield from _left_out(node, "left")
        case ast.Constant(value=float(value)):
            node.value = value + 1.0
            yield "constant off by one", lambda: setattr(node, "value", value)
        case ast.Name(id=name, ctx=ast.Load()) if _partner(name) is not None:
            node.id = _partner(name) or name
            yield f"{name} for {node.id}", lambda: setattr(node, "id", name)


def _left_out(node: ast.BinOp, side: str) -> Iterator[tuple[str, Any]]:
    """`a + b` becomes `b + 0` or `b * 1`: the first operand is forgotten."""
    old = node.left
    node.left = ast.Constant(1 if isinstance(node.op, ast.Mult) else 0)
    yield f"{side} operand forgotten", lambda: setattr(node, "left", old)


_PARTNERS = (
    ("x_stride", "out_stride"),
    ("x_row", "x_col"),
    ("out_row", "out_col"),
    ("M", "N"),
    ("inside_m", "inside_n"),
    ("stride_am", "stride_ak"),
    ("stride_bk", "stride_bn"),
    ("stride_om", "stride_on"),
    ("stride_qs", "stride_qd"),
    ("stride_ks", "stride_kd"),
    ("stride_vs", "stride_vd"),
    ("stride_kb", "stride_kh"),
    ("weight", "bias"),
)


def _partner(name: str) -> str | None:
    for one, other in _PARTNERS:
        if name in (one, other):
            return other if name == one else one
    return None


def survivors(ids: list[str]) -> list[SourceMutant]:
    """Grade every mutant of the solutions; those that pass and are not known to be equivalent."""
    from prep.grading.client import JudgeProcess

    alive = []
    with tempfile.TemporaryDirectory() as folder, JudgeProcess() as judge:
        for exercise_id in ids:
            found = of_solution(exercise_id)
            passed = []
            for mutant in found:
                file = Path(folder) / "submission.py"
                file.write_text(mutant.source, encoding="utf-8")
                *_, last = judge.grade(exercise_id, file, case_timeout=5.0)
                if last["verdict"]["passed"]:
                    passed.append(mutant)
            new = [m for m in passed if not equivalent(m)]
            print(f"{exercise_id}: {len(found)} mutants, {len(passed)} pass, {len(new)} of them not listed", flush=True)
            for mutant in new:
                print(f"  {mutant.name}: {mutant.changed}", flush=True)
            alive += new
    return alive


if __name__ == "__main__":
    sys.exit(bool(survivors(sys.argv[1:] or list(load_exercises()))))
