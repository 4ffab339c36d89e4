"""Facts of the cards on memory and steps of inference, computed or executed and compared with both languages."""

from __future__ import annotations

import math

import numpy as np
import pytest

from prep.cards.card import Lang
from tests.content.llama3 import (
    BANDWIDTH,
    KV,
    KV_70B,
    LAYERS,
    LINEAR,
    LM_HEAD,
    PARAMETERS,
    PEAK,
    STEP_BYTES,
    WEIGHTS_MS,
    decode_step,
    number,
    prefill_flop,
    run,
)
from tests.content.reading import details, everything, table

LANGS: tuple[Lang, ...] = ("en", "zh")

# --- batch size, prefill and decode -----------------------------------------------------------------------------------


@pytest.mark.parametrize("lang", LANGS)
def test_kv_bytes_and_room_on_an_80_gb_card(lang: Lang) -> None:
    assert KV == 131072 == 128 * 1024
    assert KV_70B == 320 * 1024
    assert pytest.approx(8.03, abs=0.005) == PARAMETERS / 1e9
    room = 80e9 * 0.92 - 2 * PARAMETERS - 2.5e9
    assert room / 1e9 == pytest.approx(55, abs=0.1)
    assert room / KV / 2048 == pytest.approx(205, abs=1)
    assert room / KV / 8192 == pytest.approx(51, abs=0.5)
    text = everything("inference/batch-size-limits", lang)
    for figure in ("131072", "320 KiB", "16.06 GB", "55 GB", "205", " 51 "):
        assert figure in text


@pytest.mark.parametrize("lang", LANGS)
def test_decode_steps_of_the_batch_card(lang: Lang) -> None:
    rows = table("inference/batch-size-limits", lang, "tok/s")
    assert [int(row[0]) for row in rows] == [1, 16, 64, 128, 205]
    for batch, weights, compute, kv, step, rate in rows:
        c, k, whole = decode_step(int(batch), 2048)
        assert number(weights) == pytest.approx(WEIGHTS_MS, abs=0.005)
        assert number(compute) == pytest.approx(c, abs=0.006)
        assert number(kv) == pytest.approx(k, abs=0.006)
        assert number(step) == pytest.approx(whole, abs=0.006)
        assert int(rate) == pytest.approx(1e3 * int(batch) / whole, abs=1)
    text = details("inference/batch-size-limits", lang)
    assert f"{9805 / 6661:.2f}" in text
    assert f"{20.91 / 9.61:.2f}" in text
    assert f"{BANDWIDTH / KV / 2048 / 1e3:.1f} k tok/s" in text


@pytest.mark.parametrize("lang", LANGS)
def test_prefill_and_decode_floors(lang: Lang) -> None:
    text = everything("inference/prefill-and-decode", lang)
    assert f"{WEIGHTS_MS:.2f}" == "4.48"
    assert f"{1e3 * 2 * PARAMETERS / BANDWIDTH:.2f}" == "4.79"
    assert "4.48" in text
    assert "4.79" in text
    assert round(PEAK / BANDWIDTH) == 295
    assert math.floor(STEP_BYTES / (2048 * KV)) + 1 == 56
    for figure in ("295", "56", "268 MB", f"{(LINEAR + LM_HEAD) / 1e9:.2f} G"):
        assert figure in text
    rows = [row for row in table("inference/prefill-and-decode", lang, "FLOP") if "prefill" in row[0]]
    assert len(rows) == 3
    for name, flop, _, _, floor in rows:
        tokens = int(name.split()[-1])
        assert number(flop) == pytest.approx(prefill_flop(tokens) / 1e12, abs=0.06)
        assert number(floor) == pytest.approx(1e3 * prefill_flop(tokens) / PEAK, abs=0.4)


@pytest.mark.parametrize("lang", LANGS)
def test_measured_steps_agree_across_the_cards(lang: Lang) -> None:
    one, many, huge = 4.03, 11.13, 22.65
    assert STEP_BYTES / one / 1e9 == pytest.approx(3.72, abs=0.005)
    assert f"{STEP_BYTES / one / 1e9:.2f} TB/s" in details("inference/serving-metrics-and-deployment", lang)
    assert round(100 * STEP_BYTES / one / 1e9 / 4.8) == 78
    for card in ("prefill-and-decode", "serving-metrics-and-deployment"):
        assert "78" in details(f"inference/{card}", lang)
    rows = {row[0]: row for row in table("inference/draft-methods", lang, "4B")}
    assert number(rows["1"][1]) == one
    assert number(rows["128"][2]) == many
    assert number(rows["256"][2]) == huge
    batch = details("inference/batch-size-limits", lang)
    for figure in (one, many, 4.36, 4.63):
        assert f"{figure}" in batch
    assert round(989.5 / 4.8) == 206
    assert "206" in batch


