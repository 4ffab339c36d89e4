"""What the cards of content/compilers say of IRs, passes and schedules: compiled, executed and computed again."""

from __future__ import annotations

import itertools
import math
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

triton = pytest.importorskip("triton")
from triton.backends.compiler import GPUTarget  # noqa: E402
from triton.compiler import ASTSource  # noqa: E402

from prep.cards.card import LANGS, Lang  # noqa: E402
from tests.content import compiler_kernels  # noqa: E402
from tests.content.reading import code, everything, table  # noqa: E402

both = pytest.mark.parametrize("lang", LANGS)
BIN = Path(triton.__file__).parent / "backends" / "nvidia" / "bin"
TRITON = pytest.mark.skipif(not triton.__version__.startswith("3.7."), reason="the card speaks of triton 3.7")


def says(card: str, lang: Lang, *parts: str) -> None:
    text = everything(card, lang)
    missing = [part for part in parts if part not in text]
    assert not missing, f"{card} ({lang}) does not say {missing}"


# --- mlir-llvm-ptx-sass -----------------------------------------------------------------------------------------------


def compiled(name: str, sm: int, aligned: bool = True) -> Any:
    types = {"x": "*fp32", "y": "*fp32", "n": "i32", "a": "fp32"}
    constants: dict[str, int] = {"BLOCK": 1024}
    if name == "product":
        types, constants = {"a": "*bf16", "b": "*bf16", "c": "*fp32", "K": "i32"}, {"T": 128, "BK": 64}
    hints = {(i,): [["tt.divisibility", 16]] for i in range(3)} if aligned else {}
    source = ASTSource(
        fn=getattr(compiler_kernels, name),
        signature=types | dict.fromkeys(constants, "constexpr"),
        constexprs=constants,
        attrs=hints,
    )
    return triton.compile(source, target=GPUTarget("cuda", sm, 32), options={"num_warps": 4})


@pytest.fixture
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRITON_CACHE_DIR", str(tmp_path / "triton"))


def disassembled(kernel: Any, tmp_path: Path) -> str:
    cubin = tmp_path / "k.cubin"
    cubin.write_bytes(kernel.asm["cubin"])
    run = subprocess.run([BIN / "nvdisasm", "-c", cubin], capture_output=True, text=True, check=True)
    return run.stdout


@TRITON
@pytest.mark.usefixtures("_own_cache")
def test_the_stages_of_one_kernel(tmp_path: Path) -> None:
    kernel = compiled("scale_add", 90)
    sass = disassembled(kernel, tmp_path)
    found = {
        "ttir": "tensor<1024x!tt.ptr<f32>>" in kernel.asm["ttir"] and "#blocked" not in kernel.asm["ttir"],
        "ttgir": "sizePerThread = [4], threadsPerWarp = [32], warpsPerCTA = [4]" in kernel.asm["ttgir"],
        "llir": kernel.asm["llir"].count("fmul float") == kernel.asm["llir"].count("fadd float") == 8,
        "ptx": kernel.asm["ptx"].count("fma.rn.f32") == 8 and ".target sm_90a" in kernel.asm["ptx"],
        "sass": len(re.findall(r"FFMA R\d+, R\d+, UR6, R\d+", sass)) == 8 and "@!P0 LDG.E.128 R16" in sass,
    }
    assert found == dict.fromkeys(found, True)
    registers = [int(n) - 1 for n in re.findall(r"\.reg \.\w+\s+%\w+<(\d+)>", kernel.asm["ptx"])]
    usage = subprocess.run(
        [BIN / "cuobjdump", "-res-usage", tmp_path / "k.cubin"], capture_output=True, text=True, check=True
    )
    physical = re.findall(r"REG:(\d+)", usage.stdout)
    for lang in LANGS:
        says("compilers/mlir-llvm-ptx-sass", lang, f"{registers[1]} + {registers[2]} (64-bit) + {registers[0]} pred.")
        says("compilers/mlir-llvm-ptx-sass", lang, f"--> {physical[0]} physical", "LDG.E.128 R16")
    assert kernel.asm["ptx"].count("ld.global.v4.b32") == 4
    assert compiled("scale_add", 90, aligned=False).asm["ptx"].count("ld.global.b32") == 16
    assert "HGMMA" in disassembled(compiled("product", 90), tmp_path)
    assert "HMMA" in disassembled(compiled("product", 80), tmp_path)


