"""Programs that meet in memory: what nothing orders fails, with the two programs and the line; what is ordered passes.

Most of the racing kernels here are numerically right whenever programs run one after the other, in whatever order.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.grading.conftest import Grade

HEAD = """
import torch
import triton
import triton.language as tl

BLOCK = 32


@triton.jit
def _finish(x, top, total, out, xs, os, n, BLOCK: tl.constexpr):
    row, at = tl.program_id(0), tl.program_id(1) * BLOCK + tl.arange(0, BLOCK)
    value = tl.load(x + row * xs + at, mask=at < n, other=-float("inf")).to(tl.float32)
    value = tl.exp(value - tl.load(top + row)) / tl.load(total + row)
    tl.store(out + row * os + at, value, mask=at < n)


@triton.jit
def _top(x, top, xs, n, BLOCK: tl.constexpr):
    row = tl.program_id(0)
    best = tl.full((BLOCK,), -float("inf"), tl.float32)
    for start in range(0, n, BLOCK):
        at = start + tl.arange(0, BLOCK)
        best = tl.maximum(best, tl.load(x + row * xs + at, mask=at < n, other=-float("inf")).to(tl.float32))
    tl.store(top + row, tl.max(best, 0))

"""

ENTRY = """

def softmax(x, out):
    rows, n = x.shape
    block = max(BLOCK, triton.next_power_of_2(triton.cdiv(n, 16)))
    blocks = triton.cdiv(n, block)
    top = torch.empty(rows, dtype=torch.float32)
    total = torch.zeros(rows, dtype=torch.float32)
    scratch = torch.zeros(rows * blocks, dtype=torch.float32)
    lock = torch.zeros(rows, dtype=torch.int32)
    _top[(rows,)](x, top, x.stride(0), n, BLOCK=block)
    _sum[(rows, blocks)](x, top, total, scratch, lock, x.stride(0), n, blocks, BLOCK=block)
    _finish[(rows, blocks)](x, top, total, out, x.stride(0), out.stride(0), n, BLOCK=block)
"""

SIGNATURE = "def _sum(x, top, total, scratch, lock, xs, n, blocks, BLOCK: tl.constexpr):"


def softmax(body: str) -> str:
    """A softmax whose rows' sums are put together from several programs' parts by `body`."""
    part = """
    row, block = tl.program_id(0), tl.program_id(1)
    at = block * BLOCK + tl.arange(0, BLOCK)
    value = tl.load(x + row * xs + at, mask=at < n, other=-float("inf")).to(tl.float32)
    part = tl.sum(tl.exp(value - tl.load(top + row)), 0)
"""
    lines = "".join(f"    {line}\n" for line in body.strip("\n").splitlines())
    return f"{HEAD}\n@triton.jit\n{SIGNATURE}{part}{lines}{ENTRY}"


LAST_ONE = """
tl.store(scratch + row * blocks + block, part)
if tl.atomic_add(lock + row, 1{sem}) == blocks - 1:
    whole = 0.0
    for i in range(blocks):
        whole += tl.load(scratch + row * blocks + i)
    tl.store(total + row, whole)
"""

LOCK = """
while tl.atomic_cas(lock + row, 0, 1{sem}) == 1:
    pass
tl.store(total + row, tl.load(total + row) + part)
tl.debug_barrier()
tl.atomic_xchg(lock + row, 0{sem})
"""

CHAIN = """
while {look} < block:
    pass
tl.store(total + row, tl.load(total + row) + part)
{give}
"""

RIGHT = {
    "atomic sum": "tl.atomic_add(total + row, part)",
    "relaxed atomic sum": "tl.atomic_add(total + row, part, sem='relaxed')",
    "last program reduces": LAST_ONE.format(sem=""),
    "last program reduces, named semantics": LAST_ONE.format(sem=", sem='acq_rel'"),
    "spin lock": LOCK.format(sem=""),
    "spin lock, acquire and release": LOCK.format(sem=", sem='acq_rel'"),
    "each waits for the one before": CHAIN.format(
        look="tl.atomic_add(lock + row, 0)", give="tl.atomic_add(lock + row, 1)"
    ),
    "each waits for the one after": """
