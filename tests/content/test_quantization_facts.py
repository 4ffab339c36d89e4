"""The quantization cards: formats decoded bit by bit, scales and granularity worked out again."""

from __future__ import annotations

import math
import re
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch.ao.quantization.observer import MinMaxObserver

from prep.cards.card import LANGS, Lang
from tests.content.quantized import Array, near, nearest, rel, shows
from tests.content.reading import CONTENT, details, everything, table

both = pytest.mark.parametrize("lang", LANGS)


# --- formats ----------------------------------------------------------------------------------------------------------


def decode(bits: int, exponent: int, mantissa: int) -> float:
    """The value of a small float with IEEE bias, all codes taken as numbers."""
    bias = 2 ** (exponent - 1) - 1
    m = bits & (2**mantissa - 1)
    e = bits >> mantissa & (2**exponent - 1)
    value = math.ldexp(m, 1 - bias - mantissa) if e == 0 else math.ldexp(1 + m / 2**mantissa, e - bias)
    return float(value)


SPLITS = {"fp32": (8, 23), "bf16": (8, 7), "fp16": (5, 10), "e5m2": (5, 2), "e4m3fn": (4, 3)}
DTYPES = {
    "fp32": torch.float32,
    "bf16": torch.bfloat16,
    "fp16": torch.float16,
    "e5m2": torch.float8_e5m2,
    "e4m3fn": torch.float8_e4m3fn,
}


@both
def test_float_formats_table_is_what_torch_and_the_bits_say(lang: Lang) -> None:
    rows = table("quantization/floating-point-formats", lang, "max" if lang == "en" else "最大")
    assert [row[0] for row in rows] == list(SPLITS)
    for name, largest, normal, eps, stop in rows:
        info = torch.finfo(DTYPES[name])
        exponent, mantissa = SPLITS[name]
        for cell, value in ((largest, info.max), (normal, info.smallest_normal), (eps, info.eps)):
            assert math.isclose(float(cell), value, rel_tol=6e-3), (name, cell, value)
        assert info.eps == 2.0**-mantissa
        assert int(stop) == 2 ** (mantissa + 1)
        assert decode(1 << mantissa, exponent, mantissa) == info.smallest_normal
        at = torch.tensor(float(stop)).to(DTYPES[name]).float()
        assert (at + 1).to(DTYPES[name]).float() == at, "adding one more does nothing"
        below = (at / 2).to(DTYPES[name]).float()
        assert (below + 1).to(DTYPES[name]).float() > below


@pytest.mark.parametrize(("dtype", "split"), [(torch.float8_e4m3fn, (4, 3)), (torch.float8_e5m2, (5, 2))])
def test_every_fp8_code_decodes_by_the_formula(dtype: torch.dtype, split: tuple[int, int]) -> None:
    values = torch.arange(256, dtype=torch.uint8).view(dtype).float().tolist()
    finite = {i: v for i, v in enumerate(values) if math.isfinite(v)}
    assert all(abs(v) == decode(i & 0x7F, *split) for i, v in finite.items())
    nan, inf = sum(math.isnan(v) for v in values), sum(math.isinf(v) for v in values)
    assert (nan, inf) == ((2, 0) if split == (4, 3) else (6, 2))  # E4M3: one NaN a sign, no infinity


