"""Facts of the cards on serving engines and speculation, computed or executed and compared with both languages."""

from __future__ import annotations

import asyncio
import hashlib
import pickle
import re
from collections.abc import Callable

import numpy as np
import pytest

from prep.cards.card import Lang
from tests.content.llama3 import (
    DIM,
    FFN,
    HEADS,
    HIDDEN,
    KV,
    KV_70B,
    KV_HEADS,
    LAYERS,
    LINEAR,
    PEAK,
    VOCAB,
    WEIGHTS_MS,
    decode_step,
    number,
    prefill_flop,
    run,
)
from tests.content.reading import code, details, face, numbers, table

LANGS: tuple[Lang, ...] = ("en", "zh")

# --- engines ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lang", LANGS)
def test_a_blocking_call_freezes_the_loop(lang: Lang) -> None:
    scope = run("inference/async-serving", lang)
    assert asyncio.run(scope["worst_gap"](scope["naive"])) >= 0.199
    gaps = [asyncio.run(scope["worst_gap"](scope["offloaded"])) for _ in range(2)]
    assert min(gaps) < 0.15


@pytest.mark.parametrize("lang", LANGS)
def test_flat_batch_on_the_card(lang: Lang) -> None:
    card = "inference/llama-forward-inputs"
    flatten = run(card, lang)["flatten"]
    positions, starts, lens, slots = flatten([(0, 5, [2, 5]), (17, 1, [0, 1, 3, 6, 7]), (3, 1, [4])], 4)
    picture = {line.split()[0]: numbers(line) for line in code(card, lang, "text").splitlines()}
    assert picture["positions"] == positions
    assert picture["slot_mapping"] == slots
    assert picture["query_start_loc"] == starts
    assert picture["seq_lens"] == lens
    assert f"{8192 * VOCAB * 2 / 1e9:.1f} GB" in re.sub(r"\s+", " ", details(card, lang))


@pytest.mark.parametrize("lang", LANGS)
def test_one_rule_schedules_both_phases(lang: Lang) -> None:
    card = "inference/why-two-phases"
    step = run(card, lang)["step"]
    requests = {"B": {"computed": 20, "known": 21}, "A": {"computed": 0, "known": 10}}
    plans = [step(requests, 8) for _ in range(3)]
    assert [[int(row[1]), int(row[2])] for row in table(card, lang, "B")] == [[p["B"], p["A"]] for p in plans]
    drafted = {"C": {"computed": 20, "known": 24}}
    assert step(drafted, 8) == {"C": 4}
    slow, fast = 2048 * WEIGHTS_MS, 1e3 * prefill_flop(2048) / PEAK
    assert round(slow / fast) == pytest.approx(306, abs=1)
    assert "306" in details(card, lang)
    assert "9175" in details(card, lang)


def continuous(lengths: list[int], slots: int) -> list[int]:
    """The step after which each request is done, when a freed slot is refilled at once."""
    done = [0] * len(lengths)
    running: dict[int, int] = {}
    waiting = list(range(len(lengths)))
    now = 0
    while running or waiting:
        while waiting and len(running) < slots:
            request = waiting.pop(0)
            running[request] = lengths[request]
        now += 1
        for request in list(running):
            running[request] -= 1
            if not running[request]:
                done[request] = now
                del running[request]
    return done


def static(lengths: list[int], slots: int) -> list[int]:
    done, now = [], 0
    for at in range(0, len(lengths), slots):
        batch = lengths[at : at + slots]
        now += max(batch)
        done += [now] * len(batch)
    return done


@pytest.mark.parametrize("lang", LANGS)
def test_continuous_batching_example(lang: Lang) -> None:
    card = "inference/continuous-batching"
    *rows, means = table(card, lang, "token")
    lengths = [int(row[1]) for row in rows]
    old, new = static(lengths, 2), continuous(lengths, 2)
    assert [int(row[2]) for row in rows] == old
    assert [int(row[3]) for row in rows] == new
    assert [float(cell) for cell in means[2:]] == [np.mean(old), np.mean(new)]
    drawing = code(card, lang, "text")
    for steps in (max(old), max(new)):
        assert f"{steps} steps, {sum(lengths)} of {2 * steps} = {100 * sum(lengths) / (2 * steps):.0f} %" in drawing
    for request, tokens in zip("ABCDE", lengths, strict=True):
        assert drawing.count(request) == 2 * tokens
    harmonic = sum(1 / i for i in range(1, 65))
    assert f"{harmonic:.2f}" in details(card, lang)
    assert round(100 / harmonic) == 21
    assert "21" in details(card, lang)


@pytest.mark.parametrize("lang", LANGS)
def test_chunk_budgets(lang: Lang) -> None:
    kv = decode_step(64, 2048)[1]
    rows = table("inference/chunked-prefill", lang, "steps" if lang == "en" else "步数")
    assert [int(row[0]) for row in rows] == [256, 512, 1024, 2048, 4096, 8256]
    for budget, steps, longest, first in rows:
        done, times = 0, []
        while done < 8192:
            chunk = min(int(budget) - 64, 8192 - done)
            attention = 4 * LAYERS * HIDDEN * (chunk * done + chunk**2 / 2)
            linear = max(WEIGHTS_MS, 1e3 * 2 * LINEAR * (chunk + 64) / PEAK)
            times.append(linear + 1e3 * attention / PEAK + kv)
            done += chunk
        assert int(steps) == len(times)
        assert number(longest) == pytest.approx(max(times), abs=0.06)
        assert number(first) == pytest.approx(sum(times), abs=0.6)