# --- metrics ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lang", LANGS)
def test_latency_arithmetic(lang: Lang) -> None:
    text = details("inference/serving-metrics-and-deployment", lang)
    assert f"{0.4 + 299 * 0.025:.3f}" in text
    gaps = [20.0] * 99 + [400.0]
    assert np.mean(gaps) == pytest.approx(23.8)
    assert np.median(gaps) == 20
    assert "23.8 ms" in text
    tflops = 2 * (LINEAR + LM_HEAD) / 4.03e-3 / 1e12
    assert tflops == pytest.approx(3.7, abs=0.05)
    assert 100 * tflops / 989 == pytest.approx(0.4, abs=0.05)


# --- paging -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lang", LANGS)
def test_paged_decode_on_the_card_is_attention(lang: Lang) -> None:
    paged = run("inference/paged-attention", lang, np=np)["paged_decode"]
    rng = np.random.default_rng(7)
    for length in (1, 15, 16, 17, 40):
        k, v = rng.normal(size=(length, 8)), rng.normal(size=(length, 8))
        pool_k, pool_v = rng.normal(size=(2, 9, 16, 8)) * 1e6
        blocks = rng.permutation(9)[: -(-length // 16)]
        for i in range(length):
            pool_k[blocks[i // 16], i % 16], pool_v[blocks[i // 16], i % 16] = k[i], v[i]
        q = rng.normal(size=8) * 3
        s = np.exp(k @ q / math.sqrt(8) - np.max(k @ q / math.sqrt(8)))
        np.testing.assert_allclose(paged(q, pool_k, pool_v, blocks, length), s @ v / s.sum(), atol=1e-12)


@pytest.mark.parametrize("lang", LANGS)
def test_block_sizes_and_waste(lang: Lang) -> None:
    text = details("inference/paged-attention", lang)
    assert 16 * KV == 2 * 2**20
    assert 16 * KV // LAYERS == 64 * 1024
    waste = np.mean([-n % 16 for n in range(1, 1601)])
    assert waste == 7.5
    assert waste * KV / 2**20 == pytest.approx(0.94, abs=0.005)
    for figure in ("2 MiB", "64 KiB" if lang == "en" else "每层 64 KiB", "7.5", "0.94 MiB"):
        assert figure in text


@pytest.mark.parametrize("lang", LANGS)
def test_pool_on_the_card(lang: Lang) -> None:
    pool = run("inference/paged-attention-implementation", lang)["Pool"](4)
    first = [pool.take() for _ in range(3)]
    for block, content in zip(first, "abc", strict=True):
        pool.filled(block, content)
    assert pool.hit("a") == first[0]
    assert pool.refs[first[0]] == 2
    pool.release(first)
    assert list(pool.free) == [3, first[2], first[1]]  # the last block of the chain goes first
    pool.release([first[0]])
    assert pool.hit("b") == first[1]  # freed, and still a hit
    assert [pool.take() for _ in range(3)] == [3, first[2], first[0]]
    assert pool.hit("c") is None  # evicted by being taken
    with pytest.raises(StopIteration):
        pool.take()
    assert 37 // 16 == 2
    assert f"3 x 16 + 5 = {[7, 1, 3][37 // 16] * 16 + 37 % 16}" in details(
        "inference/paged-attention-implementation", lang
    )


@pytest.mark.parametrize("lang", LANGS)
def test_reserving_against_paging(lang: Lang) -> None:
    card = "inference/paged-vs-max-len-kv"
    for name, *shares in table(card, lang, "token"):
        total = sum(number(share) for share in shares if share != "-")
        assert total == pytest.approx(96.3 if name == "vLLM" else 100, abs=0.15), name
    lengths = [3, 5, 2]
    assert round(100 * sum(lengths) / (8 * 3)) == 42
    assert round(100 * sum(lengths) / sum(2 * math.ceil(n / 2) for n in lengths)) == 83
    slots = 16 * math.ceil(1000 / 16)
    reserved, paged = int(55e9 / (8192 * KV)), int(55e9 / (slots * KV))
    assert (reserved, slots, paged) == (51, 1008, 416)
    short, long = decode_step(reserved, 1000)[2], decode_step(paged, 1000)[2]
    rates = reserved / short, paged / long
    text = details(card, lang)
    for figure in (
        f"{short:.1f} ms",
        f"{long:.1f} ms",
        f"{rates[0]:.1f} k",
        f"{rates[1]:.1f} k",
        f"{rates[1] / rates[0]:.1f} ",
        f"{long / short:.1f} ",
        "42 %",
        "83 %",
        "99.2",
    ):
        assert figure in text, figure
