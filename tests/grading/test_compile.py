"""Stage compile: what triton's interpreter lets through and a GPU does not, and what must not fail for it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import prep
from prep.grading.occupancy import blocks_at_once, occupancy
from tests.grading.conftest import Grade

SOFTMAX = """
import torch
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

MATMUL = """
import torch
import triton
import triton.language as tl


@triton.jit
def _kernel(a, b, out, M, N, K, am, ak, bk, bn, om, on, BM: tl.constexpr, BN: tl.constexpr, BK: tl.constexpr):
    m = tl.program_id(0) * BM + tl.arange(0, BM)
    n = tl.program_id(1) * BN + tl.arange(0, BN)
    total = tl.zeros((BM, BN), dtype=tl.float32)
    for start in range(0, K, BK):
        k = start + tl.arange(0, BK)
        x = tl.load(a + m[:, None] * am + k[None, :] * ak, mask=(m[:, None] < M) & (k[None, :] < K), other=0.0)
        y = tl.load(b + k[:, None] * bk + n[None, :] * bn, mask=(k[:, None] < K) & (n[None, :] < N), other=0.0)
        total = tl.dot(x, y, total, input_precision="ieee")
    inside = (m[:, None] < M) & (n[None, :] < N)
    tl.store(out + m[:, None] * om + n[None, :] * on, total.to(out.dtype.element_ty), mask=inside)


def matmul(a, b, out):
    M, K = a.shape
    N = b.shape[1]
    grid = (triton.cdiv(M, 32), triton.cdiv(N, 32))
    _kernel[grid](a, b, out, M, N, K, *a.stride(), *b.stride(), *out.stride(), BM=32, BN=32, BK=32)
"""


ROWS = """
import triton
import triton.language as tl


@triton.jit
def _kernel(x, out, x_stride, out_stride, m, n, ROWS: tl.constexpr, BLOCK: tl.constexpr):
    rows = tl.program_id(0) * ROWS + tl.arange(0, ROWS)[:, None]
    at = tl.arange(0, BLOCK)[None, :]
    inside = (rows < m) & (at < n)
    value = tl.load(x + rows * x_stride + at, mask=inside, other=-float("inf")).to(tl.float32)
    value = tl.exp(value - tl.where(rows < m, tl.max(value, 1)[:, None], 0.0))
    tl.store(out + rows * out_stride + at, value / tl.sum(value, 1)[:, None], mask=inside)


def softmax(x, out):
    m, n = x.shape
    rows = 64 if x.is_cuda else 4
    block = triton.next_power_of_2(n)
    _kernel[(triton.cdiv(m, rows),)](x, out, x.stride(0), out.stride(0), m, n, ROWS=rows, BLOCK=block)
"""


def edited(source: str, *edits: tuple[str, str]) -> str:
    for old, new in edits:
        assert old in source
        source = source.replace(old, new)
    return source


def stage(verdict: dict[str, Any], name: str = "compile") -> dict[str, Any]:
    return next(s for s in verdict["stages"] if s["name"] == name)


def line_of(source: str, text: str) -> int:
    return next(n for n, line in enumerate(source.lstrip("\n").splitlines(), 1) if text in line)


def rejected(verdict: dict[str, Any], code: str = "does-not-compile") -> dict[str, Any]:
    """The first diagnosis, of a submission that the interpreter has nothing against."""
    assert not verdict["passed"]
    assert stage(verdict)["status"] == "failed"
    found: dict[str, Any] = verdict["diagnosis"][0]
    assert found["code"] == code, found["message"]
    return found


# What the interpreter hides


def test_a_torch_function_in_a_kernel(grade: Grade) -> None:
    source = edited(SOFTMAX, ("tl.exp(value - tl.max(value, 0))", "torch.exp(value - tl.max(value, 0))")).lstrip()
    found = rejected(grade("softmax", source))
    assert "torch.exp is not a @triton.jit function" in found["message"]
    assert found["line"] == line_of(source, "torch.exp")


