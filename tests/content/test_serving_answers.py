"""Every figure of the spoken answers on inference is a given of the question or follows from one by arithmetic."""

from __future__ import annotations

import re

import pytest

from prep.cards.card import Lang
from tests.content.llama3 import (
    BANDWIDTH,
    KV,
    LINEAR,
    PARAMETERS,
    PEAK,
    STEP_BYTES,
    WEIGHTS_MS,
    decode_step,
    prefill_flop,
)
from tests.content.reading import code, everything, face, numbers

LANGS: tuple[Lang, ...] = ("en", "zh")
NAMES = re.compile(r"Llama-3-8B|[HA][12]00|V[013]|CUDA 1\d|GPT-3|EAGLE ?-?[123]?|P\d\d|OPT-13B|torch|0\.11\.0|Fig\. ?2")

ROOM = 80e9 * 0.92 - 2 * PARAMETERS - 2.5e9
PREFILL_8K = 1e3 * prefill_flop(8192) / PEAK
MEASURED_PREFILL = 169.3 + 29.37  # one H200, 8192 tokens: products and attention, ms
STEP_64 = decode_step(64, 2048)[2]


def chunks(budget: int) -> list[float]:
    """Step times of a prompt of 8192 beside 64 decodes of 2048."""
    kv, done, times = decode_step(64, 2048)[1], 0, []
    while done < 8192:
        n = min(budget - 64, 8192 - done)
        linear = max(WEIGHTS_MS, 1e3 * 2 * LINEAR * (n + 64) / PEAK)
        times.append(linear + 1e3 * 4 * 32 * 4096 * (n * done + n * n / 2) / PEAK + kv)
        done += n
    return times


def sample(alpha: float, k: int) -> float:
    return (1 - alpha ** (k + 1)) / (1 - alpha)


