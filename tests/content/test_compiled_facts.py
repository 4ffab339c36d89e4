"""What the CUDA and profiling cards say of Triton itself: compiled for GPUs that need not be there, and read."""

from __future__ import annotations

import importlib.util
import inspect
import mmap
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

triton = pytest.importorskip("triton")
import triton.language as tl  # noqa: E402
from triton.backends.compiler import GPUTarget  # noqa: E402
from triton.compiler import ASTSource  # noqa: E402

CONTENT = Path(__file__).parents[2] / "content"
PACKAGE = Path(triton.__file__).parent
ALIGNED = [["tt.divisibility", 16]]

# The cards name the version for what a compiler may change with every release.
pinned = pytest.mark.skipif(not triton.__version__.startswith("3.7."), reason="the card speaks of triton 3.7")


@triton.jit  # type: ignore[untyped-decorator]
def _copy(x, out, n, BLOCK: tl.constexpr):  # type: ignore[no-untyped-def]
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    tl.store(out + i, tl.load(x + i, mask=i < n), mask=i < n)


@triton.jit  # type: ignore[untyped-decorator]
def _copy_strided(x, out, n, stride, BLOCK: tl.constexpr):  # type: ignore[no-untyped-def]
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    tl.store(out + i, tl.load(x + i * stride, mask=i < n), mask=i < n)


@triton.jit  # type: ignore[untyped-decorator]
def _matmul(a, b, c, K, BM: tl.constexpr, BN: tl.constexpr, BK: tl.constexpr):  # type: ignore[no-untyped-def]
    rm = tl.program_id(0) * BM + tl.arange(0, BM)
    rn = tl.program_id(1) * BN + tl.arange(0, BN)
    rk = tl.arange(0, BK)
    acc = tl.zeros((BM, BN), tl.float32)
    for k in range(0, K, BK):
        x = tl.load(a + rm[:, None] * K + (k + rk)[None, :])
        y = tl.load(b + (k + rk)[:, None] * 4096 + rn[None, :])
        acc = tl.dot(x, y, acc)
    tl.store(c + rm[:, None] * 4096 + rn[None, :], acc.to(tl.bfloat16))


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRITON_CACHE_DIR", str(tmp_path / "triton"))


def compiled(fn: Any, types: dict[str, str], constants: dict[str, int], aligned: bool, sm: int, **options: int) -> Any:
    signature = types | dict.fromkeys(constants, "constexpr")
    attributes = {(index,): ALIGNED for index in range(len(types))} if aligned else {}
    return triton.compile(ASTSource(fn, signature, constants, attributes), GPUTarget("cuda", sm, 32), options)


def loads(kernel: Any) -> list[str]:
    return re.findall(r"ld\.global[.\w]*", kernel.asm["ptx"])


COPY = {"x": "*fp32", "out": "*fp32", "n": "i32"}


@pinned
def test_aligned_contiguous_tile_is_loaded_16_bytes_at_a_time() -> None:
    kernel = compiled(_copy, COPY, {"BLOCK": 1024}, True, 90, num_warps=4)
    assert loads(kernel) == ["ld.global.v4.b32"] * 2


@pinned
def test_without_alignment_every_element_is_its_own_load() -> None:
    kernel = compiled(_copy, COPY, {"BLOCK": 1024}, False, 90, num_warps=4)
    assert loads(kernel) == ["ld.global.b32"] * 8


@pinned
def test_runtime_stride_stays_scalar_even_when_aligned() -> None:
    kernel = compiled(_copy_strided, COPY | {"stride": "i32"}, {"BLOCK": 1024}, True, 90, num_warps=4)
    assert loads(kernel) == ["ld.global.b32"] * 8


@pinned
def test_aligned_store_gives_its_layout_to_an_unaligned_load() -> None:
    out_only = ASTSource(_copy, COPY | {"BLOCK": "constexpr"}, {"BLOCK": 1024}, {(1,): ALIGNED, (2,): ALIGNED})
    kernel = triton.compile(out_only, GPUTarget("cuda", 90, 32), {"num_warps": 4})
    assert loads(kernel) == ["ld.global.b32"] * 8
    assert "sizePerThread = [4]" in kernel.asm["ttgir"]
    neither = compiled(_copy, COPY, {"BLOCK": 1024}, False, 90, num_warps=4)
    assert "sizePerThread = [1]" in neither.asm["ttgir"]


@pinned
def test_two_ctas_make_a_program_a_cluster() -> None:
    one, two = (compiled(_copy, COPY, {"BLOCK": 1024}, True, 90, num_warps=4, num_ctas=n).asm["ptx"] for n in (1, 2))
    assert re.search(r"\.reqnctapercluster\s+2\b", two)
    assert re.search(r"\.reqntid\s+128\b", two)
    assert "reqnctapercluster 2" not in one


def test_l2_fetch_granularity_is_a_limit_of_the_runtime() -> None:
    header = PACKAGE / "backends" / "nvidia" / "include" / "driver_types.h"
    assert re.search(r"cudaLimitMaxL2FetchGranularity\s*=\s*0x05\b", header.read_text(encoding="utf-8"))