def test_a_python_helper_without_the_decorator(grade: Grade) -> None:
    source = edited(
        SOFTMAX,
        ("tl.exp(value - tl.max(value, 0))", "exponential(value - tl.max(value, 0))"),
        ("\n\n@triton.jit\n", "\n\ndef exponential(x):\n    return tl.exp(x)\n\n\n@triton.jit\n"),
    ).lstrip()
    verdict = grade("softmax", source)
    found = rejected(verdict)
    assert "exponential is not a @triton.jit function" in found["message"]
    assert found["source"].startswith("value = exponential(")


def test_a_dot_below_the_smallest_tile(grade: Grade) -> None:
    source = edited(MATMUL, ("BK=32", "BK=8")).lstrip()
    found = rejected(grade("matmul", source))
    assert re.search(r"K >= (8|16)", found["message"])
    assert found["line"] == line_of(source, "tl.dot")


def test_a_tile_that_no_block_has_shared_memory_for(grade: Grade) -> None:
    source = edited(
        MATMUL,
        ("cdiv(M, 32)", "cdiv(M, 256)"),
        ("cdiv(N, 32)", "cdiv(N, 256)"),
        ("BM=32, BN=32, BK=32", "BM=256, BN=256, BK=256"),
    )
    found = rejected(grade("matmul", source), "too-much-shared-memory")
    assert "232,448" in found["message"]
    needed = int(re.search(r"needs ([\d,]+) bytes", found["message"])[1].replace(",", ""))  # type: ignore[index]
    assert needed >= 2 * 256 * 256 * 2
    assert "from 256 to 128" in found["message"]
    assert "232,448" in found["messages"]["zh"]


def test_too_many_stages(grade: Grade) -> None:
    source = edited(
        MATMUL,
        ("cdiv(M, 32)", "cdiv(M, 128)"),
        ("cdiv(N, 32)", "cdiv(N, 128)"),
        ("BM=32, BN=32, BK=32", "BM=128, BN=128, BK=64, num_stages=9, num_warps=8"),
    )
    found = rejected(grade("matmul", source), "too-much-shared-memory")
    assert "num_stages from 9 to 4" in found["message"]


def test_a_block_that_is_no_power_of_two(grade: Grade) -> None:
    source = edited(SOFTMAX, ("BLOCK=triton.next_power_of_2(n)", "BLOCK=n")).lstrip()
    found = rejected(grade("softmax", source))
    assert "power of 2" in found["message"]
    assert found["line"] == line_of(source, "tl.arange")


def test_a_constexpr_that_is_none(grade: Grade) -> None:
    found = rejected(grade("softmax", edited(SOFTMAX, ("BLOCK: tl.constexpr", "BLOCK"))))
    assert "constexpr" in found["message"]


def test_a_global_that_is_no_constexpr(grade: Grade) -> None:
    source = edited(
        SOFTMAX, ("\n\n@triton.jit\n", "\nLOW = -float('inf')\n\n\n@triton.jit\n"), ('other=-float("inf")', "other=LOW")
    ).lstrip()
    verdict = grade("softmax", source)
    assert stage(verdict, "cpu")["status"] == "passed", verdict["diagnosis"]
    found = rejected(verdict)
    assert "LOW" in found["message"]
    assert found["line"] == line_of(source, "other=LOW")


def test_an_argument_that_the_kernel_does_not_have(grade: Grade) -> None:
    """`num_warp` for `num_warps`: the interpreter drops what it does not know."""
    verdict = grade("softmax", edited(SOFTMAX, ("BLOCK=triton", "num_warp=8, BLOCK=triton")))
    if stage(verdict, "cpu")["status"] == "passed":
        assert "num_warp" in rejected(verdict)["message"]
    assert not verdict["passed"]


def test_a_stride_of_one_is_a_constant(grade: Grade) -> None:
    """On a GPU an integer of 1 becomes a constexpr, which has no `.to`; the interpreter hands over a tensor."""
    source = edited(
        SOFTMAX,
        ("n, BLOCK: tl.constexpr", "n, x_col, BLOCK: tl.constexpr"),
        ("row * x_stride + at,", "row * x_stride + at * x_col.to(tl.int64),"),
        ("out.stride(0), n,", "out.stride(0), n, x.stride(1),"),
    )
    found = rejected(grade("softmax", source))
    assert "to" in found["message"]


