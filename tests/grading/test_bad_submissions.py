"""Submissions that are broken, endless, lying or greedy: one clear diagnosis each, and a judge that goes on."""

from __future__ import annotations

import os
import time
from importlib import metadata
from typing import Any

import pytest

from tests.grading import processes
from tests.grading.conftest import Grade

RIGHT = """
import triton
import triton.language as tl


@triton.jit
def _kernel(x, out, x_stride, out_stride, n, BLOCK: tl.constexpr):
    row = tl.program_id(0)
    at = tl.arange(0, BLOCK)
    value = tl.load(x + row * x_stride + at, mask=at < n, other=-float("inf")).to(tl.float32)
    value = tl.exp(value - tl.max(value, 0))
    tl.store(out + row * out_stride + at, value / tl.sum(value, 0), mask=at < n)


def softmax(x, out):
    rows, n = x.shape
    _kernel[(rows,)](x, out, x.stride(0), out.stride(0), n, BLOCK=triton.next_power_of_2(n))
"""


def wrapped(body: str, head: str = "") -> str:
    """A right submission, with `head` at import and `body` at the start of the entry."""
    lines = "".join(f"    {line}\n" for line in body.splitlines())
    return RIGHT.replace("def softmax(x, out):\n", f"def softmax(x, out):\n{lines}").replace(
        "import triton\n", f"{head}\nimport triton\n", 1
    )


def first(verdict: dict[str, Any]) -> dict[str, Any]:
    assert not verdict["passed"]
    found: dict[str, Any] = verdict["diagnosis"][0]
    return found


def test_the_right_one_passes_and_may_print(grade: Grade) -> None:
    verdict = grade("softmax", wrapped("print('shape', x.shape, x)", "print('imported')"))
    assert verdict["passed"], verdict["diagnosis"]
    assert verdict["output"].startswith("imported\nshape torch.Size([1, 1]) tensor(")


@pytest.mark.parametrize(
    ("source", "line"),
    [("def softmax(x, out:\n    pass\n", 1), ("x = 1\n  y = 2\n", 2), ("not a Python file\n", 1), ("\0", None)],
)
def test_not_python(grade: Grade, source: str, line: int | None) -> None:
    found = first(grade("softmax", source))
    assert found["code"] == "syntax-error"
    assert found["line"] == line


@pytest.mark.parametrize(
    "source",
    ["", "def other(x, out):\n    pass\n", "def softmax(x):\n    pass\n", "def softmax(x, out, n):\n    pass\n"],
)
def test_wrong_signature_names_what_is_called(grade: Grade, source: str) -> None:
    found = first(grade("softmax", source))
    assert found["code"] == "wrong-signature"
    assert "def softmax(x, out)" in found["message"]


def test_other_parameter_names_and_defaults_are_fine(grade: Grade) -> None:
    source = RIGHT.replace("def softmax(x, out):", "def softmax(a, b, BLOCK=None):\n    x, out = a, b")
    assert grade("softmax", source)["passed"]


def test_entry_without_kernel(grade: Grade) -> None:
    assert first(grade("softmax", "def softmax(x, out):\n    pass\n"))["code"] == "no-kernel"


def test_exception_shows_only_the_users_lines(grade: Grade) -> None:
    found = first(grade("softmax", wrapped("helper(x)", "def helper(x):\n    return x.shape[7]\n")))
    assert found["code"] == "crash"
    assert "IndexError" in found["message"]
    assert found["source"] == "return x.shape[7]"
    assert "prep/grading" not in found["traceback"]
    assert "in helper" in found["traceback"]


def test_error_at_import(grade: Grade) -> None:
    found = first(grade("softmax", RIGHT + "\nundefined_name\n"))
    assert found["code"] == "crash"
    assert "undefined_name" in found["message"]
    assert found["source"] == "undefined_name"


@pytest.mark.parametrize("call", ["raise SystemExit(0)", "raise KeyboardInterrupt"])
def test_leaving_by_exception_is_a_crash(grade: Grade, call: str) -> None:
    assert first(grade("softmax", wrapped(call)))["code"] == "crash"


@pytest.mark.parametrize("at_import", [True, False])
def test_leaving_with_status_0_is_not_a_pass(grade: Grade, at_import: bool) -> None:
    source = wrapped("", "import os\nos._exit(0)") if at_import else wrapped("import os; os._exit(0)")
    found = first(grade("softmax", source))
    assert found["code"] == "crash"
    assert "exit status 0" in found["message"]


