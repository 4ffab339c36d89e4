"""What the Triton cards say of the instructions that come out: compiled for GPUs that need not be there, and read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from prep.cards.card import Lang
from tests.content.building import build, clean, found, load
from tests.content.reading import code, details, everything, face, numbers, table

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


# --- triton-dot-precision -------------------------------------------------------------------------------------------


@pinned
def test_instructions_of_each_precision(kernels: ModuleType) -> None:
    kinds = dict.fromkeys("abc", "*fp32") | dict.fromkeys("MNK", "i32")
    tile = {"BM": 64, "BN": 64, "BK": 32, "B_ALONG_K": False}
    counts = {}
    for name in ("tf32", "tf32x3", "bf16x3", "bf16x6", "ieee"):
        kernel = build(kernels.matmul, kinds, tile | {"PREC": name}, num_warps=4, num_stages=2)
        counts[name] = len(found(r"wgmma\.mma_async", kernel)) or len(found(r"fma\.rn\.f32", kernel))
        if name == "tf32":
            assert "0x4," in "".join(found(r"cp\.async[^;]*;", kernel)), "row-major B is copied 4 bytes at a time"
    along = build(kernels.matmul, kinds, tile | {"PREC": "tf32", "B_ALONG_K": True}, num_warps=4, num_stages=2)
    assert "0x4," not in "".join(found(r"cp\.async[^;]*;", along))
    assert counts["ieee"] == 64 * 64 * 32 / 128
    for lang in LANGS:
        rows = table("triton/triton-dot-precision", lang, "input_precision")
        said = {re.split(r"\W", row[0])[0]: numbers(row[2])[0] for row in rows}
        assert said == counts


@pinned
@pytest.mark.parametrize(("kind", "least"), [("*fp16", 16), ("*i8", 32), ("*fp8e5", 32)])
def test_only_k_has_a_minimum(kernels: ModuleType, kind: str, least: int) -> None:
    kinds = {"a": kind, "b": kind, "c": "*i32" if kind == "*i8" else "*fp32"}
    kernel = build(kernels.small_dot, kinds, {"M": 1, "N": 16, "K": least})
    assert found(r"mma\.sync\S*", kernel)
    with pytest.raises(Exception, match=r"error|K >=") as refused:
        build(kernels.small_dot, kinds, {"M": 16, "N": 16, "K": least // 2})
    assert f"M >= 1, N >= 1 and K >= {least}" in f"{refused.value} {refused.value.__cause__}"
    for lang in LANGS:
        point = next(p for p in face("triton/triton-dot-precision", lang).key_points if "16" in p and "32" in p)
        assert {16, 32} <= set(numbers(point))


def test_defaults_of_triton_and_torch_differ() -> None:
    torch = pytest.importorskip("torch")
    assert CUDABackend(GPUTarget("cuda", 90, 32)).parse_options({}).default_dot_input_precision == "tf32"
    assert torch.backends.cuda.matmul.allow_tf32 is False
    assert torch.backends.cudnn.allow_tf32 is True


# --- triton-tma-descriptors, gluon ----------------------------------------------------------------------------------


@pinned
@pytest.mark.parametrize(
    ("sm", "copy", "mma"),
    [(80, "ld.global.b16", "mma.sync"), (90, "cp.async.bulk.tensor.2d", "wgmma"), (100, "cp.async.bulk", "tcgen05")],
)
def test_descriptor_matmul_on_three_targets(kernels: ModuleType, sm: int, copy: str, mma: str) -> None:
    kinds = {"a": "tensordesc<bf16[128,64]>", "b": "tensordesc<bf16[64,256]>", "c": "tensordesc<bf16[128,256]>"}
    tile = {"BM": 128, "BN": 256, "BK": 64, "WS": False}
    kernel = build(kernels.matmul_tma, kinds | dict.fromkeys("MNK", "i32"), tile, sm, num_warps=8, num_stages=3)
    assert copy in kernel.asm["ptx"]
    assert mma in kernel.asm["ptx"]
    assert ("ld.global" in kernel.asm["ptx"]) == (sm == 80)
    if sm == 90:
        assert kernel.metadata.shared == 3 * (128 * 64 + 64 * 256) * 2 + 3 * 8
    for lang in LANGS:
        rows = {row[0]: row for row in table("triton/triton-tma-descriptors", lang, "PTX")}
        assert int(rows[f"sm_{sm}"][3]) == kernel.metadata.shared


def test_block_pointers_warn(kernels: ModuleType) -> None:
    source = (Path(str(triton.__file__)).parent / "language" / "core.py").read_text(encoding="utf-8")
    if triton.__version__.startswith("3.7."):
        assert 'warn("tl.make_block_ptr is deprecated. Use TensorDescriptor or tl.make_tensor_descriptor' in source


@pinned
@pytest.mark.parametrize("lang", LANGS)
def test_gluon_copy_of_the_card(lang: Lang, tmp_path: Path) -> None:
    from triton.experimental.gluon import language as gl

    prelude = "from triton.experimental import gluon\nfrom triton.experimental.gluon import language as gl\n"
    prelude += "from triton.experimental.gluon.language.nvidia.hopper import mbarrier, tma\n\n"
    file = tmp_path / f"gluon_card_{lang}.py"
    file.write_text(prelude + code("triton/gluon", lang, "python"), encoding="utf-8")
    layout = gl.NVMMASharedLayout.get_default_for([64, 64], gl.float16)
    kind = f"tensordesc<fp16[64, 64],{layout!r}>"
    kernel = build(load(file).copy, {"src": kind, "dst": kind}, {"B": 64}, num_warps=1)
    assert kernel.metadata.shared in numbers(details("triton/gluon", lang).replace("$", " "))
    assert len(found(r"cp\.async\.bulk\.tensor", kernel)) >= 2
    assert not found(r"ld\.(?:global|shared)", kernel)


@pinned
def test_gluon_layout_decides_the_width_and_must_match(kernels: ModuleType) -> None:
    from triton.experimental.gluon import language as gl

    kinds, want = {"x": "*fp32", "y": "*fp32", "n": "i32"}, []
    for r in (1, 2, 4, 8):
        layout = gl.BlockedLayout([r], [32], [4], [0])
        loads = found(r"ld\.global\.(\S+)", build(kernels.gluon_copy, kinds, {"B": 2048, "L": layout}))
        assert len(set(loads)) == 1
        want.append((len(loads), loads[0]))
    for lang in LANGS:
        counts, widths, _ = table("triton/gluon", lang, "R")
        assert list(zip(map(int, counts[1:]), widths[1:], strict=True)) == want
    one, four = (gl.BlockedLayout([r], [32], [4], [0]) for r in (1, 4))
    with pytest.raises(Exception, match=r"(?s).*") as refused:
        build(kernels.gluon_mixed, {"x": "*fp32", "y": "*fp32"}, {"B": 512, "L": one, "OTHER": four})
    assert "Layout mismatch" in f"{refused.value} {refused.value.__cause__}"


# --- triton-masks-and-int64, triton-atomics-determinism, numerical-stability ----------------------------------------


def test_width_of_an_offset(kernels: ModuleType) -> None:
    kinds = {"x": "*fp32", "stride": "i32"}
    for name, width in (("offset_product", "i32"), ("offset_cast_late", "i32"), ("offset_cast_first", "i64")):
        kernel = build(getattr(kernels, name), kinds, {"B": 128})
        assert found(r"arith\.muli .* : (\w+) loc", kernel, "ttir")[0] == width
    checked = build(kernels.offset_product, kinds, {"B": 128}, debug=True)
    assert "int32 overflow detected for operation mul" in checked.asm["ttir"]
    for lang in LANGS:
        rows = table("triton/triton-masks-and-int64", lang, "TTIR")
        assert [re.findall(r"i(?:32|64)", row[1])[0] for row in rows] == ["i32", "i32", "i64", "i64", "i64"]


@pinned
def test_fill_of_a_masked_load(kernels: ModuleType) -> None:
    kinds = {"x": "*fp32", "out": "*fp32", "n": "i32"}
    without, other = (build(fn, kinds, {"B": 128}) for fn in (kernels.masked, kernels.masked_other))
    assert found(r"mov\.u32 %r\d+, 0x0;\s*@%p\d+ ld\.global", without)
    assert found(r"mov\.b32\s+%r\d+, 1077936128;", other), "the bits of 3.0"


@pinned
@pytest.mark.parametrize("sm", [80, 90])
def test_atomics_of_each_type(kernels: ModuleType, sm: int) -> None:
    made = {}
    for kind in ("fp32", "fp16", "bf16"):
        kernel = build(kernels.add_atomically, dict.fromkeys(("x", "out"), f"*{kind}"), {"B": 1024}, sm, num_warps=4)
        names = found(r"atom\.(?:global\.gpu\.relaxed|relaxed\.gpu\.global)\.([\w.]+)", kernel)
        made[kind] = (len(names), names[0].replace(".noftz", ""))
    for lang in LANGS:
        header = "type" if lang == "en" else "类型"
        rows = {row[0]: row[sm // 10 - 7] for row in table("triton/triton-atomics-determinism", lang, header)}
        for kind, (count, name) in made.items():
            assert rows[kind].startswith(f"{count} x `{name}"), (kind, made[kind])


@pinned
def test_atomics_default_to_acq_rel(kernels: ModuleType) -> None:
    kernel = build(kernels.add_by_default, dict.fromkeys(("x", "out"), "*fp32"), {"B": 1024})
    assert "atom.global.gpu.acq_rel.add.f32" in kernel.asm["ptx"]
    for lang in LANGS:
        assert "atom.global.gpu.acq_rel.add.f32" in everything("triton/triton-atomics-determinism", lang)


def test_tl_sum_adds_in_the_type_of_the_block(kernels: ModuleType) -> None:
    for kind, width in (("*fp16", "f16"), ("*bf16", "bf16"), ("*fp32", "f32")):
        kernel = build(kernels.block_sum, {"x": kind, "out": kind}, {"B": 256})
        assert found(r"arith\.addf .* : (\w+) loc", kernel, "ttir") == [width]
    small = build(kernels.block_sum, {"x": "*i8", "out": "*i32"}, {"B": 256})
    assert found(r"arith\.addi .* : (\w+) loc", small, "ttir") == ["i32"]


@pinned
def test_k_divided_by_16_is_not_known_to_be_divisible(kernels: ModuleType) -> None:
    kinds = {"a": "*bf16", "out": "*bf16", "K": "i32"}
    for hint, width in ((False, "b16"), (True, "v4.b32")):
        kernel = build(kernels.load_part, kinds, {"SPLIT": 16, "HINT": hint, "B": 1024})
        assert set(found(r"ld\.global\.(\S+)", kernel)) == {width}
    for lang in LANGS:
        assert "tl.multiple_of(K // SPLIT, BK)" in face("triton/persistent-and-stream-k", lang).pitfalls


@pinned
def test_and_between_masks_only_warns(kernels: ModuleType) -> None:
    with pytest.warns(UserWarning, match="deprecated for non-scalar tensors"):
        build(kernels.mask_with_and, {"x": "*fp32", "n": "i32", "m": "i32"}, {"B": 128})


def test_amd_computes_fp32_dots_in_fp32_by_default() -> None:
    from triton.backends.amd.compiler import HIPBackend

    options = HIPBackend(GPUTarget("hip", "gfx942", 64)).parse_options({})
    assert options.default_dot_input_precision == "ieee"
    for lang in LANGS:
        assert any("AMD" in point and "ieee" in point for point in face("triton/triton-dot-precision", lang).key_points)