def test_a_program_is_a_block_of_num_warps_times_32_threads() -> None:
    for num_warps in (4, 8):
        ptx = compiled(_copy, COPY, {"BLOCK": 1024}, True, 90, num_warps=num_warps).asm["ptx"]
        assert re.search(rf"\.reqntid\s+{num_warps * 32}\b", ptx)


def test_launch_checks_divisibility_by_16() -> None:
    torch = pytest.importorskip("torch")
    from triton.backends.nvidia.compiler import CUDABackend

    fresh = torch.empty(64)
    assert CUDABackend.get_tensor_specialization(fresh, align=True) == "D"
    assert CUDABackend.get_tensor_specialization(fresh[1:], align=True) != "D"


GEMM = {"a": "*bf16", "b": "*bf16", "c": "*bf16", "K": "i32"}
TILE = {"BM": 128, "BN": 128, "BK": 64}


@pinned
@pytest.mark.parametrize(("num_stages", "shared"), [(3, 98304), (4, 131072)])
def test_gemm_tile_of_the_occupancy_card(num_stages: int, shared: int, tmp_path: Path) -> None:
    kernel = compiled(_matmul, GEMM, TILE, True, 90, num_warps=4, num_stages=num_stages)
    assert kernel.metadata.shared == shared
    cubin = tmp_path / "gemm.cubin"
    cubin.write_bytes(kernel.asm["cubin"])
    tool = PACKAGE / "backends" / "nvidia" / "bin" / "cuobjdump"
    usage = subprocess.run([tool, "-res-usage", cubin], capture_output=True, text=True, check=True).stdout
    assert "REG:168 " in usage
    # The kilobyte that CUDA keeps of every block.
    assert "SHARED:1024 " in usage
    english, chinese = (CONTENT / "cuda" / "occupancy.md").read_text(encoding="utf-8").split("\n# zh\n")
    assert str(shared) in english
    assert str(shared) in chinese


@pinned
def test_layouts_that_keep_a_dot_operand_free_of_conflicts() -> None:
    older = compiled(_matmul, GEMM, TILE, True, 80, num_warps=4, num_stages=3).asm["ttgir"]
    newer = compiled(_matmul, GEMM, TILE, True, 90, num_warps=4, num_stages=3).asm["ttgir"]
    assert re.search(r"swizzled_shared<\{vec = 8, perPhase = 1, maxPhase = 8", older)
    assert "nvmma_shared<{swizzlingByteWidth = 128" in newer


def test_line_information_is_there_by_default_and_can_be_switched_off(monkeypatch: pytest.MonkeyPatch) -> None:
    ptx = compiled(_copy, COPY, {"BLOCK": 1024}, True, 90).asm["ptx"]
    assert re.search(r"^\s*\.loc\s", ptx, re.MULTILINE)
    source = (PACKAGE / "backends" / "nvidia" / "compiler.py").read_text(encoding="utf-8")
    assert '["-lineinfo"]' in source.replace("'", '"')
    monkeypatch.setenv("TRITON_DISABLE_LINE_INFO", "1")
    assert not re.search(r"^\s*\.loc\s", compiled(_copy, COPY, {"BLOCK": 2048}, True, 90).asm["ptx"], re.MULTILINE)


def variables(name: str) -> int:
    """How often an environment variable is named in Triton's Python files and in its library."""
    needle = name.encode()
    count = sum(needle in path.read_bytes() for path in PACKAGE.rglob("*.py"))
    with (PACKAGE / "_C" / "libtriton.so").open("rb") as file, mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ) as data:
        return count + (data.find(needle) >= 0)


def test_print_perf_counters_does_not_exist() -> None:
    assert variables("TRITON_PRINT_AUTOTUNING") >= 1
    assert variables("TRITON_PRINT_PERF_COUNTERS") == 0


def test_proton_is_there_with_the_backends_and_modes_of_the_card() -> None:
    assert importlib.util.find_spec("triton.profiler.proton") is not None
    source = (PACKAGE / "profiler" / "profile.py").read_text(encoding="utf-8")
    card = (CONTENT / "triton" / "triton-profiling.md").read_text(encoding="utf-8")
    english, chinese = card.split("\n# zh\n")
    for name in ("cupti", "roctracer", "instrumentation", "pcsampling", "periodic_flushing", "tree", "trace"):
        assert f'"{name}"' in source
        assert f"`{name}`" in english
        assert f"`{name}`" in chinese


def test_do_bench_returns_the_mean_whatever_its_docstring_says() -> None:
    from triton import testing

    assert inspect.signature(testing.do_bench).parameters["return_mode"].default == "mean"
    assert "return the median runtime" in (testing.do_bench.__doc__ or "")


def test_do_bench_clears_a_cache_of_256_mb_and_the_graph_version_does_not() -> None:
    from triton import testing

    assert "clear_cache(cache)" in inspect.getsource(testing.do_bench)
    assert "clear_cache" not in inspect.getsource(testing.do_bench_cudagraph)
    driver = (PACKAGE / "backends" / "nvidia" / "driver.py").read_text(encoding="utf-8")
    assert "cache_size = 256 * 1024 * 1024" in driver


def test_maxnreg_is_a_field_of_a_config() -> None:
    assert triton.Config({}, maxnreg=64).maxnreg == 64