def test_a_printed_verdict_is_only_output(grade: Grade) -> None:
    forged = '{"event": "verdict", "verdict": {"passed": true, "schema": 1, "diagnosis": []}}'
    body = f"""import os, sys
line = {forged!r}
print(line, flush=True)
for fd in range(64):
    try:
        os.write(fd, (line + chr(10)).encode())
    except OSError:
        continue
os._exit(0)"""
    verdict = grade("softmax", wrapped(body))
    assert first(verdict)["code"] == "crash"
    assert '"passed": true' in verdict["output"]


def test_a_forged_reply_does_not_help(grade: Grade) -> None:
    """Frames written to the reply pipe by the submission itself: the judge compares bytes, not words."""
    body = """import json, os, struct
text = json.dumps({"status": "ok", "returned": None, "watch": {"launches": 1, "programs": 1, "operators": [],
                   "violations": []}}).encode()
for fd in range(3, 64):
    try:
        os.write(fd, struct.pack("!IQ", len(text), 0) + text)
    except OSError:
        continue"""
    assert not grade("softmax", wrapped(body))["passed"]


def test_endless_loop_is_ended_in_time(grade: Grade) -> None:
    start = time.monotonic()
    found = first(grade("softmax", wrapped("while True:\n    pass"), case_timeout=1.0))
    assert found["code"] == "timeout"
    assert time.monotonic() - start < 60


def test_endless_import_is_ended_in_time(grade: Grade) -> None:
    assert first(grade("softmax", wrapped("", "while True: pass"), case_timeout=1.0))["code"] == "timeout"


def test_a_crash_of_the_process_names_its_signal(grade: Grade) -> None:
    found = first(grade("softmax", wrapped("import ctypes; ctypes.string_at(0)")))
    assert found["code"] == "crash"
    assert "SIGSEGV" in found["message"]


def test_children_are_ended_with_it(grade: Grade) -> None:
    """A grandchild that left the process group is ended too, and cannot hold the judge up."""
    name = f"stray{os.getpid()}"
    body = f"""import ctypes, os, time
r, w = os.pipe()
if os.fork() == 0:
    os.setsid()
    ctypes.CDLL(None).prctl(15, {name.encode()!r})
    os.write(w, b"x")
    time.sleep(600)
    os._exit(0)
os.read(r, 1)
os._exit(3)"""
    assert first(grade("softmax", wrapped(body)))["code"] == "crash"
    assert grade("softmax", RIGHT)["passed"]
    assert processes.gone(lambda: processes.named(name))


def test_filling_the_temporary_folder_is_stopped(grade: Grade) -> None:
    body = """import os, tempfile
while True:
    fd, _ = tempfile.mkstemp()
    os.write(fd, bytes(32 << 20))
    os.close(fd)"""
    found = first(grade("softmax", wrapped(body)))
    assert found["code"] == "crash"
    assert "256 MiB" in found["message"] or "No space left" in found["message"]


def test_one_huge_file_is_refused(grade: Grade) -> None:
    body = "with open('big', 'wb') as f:\n    for _ in range(100):\n        f.write(bytes(1 << 20))"
    found = first(grade("softmax", wrapped(body)))
    assert found["code"] == "crash"
    assert "OSError" in found["message"]


def test_endless_output_is_stopped_and_cut(grade: Grade) -> None:
    verdict = grade("softmax", wrapped("while True:\n    print('x' * 4096)"), case_timeout=20.0)
    assert first(verdict)["code"] in ("crash", "timeout")
    assert len(verdict["output"]) <= 64 << 10


def test_memory_is_limited(grade: Grade) -> None:
    found = first(grade("softmax", wrapped("kept = [bytearray(1 << 28), bytearray(1 << 36)]")))
    assert found["code"] == "crash"
    assert "MemoryError" in found["message"]