def test_float32_operands_that_a_gpu_rounds_to_tf32(grade: Grade) -> None:
    source = edited(MATMUL, (', input_precision="ieee"', "")).lstrip()
    verdict = grade("matmul", source)
    assert stage(verdict, "cpu")["status"] == "passed", verdict["diagnosis"]
    found = rejected(verdict, "low-precision")
    assert "tf32" in found["message"]
    assert found["line"] == line_of(source, "tl.dot")
    assert found["source"].startswith("total = tl.dot(")
    three = edited(MATMUL, ('"ieee"', '"tf32x3"'))
    assert grade("matmul", three)["passed"]


def test_an_endless_compilation(grade: Grade) -> None:
    """A loop that is unrolled 2^20 times, and only for sizes that the interpreter is not given."""
    source = edited(
        SOFTMAX,
        ("    tl.store(", "    for i in tl.static_range(n_times):\n        value = value * 1.0\n    tl.store("),
        ("n, BLOCK: tl.constexpr", "n, n_times: tl.constexpr, BLOCK: tl.constexpr"),
        ("out.stride(0), n,", "out.stride(0), n, 1 if n < 1024 or n > 16000 else 1 << 20,"),
    )
    found = rejected(grade("softmax", source))
    assert "20 s" in found["message"]
    assert "'_kernel'" in found["message"]


def test_a_compiler_that_dies_is_a_fault_of_the_kernel(grade: Grade) -> None:
    source = edited(
        SOFTMAX,
        ("def softmax(x, out):\n", "def softmax(x, out):\n    if x.is_cuda:\n        import os\n        os.abort()\n"),
    )
    found = rejected(grade("softmax", source))
    assert "SIGABRT" in found["message"]
    assert grade("softmax", SOFTMAX)["passed"]


def test_an_entry_that_hides_from_the_compiler(grade: Grade) -> None:
    hidden = "def hidden():\n    return not type(_kernel).__name__.startswith('Int')\n"
    source = edited(
        SOFTMAX,
        ("def softmax(x, out):\n", "def softmax(x, out):\n    if hidden():\n        return\n"),
        ("\n\n@triton.jit\n", f"\n\n{hidden}\n\n@triton.jit\n"),
    )
    assert "does not do what it did in the interpreter" in rejected(grade("softmax", source))["message"]


def test_where_ptxas_does_not_run_the_stage_is_skipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nvidia = pytest.importorskip("triton.backends.nvidia.compiler")
    from prep.exercises.load import load_exercise
    from prep.grading.process.protocol import read_frame, write_frame
    from prep.grading.stages.compile import CompileStage
    from prep.grading.worker import toolchain

    def absent(arch: int) -> str:
        raise RuntimeError("Cannot find ptxas")

    monkeypatch.setattr(nvidia, "get_ptxas_version", absent)
    monkeypatch.setattr(toolchain, "MISSING", toolchain._missing())
    (request_r, request_w), (reply_r, reply_w) = os.pipe(), os.pipe()
    write_frame(request_w, {"op": "compile"})
    toolchain.run(request_r, reply_w, tmp_path)
    compiling = CompileStage(load_exercise("softmax"))
    assert not compiling._take(read_frame(reply_r).header)
    assert compiling._take(read_frame(reply_r).header)
    assert compiling.status(right=True) == "skipped"
    assert compiling.message() == "ptxas does not run here (Cannot find ptxas)"
    assert compiling.diagnoses(b"") == []
    for fd in (request_r, request_w, reply_r, reply_w):
        os.close(fd)


def test_a_kernel_that_is_only_slow_to_compile_passes(grade: Grade) -> None:
    """64 rows of 4096 on 4 warps are 2048 registers a thread: it spills and takes minutes, and then it runs."""
    verdict = grade("softmax", ROWS)
    assert verdict["passed"], verdict["diagnosis"]
    assert "registers" in stage(verdict)["message"]


# Autotune


