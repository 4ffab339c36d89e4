"""What a text reaches for, and the second opinion that evidence calls for: right kernels pass it, others do not."""

from __future__ import annotations

from pathlib import Path

import pytest

from prep import paths
from prep.grading import evidence
from prep.grading.worker import kernels
from tests.grading.conftest import Grade

RIGHT = sorted((Path(__file__).parent / "right").glob("*/*.py"))
SOLUTIONS = sorted(paths.solutions_dir().glob("*/solution.py"))


@pytest.mark.parametrize("path", [*SOLUTIONS, *RIGHT], ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_right_kernels_hold_no_evidence_or_can_be_replayed(path: Path) -> None:
    source = path.read_bytes()
    if evidence.find(source):
        assert kernels.extract(source)[1]


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("import gc", "gc"),
        ("import os\nos._exit(0)", "os._exit"),
        ("import sys\nf = sys._getframe()", "sys._getframe"),
        ("import torch\ntorch.softmax = None", "an assignment to .softmax"),
        ("import torch\nwith torch._C._DisableTorchDispatch():\n    pass", "torch._C._DisableTorchDispatch"),
        ("x = getattr(y, 'a' + 'b')", "getattr with a computed name"),
        ("x = ().__class__", ".__class__"),
        ("import random\nrandom.os", "random.os"),
        ("exec('1')", "exec"),
        ("import torch\nclass T(torch.Tensor):\n    pass", "a subclass of torch.Tensor"),
        ("import numpy as np, triton\n@triton.jit\ndef k(x):\n    np.exp(x)", "numpy.exp inside the kernel k"),
        ("import triton\ndef f(x):\n    return x\n@triton.jit\ndef k(x):\n    f(x)", "f() inside the kernel k"),
    ],
)
def test_what_no_kernel_needs_is_seen(text: str, what: str) -> None:
    assert evidence.find(text.encode())[0].what == what


@pytest.mark.parametrize(
    "text",
    [
        "import os\nDEBUG = os.environ.get('DEBUG')",
        "import torch, triton\nassert torch.__version__\nprint(triton.__version__)",
        "class A:\n    def __init__(self):\n        super().__init__()\n        self._x = 1\n        print(self._x)",
        "def f(x, out):\n    pass\nif __name__ == '__main__':\n    import subprocess\n    exec('1')",
        "import triton.language as tl\ndef f(d):\n    return getattr(tl, 'float32')",
    ],
)
def test_ordinary_code_is_no_evidence(text: str) -> None:
    assert evidence.find(text.encode()) == []


@pytest.mark.parametrize("style", ["softmax/tutorial.py", "layernorm/row_in_registers.py", "matmul/split_k_reset.py"])
def test_a_right_kernel_beside_evidence_passes(grade: Grade, style: str) -> None:
    path = Path(__file__).parent / "right" / style
    verdict = grade(path.parent.name, path.read_text(encoding="utf-8") + "\nimport gc\n\ngc.collect()\n")
    assert verdict["passed"], verdict["diagnosis"]


def test_an_impure_kernel_is_left_away() -> None:
    text = """
import numpy as np
import triton
import triton.language as tl

SCALE: tl.constexpr = 2


@triton.jit
def pure(x, B: tl.constexpr):
    tl.store(x + tl.arange(0, B), SCALE * 1.0)


@triton.jit
def impure(x):
    np.exp(x)


@triton.jit
def calls_it(x):
    impure(x)


@triton.jit
def handles(x):
    tl.load(x).handle.data[0] = 1
"""
    source, names = kernels.extract(text.encode())
    assert names == {"pure"}
    assert "SCALE = 2" in source
    assert "numpy" not in source