@TRITON
@both
@pytest.mark.usefixtures("_own_cache")
def test_which_architectures_take_which_ptx(lang: Lang, tmp_path: Path) -> None:
    rows = table("compilers/mlir-llvm-ptx-sass", lang, "sm_100")
    targets = ("sm_80", "sm_86", "sm_90", "sm_90a", "sm_100")
    for row in rows:
        ptx = tmp_path / "k.ptx"
        ptx.write_text(compiled("scale_add", int(row[0][3:5])).asm["ptx"])
        for target, cell in zip(targets, row[1:], strict=True):
            order = [str(BIN / "ptxas-blackwell"), f"-arch={target}", str(ptx), "-o", str(tmp_path / "out")]
            done = subprocess.run(order, capture_output=True, text=True)
            assert (done.returncode == 0) == (cell in ("yes", "行")), (row[0], target)
            if target == "sm_100" and row[0] == "sm_90a":
                says("compilers/mlir-llvm-ptx-sass", lang, re.split("fatal +: ", done.stderr)[1].strip())


@TRITON
@pytest.mark.parametrize(("target", "takes"), [("sm_100", True), ("sm_103", True), ("sm_120", False), ("sm_90", False)])
def test_ptx_of_a_family(target: str, takes: bool, tmp_path: Path) -> None:
    ptx = tmp_path / "k.ptx"
    ptx.write_text(".version 8.8\n.target sm_100f\n.address_size 64\n.visible .entry k() { ret; }\n")
    order = [str(BIN / "ptxas-blackwell"), f"-arch={target}", str(ptx), "-o", str(tmp_path / "out")]
    assert (subprocess.run(order, capture_output=True).returncode == 0) == takes
    for lang in LANGS:
        says("compilers/mlir-llvm-ptx-sass", lang, "sm_100f")


# --- ssa-and-passes ---------------------------------------------------------------------------------------------------


def program(cells: list[str]) -> list[tuple[str, str, tuple[Any, ...]]]:
    """`a = add 2 3`, `store c` -> the toy IR of the card."""
    parsed = []
    for at, text in enumerate(part.strip() for cell in cells for part in cell.split(",") if part.strip()):
        name, _, right = text.rpartition(" = ")
        op, *args = right.split()
        parsed.append((name or f"#{at}", op, tuple(int(a) if a.isdigit() else a for a in args)))
    return parsed


@both
def test_fold_and_dce_of_the_card(lang: Lang) -> None:
    space: dict[str, Any] = {}
    exec(code("compilers/ssa-and-passes", lang, "python"), space)
    rows = table("compilers/ssa-and-passes", lang, "fold")
    before, folded, live = (program(list(column)) for column in zip(*rows, strict=True))

    def shape(prog: list[tuple[str, str, tuple[Any, ...]]]) -> list[Any]:
        return [(op, args) if op == "store" else (name, op, args) for name, op, args in prog]

    assert shape(space["fold"](before)) == shape(folded)
    assert shape(space["dce"](space["fold"](before))) == shape(live)
    distinct = {(op, args) for _, op, args in live}  # what CSE would leave
    assert [len(before), len(folded), len(live), len(distinct)] == [7, 5, 4, 3]
    for x in range(-3, 4):
        assert run(before, x) == run(live, x)


def run(prog: list[tuple[str, str, tuple[Any, ...]]], x: int) -> list[int]:
    values: dict[Any, int] = {"x": x}
    stored = []
    for name, op, args in prog:
        operands = [values.get(a, a) for a in args]
        if op == "store":
            stored.append(operands[0])
        else:
            values[name] = sum(operands) if op == "add" else math.prod(operands)
    return stored