@both
def test_fp8_numbers(lang: Lang) -> None:
    text = everything("quantization/fp8-formats-and-scaling", lang)
    assert decode(0b1111110, 4, 3) == 448
    assert decode(1, 4, 3) == 2.0**-9
    shows(text, f"{round(448 / 2**-9):,}", str(7168 // 128))
    assert torch.finfo(torch.float8_e4m3fnuz).max == 240
    shows(everything("quantization/floating-point-formats", lang), "240")
    overflow = torch.tensor([1e4, math.inf]).to(torch.float8_e4m3fn).float()
    if torch.__version__.startswith("2.13"):
        assert overflow.tolist() == [448, 448]  # older versions: NaN
    assert torch.tensor(1e9).to(torch.float8_e5m2).isinf()


def fp8(x: Array, group: int, dtype: torch.dtype) -> Array:
    top = torch.finfo(dtype).max
    v = x.reshape(-1, group)
    s = np.abs(v).max(1, keepdims=True) / top
    q = torch.tensor(v / s, dtype=torch.float32).clamp(-top, top).to(dtype).double().numpy()
    back: Array = (q * s).reshape(x.shape)
    return back


@both
def test_int8_against_fp8_with_an_outlier(lang: Lang) -> None:
    rows = table("quantization/fp8-formats-and-scaling", lang, "E4M3 1x128")
    for row, outlier in zip(rows, (None, 100, 1000, 1e5), strict=True):
        x = np.random.RandomState(0).randn(16, 4096)
        if outlier:
            x[:, 7] = outlier
        rest = np.arange(4096) != 7
        schemes = (
            nearest(x, 8),
            fp8(x, 4096, torch.float8_e4m3fn),
            fp8(x, 4096, torch.float8_e5m2),
            fp8(x, 128, torch.float8_e4m3fn),
        )
        for cell, got in zip(row[1:], schemes, strict=True):
            assert near(cell, rel(got[:, rest], x[:, rest])), (row, cell)


GRID = np.array([decode(i, 2, 1) for i in range(8)])


def e2m1(x: Array) -> Array:
    at = np.abs(np.abs(x)[..., None] - GRID).argmin(-1)
    rounded: Array = np.sign(x) * GRID[at]
    return rounded


def mxfp4(x: Array, block: int = 32) -> Array:
    v = x.reshape(-1, block)
    s = 2.0 ** (np.floor(np.log2(np.abs(v).max(1, keepdims=True))) - 2)
    back: Array = (e2m1(np.clip(v / s, -6, 6)) * s).reshape(x.shape)
    return back


def nvfp4(x: Array, size: int = 16) -> Array:
    whole = np.abs(x).max() / (448 * 6)
    v = x.reshape(-1, size)
    block = torch.tensor(np.abs(v).max(1, keepdims=True) / 6 / whole, dtype=torch.float32)
    s = block.to(torch.float8_e4m3fn).double().numpy() * whole
    back: Array = (e2m1(np.clip(v / s, -6, 6)) * s).reshape(x.shape)
    return back


@both
def test_mx_and_nvfp4(lang: Lang) -> None:
    name = "quantization/mx-and-nvfp4"
    text = everything(name, lang)
    assert GRID.tolist() == [0, 0.5, 1, 1.5, 2, 3, 4, 6]
    for bits, (_, _, block, scale, shown) in zip((8, 6, 4, 4, 4), table(name, lang, "bit"), strict=True):
        assert near(shown, bits + {"E8M0": 8, "E4M3": 8, "FP16": 16}[scale] / int(block))
    assert torch.tensor([127, 255], dtype=torch.uint8).view(torch.float8_e8m0fnu).float()[0] == 1
    assert mxfp4(np.array([7.0] + [0.1] * 31))[0] == 6
    assert mxfp4(np.array([5.0] + [0.1] * 31))[0] == 4
    e4m3 = float(torch.tensor(7 / 6).to(torch.float8_e4m3fn).float())
    assert (e4m3, 6 * e4m3) == (1.125, 6.75)
    assert "6.75" in text
    assert "1.125" in text
    shows(text, f"{16 / 4.5:.2f}", f"{16 / 4.25:.2f}")
    rng = np.random.RandomState(0)
    data = (rng.randn(1 << 18), rng.standard_t(4, size=1 << 18))
    schemes: list[Callable[[Array], Array]] = [mxfp4, nvfp4]
    schemes += [lambda x, g=g: nearest(x.reshape(-1, g), 4).reshape(x.shape) for g in (128, 32, 16)]  # type: ignore[misc]
    rows = table(name, lang, "normal" if lang == "en" else "正态")
    for (_, *cells), scheme in zip(rows, schemes, strict=True):
        assert all(near(cell, rel(scheme(x), x)) for cell, x in zip(cells, data, strict=True)), cells
    normal = data[0]
    crossed = rel(mxfp4(normal, 16), normal), rel(nvfp4(normal, 32), normal)
    assert crossed[0] > rel(mxfp4(normal), normal)  # a shorter block alone does not help
    shows(text, *(f"{error:.3f}" for error in crossed))


# --- scales and granularity -------------------------------------------------------------------------------------------


def test_which_scales_factor_out_of_a_product() -> None:
    rng = np.random.RandomState(0)
    x, w = rng.randint(-127, 128, (4, 64)), rng.randint(-127, 128, (6, 64))
    sx, sw, sk = rng.rand(4, 1), rng.rand(6, 1), rng.rand(64)
    assert np.allclose((sx * x) @ (sw * w).T, sx * (x @ w.T) * sw.T)  # token, output channel: epilogue
    by_input = (x * sk) @ w.T
    assert not np.isclose(by_input / (x @ w.T), (by_input / (x @ w.T))[0, 0]).all()  # input channel: no factor
    groups = rng.rand(6, 4)
    whole = x @ (w * groups.repeat(16, 1)).T
    partial = sum(groups[:, g] * (x[:, 16 * g :][:, :16] @ w[:, 16 * g :][:, :16].T) for g in range(4))
    assert np.allclose(whole, partial)
    assert not np.allclose(whole, groups.mean(1) * (x @ w.T))
    zx, zw = 5, -7  # the four terms
    assert np.array_equal((x - zx) @ (w - zw).T, x @ w.T - zw * x.sum(1, keepdims=True) - zx * w.sum(1) + 64 * zx * zw)


@both
def test_affine_against_symmetric_example(lang: Lang) -> None:
    symmetric, offset = table("quantization/quant-affine-vs-symmetric", lang, "scale")
    low, high = -0.9, 5.1
    s = high / 127
    assert near(symmetric[1], s)
    assert symmetric[3].startswith(f"-{round(-low / s)} ")
    assert "127" in symmetric[3]
    assert near(symmetric[4].split("->")[1], round(1 / s) * s)
    a = (high - low) / 255
    z = -128 - round(low / a)
    assert near(offset[1], a)
    assert int(offset[2]) == z == -90
    assert near(offset[4].split("->")[1], round(1 / a) * a)
    assert str(round(1 / a) + z) in offset[4]
    text = details("quantization/quant-affine-vs-symmetric", lang)
    shows(text, f"{s / a:.2f}", f"{math.log2(s / a):.2f}")


@both
def test_pytorch_observers_give_the_parameters_of_the_card(lang: Lang) -> None:
    def parameters(scheme: torch.qscheme) -> tuple[float, int]:
        observer = MinMaxObserver(dtype=torch.qint8, qscheme=scheme)
        observer(torch.tensor([-0.9, 5.1]))
        scale, zero = observer.calculate_qparams()
        return float(scale), int(zero)

    scale, zero = parameters(torch.per_tensor_affine)
    _, offset = table("quantization/quant-affine-vs-symmetric", lang, "scale")
    assert near(offset[1], scale)
    assert int(offset[2]) == zero
    scale, zero = parameters(torch.per_tensor_symmetric)
    assert math.isclose(scale, 5.1 / 127.5, rel_tol=1e-6)
    assert zero == 0
    shows(details("quantization/quant-affine-vs-symmetric", lang), "127.5")


@both
def test_bits_per_weight_and_error_by_granularity(lang: Lang) -> None:
    name = "quantization/per-channel-vs-per-group"
    sizes = (4096, 128, 64, 32)
    rows = table(name, lang, "scale + ")
    for (_, bare, zero), size in zip(rows, sizes, strict=True):
        assert near(bare, 4 + 16 / size)
        assert near(zero, 4 + 20 / size)
    shows(details(name, lang), f"{4096 * 14336 // 128:,}")
    shows(details(name, lang), f"{4096 * 14336 // 128 * 2 // 1024} KiB")
    w = np.random.RandomState(0).standard_t(4, size=(256, 1024))
    errors = table(name, lang, "error" if lang == "en" else "误差")
    for (_, cell), size in zip(errors, (w.size, 1024, 128, 64, 32), strict=True):
        assert near(cell, rel(nearest(w.reshape(-1, size), 4).reshape(w.shape), w))


# --- the two languages ------------------------------------------------------------------------------------------------

SERVING = (
    "capacity-planning",
    "inference-framework-comparison",
    "multi-lora-serving",
    "serving-system-design",
    "structured-output",
)
CARDS = sorted(f"quantization/{path.stem}" for path in (CONTENT / "quantization").glob("*.md"))
FIGURE = re.compile(r"(?<![\w.])\d+(?:[.,]\d+)+|(?<![\w.,])\d{3,}(?!\w)")
COUNTED_OTHERWISE = {"quantization/gptq": {"690", "1750"}, "inference/capacity-planning": {"525", "5.25"}}
"""69 billion, 175 B and 525 M are counted in hundreds of millions in Chinese."""


@pytest.mark.parametrize("name", [*CARDS, *(f"inference/{stem}" for stem in SERVING)])
def test_both_languages_show_the_same_figures(name: str) -> None:
    english, chinese = ({figure.replace(",", "") for figure in FIGURE.findall(details(name, lang))} for lang in LANGS)
    assert english ^ chinese == COUNTED_OTHERWISE.get(name, set())