@pytest.mark.parametrize("lang", LANGS)
def test_prefix_hashes_on_the_card(lang: Lang) -> None:
    card = "inference/prefix-caching"
    scope = run(card, lang, hashlib=hashlib, pickle=pickle)
    hashes: Callable[..., list[bytes]] = scope["block_hashes"]
    system = list(range(1000))
    cached = set(hashes(system + [7] * 50))
    assert scope["hit_tokens"](system + [8] * 50, cached) == 992
    whole = list(range(1024))
    assert scope["hit_tokens"](whole, set(hashes(whole))) == 1008  # 16 tokens are run again for the logits
    changed = whole.copy()
    changed[3] = -1
    assert not set(hashes(changed)) & set(hashes(whole))
    late = whole.copy()
    late[500] = -1
    assert sum(a == b for a, b in zip(hashes(late), hashes(whole), strict=True)) == 500 // 16
    assert not set(hashes(whole, extra=("salt",))) & set(hashes(whole))
    saved = 992 * 1e3 * 2 * LINEAR / PEAK
    text = details(card, lang)
    assert saved == pytest.approx(14, abs=0.05)
    assert 992 * KV == 124 * 2**20
    for figure in ("992", "14.1 us", "14 ms", "63"):
        assert figure in text


@pytest.mark.parametrize("lang", LANGS)
def test_time_to_move_the_kv(lang: Lang) -> None:
    rows = table("inference/pd-disaggregation", lang, "GB/s")
    assert len(rows) == 4
    for link, rate, small, large in rows:
        for cell, size in ((small, KV), (large, KV_70B)):
            assert number(cell) == pytest.approx(8192 * size / float(rate) / 1e6, abs=0.06), link
    text = details("inference/pd-disaggregation", lang)
    per_token = 2 * LINEAR / PEAK
    assert f"{per_token * 1e6:.1f} us" in text
    assert f"{KV / per_token / 1e9:.1f} GB/s" in text
    prefills = 0.5 / (prefill_flop(2000) / PEAK)
    assert round(prefills) == 17
    assert prefills / (64 / 0.020 / 500) == pytest.approx(2.7, abs=0.05)
    assert prefills / (64 / 0.020 / 100) == pytest.approx(0.5, abs=0.05)


# --- speculation ------------------------------------------------------------------------------------------------------


def expected(alpha: float, k: int) -> float:
    return (1 - alpha ** (k + 1)) / (1 - alpha)


@pytest.mark.parametrize("lang", LANGS)
def test_expected_tokens_and_speedups(lang: Lang) -> None:
    rows = table("inference/speculative-decoding", lang, "k = 1")
    assert len(rows) == 3
    for alpha, *cells in rows:
        for k, cell in zip((1, 3, 5, 8), cells, strict=True):
            tokens = expected(float(alpha), k)
            assert numbers(cell) == [
                pytest.approx(tokens, abs=0.006),
                pytest.approx(tokens / (1 + 0.05 * k), abs=0.006),
            ]
    assert f"{expected(0.8, 4):.2f}" in face("inference/speculative-decoding", lang).answer


@pytest.mark.parametrize("lang", LANGS)
def test_verify_on_the_card_keeps_the_target_distribution(lang: Lang) -> None:
    verify = run("inference/speculative-decoding", lang, np=np)["verify"]
    p, q = np.array([0.5, 0.3, 0.2]), np.array([0.7, 0.2, 0.1])
    assert np.minimum(p, q).sum() == pytest.approx(0.8)
    assert np.abs(p - q).sum() / 2 == pytest.approx(0.2)  # one minus alpha is the total variation
    rng = np.random.default_rng(11)
    runs, k = 6000, 4
    first, second, produced = np.zeros(3), np.zeros(3), 0
    for _ in range(runs):
        drafts = [int(x) for x in rng.choice(3, p=q, size=k)]
        tokens = verify([p] * (k + 1), [q] * k, drafts, rng)
        first[tokens[0]] += 1
        produced += len(tokens)
        if len(tokens) > 1:
            second[tokens[1]] += 1
    np.testing.assert_allclose(first / runs, p, atol=0.025)
    np.testing.assert_allclose(second / second.sum(), p, atol=0.025)
    assert produced / runs == pytest.approx(expected(0.8, k), abs=0.07)
    one_hot = np.array([1.0, 0.0, 0.0])
    greedy = [verify([p, p], [one_hot], [0], rng)[0] for _ in range(4000)]
    np.testing.assert_allclose(np.bincount(greedy, minlength=3) / 4000, p, atol=0.03)


