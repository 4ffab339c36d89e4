"""The quantization cards: AWQ, GPTQ, SmoothQuant and others on toys, code of the cards executed, speed worked out."""

from __future__ import annotations

import math
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from prep.cards.card import LANGS, Lang
from tests.content.quantized import Array, affine, near, nearest, rel, shows
from tests.content.reading import code, details, everything, numbers, table

both = pytest.mark.parametrize("lang", LANGS)


# --- methods ----------------------------------------------------------------------------------------------------------


def awq_quantize(w: Array, group: int = 128) -> Array:
    """INT4 with a zero point, as AWQ stores it."""
    v = w.reshape(-1, group)
    s = np.maximum(v.max(1, keepdims=True) - v.min(1, keepdims=True), 1e-5) / 15
    z = np.clip(-np.round(v.min(1, keepdims=True) / s), 0, 15)
    back: Array = ((np.clip(np.round(v / s) + z, 0, 15) - z) * s).reshape(w.shape)
    return back


@both
def test_awq_toy(lang: Lang) -> None:
    rng = np.random.RandomState(0)
    x, salient = rng.randn(512, 256), [3, 77, 150]
    x[:, salient] *= 20
    w = rng.randn(256, 256)

    def loss(s: Array) -> float:
        """Folding: W * s quantized, x / s; without quantization nothing changes."""
        assert np.allclose((x / s) @ (w * s).T, x @ w.T)
        return float((((x / s) @ awq_quantize(w * s).T - x @ w.T) ** 2).mean())

    base = loss(np.ones(256))
    top = np.abs(awq_quantize(w).reshape(-1, 128)).max(1)
    for row in table("quantization/awq", lang, "s"):
        s = np.ones(256)
        s[salient] = int(row[0])
        grown = (np.abs(awq_quantize(w * s).reshape(-1, 128)).max(1) / top).mean()
        assert near(row[1], float(grown)), row
        assert near(row[2], loss(s) / base), row
    magnitude = np.abs(x).mean(0)
    tried = {}
    for i in range(20):
        s = magnitude ** (i / 20)
        tried[i / 20] = loss(s / np.sqrt(s.max() * s.min())) / base
    best = min(tried, key=lambda alpha: tried[alpha])
    kept = awq_quantize(w)
    kept[:, salient] = w[:, salient]
    mixed = float(((x @ (kept - w).T) ** 2).mean()) / base
    text = details("quantization/awq", lang)
    shows(text, f"{best:.2f}", f"{tried[best]:.2f}", f"{mixed:.2f}")
    shows(text, f"{4 + 20 / 128:.3f}", f"{16 / (4 + 20 / 128):.2f}")


@both
def test_gptq_of_the_card_beats_rounding_on_its_calibration_data_only(lang: Lang) -> None:
    scope: dict[str, Any] = {"np": np}
    exec(code("quantization/gptq", lang, "python"), scope)
    rng = np.random.RandomState(0)
    rng.randn(64, 64)
    x = rng.randn(2048, 8) @ rng.randn(8, 64) + 0.3 * rng.randn(2048, 64)
    w = rng.randn(32, 64)
    rows = table("quantization/gptq", lang, "GPTQ")
    shown = iter(rows)
    for bits in (4, 3):
        q = 2 ** (bits - 1) - 1
        scale = np.abs(w).max(1) / q
        plain, best = nearest(w, bits), scope["gptq"](w, x, scale, q)
        white = rng.randn(512, 64)
        outputs = [rel(x @ v.T, x @ w.T) for v in (plain, best)]
        assert outputs[1] < outputs[0] / 3
        cases = [outputs, [rel(v, w) for v in (plain, best)], [rel(white @ v.T, white @ w.T) for v in (plain, best)]]
        assert cases[1][1] > cases[1][0], "the weights are further away"
        assert cases[2][1] > cases[2][0], "worse on other inputs"
        for values in cases if bits == 4 else cases[:1]:
            row = next(shown)
            assert all(near(cell, value) for cell, value in zip(row[2:], values, strict=True)), row
    assert next(shown, None) is None