FIGURES: dict[str, list[float]] = {
    "batch-size-limits": [
        *(KV / 1024, 16, 80, ROOM / 1e9, ROOM / KV / 1e3, ROOM / KV / 1e4, ROOM / KV / 2048, 2048),
        *(STEP_BYTES / KV / 2048, PEAK / BANDWIDTH),
    ],
    "prefill-and-decode": [
        *(2048, prefill_flop(2048) / 1e12, 1e3 * prefill_flop(2048) / PEAK, STEP_BYTES / 1e9, BANDWIDTH / 1e12),
        *(WEIGHTS_MS, 1e3 * 2 * PARAMETERS / BANDWIDTH, PEAK / BANDWIDTH),
    ],
    "serving-metrics-and-deployment": [1, 0.4, 25, 300, 0.4 + 299 * 0.025],
    "paged-attention": [16 - 1, 16],
    "paged-attention-implementation": [20, 26],
    "paged-vs-max-len-kv": [20.4, 38.2, 96.3, 4.3, 2.2, 2, 4],
    "why-two-phases": [1, 2048, WEIGHTS_MS, 2048 * WEIGHTS_MS / 1e3, 1e3 * prefill_flop(2048) / PEAK],
    "continuous-batching": [36.9, 175],
    "chunked-prefill": [
        *(1, 8192, 64, 512, 300, sum(chunks(8256)), STEP_64, max(chunks(512)), len(chunks(512)), sum(chunks(512))),
    ],
    "prefix-caching": [1, 1000, 1000 // 16, 1000 // 16 * 16],
    "pd-disaggregation": [
        *(KV / 1024, 8192, 8192 * KV / 2**30, 400, 400 / 8, 8192 * KV / 50e9 * 1e3, PREFILL_8K, 100),
        *(8192 * KV / 12.5e9 * 1e3,),
    ],
    "speculative-decoding": [0, 1, 0.8, 4, sample(0.8, 4)],
    "draft-methods": [2, 3, 85, 90, 8, 1, 256, 4 * 256, 22.649 / 6.697, sample(0.8, 3), 100 * (4.078 / 4.031 - 1)],
    "cuda-graphs-in-serving": [9, 16, 512, 1024, 600, 8, 1, 32 * 10 + 2, 5.475, 4.674],
    "serving-scheduler": [8192, 0, 1, 8, 3000, 3000 * 1e3 * 2 * LINEAR / PEAK],
    "vllm-v1-architecture": [2, 4, 8, 1, 4 + 4 + 8 + 1],
    "kv-offload-and-routing": [
        *(1, 2**40 / KV / 1e6, 2**40 / KV / 1e4, 8, 80, 55, 8192 * KV / 55e9 * 1e3, 8192, MEASURED_PREFILL),
        *(16 * 8 * 128 * 2 / 1024, 3.6, KV / (MEASURED_PREFILL / 8192) / 1e6),
    ],
    "async-serving": [200, 1],
}


def spoken(card: str, lang: Lang) -> list[str]:
    text = NAMES.sub(" ", face(f"inference/{card}", lang).answer)
    return re.findall(r"\d+(?:\.\d+)?", text.replace(",", ""))


def says(figure: str, value: float) -> bool:
    digits = len(figure.partition(".")[2])
    return abs(float(figure) - value) <= 0.5 * 10**-digits + 1e-9 or (
        # "about 55 GB", "205 requests", "21 milliseconds": the last digit may be cut instead of rounded
        abs(float(figure) - value) < 10**-digits and value > 10
    )


@pytest.mark.parametrize("lang", LANGS)
@pytest.mark.parametrize("card", FIGURES)
def test_figures_of_the_answer(card: str, lang: Lang) -> None:
    for figure in spoken(card, lang):
        assert any(says(figure, value) for value in FIGURES[card]), f"{figure} in the answer of {card} ({lang})"


@pytest.mark.parametrize("lang", LANGS)
def test_every_computed_figure_is_said(lang: Lang) -> None:
    for card, values in FIGURES.items():
        said = spoken(card, lang)
        wanted = [v for v in values if v != round(v) or v > 20]
        # Thousands and millions in English are tens of thousands in Chinese.
        missing = [v for v in wanted if not any(says(f, v * unit) for f in said for unit in (1, 0.1, 10, 0.01, 100))]
        assert not missing, card


@pytest.mark.parametrize("lang", LANGS)
def test_waiting_times_in_the_chunk_picture(lang: Lang) -> None:
    picture = code("inference/chunked-prefill", lang, "text")
    assert round(sum(chunks(8256))) in numbers(picture)
    assert picture.count("|d ") == len(chunks(2048))


PROSE: dict[str, list[str]] = {
    "batch-size-limits": [
        "2 x 32 x 8 x 128 x 2 = 131072 B = 128 KiB",
        f"{2 * PARAMETERS / 1e9:.2f} GB",
        f"{STEP_BYTES / 1e9:.1f} GB",
        f"{PEAK / BANDWIDTH:.0f}",
    ],
    "prefill-and-decode": [
        f"2 x {LINEAR / 1e9:.2f} G",
        f"$15.0 / 3.35 = {WEIGHTS_MS:.2f}$",
        f"$989.5 / 3.35 = {PEAK / BANDWIDTH:.0f}$",
        f"{2048 * KV / 1e9:.2f} GB",
    ],
    "chunked-prefill": [f"{decode_step(64, 2048)[1]:.2f} ms", f"{STEP_64:.1f} ms", f"{PEAK / BANDWIDTH:.0f}"],
    "draft-methods": [
        f"{1e3 * 2 * 128256 * 4096 * 256 / 640e12:.1f}",
        f"{1e3 * 2 * 128256 * 4096 * 768 / 640e12:.1f} ms",
        f"E = {sample(0.8, 3):.2f}",
    ],
    "llama-forward-inputs": ["3 x 5 = 15", "8192", "128256"],
    "paged-attention": ["16 token", "$(b - 1)/2 = 7.5$"],
    "pd-disaggregation": ["131072 B", f"{0.5 / (prefill_flop(2000) / PEAK):.0f}", f"{64 / 0.020:.0f} tok/s", "6.4"],
    "prefix-caching": ["992", f"{1050 - 992}", f"{992 * KV / 2**20:.0f}", "1023", f"{1023 // 16}", f"{1024 - 1008}"],
    "serving-scheduler": [f"{2e6 * LINEAR / PEAK:.1f} us", "3000", "42 ms", "20 %"],
    "kv-offload-and-routing": ["900 + 256 = 1156", "128 KiB", "9.3 GB/s"],
}


@pytest.mark.parametrize("lang", LANGS)
@pytest.mark.parametrize("card", PROSE)
def test_figures_of_the_details(card: str, lang: Lang) -> None:
    text = " ".join(everything(f"inference/{card}", lang).split())
    for phrase in PROSE[card]:
        assert phrase in text or phrase.replace(" %", "%") in text, phrase


@pytest.mark.parametrize("lang", LANGS)
def test_acceptance_by_hand(lang: Lang) -> None:
    text = " ".join(everything("inference/speculative-decoding", lang).split())
    p, q = ([float(x) for x in group.split(",")] for group in re.findall(r"[pq] = \(([\d., ]+)\)", text)[:2])
    low = [min(a, b) for a, b in zip(p, q, strict=True)]
    alpha = sum(low)
    rest = [max(a - b, 0) for a, b in zip(p, q, strict=True)]
    assert " + ".join(f"{x:g}" for x in low) + f" = {alpha:g}" in text
    assert "(" + ", ".join(f"{x:.1g}" for x in rest) + f") / {sum(rest):.1g}" in text
    for a, b, extra in zip(p, q, rest, strict=True):
        assert min(a, b) + (1 - alpha) * extra / sum(rest) == pytest.approx(a)