@pytest.mark.parametrize("lang", LANGS)
def test_gain_of_drafts_falls_with_the_batch(lang: Lang) -> None:
    attention = {16: 1.286, 64: 4.151, 128: 7.972, 256: 15.737}  # measured, 32 layers, context 2048
    rows = table("inference/draft-methods", lang, "4B")
    gains = []
    for batch, plain, wide, gain, with_kv in rows:
        small, large = number(plain), number(wide)
        gains.append(number(gain))
        assert number(gain) == pytest.approx(expected(0.8, 3) * small / large, abs=0.015)
        if int(batch) in attention:
            kv = attention[int(batch)]
            assert number(with_kv) == pytest.approx(expected(0.8, 3) * (small + kv) / (large + kv), abs=0.015)
    assert gains == sorted(gains, reverse=True)
    assert gains[-1] < 1
    answer = face("inference/draft-methods", lang).answer
    assert "3.4" in answer
    assert number(rows[-1][2]) / number(rows[-1][1]) == pytest.approx(3.4, abs=0.05)


# --- graphs, scheduler, processes, tiers ------------------------------------------------------------------------------


@pytest.mark.parametrize("lang", LANGS)
def test_graph_sizes_and_padding(lang: Lang) -> None:
    card = "inference/cuda-graphs-in-serving"
    scope = run(card, lang)
    text = details(card, lang)
    assert len(scope["sizes"]) == 51
    assert "51" in text
    for tokens, size in re.findall(r"`padded\((\d+)\)` =\s+(\w+)", text):
        assert str(scope["padded"](int(tokens))) == size
    assert len(re.findall(r"`padded\(", text)) == 4
    for _, eager, graph, saved in table(card, lang, "eager"):
        assert number(eager) - number(graph) == pytest.approx(number(saved), abs=0.015)
    assert 32 * 10 + 2 == 322
    assert "322" in text
    assert round(5.48e3 / 322) == 17
    assert "17 us" in text


@pytest.mark.parametrize("lang", LANGS)
def test_budget_of_a_scheduler_step(lang: Lang) -> None:
    rows = table("inference/serving-scheduler", lang, "A")
    prompts = {"A": 1500, "B": 900, "C": 300}
    decodes = 60
    for _, shown, *given in rows:
        budget = 2048 - decodes
        assert int(shown) == decodes
        finished = 0
        for (name, left), cell in zip(list(prompts.items()), given, strict=False):
            take = min(left, budget)
            assert (0 if cell == "-" else int(cell)) == take, name
            budget -= take
            prompts[name] -= take
            finished += bool(take) and not prompts[name]
        assert int(given[-1]) == 2048 - budget
        decodes += finished
    assert pytest.approx(42, abs=0.5) == 3000 * 1e3 * 2 * LINEAR / PEAK
    assert "42" in face("inference/serving-scheduler", lang).answer


@pytest.mark.parametrize("lang", LANGS)
def test_processes_of_vllm(lang: Lang) -> None:
    rows = table("inference/vllm-v1-architecture", lang, "core")
    for command, api, core, gpu, coordinator, total in rows:
        degree = {name: int(value) for name, value in re.findall(r"-(tp|pp|dp)=(\d+)", command)}
        dp = degree.get("dp", 1)
        gpus = degree.get("tp", 1) * degree.get("pp", 1) * dp
        assert [int(x) for x in (api, core, gpu, coordinator)] == [dp, dp, gpus, int(dp > 1)]
        assert int(total) == 2 * dp + gpus + int(dp > 1)


@pytest.mark.parametrize("lang", LANGS)
def test_tiers_and_routing(lang: Lang) -> None:
    card = "inference/kv-offload-and-routing"
    prefill = 169 + 29 + 0.67  # measured, ms for 8192 tokens
    for tier, rate, took, against in table(card, lang, "199"):
        ms = 8192 * KV / number(rate) / 1e6
        assert number(took) == pytest.approx(ms, abs=0.6), tier
        assert number(against) == pytest.approx(max(ms / prefill, prefill / ms), abs=0.2), tier
    text = details(card, lang)
    per_token = prefill / 8192 * 1e3
    assert f"{per_token:.1f} us" in text
    assert f"{KV / per_token / 1e3:.1f} GB/s" in text
    assert pytest.approx(8.4, abs=0.05) == 2**40 / KV / 1e6
    assert 16 * KV // LAYERS // 2 == 32 * 1024
    blocks = 4096 // 16
    cost = {w: (w * (blocks - 192) + 900 + blocks, w * blocks + 200 + blocks) for w in (1, 4)}
    assert cost == {1: (1220, 712), 4: (1412, 1480)}
    for pair in cost.values():
        for value in pair:
            assert str(value) in text


@pytest.mark.parametrize("lang", LANGS)
def test_shapes_under_tensor_parallelism(lang: Lang) -> None:
    text = details("inference/adapt-new-model-or-hardware", lang)
    qkv = (HEADS + 2 * KV_HEADS) * DIM
    for value in (qkv, qkv // 4, 2 * FFN, 2 * FFN // 4, HEADS * DIM // 4, FFN // 4):
        assert str(value) in text
    assert 16 // KV_HEADS == 2
