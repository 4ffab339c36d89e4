"""Accesses outside their tensor are named by tensor, program, line and element, wherever they lead."""

from __future__ import annotations

import pytest

from tests.grading.conftest import Grade
from tests.grading.test_races import first

SOURCE = """
import torch
import triton
import triton.language as tl


@triton.jit
def _kernel(x, out, scratch, xs, os, n, far, BLOCK: tl.constexpr):
    row = tl.program_id(0)
    at = tl.arange(0, BLOCK)
    value = tl.load(x + row * xs + at, mask=at < n, other=-float("inf")).to(tl.float32)
    {extra}
    value = tl.exp(value - tl.max(value, 0))
    tl.store(out + row * os + at, value / tl.sum(value, 0), mask=at < n)


def softmax(x, out):
    rows, n = x.shape
    scratch = torch.zeros({scratch}, dtype=torch.float32)
    far = (out.data_ptr() - x.data_ptr()) // x.element_size()
    _kernel[(rows,)](x, out, {passed}, x.stride(0), out.stride(0), n, far, BLOCK=triton.next_power_of_2(n))
"""


def source(extra: str, scratch: str = "rows, n", passed: str = "scratch") -> str:
    return SOURCE.format(extra=extra, scratch=scratch, passed=passed)


def test_nothing_extra_passes(grade: Grade) -> None:
    assert grade("softmax", source("pass"))["passed"]


@pytest.mark.parametrize(
    ("extra", "code", "says"),
    [
        ("at += tl.load(x + far).to(tl.int32) * 0", "missing-mask", "'x'"),
        ("at += tl.load(x + far, mask=n > 0, other=0.0).to(tl.int32) * 0", "out-of-bounds-read", "'x'"),
        ("tl.store(x + far + row * os + at, value, mask=at < n)", "out-of-bounds-write", "'x'"),
        ("at += tl.load(x - 1 - row).to(tl.int32) * 0", "missing-mask", "before the first one"),
        ("tl.store(scratch + row * n + n + at, value, mask=at < n)", "out-of-bounds-write", "'scratch'"),
        ("tl.atomic_add(scratch - 1, 1.0, mask=row == 2)", "out-of-bounds-write", "program 2"),
        ("tl.atomic_add(scratch + row * n + n, 1.0)", "out-of-bounds-write", "'scratch'"),
    ],
)
def test_outside(grade: Grade, extra: str, code: str, says: str) -> None:
    found = first(grade("softmax", source(extra)))
    assert found["code"] == code, found["message"]
    assert says in found["message"], found["message"]
    assert found["source"] == extra


def test_the_element_is_named_by_row_and_column(grade: Grade) -> None:
    extra = "at += tl.load(x + (row + 1) * xs + at).to(tl.int32) * 0"
    message = first(grade("softmax", source(extra)))["message"]
    assert "element [1, 0] of 1 x 1" in message, message


def test_a_gap_between_rows_is_named(grade: Grade) -> None:
    """Rows are padded in some cases only: in the others the next element is the next row's."""
    extra = "at += tl.load(x + row * xs + n, mask=row < 1, other=0.0).to(tl.int32) * 0"
    verdict = grade("softmax", source(extra))
    assert first(verdict)["code"] == "out-of-bounds-read"


def test_an_input_that_is_put_back_was_changed_all_the_same(grade: Grade) -> None:
    """Another program, or another stream, may have read it meanwhile."""
    extra = "tl.store(x + row * xs, 0.0)\n    tl.store(x + row * xs + at, value, mask=at < 1)"
    found = first(grade("softmax", source(extra)))
    assert found["code"] == "input-mutated", found["message"]


def test_a_view_may_be_indexed_within_its_allocation(grade: Grade) -> None:
    """A pointer to the first row is good for all rows, as it is on a GPU."""
    extra = "tl.store(scratch + row * n + at, value, mask=at < n)"
    assert grade("softmax", source(extra, passed="scratch[0]"))["passed"]
    assert first(grade("softmax", source(extra, scratch="1, n", passed="scratch[0]")))["code"] == "out-of-bounds-write"


def test_offsets_that_wrap_around_are_seen(grade: Grade) -> None:
    """An int32 product beyond 2^31 is negative, in the interpreter as on a GPU."""
    extra = "at += tl.load(x + (row + 1) * 1073741824 * 2 + (row + 1) * 1073741824).to(tl.int32) * 0"
    found = first(grade("softmax", source(extra)))
    assert found["code"] == "missing-mask"
    assert "before the first one" in found["message"]


def test_a_pointer_seen_with_another_dtype_is_checked_in_bytes(grade: Grade) -> None:
    inside = "tl.store(scratch.to(tl.pointer_type(tl.int8)) + row * 4 * n + at, at.to(tl.int8), mask=at < 4)"
    assert grade("softmax", source(inside))["passed"]
    outside = inside.replace("row * 4 * n + at", "row * 4 * n + 4 * n + at")
    assert first(grade("softmax", source(outside)))["code"] == "out-of-bounds-write"