@both
def test_smoothquant_and_llm_int8_toys(lang: Lang) -> None:
    rng = np.random.RandomState(0)
    x = rng.randn(256, 512)
    x[:, 7] *= 60
    x[:, 99] *= 40
    w = rng.randn(512, 512) / np.sqrt(512)
    y = x @ w
    wq = nearest(w, 8, 0)
    plain = rel(nearest(x, 8) @ wq, y)
    for (alpha, error, spread), a in zip(
        table("quantization/smoothquant", lang, "alpha"), (None, 0.25, 0.5, 0.75, 1.0), strict=True
    ):
        if a is None:
            assert near(error, plain)
            continue
        s = np.abs(x).max(0) ** a / np.abs(w).max(1) ** (1 - a)
        assert np.allclose((x / s) @ (w * s[:, None]), y)
        peak = np.abs(x / s).max(0)
        assert float(alpha) == a
        assert near(error, rel(nearest(x / s, 8) @ nearest(w * s[:, None], 8, 0), y))
        assert near(spread, float(peak.max() / np.median(peak)))
    half = np.abs(x).max(0) ** 0.5 / np.abs(w).max(1) ** 0.5  # alpha = 1/2: both maxima the geometric mean
    assert np.allclose(np.abs(x / half).max(0), np.abs(w * half[:, None]).max(1))
    for channel in table("quantization/smoothquant", lang, "max W"):
        top, weight, s, after = (numbers(cell) for cell in channel[1:])
        assert math.sqrt(top[0] / weight[0]) == s[0]
        assert after == [top[0] / s[0], weight[0] * s[0]]
    outlier = (np.abs(x) >= 6).any(0)
    inner = np.where(outlier, 0, x)
    exact, stored = (rel(nearest(inner, 8) @ wq + x[:, outlier] @ v[outlier], y) for v in (w, wq))
    expected = (plain, exact, stored, rel(x @ wq, y))
    rows = table("quantization/llm-int8", lang, "error" if lang == "en" else "误差")
    assert all(near(row[1], value) for row, value in zip(rows, expected, strict=True))
    assert outlier.sum() == 2
    assert f"{(np.abs(x) >= 6).mean():.2%}".rstrip("%") in details("quantization/llm-int8", lang)


