"""Capacity, multi-LoRA, structured output, engines and serving design: the figures of the cards from the shapes."""

from __future__ import annotations

import math
import re
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from prep.cards.card import LANGS, Lang
from tests.content.quantized import near, shows
from tests.content.reading import code, details, everything, face, numbers, table

both = pytest.mark.parametrize("lang", LANGS)

# Llama 3 8B (config.json) and an H100 SXM: 80 GB, 3.35 TB/s, 989 TFLOPS dense in BF16
HIDDEN, FFN, LAYERS, VOCABULARY, KV_HEADS, HEAD = 4096, 14336, 32, 128256, 8, 128
BANDWIDTH, PEAK = 3.35e12, 989e12
LINEARS = {
    "q": (HIDDEN, HIDDEN),
    "k": (HIDDEN, KV_HEADS * HEAD),
    "v": (HIDDEN, KV_HEADS * HEAD),
    "o": (HIDDEN, HIDDEN),
    "gate": (HIDDEN, FFN),
    "up": (HIDDEN, FFN),
    "down": (FFN, HIDDEN),
}
LAYER = sum(a * b for a, b in LINEARS.values())
EMBEDDING = VOCABULARY * HIDDEN
PARAMETERS = LAYERS * (LAYER + 2 * HIDDEN) + HIDDEN + 2 * EMBEDDING
KV_TOKEN = 2 * LAYERS * KV_HEADS * HEAD * 2
WEIGHTS = 2 * PARAMETERS
CACHE = 80e9 * 0.92 - WEIGHTS - 2.5e9


STEP = 2 * (LAYERS * LAYER + EMBEDDING)  # bytes of weights that a decode step reads: layers and lm_head


def prefill_flop(tokens: int) -> int:
    """The layers' products, one row of logits, causal attention; the input embedding is looked up."""
    return 2 * LAYERS * LAYER * tokens + 2 * EMBEDDING + 2 * LAYERS * HIDDEN * tokens**2


def prefill_seconds(tokens: int) -> float:
    """At half of the peak."""
    return prefill_flop(tokens) / (PEAK / 2)


@both
def test_memory_budget(lang: Lang) -> None:
    name = "inference/capacity-planning"
    shows(details(name, lang), f"{PARAMETERS:,}", f"{KV_TOKEN:,}")
    assert PARAMETERS == 8_030_261_248
    expected = (80 * 0.92, WEIGHTS / 1e9, 2.5, CACHE / 1e9, CACHE / KV_TOKEN, CACHE / KV_TOKEN / 2000)
    rows = table(name, lang, "formula" if lang == "en" else "公式")
    for row, value in zip(rows, expected, strict=True):
        if value > 1e5:
            assert abs(numbers(row[2])[0] - value) < 500, row  # shown in thousands
        else:
            assert near(row[2], value), row


@both
def test_decode_and_prefill_times(lang: Lang) -> None:
    name = "inference/capacity-planning"
    running, resident = 200, 1500 + 500 // 2
    weights, cache = STEP / BANDWIDTH, running * resident * KV_TOKEN / BANDWIDTH
    step = weights + cache
    decode, prefill = 500 * step / running, prefill_seconds(1500)
    rate = 1 / (decode + prefill)
    rows = table(name, lang, "200")
    expected = (weights * 1e3, cache * 1e3, step * 1e3, decode * 1e3, prefill * 1e3, rate)
    for row, value in zip(rows, expected, strict=True):
        assert near(row[2], value), row
    text = everything(name, lang)
    shows(text, f"{PEAK / BANDWIDTH:.0f}", f"{running / rate:.1f}", f"{running / rate / 500 * 1e3:.0f}")
    shows(text, f"{cache / 2 * 1e3:.1f}", f"{2 * round(CACHE / KV_TOKEN / 2000)}", f"{prefill * 0.4 * 1e3:.0f}")
    tflop = STEP * running / 1e12
    shows(text, f"{tflop:.1f}", f"{prefill_flop(1500) / 1e12:.1f}", f"{STEP / 1e9:.1f} GB")
    answer = face(name, lang).answer
    for value in (weights, step, decode, prefill):
        assert re.search(rf"(?<![\d.]){value * 1e3:.{1 if value < 0.03 else 0}f}(?!\.?\d)", answer), value
    assert f"{2 * LAYERS * LAYER / 1e9:.0f} GFLOP" in answer
    shows(text, "143,771", f"{143_771 * 2**20 / 1e9:.1f}")
    assert tflop * 1e12 / PEAK < weights, "the GEMMs hide behind the bytes"
    assert 0.7 * rate > 100 / 14.5, "14 to 15 GPUs keep 30 % of head-room"


def lora(rank: int, names: tuple[str, ...] = tuple(LINEARS)) -> int:
    return LAYERS * sum(rank * sum(LINEARS[name]) for name in names)