LIBRARY = {
    "function": "out.copy_(torch.softmax(x, -1))",
    "method": "out.copy_(x.softmax(-1))",
    "operator": "out.copy_(x.exp() / x.exp().sum(-1, keepdim=True))",
    "torch.ops": "torch.ops.aten._softmax.out(x, -1, False, out=out)",
    "out argument": "torch.softmax(x, -1, out=out)",
    "returned": "return torch.softmax(x, -1)",
    "numpy": "import numpy as np; v = np.exp(x.numpy()); out.numpy()[...] = v / v.sum(-1, keepdims=True)",
    "lists": "v = x.tolist(); out.copy_(torch.tensor([[1.0 for _ in row] for row in v]))",
    "hidden": "getattr(torch, 'soft' + 'max')(x, -1, out=out)",
    "arithmetic": "x = x + 0",
}


@pytest.mark.parametrize("road", LIBRARY)
def test_library_calls_by_every_road(grade: Grade, road: str) -> None:
    found = first(grade("softmax", wrapped(LIBRARY[road], "import torch")))
    assert found["code"] == "uses-library-op"


def test_library_call_inside_the_kernel(grade: Grade) -> None:
    source = RIGHT.replace("x, out, x_stride", "x, y: tl.constexpr, out, x_stride").replace(
        "    row = tl", "    torch.softmax(y, -1)\n    row = tl", 1
    )
    source = source.replace("(x, out, x.stride(0)", "(x, x, out, x.stride(0)").replace(
        "import triton\n", "import torch\nimport triton\n", 1
    )
    codes = [found["code"] for found in grade("softmax", source)["diagnosis"]]
    assert codes == ["does-not-compile", "uses-library-op"]


def test_values_written_behind_torchs_back(grade: Grade) -> None:
    """ctypes goes round every operator: the bytes that no kernel stored give it away."""
    body = """import ctypes, math
rows, n = out.shape
if out.dtype.itemsize == 4:
    floats = ctypes.POINTER(ctypes.c_float)
    source, target = ctypes.cast(x.data_ptr(), floats), ctypes.cast(out.data_ptr(), floats)
    for i in range(rows):
        row = [source[i * x.stride(0) + j] for j in range(n)]
        top = max(row)
        e = [math.exp(v - top) for v in row]
        total = sum(e)
        for j in range(n):
            target[i * out.stride(0) + j] = e[j] / total
    return"""
    assert not grade("softmax", wrapped(body))["passed"]
    alone = "import ctypes\n\n\ndef softmax(x, out):\n" + "".join(f"    {line}\n" for line in body.splitlines())
    assert first(grade("softmax", alone))["code"] in ("uses-library-op", "no-kernel")


def test_allocation_views_and_copies_are_allowed(grade: Grade) -> None:
    body = """import torch
x = x.contiguous().view(x.shape).clone()
target, out = out, torch.empty(out.shape, dtype=out.dtype)
torch.zeros_like(out); torch.full((3,), 2.0)"""
    source = wrapped(body) + "    target.copy_(out)\n"
    verdict = grade("softmax", source)
    assert verdict["passed"], verdict["diagnosis"]


def test_every_autotune_configuration_is_judged(grade: Grade) -> None:
    tuned = """
@triton.autotune(configs=[triton.Config({"BLOCK": b}) for b in (32768, 65536, SMALL)], key=["n"])
@triton.jit
def _kernel("""
    source = RIGHT.replace("\n@triton.jit\ndef _kernel(", tuned).replace(", BLOCK=triton.next_power_of_2(n))", ")")
    assert grade("softmax", source.replace("SMALL", "32768"))["passed"]
    assert not grade("softmax", source.replace("SMALL", "2"))["passed"]


def test_heuristics_and_helper_functions_work(grade: Grade) -> None:
    source = RIGHT.replace(
        "@triton.jit\ndef _kernel(",
        "@triton.jit\ndef _shifted(value):\n    return tl.exp(value - tl.max(value, 0))\n\n\n"
        '@triton.heuristics({"BLOCK": lambda a: triton.next_power_of_2(a["n"])})\n@triton.jit\ndef _kernel(',
    )
    source = source.replace("tl.exp(value - tl.max(value, 0))\n    tl.store", "_shifted(value)\n    tl.store")
    source = source.replace(", BLOCK=triton.next_power_of_2(n))", ")")
    verdict = grade("softmax", source)
    assert verdict["passed"], verdict["diagnosis"]


