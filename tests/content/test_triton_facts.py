"""What the cards on Triton's compiler claim, run against the installed package.

Every check was run on triton 3.6.0, 3.7.1 (the pinned version), 3.8.0 and 3.9.0.
"""

from __future__ import annotations

import ast
import inspect
import re
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.content.conftest import Compile

COPY = {"x": "*fp32", "y": "*fp32", "n": "i32", "B": "constexpr"}
STRIDED = {"x": "*fp32", "y": "*fp32", "s": "i32", "n": "i32", "B": "constexpr"}
MATMUL = dict.fromkeys("abc", "*fp16") | dict.fromkeys("MNK", "i32")
MATMUL |= dict.fromkeys(("BM", "BN", "BK"), "constexpr")
TILE = {"BM": 128, "BN": 128, "BK": 64}
INTS = {"x": "*i32", "B": "constexpr"}


def method(file: Path, cls: str, name: str) -> str:
    """Source of a method, comments dropped."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef) and node.name == cls:
            for item in node.body:
                if isinstance(item, ast.FunctionDef) and item.name == name:
                    return ast.unparse(item)
    raise AssertionError(f"{cls}.{name} is not in {file}")


def loads(kernel: Any) -> list[str]:
    return re.findall(r"ld\.global[.\w:]*", kernel.asm["ptx"])


# --- triton-compile-pipeline ---------------------------------------------------------------------------------------


def stages_of(backend: Any, language: Any) -> list[str]:
    stages: dict[str, Any] = {}
    backend.add_stages(stages, backend.parse_options({}), language)
    return list(stages)


def test_nvidia_stages(triton: ModuleType) -> None:
    from triton.backends.compiler import GPUTarget, Language
    from triton.backends.nvidia.compiler import CUDABackend

    backend = CUDABackend(GPUTarget("cuda", 90, 32))
    assert stages_of(backend, Language.TRITON) == ["ttir", "ttgir", "llir", "ptx", "cubin"]
    gluon = stages_of(backend, Language.GLUON)
    assert "ttir" not in gluon
    assert [stage for stage in gluon if stage != "glir"] == ["ttgir", "llir", "ptx", "cubin"]
    version = tuple(int(part) for part in triton.__version__.split(".")[:2])
    if version <= (3, 7):
        assert "glir" not in gluon
    if version == (3, 9):
        assert gluon[0] == "glir"


def test_amd_stages(triton: ModuleType) -> None:
    from triton.backends.amd.compiler import HIPBackend
    from triton.backends.compiler import GPUTarget, Language

    backend = HIPBackend(GPUTarget("hip", "gfx942", 64))
    assert stages_of(backend, Language.TRITON) == ["ttir", "ttgir", "llir", "amdgcn", "hsaco"]


def test_layout_coalescing_mma_and_pipelining_are_ttgir_passes(package: Path) -> None:
    file = package / "backends" / "nvidia" / "compiler.py"
    ttir = re.findall(r"add_\w+", method(file, "CUDABackend", "make_ttir"))
    ttgir = re.findall(r"add_\w+", method(file, "CUDABackend", "make_ttgir"))
    assert ttgir[0] == "add_convert_to_ttgpuir"
    on_ttgir = {"add_coalesce", "add_accelerate_matmul", "add_remove_layout_conversions", "add_pipeline"}
    assert on_ttgir <= set(ttgir)
    assert not on_ttgir & set(ttir)
    assert {"add_inliner", "add_canonicalizer", "add_combine", "add_cse", "add_loop_unroll"} <= set(ttir)
    assert 7 <= len(ttir) <= 9, "the card says 8 or 9 passes (3.9: one fewer)"
    assert len(ttgir) > 45, "the card says some 40 of them run on one target"
    assert "allocate_shared_memory" in method(file, "CUDABackend", "make_llir")
    assert "subprocess.run(ptxas_cmd" in method(file, "CUDABackend", "make_cubin")


def test_compiling_for_an_absent_gpu_yields_every_stage(compile_for: Compile) -> None:
    kernel = compile_for("copy", COPY, {"B": 1024}, (0, 1, 2))
    assert {"ttir", "ttgir", "llir", "ptx", "cubin"} <= set(kernel.asm)
    assert "#ttg" not in kernel.asm["ttir"]
    assert "#ttg.blocked" in kernel.asm["ttgir"]


def test_an_add_after_a_dot_is_folded_in_ttir(compile_for: Compile) -> None:
    signature = {"a": "*fp16", "b": "*fp16", "c": "*fp32", "B": "constexpr"}
    kernel = compile_for("dot_then_add", signature, {"B": 32})
    assert "arith.addf" in kernel.asm["source"]
    assert "arith.addf" not in kernel.asm["ttir"]
    assert kernel.asm["ttir"].count("tt.dot ") == 1


@pytest.mark.parametrize(
    ("capability", "in_ttgir", "in_ptx"),
    [
        (80, "versionMajor = 2", "mma.sync"),
        (90, "ttng.warp_group_dot", "wgmma.mma_async"),
        (100, "ttng.tc_gen5_mma", "tcgen05.mma"),
    ],
)
def test_tensor_core_instruction_is_chosen_in_ttgir(
    compile_for: Compile, capability: int, in_ttgir: str, in_ptx: str
) -> None:
    target = ("cuda", capability, 32)
    kernel = compile_for("matmul", MATMUL, TILE, tuple(range(6)), target=target, num_stages=3, num_warps=4)
    assert in_ttgir in kernel.asm["ttgir"]
    assert in_ttgir not in kernel.asm["ttir"]
    found = {name for name in ("mma.sync", "wgmma.mma_async", "tcgen05.mma") if name in kernel.asm["ptx"]}
    assert found == {in_ptx}


# --- triton-ir-block-semantics -------------------------------------------------------------------------------------


def test_blocks_are_powers_of_two_and_at_most_2_to_the_20(triton: ModuleType, compile_for: Compile) -> None:
    from triton._utils import TRITON_MAX_TENSOR_NUMEL, validate_block_shape

    assert TRITON_MAX_TENSOR_NUMEL == 2**20 == 1_048_576
    assert validate_block_shape([1024, 1024]) == 2**20
    with pytest.raises(ValueError, match="power of 2"):
        validate_block_shape([48])
    with pytest.raises(ValueError, match="exceeds triton maximum"):
        validate_block_shape([1024, 2048])
    with pytest.raises(Exception, match="power of 2"):
        compile_for("arange", INTS, {"B": 1000})


def test_layout_of_a_1024_element_load(compile_for: Compile) -> None:
    kernel = compile_for("copy", COPY, {"B": 1024}, (0, 1, 2), num_warps=4)
    found = re.search(
        r"sizePerThread = \[(\d+)\], threadsPerWarp = \[(\d+)\], warpsPerCTA = \[(\d+)\]", kernel.asm["ttgir"]
    )
    assert found is not None
    per_thread, lanes, warps = map(int, found.groups())
    assert (per_thread, lanes, warps) == (4, 32, 4)
    assert 1024 // (lanes * warps) == 8
    assert 1024 // (per_thread * lanes * warps) == 2


@pytest.mark.parametrize(("warps", "shared"), [(1, 0), (4, 16), (8, 32)])
def test_softmax_row_stays_in_registers(compile_for: Compile, warps: int, shared: int) -> None:
    kernel = compile_for("softmax", STRIDED, {"B": 4096}, (0, 1, 2, 3), num_warps=warps)
    assert kernel.metadata.shared == shared


def test_barriers_appear_below_ttgir(compile_for: Compile) -> None:
    kernel = compile_for("softmax", STRIDED, {"B": 4096}, (0, 1, 2, 3), num_warps=4)
    assert "barrier" not in kernel.asm["ttgir"]
    assert "barrier" in kernel.asm["llir"]


def test_clusters_need_sm90(compile_for: Compile) -> None:
    # The refusal is worded in 3.7; other versions may leave it to a later stage.
    with pytest.raises(Exception, match=r"(?i)num_ctas|cluster|sm_?90"):
        compile_for("copy", COPY, {"B": 1024}, target=("cuda", 80, 32), num_ctas=2)


# --- triton-vs-cuda-tuning -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("capability", "kib"), [(80, {1: 32, 2: 32, 3: 64, 4: 96}), (90, {1: 32, 2: 64, 3: 96, 4: 128})]
)
def test_shared_memory_by_num_stages(compile_for: Compile, capability: int, kib: dict[int, int]) -> None:
    one_stage = (128 * 64 + 64 * 128) * 2
    assert one_stage == 32 * 1024
    target = ("cuda", capability, 32)
    for stages in (1, 3, 4) if capability == 80 else (2, 3):
        kernel = compile_for("matmul", MATMUL, TILE, tuple(range(6)), target=target, num_stages=stages, num_warps=4)
        assert kernel.metadata.shared == kib[stages] * 1024


def test_threads_are_warps_times_32_whatever_the_block(compile_for: Compile) -> None:
    for block in (256, 4096):
        kernel = compile_for("copy", COPY, {"B": block}, (0, 1, 2), num_warps=4)
        assert re.findall(r"\.(?:req|max)ntid (\d+)", kernel.asm["ptx"]) == ["128"]


def test_an_if_on_a_block_does_not_compile_and_where_does_not_branch(compile_for: Compile) -> None:
    with pytest.raises(Exception, match=r"more than one value is ambiguous|multidimensional"):
        compile_for("branch_on_block", INTS, {"B": 128})
    ptx = compile_for("where", INTS, {"B": 128}).asm["ptx"]
    assert len(re.findall(r"^\s*selp", ptx, re.MULTILINE)) == 1
    assert not re.search(r"^\s*(@%p\d+ )?bra", ptx, re.MULTILINE)
    ptx = compile_for("where", INTS, {"B": 1024}, num_warps=4).asm["ptx"]
    assert len(re.findall(r"^\s*selp", ptx, re.MULTILINE)) == 1024 // 128, "one for each element of a thread"


def test_grouped_program_order_loads_54_blocks_instead_of_90() -> None:
    def blocks(group: int, size: int = 9) -> int:
        rows, cols = set(), set()
        for pid in range(size):
            width = group * size
            first = pid // width * group
            here = min(size - first, group)
            rows.add(first + (pid % width) % here)
            cols.add((pid % width) // here)
        return len(rows) * size + len(cols) * size

    assert blocks(1) == 90
    assert blocks(3) == 54


# --- triton-advantages ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "signature", "constants", "divisible", "expected"),
    [
        ("copy", COPY, {"B": 1024}, (0, 1, 2), ["v4"] * 2),
        ("copy", COPY, {"B": 1024}, (0, 1), ["scalar"] * 8),
        ("copy_off_by_one", COPY, {"B": 1024}, (0, 1, 2), ["scalar"] * 8),
        ("copy_strided", STRIDED, {"B": 1024}, (0, 1, 2, 3), ["scalar"] * 8),
        ("copy_strided", STRIDED | {"s": "constexpr"}, {"B": 1024, "s": 1}, (0, 1, 3), ["v4"] * 2),
        ("copy_modulo", COPY, {"B": 1024}, (0, 1), ["scalar"] * 8),
        ("copy_modulo_hinted", COPY, {"B": 1024}, (0, 1), ["v4"] * 2),
    ],
)
def test_vector_width_of_loads(
    compile_for: Compile,
    name: str,
    signature: dict[str, str],
    constants: dict[str, int],
    divisible: tuple[int, ...],
    expected: list[str],
) -> None:
    found = loads(compile_for(name, signature, constants, divisible, num_warps=4))
    assert ["v4" if ".v4.b32" in load else "scalar" for load in found] == expected


# --- triton-limits -------------------------------------------------------------------------------------------------


def test_the_wheel_ships_nvidia_and_amd(package: Path) -> None:
    assert {"nvidia", "amd"} <= {entry.name for entry in (package / "backends").iterdir() if entry.is_dir()}


def test_integer_arguments_specialise_on_one_and_on_16(triton: ModuleType) -> None:
    from triton.backends.nvidia.compiler import CUDABackend

    native = pytest.importorskip("triton._C.libtriton").native_specialize_impl
    kinds = {value: native(CUDABackend, value, False, True, True) for value in (1, 16, 17, 32)}
    assert kinds[1][0] == "constexpr"
    assert kinds[16] == kinds[32] == ("i32", "D")
    assert kinds[17] == ("i32", "")
    assert native(CUDABackend, 17, False, False, True) == native(CUDABackend, 16, False, False, True)


def test_new_hardware_features_are_exposed(triton: ModuleType) -> None:
    import triton.language as tl
    from triton.backends.nvidia.compiler import CUDAOptions

    for name in ("dot_scaled", "make_tensor_descriptor", "inline_asm_elementwise", "multiple_of", "max_contiguous"):
        assert hasattr(tl, name), name
    assert {"num_ctas", "launch_pdl", "maxnreg", "num_stages"} <= set(CUDAOptions.__dataclass_fields__)
    assert {"warp_specialize", "num_stages"} <= set(inspect.signature(tl.range.__init__).parameters)
    assert {"cache_modifier", "eviction_policy"} <= set(inspect.signature(tl.load).parameters)
    assert "do_not_specialize" in inspect.signature(triton.jit).parameters


def test_ahead_of_time_compiler_and_gluon_are_in_the_package(package: Path) -> None:
    assert (package / "tools" / "compile.py").is_file()
    assert (package / "experimental" / "gluon").is_dir()
