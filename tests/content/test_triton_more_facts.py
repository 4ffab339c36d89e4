"""What the Triton cards say of layouts, keys, stages and division of labour: compiled without a GPU, and read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from prep.cards.card import Lang
from tests.content.building import build, clean, found, load
from tests.content.reading import details, numbers, table

triton = pytest.importorskip("triton")
from triton.backends.compiler import GPUTarget  # noqa: E402
from triton.backends.nvidia.compiler import CUDABackend  # noqa: E402

LANGS: tuple[Lang, Lang] = ("en", "zh")

# The cards name the version for what a compiler may change with every release.
pinned = pytest.mark.skipif(not triton.__version__.startswith("3.7."), reason="the card speaks of triton 3.7")


@pytest.fixture(scope="module")
def kernels(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModuleType]:
    with pytest.MonkeyPatch.context() as patch:
        clean(patch, tmp_path_factory.mktemp("triton"))
        yield load(Path(__file__).parent / "more_card_kernels.py")


GEMM = dict.fromkeys("abc", "*fp16") | dict.fromkeys("MNK", "i32")
TILE = {"BM": 128, "BN": 128, "BK": 64, "PREC": "tf32", "B_ALONG_K": False}


# --- triton-compiler-vs-programmer, triton-layouts ------------------------------------------------------------------


@pinned
def test_what_the_compiler_made_of_a_tile(kernels: ModuleType) -> None:
    kernel = build(kernels.matmul, GEMM, TILE, num_warps=4, num_stages=3)
    assert set(found(r"wgmma\.mma_async\S*?(m\d+n\d+k\d+)", kernel)) == {"m64n128k16"}
    assert set(found(r"cp\.async\.cg\.shared\.global[^;]*, (0x\w+),", kernel)) == {"0x10"}
    assert "swizzlingByteWidth = 128" in kernel.asm["ttgir"]
    assert kernel.asm["ttgir"].count("ttg.convert_layout") == 1
    for lang in LANGS:
        rows = dict(table("triton/triton-compiler-vs-programmer", lang, "you wrote" if lang == "en" else "你写的"))
        values = [numbers(cell) for cell in rows.values()]
        assert values[0] == [128 * 128 / (4 * 32)]
        assert values[1] == [kernel.metadata.shared]
        assert values[2] == [128]
        assert values[3][:3] == [64, 128, 16]
        assert values[4] == [16]


@pinned
@pytest.mark.parametrize(
    ("sm", "accumulator"),
    [(80, r"versionMajor = 2.*instrShape = \[16, 8\]"), (90, r"versionMajor = 3.*instrShape = \[16, 128, 16\]")],
)
def test_encodings_of_a_matmul(kernels: ModuleType, sm: int, accumulator: str) -> None:
    kernel = build(kernels.matmul, GEMM, TILE, sm, num_warps=4, num_stages=3)
    assert found(accumulator, kernel, "ttgir")
    assert kernel.asm["ttgir"].count("ttg.convert_layout") == 1
    assert kernel.asm["ttgir"].count("ttg.async_copy_global_to_local") == 6
    assert ("ttg.dot_op" in kernel.asm["ttgir"]) == (sm == 80)


@pinned
def test_price_of_a_layout_conversion_through_shared_memory(kernels: ModuleType) -> None:
    kernel = build(kernels.rows_to_columns, {"x": "*fp32", "y": "*fp32"}, {"B": 64}, num_warps=4)
    assert set(found(r"(?:ld|st)\.global\S*", kernel)) == {"ld.global.v4.b32", "st.global.v4.b32"}
    counts = [len(found(rf"{name}\b", kernel)) for name in (r"st\.shared", r"ld\.shared", r"bar\.sync")]
    assert [kernel.metadata.shared, *counts] == [16384, 32, 32, 1]
    for lang in LANGS:
        paragraph = next(p for p in details("triton/triton-layouts", lang).split("\n\n") if "st.shared" in p)
        assert {16384, 32} <= set(numbers(paragraph))


def bases(text: str) -> list[tuple[int, int]]:
    return [(int(row), int(column)) for row, column in re.findall(r"[\[(](\d+), ?(\d+)[\])]", text)]


@pinned
def test_bases_of_a_blocked_layout(kernels: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    from triton.experimental.gluon import language as gl

    layout = gl.BlockedLayout([1, 4], [2, 16], [4, 1], [1, 0])
    build(kernels.show_layout, {"out": "*fp32"}, {"L": layout, "ROWS": 64, "COLUMNS": 64}, num_warps=4)
    printed = capsys.readouterr().out
    for lang in LANGS:
        rows = table("triton/triton-layouts", lang, "input bit" if lang == "en" else "输入位")
        for (name, cell), field in zip(rows, ("reg_bases", "lane_bases", "warp_bases"), strict=True):
            said = re.search(rf"{field}=(\[\[.*?\]\])", printed)
            assert said is not None
            assert bases(cell) == bases(said[1]), name
        registers, lanes, warps = (bases(cell) for _, cell in rows)
        at = [registers[0], registers[1], lanes[0], lanes[4], warps[1]]  # register 3, lane 17, warp 2
        row, column = 0, 0
        for y, x in at:
            row, column = row ^ y, column ^ x
        assert (row, column) == (5, 7)
        text = details("triton/triton-layouts", lang)
        assert "row 5, column 7" in text or "第 5 行第 7 列" in text


@pinned
def test_order_lists_the_fastest_dimension_first(kernels: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    """The Gluon tutorial's example: its prose draws lanes 0 to 15 in one row, the compiler two lanes a row."""
    from triton.experimental.gluon import language as gl

    layout = gl.BlockedLayout([2, 4], [16, 2], [2, 2], [1, 0])
    build(kernels.show_layout, {"out": "*fp32"}, {"L": layout, "ROWS": 64, "COLUMNS": 16}, num_warps=4)
    printed = capsys.readouterr().out
    assert "lane_bases=[[0, 4], [2, 0], [4, 0], [8, 0], [16, 0]]" in printed
    assert "reg_bases=[[0, 1], [0, 2], [1, 0]]" in printed