while tl.atomic_add(lock + row, 0) < blocks - 1 - block:
    pass
tl.store(total + row, tl.load(total + row) + part)
tl.atomic_add(lock + row, 1)
""",
    "all wait for all, twice": """
tl.atomic_add(lock + row, 1)
while tl.atomic_add(lock + row, 0) < blocks:
    pass
tl.store(scratch + row * blocks + block, part)
tl.atomic_add(lock + row, 1)
while tl.atomic_add(lock + row, 0) < 2 * blocks:
    pass
if block == 0:
    whole = 0.0
    for i in range(blocks):
        whole += tl.load(scratch + row * blocks + i)
    tl.store(total + row, whole)
""",
    "the same value stored by all": """
whole = 0.0
for i in range(blocks):
    whole_at = i * BLOCK + tl.arange(0, BLOCK)
    v = tl.load(x + row * xs + whole_at, mask=whole_at < n, other=-float("inf")).to(tl.float32)
    whole += tl.sum(tl.exp(v - tl.load(top + row)), 0)
tl.store(total + row, whole)
part = tl.load(total + row)
""",
    "loaded and thrown away": """
other = tl.load(scratch + row * blocks + tl.minimum(block + 1, blocks - 1))
tl.store(scratch + row * blocks + block, part)
tl.atomic_add(total + row, tl.where(block < blocks, part, other))
""",
    "a ticket says which part": """
ticket = tl.atomic_add(lock + row, 1)
at = ticket * BLOCK + tl.arange(0, BLOCK)
value = tl.load(x + row * xs + at, mask=at < n, other=-float("inf")).to(tl.float32)
tl.atomic_add(total + row, tl.sum(tl.exp(value - tl.load(top + row)), 0))
""",
}

WRONG = {
    "load, add, store": "tl.store(total + row, tl.load(total + row) + part)",
    "spin lock that orders nothing": LOCK.format(sem=", sem='relaxed'"),
    "spin lock that is never released in order": LOCK.replace("0, 1{sem}", "0, 1").format(sem=", sem='relaxed'"),
    "last program reduces without acquiring": LAST_ONE.format(sem=", sem='release'"),
    "last program reduces without releasing": LAST_ONE.format(sem=", sem='acquire'"),
    "last program by a plain counter": """
tl.store(scratch + row * blocks + block, part)
count = tl.load(lock + row)
tl.store(lock + row, count + 1)
if count == blocks - 1:
    whole = 0.0
    for i in range(blocks):
        whole += tl.load(scratch + row * blocks + i)
    tl.store(total + row, whole)
""",
    "flag by plain store": CHAIN.format(
        look="tl.load(lock + row, volatile=True)", give="tl.store(lock + row, block + 1)"
    ),
    "program 0 is taken to be first": """
if block == 0:
    tl.store(total + row, 0.0)
tl.atomic_add(total + row, part)
""",
    "atomic for one program only": """
if block == 0:
    tl.store(total + row, tl.load(total + row) + part)
else:
    tl.atomic_add(total + row, part)
""",
    "an atomic is no lock": """
tl.atomic_add(lock + row, 1)
tl.store(total + row, tl.load(total + row) + part)
tl.atomic_add(lock + row, 1)
""",
}


@pytest.mark.parametrize("name", RIGHT)
def test_ordered_programs_pass(grade: Grade, name: str) -> None:
    verdict = grade("softmax", softmax(RIGHT[name]))
    assert verdict["passed"], verdict["diagnosis"]


@pytest.mark.parametrize("name", WRONG)
def test_unordered_programs_are_a_race(grade: Grade, name: str) -> None:
    verdict = grade("softmax", softmax(WRONG[name]))
    found = first(verdict)
    assert found["code"] == "race", found["message"]
    assert "program" in found["message"]
    assert found["source"].startswith(("tl.store", "whole += tl.load", "tl.atomic", "count = tl.load", "while tl.load"))


def first(verdict: dict[str, Any]) -> dict[str, Any]:
    assert not verdict["passed"]
    found: dict[str, Any] = verdict["diagnosis"][0]
    return found