TUNED = edited(
    MATMUL,
    ("@triton.jit\n", "@triton.autotune(configs=CONFIGS, key=['M'])\n@triton.jit\n"),
    ("\n\n@triton.autotune", "\nCONFIGS = [{configs}]\n\n\n@triton.autotune"),
    ("    grid = (triton.cdiv(M, 32), triton.cdiv(N, 32))\n", ""),
    ("_kernel[grid]", "_kernel[lambda meta: (triton.cdiv(M, meta['BM']), triton.cdiv(N, meta['BN']))]"),
    (", BM=32, BN=32, BK=32)", ")"),
)
SMALL = "triton.Config({'BM': 32, 'BN': 32, 'BK': 32})"
HUGE = "triton.Config({'BM': 256, 'BN': 256, 'BK': 256})"


def test_a_configuration_that_does_not_fit_is_skipped(grade: Grade) -> None:
    verdict = grade("matmul", TUNED.replace("{configs}", f"{HUGE}, {SMALL}"))
    assert verdict["passed"], verdict["diagnosis"]
    assert {entry["constants"]["BM"] for entry in verdict["xray"]} == {32}
    assert any("do not fit" in note["en"] for entry in verdict["xray"] for note in entry["notes"])


def test_no_configuration_that_fits(grade: Grade) -> None:
    other = HUGE.replace("'BK': 256", "'BK': 512")
    rejected(grade("matmul", TUNED.replace("{configs}", f"{HUGE}, {other}")), "too-much-shared-memory")


def test_a_configuration_that_triton_rejects_is_not_skipped(grade: Grade) -> None:
    bad = SMALL.replace("'BK': 32", "'BK': 8")
    rejected(grade("matmul", TUNED.replace("{configs}", f"{SMALL}, {bad}")))


# What must not fail


def test_the_right_one_passes_with_its_facts(grade: Grade) -> None:
    verdict = grade("softmax", SOFTMAX)
    assert verdict["passed"], verdict["diagnosis"]
    assert stage(verdict)["status"] == "passed"
    assert [entry["case"] for entry in verdict["xray"]] == ["M=4096, N=1024, float32", "M=4096, N=4096, bfloat16"]
    for entry in verdict["xray"]:
        assert entry["target"] == "sm_90"
        assert entry["kernel"] == "_kernel"
        assert entry["registers"] > 0
        assert entry["spills"] == 0
        assert entry["tensor_cores"] == "none"
        assert entry["vector_width"] == 16
        assert 0 < entry["occupancy"] <= 1
        assert entry["label"] == "compiles for sm_90"
        assert entry["notes"] == []


def test_tensor_cores_and_copies_are_seen(grade: Grade) -> None:
    blocks = ("BM=32, BN=32, BK=32", "BM=64, BN=64, BK=64, num_stages=3")
    source = edited(MATMUL, ("cdiv(M, 32)", "cdiv(M, 64)"), ("cdiv(N, 32)", "cdiv(N, 64)"), blocks)
    verdict = grade("matmul", source)
    assert verdict["passed"], verdict["diagnosis"]
    assert {entry["tensor_cores"] for entry in verdict["xray"]} == {"wgmma"}
    assert verdict["xray"][0]["async_copies"] == "cp.async"


BODIES = {
    "asks whether there is a GPU": "assert x.is_cuda == x.device.type.startswith('cuda')",
    "allocates scratch on its device": "scratch = torch.empty_like(x); scratch.copy_(x); x = scratch",
    "allocates by name of the device": "x = torch.zeros(x.shape, device=x.device, dtype=x.dtype).copy_(x)",
    "makes contiguous": "x = x.contiguous()",
    "asks the GPU's properties": "torch.cuda.get_device_properties(x.device).multi_processor_count * 2",
    "enters the device": "if x.is_cuda:\n    with torch.cuda.device(x.device):\n        torch.cuda.synchronize()",
    "looks at addresses": "assert x.data_ptr() % 16 == 0 or True",
    "refuses sizes of the specialisation": "assert x.shape[1] != 4096, 'too wide for me'",
    "sets the interpreter itself": "import os; os.environ['TRITON_INTERPRET'] = '1'",
}


