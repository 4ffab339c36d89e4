"""Data that a kernel may read, and data that it may not: each road that is closed has one beside it that is open."""

from __future__ import annotations

import pytest

from tests.grading.conftest import Grade
from tests.grading.test_bad_submissions import first, wrapped

OPEN = {
    "scratch": "s = torch.empty(1000); s.zero_(); s[::2].fill_(1.0)",
    "copies": "x = x.clone().to(torch.float32).contiguous()",
    "reinterpreted": "y = torch.empty_like(x); y.copy_(x); x = y.view(x.shape)",
    "small table": "table = torch.tensor([*x.shape, *x.stride()]).clone()",
    "filled column": "s = torch.empty(4, 8); s[:, 0] = 0.0; s[:, 1:].fill_(-1.0); x = x.clone()",
}
CLOSED = {
    "a long list": "x = torch.tensor([[0.0] * 100] * 100).clone()",
    "numpy": "import numpy as np; x = torch.from_numpy(np.ones((100, 100), dtype=np.float32)).clone()",
    "computed at import": "x = TABLE.clone()",
}


@pytest.mark.parametrize("road", OPEN)
def test_what_cannot_hold_an_answer_is_free(grade: Grade, road: str) -> None:
    verdict = grade("softmax", wrapped(OPEN[road], "import torch"))
    assert verdict["passed"], verdict["diagnosis"]


@pytest.mark.parametrize("road", CLOSED)
def test_data_from_elsewhere_is_found_where_it_is_read(grade: Grade, road: str) -> None:
    head = "import torch\nTABLE = torch.rand(100, 100)"
    assert first(grade("softmax", wrapped(CLOSED[road], head)))["code"] == "uses-library-op"


def test_operators_at_import_do_no_harm_by_themselves(grade: Grade) -> None:
    head = "import torch\nTABLE = torch.rand(100, 100).exp()\nLOCKS = torch.zeros(64, dtype=torch.int32)"
    verdict = grade("softmax", wrapped("LOCKS.zero_()", head))
    assert verdict["passed"], verdict["diagnosis"]


def test_bytes_written_after_a_fill_are_found(grade: Grade) -> None:
    body = "import ctypes\nout.zero_()\nctypes.memset(out.data_ptr(), 1, 4)"
    found = first(grade("softmax", wrapped(body)))
    assert found["code"] == "uses-library-op"
    assert "neither a kernel nor torch" in found["message"]
