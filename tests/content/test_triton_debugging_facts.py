"""What the cards on debugging and fusion claim, run against the installed package (3.6.0 to 3.9.0)."""

from __future__ import annotations

import ast
import os
import re
import struct
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


# --- triton-debugging ----------------------------------------------------------------------------------------------


def test_only_device_assert_needs_debug(compile_for: Compile) -> None:
    quiet = compile_for("debug_operators", INTS, {"B": 128}).asm
    assert "vprintf" in quiet["ptx"]
    assert "__assertfail" not in quiet["ptx"]
    assert "tt.assert" not in quiet["ttir"]
    loud = compile_for("debug_operators", INTS, {"B": 128}, debug=True).asm
    assert "__assertfail" in loud["ptx"]
    with pytest.raises(Exception, match="nine"):
        compile_for("wrong_static_assert", INTS, {"B": 128})


def test_knobs_and_variables_exist(triton: ModuleType, package: Path) -> None:
    text = (package / "knobs.py").read_text(encoding="utf-8")
    for name in (
        *("TRITON_INTERPRET", "TRITON_DEBUG", "TRITON_ALWAYS_COMPILE", "TRITON_KERNEL_DUMP", "TRITON_DUMP_DIR"),
        *("TRITON_KERNEL_OVERRIDE", "TRITON_OVERRIDE_DIR", "TRITON_INSTRUMENTATION_MODE", "TRITON_CACHE_DIR"),
        *("TRITON_PRINT_AUTOTUNING", "TRITON_CACHE_AUTOTUNING"),
    ):
        assert f'"{name}"' in text, name
    native = next((package / "_C").glob("libtriton*")).read_bytes()
    assert b"MLIR_ENABLE_DUMP" in native
    assert "consan" in (package / "backends" / "nvidia" / "compiler.py").read_text(encoding="utf-8")
    assert triton.knobs.cache.get_triton_dir("cache").endswith(os.path.join(".triton", "cache"))


def test_compiled_kernels_report_registers_and_spills(package: Path) -> None:
    assert "self.n_regs, self.n_spills" in method(
        package / "compiler" / "compiler.py", "CompiledKernel", "_init_handles"
    )


def test_no_python_file_of_triton_knows_perf_counters(package: Path) -> None:
    files = list(package.rglob("*.py"))
    assert len(files) > 100
    assert [file for file in files if "TRITON_PRINT_PERF_COUNTERS" in file.read_text(encoding="utf-8")] == []


def test_interpreter_is_chosen_by_the_decorator(interpreter: dict[str, Any]) -> None:
    assert (interpreter["before"], interpreter["after"]) == ("JITFunction", "InterpretedFunction")


def test_interpreter_runs_programs_one_after_another(interpreter: dict[str, Any]) -> None:
    assert interpreter["tickets"] == [1, 2, 3, 4, 5, 6, 7, 8]


def test_interpreter_adds_the_bits_of_bf16(interpreter: dict[str, Any]) -> None:
    def bf16(value: float) -> int:
        return int.from_bytes(struct.pack(">f", value)[:2], "big")

    assert (bf16(1.5), bf16(2.0), bf16(1.5) + bf16(2.0)) == (0x3FC0, 0x4000, 0x7FC0)
    assert interpreter["bf16"] == ["nan"] * 4
    assert interpreter["bf16 in fp32"] == ["3.5"] * 4


def test_interpreter_drops_device_assert_and_takes_one_branch(interpreter: dict[str, Any]) -> None:
    assert interpreter["device_assert"] is False
    assert interpreter["python assert"] is True
    assert interpreter["branch"] == [5.0] * 4


def test_debug_variable_is_read_at_import(interpreter: dict[str, Any]) -> None:
    assert interpreter["debug knob set after import"] is False


# --- triton-kernel-fusion, triton-vs-cuda-table: arithmetic --------------------------------------------------------


def test_softmax_traffic() -> None:
    m, n = 4096, 8192
    reads = [m * n, m * n + m, m * n, m * n, m * n + m]
    writes = [m, m * n, m * n, m, m * n]
    assert sum(reads) == 5 * m * n + 2 * m
    assert sum(writes) == 3 * m * n + 2 * m
    apart, fused = sum(reads) + sum(writes), 2 * m * n
    assert apart == 8 * m * n + 4 * m
    assert apart / fused == pytest.approx(4 + 2 / n)
    assert pytest.approx(2.66, abs=0.005) == 383 / 144
    assert fused * 4 / 144e-6 / 1e12 == pytest.approx(1.9, abs=0.05)
    assert apart * 4 / 383e-6 / 1e12 == pytest.approx(2.8, abs=0.05)


def test_relu_epilogue_table() -> None:
    assert pytest.approx(268, abs=0.5) == 2 * 8192 * 8192 * 2 / 1e6
    for k, limit in ((64, 2.97), (8192, 1.67)):
        c, operands = 8192 * 8192, k * (8192 + 8192)
        assert (3 * c + operands) / (c + operands) == pytest.approx(limit, abs=0.005)
    rows = {8192: (1924.1, 1862.4, 1.03), 2048: (538.8, 508.5, 1.06), 512: (216.8, 149.4, 1.45)}
    rows |= {128: (146.2, 77.9, 1.88), 64: (136.5, 69.2, 1.97)}
    for apart, fused, gain in rows.values():
        assert apart / fused == pytest.approx(gain, abs=0.006)
    cublas = {8192: (1855.9, 1731.9, 93), 2048: (486.4, 428.7, 88), 512: (148.7, 117.1, 79), 128: (77.7, 50.5, 65)}
    for triton_us, cublas_us, percent in cublas.values():
        assert 100 * cublas_us / triton_us == pytest.approx(percent, abs=0.5)
    assert pytest.approx(69, abs=0.6) == 100 * 46.1 / 67.3
    assert pytest.approx(10, abs=0.5) == 708.2 / 68.7


def test_vector_add_of_a_million() -> None:
    programs = -(-1_000_000 // 1024)
    assert programs == 977
    assert programs * 1024 - 1_000_000 == 448
    assert 1024 - 448 == 576