def dominators(edges: dict[str, list[str]], entry: str) -> dict[str, set[str]]:
    """By definition: d dominates n if n cannot be reached once d is removed."""

    def reached(without: str) -> set[str]:
        seen, todo = set(), [entry] if entry != without else []
        while todo:
            node = todo.pop()
            if node not in seen and node != without:
                seen.add(node)
                todo += edges[node]
        return seen

    return {n: {d for d in edges if n not in reached(d)} for n in edges}


def test_dominance_frontier_of_the_diamond() -> None:
    edges = {"entry": ["A", "B"], "A": ["join"], "B": ["join"], "join": []}
    above = dominators(edges, "entry")
    assert all("entry" in above[n] for n in edges)
    assert "A" not in above["join"]
    frontier = {
        d: {n for n in edges if any(d in above[p] for p in edges if n in edges[p]) and (d == n or d not in above[n])}
        for d in ("A", "B")
    }
    assert frontier == {"A": {"join"}, "B": {"join"}}


def test_a_phi_needs_phis_of_its_own() -> None:
    """A value set in A reaches J2 through J1: the frontier of A is J1 alone, and that of J1 is J2."""
    edges = {"entry": ["A", "B"], "A": ["J1"], "B": ["J1", "C"], "J1": ["J2"], "C": ["J2"], "J2": []}
    above = dominators(edges, "entry")

    def frontier(d: str) -> set[str]:
        return {
            n for n in edges if any(d in above[p] for p in edges if n in edges[p]) and (d == n or d not in above[n])
        }

    assert frontier("A") == {"J1"}
    assert frontier("J1") == {"J2"}
    for lang, word in (("en", "iterated dominance frontier"), ("zh", "迭代支配边界")):
        says("compilers/ssa-and-passes", LANGS[lang == "zh"], word)


@TRITON
@pytest.mark.usefixtures("_own_cache")
def test_an_unused_load_is_gone_in_ttir() -> None:
    assert compiled("unused_load", 90).asm["ttir"].count("tt.load") == 1


# --- tensor-compiler-landscape ----------------------------------------------------------------------------------------


@both
def test_legality_of_interchange_and_skew(lang: Lang) -> None:
    maps: list[Callable[[int, int], tuple[int, int]]] = [
        lambda i, j: (i, j),
        lambda i, j: (j, i),
        lambda i, j: (i, i + j),
    ]
    for row in table("compilers/tensor-compiler-landscape", lang, "(j, i)"):
        i, j = (int(n) for n in re.findall(r"-?\d+", row[0]))
        for cell, change in zip(row[1:], maps, strict=True):
            after = change(i, j)
            assert ("ok" in cell) == (after > (0, 0)), (row, cell)
            shown = re.findall(r"-?\d+", cell)
            assert not shown or tuple(int(n) for n in shown) == after


@both
def test_traffic_and_search_space(lang: Lang) -> None:
    ways = sum(math.prod(f) == 1024 for f in itertools.product([2**n for n in range(11)], repeat=4))
    assert ways == math.comb(13, 3)
    says("compilers/tensor-compiler-landscape", lang, f"= {ways}", f"{ways * ways * 11:,}")
    loads = [2 * 4096**3 / tile for tile in (1, 128)]
    shown = (f"{loads[0] / 1e9:.0f} billion", f"{loads[1] / 1e9:.2f} billion")
    if lang == "zh":
        shown = (f"{loads[0] / 1e8:.0f} 亿", f"{loads[1] / 1e8:.1f} 亿")
    says(
        "compilers/tensor-compiler-landscape",
        lang,
        *shown,
        f"{loads[0] * 2 / 1e9:.0f} GB",
        f"{loads[1] * 2 / 1e9:.1f} GB",
    )