# --- triton-specialization ------------------------------------------------------------------------------------------


def test_keys_of_64_calls(kernels: ModuleType) -> None:
    torch = pytest.importorskip("torch")
    from triton.runtime.jit import compute_cache_key, create_function_from_signature

    backend, x = CUDABackend(GPUTarget("cuda", 90, 32)), torch.empty(64)
    keys = []
    for fn in (kernels.plain, kernels.unaligned, kernels.unspecialized, kernels.constant):
        bind = create_function_from_signature(fn.signature, fn.params, backend)
        keys.append(len({compute_cache_key({}, *bind(x, x, n, 128, num_warps=4)[1:]) for n in range(1, 65)}))
    for lang in LANGS:
        header = "declaration of" if lang == "en" else "的声明"
        assert [int(row[1]) for row in table("triton/triton-specialization", lang, header)] == keys


def test_specialisation_of_arguments() -> None:
    torch = pytest.importorskip("torch")
    from triton.runtime.jit import native_specialize_impl

    def of(value: Any) -> Any:
        return native_specialize_impl(CUDABackend, value, False, True, True)

    assert of(1) == ("constexpr", 1)
    assert [of(v) for v in (16, 0)] == [("i32", "D")] * 2
    assert [of(v) for v in (17, 2, -1)] == [("i32", "")] * 3
    assert of(2**31 - 1)[0] == "i32"
    assert of(2**31) == ("i64", "D")
    assert [of(True), of(1.0), of(None)] == [("u1", None), ("fp32", None), ("constexpr", None)]
    x = torch.empty(64)
    assert [of(x), of(x[1:])] == [("*fp32", "D"), ("*fp32", "")]
    for lang in LANGS:
        header = "argument" if lang == "en" else "参数"
        kinds = [re.sub(r"\W+", " ", row[1]).split() for row in table("triton/triton-specialization", lang, header)]
        assert kinds == [["constexpr"], ["i32"], ["i32"], ["i64"], ["u1", "fp32"], ["constexpr"], ["fp32"], ["fp32"]]


# --- triton-num-stages ----------------------------------------------------------------------------------------------


@pinned
def test_only_tl_range_pipelines_a_loop_without_a_dot(kernels: ModuleType) -> None:
    kinds = {"x": "*fp32", "out": "*fp32", "n": "i32"}
    made = [build(kernels.stream, kinds, {"BLOCK": 4096}, num_stages=3)]
    made += [build(kernels.stream_range, kinds, {"BLOCK": 4096, "STAGES": n}) for n in (2, 3, 4)]
    want = [(kernel.metadata.shared, "cp.async" in kernel.asm["ptx"]) for kernel in made]
    for lang, yes in (("en", "yes"), ("zh", "有")):
        rows = table("triton/triton-num-stages", lang, "cp.async")  # type: ignore[arg-type]
        assert [(int(row[1]), row[2] == yes) for row in rows] == want


@pinned
@pytest.mark.parametrize("sm", [80, 90])
def test_shared_memory_by_stages(kernels: ModuleType, sm: int) -> None:
    shared = [build(kernels.matmul, GEMM, TILE, sm, num_warps=4, num_stages=n).metadata.shared for n in (1, 2, 3, 4)]
    for lang in LANGS:
        rows = {row[0]: row[1:] for row in table("triton/triton-num-stages", lang, "num_stages")}
        assert [int(cell) for cell in rows[f"sm_{sm}"]] == shared


@pinned
def test_warp_specialization_adds_warps_on_blackwell_only(kernels: ModuleType) -> None:
    kinds = {"a": "tensordesc<bf16[128,64]>", "b": "tensordesc<bf16[64,128]>", "c": "tensordesc<bf16[128,128]>"}
    kinds |= dict.fromkeys("MNK", "i32")
    tile = {"BM": 128, "BN": 128, "BK": 64}
    threads = [
        found(r"\.reqntid\s+(\d+)", build(kernels.matmul_tma, kinds, tile | {"WS": ws}, sm, num_warps=warps))
        for sm, warps, ws in ((100, 4, False), (100, 4, True), (90, 8, True))
    ]
    assert threads == [["128"], ["256"], ["256"]]
    for lang in LANGS:
        line = next(p for p in details("triton/triton-num-stages", lang).split("\n\n") if "warp_specialize=True" in p)
        assert {128, 256} <= set(numbers(line))