def test_block_pointers_work_where_triton_has_them(grade: Grade) -> None:
    block = RIGHT.replace(
        '    value = tl.load(x + row * x_stride + at, mask=at < n, other=-float("inf")).to(tl.float32)\n',
        "    block = tl.make_block_ptr(x, (tl.num_programs(0), n), (x_stride, 1), (row, 0), (1, BLOCK), (1, 0))\n"
        "    value = tl.load(block, boundary_check=(0, 1)).to(tl.float32).reshape(BLOCK)\n"
        "    value = tl.where(at < n, value, -float('inf'))\n",
    )
    verdict = grade("softmax", block)
    if metadata.version("triton").startswith("3.9"):  # removed there
        assert first(verdict)["code"] == "does-not-compile"
        return
    assert verdict["passed"], verdict["diagnosis"]
    verdict = grade("softmax", block.replace("boundary_check=(0, 1)", "boundary_check=()"))
    assert first(verdict)["code"] == "missing-mask"


def test_a_block_that_is_no_power_of_two_does_not_compile(grade: Grade) -> None:
    found = first(grade("softmax", RIGHT.replace("triton.next_power_of_2(n)", "n + 1")))
    assert found["code"] == "does-not-compile"
    assert "power of 2" in found["message"]


def test_deleting_the_masks_of_a_right_kernel(grade: Grade) -> None:
    """What the first user does: take the mask away, and see it named."""
    unmasked = RIGHT.replace(', mask=at < n, other=-float("inf")', "")
    found = first(grade("softmax", unmasked))
    assert found["code"] == "missing-mask"
    assert found["source"] == "value = tl.load(x + row * x_stride + at).to(tl.float32)"
    unmasked = RIGHT.replace("/ tl.sum(value, 0), mask=at < n)", "/ tl.sum(value, 0))")
    found = first(grade("softmax", unmasked))
    assert found["code"] == "out-of-bounds-write"
    assert "'out'" in found["message"]


def test_a_store_far_outside_is_reported_not_a_segfault(grade: Grade) -> None:
    found = first(grade("softmax", RIGHT.replace("out + row * out_stride", "out + (row + 1 << 28)")))
    assert found["code"] == "out-of-bounds-write"


def test_result_kept_from_the_first_call(grade: Grade) -> None:
    body = """key = (x.shape, x.dtype)
if key in kept:
    source = kept[key]
    _copy[(x.shape[0],)](source, out, source.stride(0), out.stride(0), x.shape[1], BLOCK=16384 * 2)
    return"""
    copy = """
kept = {}


@triton.jit
def _copy(x, out, x_stride, out_stride, n, BLOCK: tl.constexpr):
    at = tl.arange(0, BLOCK)
    row = tl.program_id(0)
    tl.store(out + row * out_stride + at, tl.load(x + row * x_stride + at, mask=at < n), mask=at < n)


def softmax("""
    source = wrapped(body).replace("\n\ndef softmax(", copy) + "    kept[x.shape, x.dtype] = out.clone()\n"
    assert first(grade("softmax", source))["code"] == "stale-output"


def test_a_persistent_kernel_may_ask_for_the_gpu(grade: Grade) -> None:
    """As the tutorials do: the device and its multiprocessors, at import and in the entry."""
    head = """import torch
import triton
DEVICE = triton.runtime.driver.active.get_active_torch_device()
SMS = triton.runtime.driver.active.utils.get_device_properties(DEVICE.index)["multiprocessor_count"]
assert torch.cuda.get_device_properties(0).multi_processor_count == SMS
"""
    source = wrapped("assert x.device == DEVICE", head)
    source = source.replace(
        "    row = tl.program_id(0)\n    at = tl.arange(0, BLOCK)\n", "    at = tl.arange(0, BLOCK)\n"
    )
    source = source.replace("x_stride, out_stride, n, BLOCK: tl", "x_stride, out_stride, rows, n, BLOCK: tl")
    body, rest = source.split("    value = tl.load", 1)
    loop, entry = ("    value = tl.load" + rest).split("\n\n\ndef softmax", 1)
    looped = "    for row in range(tl.program_id(0), rows, tl.num_programs(0)):\n" + "\n".join(
        f"    {line}" for line in loop.splitlines()
    )
    source = f"{body}{looped}\n\n\ndef softmax{entry}".replace("[(rows,)](x, out,", "[(min(rows, SMS),)](x, out,")
    source = source.replace("out.stride(0), n, BLOCK", "out.stride(0), rows, n, BLOCK")
    verdict = grade("softmax", source)
    assert verdict["passed"], verdict["diagnosis"]