@both
def test_hadamard_rotation(lang: Lang) -> None:
    h = np.ones((1, 1))
    while len(h) < 128:
        h = np.block([[h, h], [h, -h]])
    h = h / np.sqrt(len(h))
    assert np.allclose(h @ h.T, np.eye(128))
    x = np.random.RandomState(0).randn(128)
    x[5] = 50
    y = x @ h

    def column(v: Array) -> list[float]:
        step = np.abs(v).max() / 7
        zeros = (np.round(v / step) == 0).sum()
        rms = np.sqrt((v**2).mean())
        top = np.abs(v).max()
        return [float(n) for n in (np.linalg.norm(v), top, top / rms, step, zeros, rel(nearest(v[None], 4)[0], v))]

    rows = table("quantization/rotation-quantization", lang, "before" if lang == "en" else "之前")
    for row, values in zip(rows, zip(column(x), column(y), strict=True), strict=True):
        assert all(near(cell, value) for cell, value in zip(row[1:], values, strict=True)), row
    rms_norm: Callable[[Array], Array] = lambda v: v / np.sqrt((v**2).mean())  # noqa: E731
    assert np.allclose(rms_norm(x @ h), rms_norm(x) @ h), "RMSNorm without gain commutes"
    text = details("quantization/rotation-quantization", lang)
    shows(text, f"{128 / np.sqrt(128):.1f}", f"{4096 * 12:,}", str(4096**2 // (4096 * 12)))


@both
def test_kv_cache_per_token_against_per_channel(lang: Lang) -> None:
    name = "quantization/kv-cache-quantization"
    values = 2 * 32 * 8 * 128
    shows(details(name, lang), str(values))
    for _, bits, size in table(name, lang, "KiB"):
        assert near(size, values * float(bits) / 8 / 1024)
    rng = np.random.RandomState(0)
    k = rng.randn(512, 128)
    k[:, [3, 40, 90]] *= 15
    rng.randn(512, 128)
    q = rng.randn(64, 128) / np.sqrt(128)
    for bits, token, channel in table(name, lang, "32" if lang == "en" else "按通道"):
        grouped = affine(k.T.copy().reshape(-1, 32), int(bits)).reshape(128, 512).T
        assert near(token, rel(q @ affine(k, int(bits)).T, q @ k.T))
        assert near(channel, rel(q @ grouped.T, q @ k.T))
    s = rng.rand(512, 1)  # one scale a token leaves the score and enters the probability
    assert np.allclose(q @ (s * k).T, (q @ k.T) * s.T)
    assert np.allclose(q.T[:4] @ (k[:64] * s[:64]), (q.T[:4] * s[:64, 0]) @ k[:64])


@both
def test_marlin_dequantizes_by_bit_tricks(lang: Lang) -> None:
    def half(word: int) -> float:
        return float(np.array([word], np.uint16).view(np.float16)[0])

    constants = {row[0]: float(row[1]) for row in table("quantization/marlin-kernel", lang, "FP16")}
    assert all(half(int(word, 16)) == value for word, value in constants.items())
    assert len(constants) == 4
    for v in range(16):
        assert half(0x6400 | v) - half(0x6408) == v - 8
        assert half(0x6400 | v << 4) * half(0x2C00) + half(0xD480) == v - 8
    text = everything("quantization/marlin-kernel", lang)
    assert f"{16 / (4 + 16 / 128):.2f}" in text
    assert f"M = {312 / 2.039 / 4:.0f}" in text
    assert f"M = {312 / 2.039:.0f}" in text


@both
def test_calibration_by_clipping(lang: Lang) -> None:
    name = "quantization/qat-calibration-evaluation"
    x = np.random.RandomState(0).randn(65536)
    top = np.abs(x).max()
    for bits, plain, best, at_best in table(name, lang, "clip at" if lang == "en" else "裁在"):
        q = 2 ** (int(bits) - 1) - 1

        def error(clip: float, q: int = q) -> float:
            s = clip / q
            return float(np.sqrt(((np.clip(np.round(x / s), -q, q) * s - x) ** 2).mean()))

        tried = {top * i / 100: error(top * i / 100) for i in range(20, 101)}
        least = min(tried, key=lambda clip: tried[clip])
        assert near(plain, error(top))
        assert near(best, least)
        assert near(at_best, tried[least])
        if int(bits) == 4:
            shows(details(name, lang), f"{(np.abs(x) > least).mean():.1%}".rstrip("%"))
    shows(details(name, lang), f"{math.sqrt(0.6 * 0.4 / 1000):.2%}".rstrip("%"))


# --- code and speed ---------------------------------------------------------------------------------------------------


@both
def test_int8_code_of_the_card(lang: Lang) -> None:
    scope: dict[str, Any] = {"torch": torch}
    exec(code("quantization/int8-quant-dequant", lang, "python"), scope)
    x = torch.tensor([[0.3, -1.27, 0.004, 1.0], [0.0, 0.0, 0.0, 0.0]])
    q, s = scope["quantize"](x)
    assert q.dtype == torch.int8
    assert q[0].tolist() == [30, -127, 0, 100]
    assert not q[1].any()
    data = torch.from_numpy(np.random.RandomState(0).randn(8, 4096)).float()
    q, s = scope["quantize"](data)
    off = scope["dequantize"](q, s) - data
    assert (off.abs() <= s / 2 * 1.0001).all()
    assert torch.allclose(off.pow(2).mean(1).sqrt(), s[:, 0] / math.sqrt(12), rtol=0.05)
    v, sa, z = scope["quantize_affine"](data.abs())
    assert ((v.float() - z) * sa - data.abs()).abs().max() <= sa.max() / 2 * 1.0001
    assert v.min() == -128
    data.requires_grad_()
    scope["fake_quant"](data).sum().backward()
    assert data.grad is not None
    assert (data.grad == 1).all()
    for row in table("quantization/int8-quant-dequant", lang, "wrong" if lang == "en" else "错法"):
        value, got, right = float(row[0]), int(row[2]), int(row[3])
        t = torch.tensor(value)
        assert right == int(t.round().clamp(-127, 127).to(torch.int8))
        floored = "floor" in row[1]
        if floored or abs(value) < 128:  # out of range is undefined in C++: shown for x86, not held everywhere
            assert got == (math.floor(value + 0.5) if floored else int(t.to(torch.int8)))


RUN = """
import torch, triton, triton.language as tl
from {module} import *
torch.manual_seed(0)
m, n, k = 64, 32, 128
a, w = (torch.randint(-127, 128, (rows, k), dtype=torch.int8) for rows in (m, n))
sa, sw, sg, c = torch.rand(m) + 0.5, torch.rand(n) + 0.5, torch.rand(n, k // 64) + 0.5, torch.empty(m, n)
def worst(got, true): return ((got - true).abs().max() / true.abs().max()).item()
w8a8[(2, 1)](a, w, sa, sw, c, n, k, 0, 32)
channel = worst(c, (a.double() @ w.double().T) * sa[:, None] * sw)
w8a8[(2, 1)](a, w, sa, sg, c, n, k, 64, 32)
group = worst(c, (a.double() @ (w.double() * sg.repeat_interleave(64, 1)).T) * sa[:, None])
q, x, y = torch.randint(0, 16, (n, k), dtype=torch.uint8), torch.randn(k), torch.empty(n)
gemv_w4[(n,)](x, (q[:, 0::2] | (q[:, 1::2] << 4)).contiguous(), sg, y, k, 64)
gemv = worst(y, ((q.double() - 8) * sg.repeat_interleave(64, 1).double()) @ x.double())
print(max(channel, group, gemv))
"""


def test_quantized_kernels_of_the_card_run_in_the_interpreter(tmp_path: Path) -> None:
    source = code("quantization/quant-gemm-and-gemv", "en", "python")
    assert source == code("quantization/quant-gemm-and-gemv", "zh", "python")
    (tmp_path / "kernels.py").write_text("import triton\nimport triton.language as tl\n\n" + source, encoding="utf-8")
    (tmp_path / "run.py").write_text(RUN.replace("{module}", "kernels"), encoding="utf-8")
    environment = {**os.environ, "TRITON_INTERPRET": "1"}
    done = subprocess.run([sys.executable, tmp_path / "run.py"], capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) < 1e-5


@both
def test_quantized_gemm_bounds_and_bytes(lang: Lang) -> None:
    text = everything("quantization/quant-gemm-and-gemv", lang)
    shows(text, f"{(2**31 - 1) // 127**2:,}", f"K = {2**24 // 127**2}")
    for row, bits in zip(table("quantization/quant-gemm-and-gemv", lang, "FLOP"), (16, 8, 4 + 16 / 128), strict=True):
        size = 4096**2 * bits / 8
        assert near(row[1], size / 1e6)
        assert near(row[2], size / 3.35e12 * 1e6)
        assert near(row[3], 2 * 4096**2 / size)


@both
def test_int8_speed_claim_arithmetic(lang: Lang) -> None:
    name = "quantization/int8-gemm-speed-claim"
    text, flop = details(name, lang), 2 * 4096**3
    (_, a32, _, a16, a8), (_, h32, _, h16, h8) = (
        [0.0, *(float(c) for c in row[1:])] for row in table(name, lang, "TF32")
    )
    assert a8 / a16 == 2
    assert round(h8 / h16, 2) == 2
    assert a8 / a32 == 32
    assert round(h8 / h32) == 30
    fp16, int8, element = flop / h16 / 1e6, flop / h8 / 1e6, 4096**2
    quantize, back = 3 * element / 3.35e6, 6 * element / 3.35e6
    shows(text, f"{fp16 / (int8 + quantize + back):.2f}", f"{fp16 / (int8 + quantize):.2f}", f"{flop / 1e9:.1f}")
    shows(text, f"{fp16:.0f}", f"{int8:.1f}", f"{int8 + quantize + back:.1f}")
    measured = table(name, lang, "BF16")
    bf16 = next(numbers(row[1])[0] for row in measured if row[0] == "BF16")
    times = [numbers(row[1])[0] for row in measured]
    assert all(near(row[2], bf16 / t) for row, t in zip(measured, times, strict=True))
    tops = flop / times[3] / 1e6
    assert abs(847 - tops) < 0.003 * tops
    shows(text, "847", f"{tops / h8:.0%}".rstrip("%"))