@pytest.mark.parametrize("name", BODIES)
def test_host_code_is_followed_or_left_alone(grade: Grade, name: str) -> None:
    body = "".join(f"    {line}\n" for line in BODIES[name].splitlines())
    verdict = grade("softmax", edited(SOFTMAX, ("def softmax(x, out):\n", f"def softmax(x, out):\n{body}")))
    assert verdict["passed"], verdict["diagnosis"]
    assert stage(verdict)["status"] == "passed"
    assert verdict["xray"]


def test_interpret_set_at_import_does_not_hide_anything(grade: Grade) -> None:
    head = "\nimport os\nos.environ['TRITON_INTERPRET'] = '1'\n"
    rejected(grade("softmax", head + edited(SOFTMAX, ("tl.exp(", "torch.exp("))))
    assert grade("softmax", head + SOFTMAX)["passed"]


def test_a_fallback_that_is_taken_where_the_compiler_refuses(grade: Grade) -> None:
    """On a GPU the error comes at the launch too: who catches it has another kernel that runs."""
    bad = "@triton.jit\ndef _bad(x, out, BLOCK: tl.constexpr):\n    tl.store(out, torch.exp(1.0))\n"
    attempt = """    try:
        if x.is_cuda:
            _bad[(1,)](x, out, BLOCK=16)
    except Exception:
        pass
    _kernel[(rows,)]("""
    source = edited(SOFTMAX, ("\n\ndef softmax", f"\n\n{bad}\n\ndef softmax"), ("    _kernel[(rows,)](", attempt))
    verdict = grade("softmax", source)
    assert verdict["passed"], verdict["diagnosis"]


# Occupancy, against the tables of NVIDIA's occupancy calculator for compute capability 9.0


@pytest.mark.parametrize(
    ("registers", "shared_bytes", "num_warps", "blocks"),
    [
        (32, 0, 4, 16),
        (33, 0, 4, 12),
        (64, 0, 8, 4),
        (128, 0, 4, 4),
        (255, 0, 4, 2),
        (168, 147456, 8, 1),
        (16, 0, 1, 32),
    ],
)
def test_blocks_at_once(registers: int, shared_bytes: int, num_warps: int, blocks: int) -> None:
    assert blocks_at_once(registers, shared_bytes, num_warps) == blocks
    assert occupancy(registers, shared_bytes, num_warps) == blocks * num_warps / 64


LIBRARY = """
import os, sys
undone = sys.argv[1] == "undone"
os.environ["TRITON_INTERPRET"] = "1" if undone else "0"
import torch
if undone:
    from prep.grading.worker.real_triton import uninterpret
    uninterpret()
import triton
import triton.language as tl
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource


@triton.jit
def helper(x, n: tl.constexpr):
    return x.sum(0) / tl.cdiv(n, 3) + x.max()


@triton.jit
def kernel(x, out, n: tl.constexpr):
    at = tl.arange(0, n)
    value = tl.load(x + at)
    value = tl.cumsum(value) + tl.sort(value) + tl.flip(tl.softmax(value), 0) + tl.rand(7, at) + helper(value, n)
    value += tl.argmax(value, 0) + tl.ravel(tl.zeros((2, n // 2), tl.float32)) + value.sigmoid()
    tl.store(out + at, value)


source = ASTSource(kernel, {"x": "*fp32", "out": "*fp32", "n": "constexpr"}, {(2,): 256})
made = triton.compile(source, target=GPUTarget("cuda", 90, 32))
print(made.asm["ptx"].partition(".section")[0])
"""


def test_the_library_compiles_as_if_it_had_never_been_interpreted(tmp_path: Path) -> None:
    """Reductions, scans, sorts, random numbers and methods give the same code after the interpretation is undone."""
    script = tmp_path / "library.py"
    script.write_text(LIBRARY)
    codes = []
    for mode in ("undone", "fresh"):
        paths = os.pathsep.join([str(Path(prep.__file__).parents[1]), os.environ.get("PYTHONPATH", "")])
        environment = {**os.environ, "TRITON_CACHE_DIR": str(tmp_path / mode), "PYTHONPATH": paths}
        done = subprocess.run(
            [sys.executable, "-W", "ignore", str(script), mode],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        codes.append(done.stdout)
    assert ".visible .entry kernel" in codes[0]
    assert codes[0] == codes[1]
