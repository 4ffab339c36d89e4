"""Results that hang on the order of programs, on chance, or on memory that nobody wrote."""

from __future__ import annotations

import pytest

from tests.grading.conftest import Grade
from tests.grading.test_races import first

HEAD = """
import torch
import triton
import triton.language as tl

"""

TICKET = (
    HEAD
    + """
@triton.jit
def _kernel(x, out, ticket, xs, os, n, BLOCK: tl.constexpr):
    row = {row}
    target = {target}
    at = tl.arange(0, BLOCK)
    value = tl.load(x + row * xs + at, mask=at < n, other=-float("inf")).to(tl.float32)
    value = tl.exp(value - tl.max(value, 0))
    tl.store(out + target * os + at, value / tl.sum(value, 0), mask=at < n)


def softmax(x, out):
    rows, n = x.shape
    ticket = torch.zeros(1, dtype=torch.int32)
    _kernel[(rows,)](x, out, ticket, x.stride(0), out.stride(0), n, BLOCK=triton.next_power_of_2(n))
"""
)


def test_a_ticket_that_is_taken_for_the_program_is_order_dependent(grade: Grade) -> None:
    """Programs meet in atomics only, so nothing races; but who comes first decides what is stored where."""
    source = TICKET.format(row="tl.atomic_add(ticket, 1)", target="tl.program_id(0)")
    found = first(grade("softmax", source))
    assert found["code"] == "order-dependent", found["message"]
    assert "expected" in found["message"]


def test_a_ticket_that_stands_for_the_row_passes(grade: Grade) -> None:
    source = TICKET.format(row="tl.atomic_add(ticket, 1)", target="row")
    assert grade("softmax", source)["passed"]


@pytest.mark.parametrize("grid", ["(rows, 1, 1)", "(1, rows)", "(1, 1, rows)"])
def test_every_axis_of_the_grid_is_reordered(grade: Grade, grid: str) -> None:
    axis = {"(rows, 1, 1)": 0, "(1, rows)": 1, "(1, 1, rows)": 2}[grid]
    source = TICKET.format(row="tl.atomic_add(ticket, 1)", target=f"tl.program_id({axis})")
    assert first(grade("softmax", source.replace("(rows,)", grid)))["code"] == "order-dependent"


def test_a_program_that_waits_for_nobody_is_ended(grade: Grade) -> None:
    body = "tl.program_id(0)\n    while tl.atomic_add(ticket, 0) == 0:\n        pass"
    found = first(grade("softmax", TICKET.format(row=body, target="row")))
    assert found["code"] == "timeout", found["message"]
    assert found["source"].startswith("while tl.atomic_add")


def test_noise_within_the_tolerance_is_nondeterministic(grade: Grade) -> None:
    source = """
import random
import triton
import triton.language as tl


@triton.jit
def _kernel(a, b, out, M, N, K, noise, am, ak, bk, bn, om, on, B: tl.constexpr):
    m = tl.program_id(0) * B + tl.arange(0, B)
    n = tl.program_id(1) * B + tl.arange(0, B)
    acc = tl.zeros((B, B), tl.float32)
    for start in range(0, K, B):
        k = start + tl.arange(0, B)
        x = tl.load(a + m[:, None] * am + k[None, :] * ak, mask=(m < M)[:, None] & (k < K)[None, :], other=0.0)
        y = tl.load(b + k[:, None] * bk + n[None, :] * bn, mask=(k < K)[:, None] & (n < N)[None, :], other=0.0)
        acc += tl.dot(x.to(tl.float32), y.to(tl.float32), input_precision="ieee")
    tl.store(out + m[:, None] * om + n[None, :] * on, acc * (1 + noise), mask=(m < M)[:, None] & (n < N)[None, :])


def matmul(a, b, out):
    M, K = a.shape
    N = b.shape[1]
    noise = random.random() * 4e-7 {what}
    _kernel[(triton.cdiv(M, 32), triton.cdiv(N, 32))](
        a, b, out, M, N, K, noise, *a.stride(), *b.stride(), *out.stride(), B=32
    )
"""
    found = first(grade("matmul", source.replace("{what}", "")))
    assert found["code"] == "nondeterministic", found["message"]
    assert grade("matmul", source.replace("{what}", "* 0"))["passed"]


SCRATCH = (
    HEAD
    + """
@triton.jit
def _sum(x, top, total, xs, n, BLOCK: tl.constexpr):
    row, at = tl.program_id(0), tl.arange(0, BLOCK)
    value = tl.load(x + row * xs + at, mask=at < n, other=-float("inf")).to(tl.float32)
    tl.store(top + row, tl.max(value, 0))
    part = tl.sum(tl.exp(value - tl.max(value, 0)), 0)
    {add}


@triton.jit
def _finish(x, top, total, out, xs, os, n, BLOCK: tl.constexpr):
    row, at = tl.program_id(0), tl.arange(0, BLOCK)
    value = tl.load(x + row * xs + at, mask=at < n, other=-float("inf")).to(tl.float32)
    tl.store(out + row * os + at, tl.exp(value - tl.load(top + row)) / tl.load(total + row), mask=at < n)


def softmax(x, out):
    rows, n = x.shape
    top = torch.empty(rows, dtype=torch.float32)
    total = torch.{make}
    block = triton.next_power_of_2(n)
    _sum[(rows,)](x, top, total, x.stride(0), n, BLOCK=block)
    _finish[(rows,)](x, top, total, out, x.stride(0), out.stride(0), n, BLOCK=block)
"""
)

EMPTY = "empty(rows, dtype=torch.float32)"


@pytest.mark.parametrize(
    "add",
    [
        "tl.atomic_add(total + row, part)",
        "tl.store(total + row, tl.load(total + row) + part)",
        # A NaN loses against any number in tl.maximum of triton 3.9: the other filling finds it.
        "tl.store(total + row, tl.maximum(tl.load(total + row), part))",
    ],
)
def test_memory_that_nobody_wrote_is_named(grade: Grade, add: str) -> None:
    found = first(grade("softmax", SCRATCH.format(add=add, make=EMPTY)))
    assert found["code"] == "uninitialised-read", found["message"]
    assert "total[0]" in found["message"]
    assert found["source"] == add
    assert grade("softmax", SCRATCH.format(add=add, make=EMPTY.replace("empty", "zeros")))["passed"]


def test_memory_that_nobody_wrote_may_be_loaded_and_thrown_away(grade: Grade) -> None:
    add = "tl.store(total + row, tl.where(part > 0, part, tl.load(total + row)))"
    assert grade("softmax", SCRATCH.format(add=add, make=EMPTY))["passed"]


def test_adding_into_the_fresh_output(grade: Grade) -> None:
    add = "tl.store(total + row, part)"
    source = SCRATCH.format(add=add, make=EMPTY)
    adds = "tl.load(total + row), mask=at < n)"
    assert grade("softmax", source)["passed"]
    again = source.replace(adds, "tl.load(total + row) + tl.load(out + row * os + at, mask=at < n), mask=at < n)")
    found = first(grade("softmax", again))
    assert found["code"] == "uninitialised-read", found["message"]
    assert "out[0, 0]" in found["message"]
