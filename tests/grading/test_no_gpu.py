"""A GPU that is not there: what a submission asks of it is answered, and no way round the kernel opens by that.

The right side is tests/grading/right/softmax/written_for_cuda.py.
"""

from __future__ import annotations

from tests.grading.conftest import Grade

KERNEL = """
import torch
import triton
import triton.language as tl


@triton.jit
def kernel(x_ptr, out_ptr, x_stride, out_stride, n, BLOCK: tl.constexpr):
    row = tl.program_id(0)
    j = tl.arange(0, BLOCK)
    x = tl.load(x_ptr + row * x_stride + j, mask=j < n, other=-float("inf")).to(tl.float32)
    e = tl.exp(x - tl.max(x, 0))
    tl.store(out_ptr + row * out_stride + j, e / tl.sum(e, 0), mask=j < n)


def launch(x, out):
    block = triton.next_power_of_2(x.shape[1])
    kernel[(x.shape[0],)](x, out, x.stride(0), out.stride(0), x.shape[1], BLOCK=block)


"""


def test_another_way_for_the_cpu_is_what_is_judged(grade: Grade) -> None:
    submission = """def softmax(x, out):
    if x.is_cuda:
        return launch(x, out)
    out.copy_(torch.softmax(x, -1))
"""
    verdict = grade("softmax", KERNEL + submission)
    assert not verdict["passed"]
    assert verdict["diagnosis"][0]["code"] in ("no-kernel", "uses-library-op")


def test_library_on_the_gpu_is_a_library(grade: Grade) -> None:
    submission = """def softmax(x, out):
    assert x.is_cuda
    launch(x, out)
    out.copy_(torch.softmax(x.to("cuda"), -1, dtype=torch.float32).cuda())
"""
    verdict = grade("softmax", KERNEL + submission)
    assert not verdict["passed"]
    assert verdict["diagnosis"][0]["code"] == "uses-library-op"


def test_a_guard_that_asks_for_the_cpu_refuses(grade: Grade) -> None:
    """Both answers at once would be a lie that no machine tells."""
    verdict = grade("softmax", KERNEL + "def softmax(x, out):\n    assert not x.is_cuda\n    launch(x, out)\n")
    assert [found["code"] for found in verdict["diagnosis"]] == ["crash"]