@both
def test_lora_parameters_and_bytes(lang: Lang) -> None:
    name = "inference/multi-lora-serving"
    rows = {row[0]: numbers(row[2])[-1] for row in table(name, lang, "LoRA")}
    for key, shown in rows.items():
        first = key.replace("、", ",").split(",")[0].strip()
        if first in LINEARS:
            assert shown == 16 * sum(LINEARS[first]), key
    assert list(rows.values())[-2:] == [lora(16) / LAYERS, lora(16)]
    text = everything(name, lang)
    shows(text, f"{lora(16, ('q', 'v')):,}", f"{2 * lora(16) / 1e6:.1f}", f"{2 * lora(16, ('q', 'v')) / 1e6:.1f}")
    shows(text, f"{lora(16) / PARAMETERS:.2%}".rstrip("%"), f"{2 * lora(16) / 64e9 * 1e3:.1f}")
    shows(text, f"{100 * 16 * 2 / HIDDEN:.2f}", f"{CACHE // (2 * lora(16)):.0f}")
    assert CACHE // WEIGHTS == 3, "merged models beside the first"
    for count, size, share in table(name, lang, "16.06"):
        read = int(count) * 2 * lora(16)
        assert near(size, read / 1e9), count
        assert near(share, 100 * read / WEIGHTS), count


def test_sgmv_equals_one_request_after_the_other() -> None:
    rng = np.random.RandomState(0)
    x, w = rng.randn(6, 32), rng.randn(32, 24)
    adapters = {i: (rng.randn(32, 4), rng.randn(4, 24)) for i in (7, 2, 9)}
    order, starts = [7, 2, 9], [0, 3, 4, 6]  # the segments of the card
    one_by_one = []
    for row, adapter in zip(x, (7, 7, 7, 2, 9, 9), strict=True):
        a, b = adapters[adapter]
        one_by_one.append(row @ (w + a @ b))
    y = x @ w
    for i, adapter in enumerate(order):
        segment = slice(starts[i], starts[i + 1])
        a, b = adapters[adapter]
        y[segment] += (x[segment] @ a) @ b
    assert np.allclose(y, one_by_one)
    assert not np.allclose(x @ adapters[7][0], x @ adapters[2][0]), "so the prefix cache must know the adapter"


@both
def test_mask_of_the_card(lang: Lang) -> None:
    name = "inference/structured-output"
    scope: dict[str, Any] = {}
    exec(code(name, lang, "python"), scope)
    vocabulary = ["-", "7", "42", "-3", "4a", "x"]
    for row in table(name, lang, "legal" if lang == "en" else "合法"):
        state = int(numbers(row[0])[0])
        *legal, end = scope["mask"](state, vocabulary)
        assert [t for t, ok in zip(vocabulary, legal, strict=True) if ok] == row[1].split(", "), row
        assert end == (row[2] in ("yes", "是")), row
    assert code(name, "en", "python") == code(name, "zh", "python")
    words = math.ceil(VOCABULARY / 32)
    text = everything(name, lang)
    shows(text, f"{words}", f"{words * 4:,}", f"{256 * words * 4 / 1e6:.1f}", f"{256 * VOCABULARY * 4 / 1e6:.0f}")


@both
def test_masking_is_not_conditioning(lang: Lang) -> None:
    a, b = Fraction(9, 10), Fraction(1, 10)
    valid_after_a, valid_after_b = Fraction(1, 100), Fraction(1)
    conditioned = a * valid_after_a / (a * valid_after_a + b * valid_after_b)
    shows(details("inference/structured-output", lang), f"{float(100 * conditioned):.1f}")
    masked = a / (a + b)  # both first tokens are legal, so nothing is masked there
    assert masked == Fraction(9, 10) > 10 * conditioned


@both
def test_processes_of_vllm(lang: Lang) -> None:
    def processes(tp: int, dp: int) -> int:
        """API servers (default: dp), engine cores (dp), workers (tp x dp), a coordinator if dp > 1."""
        return dp + dp + tp * dp + (dp > 1)

    text = details("inference/inference-framework-comparison", lang)
    assert f"-tp=4` {'has' if lang == 'en' else '是'} 1 + 1 + 4 = {processes(4, 1)}" in text
    shows(text, str(processes(2, 4)))
    assert (processes(4, 1), processes(2, 4)) == (6, 17)


@both
def test_prefix_hit_and_kv_transfer(lang: Lang) -> None:
    text = details("inference/serving-system-design", lang)
    moved = 4000 * KV_TOKEN
    layers, attention = 2 * LAYERS * LAYER * 4000, 2 * LAYERS * HIDDEN * 4000**2
    shows(text, f"{prefill_seconds(4000) * 1e3:.0f}", f"{prefill_flop(4000) / 1e12:.0f} TFLOP")
    shows(text, f"{layers / 1e12:.0f} TFLOP", f"{LAYERS * LAYER / 1e9:.2f}")
    assert round(attention / 1e12) == 4
    shows(text, f"{moved / 1e6:.0f}", f"{moved / 50e9 * 1e3:.1f}", f"{moved / 1.25e9:.2f}", f"{100 * (1 - 1 / 8):.1f}")
