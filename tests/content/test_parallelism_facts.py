"""The numbers and the code on the cards of the area parallelism, computed and run again."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from prep.cards.card import LANGS, Lang
from tests.content.reading import code, defined, details, everything, numbers, states, table

Array = NDArray[np.float64]
NVLINK4 = 18 * 20.6  # GB/s, one direction, NCCL's figures
GIB = 1 << 30
LLAMA2_LAYER = 4 * 4096**2 + 3 * 4096 * 11008 + 2 * 4096
LLAMA2_7B = 2 * 32000 * 4096 + 32 * LLAMA2_LAYER + 4096
LLAMA3_70B = 2 * 128256 * 8192 + 80 * (2 * 8192**2 + 2 * 8192 * 1024 + 3 * 8192 * 28672 + 2 * 8192) + 8192
WEIGHTS_70B = 2 * LLAMA3_70B / 1e9
KV_70B = 2 * 80 * 8 * 128 * 2


# --- dp-pp-tp, zero-and-fsdp, distributed-inference-methods -----------------------------------------------------------


def test_what_the_axes_hold_and_send() -> None:
    states("parallelism/dp-pp-tp", f"{WEIGHTS_70B:.1f}", f"{2 * 7 / 8 * WEIGHTS_70B:.0f}", f"{WEIGHTS_70B / 8:.1f}")
    message = 64 * 8192 * 2
    assert message == 1 << 20
    assert 8192 * 8192 * 2 == 128 << 20
    states("parallelism/dp-pp-tp", "160", "128", "1.75", f"{8192 * 2 // 1024}")
    for lang in LANGS:
        replicas, stages, shards = table("parallelism/dp-pp-tp", lang, "rank" if lang == "en" else "每卡持有")
        assert numbers(replicas[1]) == [round(WEIGHTS_70B, 1)]
        assert numbers(replicas[2]) == [round(2 * 7 / 8 * WEIGHTS_70B)]
        assert (numbers(stages[1]), numbers(stages[2])[0]) == ([80 / 8], 16)
        assert numbers(shards[1])[-1] == round(WEIGHTS_70B / 8, 1)
        assert 1.75 in numbers(shards[2])


@pytest.mark.parametrize("lang", LANGS)
def test_memory_of_the_zero_stages(lang: Lang) -> None:
    psi = LLAMA2_7B
    per_stage: list[Callable[[int], float]] = [
        lambda n: 16 * psi,
        lambda n: 4 * psi + 12 * psi / n,
        lambda n: 2 * psi + 14 * psi / n,
        lambda n: 16 * psi / n,
    ]
    rows = table("parallelism/zero-and-fsdp", lang, "N = 64")
    assert len(rows) == 4
    for row, stage in zip(rows, per_stage, strict=True):
        assert [numbers(row[2])[0], numbers(row[3])[0]] == [round(stage(n) / 1e9, 1) for n in (8, 64)]
    assert [row[4] for row in rows] == ["2Ψ", "2Ψ", "2Ψ", "3Ψ"]
    assert str(psi) in details("parallelism/zero-and-fsdp", lang)
    assert str(LLAMA2_LAYER) in details("parallelism/zero-and-fsdp", lang)


def test_traffic_of_zero() -> None:
    weights = 2 * LLAMA2_7B / 1e9
    states(
        "parallelism/zero-and-fsdp",
        f"{2 * 7 / 8 * weights:.1f}",
        f"{3 * 7 / 8 * weights:.1f}",
        f"{2 * LLAMA2_LAYER / 1e9:.2f}",
    )


@pytest.mark.parametrize("lang", LANGS)
def test_room_for_kv_in_each_layout(lang: Lang) -> None:
    for layout, weights, room, tokens, _ in table("parallelism/distributed-inference-methods", lang, "KV"):
        if not layout[0].isdigit():
            continue
        tp = int(layout.rsplit("=")[-1])
        each = WEIGHTS_70B / tp
        free = 8 * (72 - each)
        assert numbers(weights) == [round(each, 1)]
        assert numbers(room)[0] == pytest.approx(free, rel=0.005)
        assert numbers(tokens)[0] == pytest.approx(free * 1e9 / KV_70B / 1e6, abs=0.006)
    states("parallelism/distributed-inference-methods", str(KV_70B), "320")
    less = 1 - (8 * 72 - 2 * WEIGHTS_70B) / (8 * 72 - WEIGHTS_70B)
    assert less == pytest.approx(1 / 3, abs=0.02)


# --- megatron-tp-math -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lang", LANGS)
@pytest.mark.parametrize("ranks", [1, 2, 4])
def test_columns_then_rows_need_one_sum(lang: Lang, ranks: int) -> None:
    rng = np.random.default_rng(ranks)
    x, a, b = rng.normal(size=(5, 8)), rng.normal(size=(8, 16)), rng.normal(size=(16, 8))

    def relu(t: Array) -> Array:
        return np.maximum(t, 0)

    np.testing.assert_allclose(
        defined("parallelism/megatron-tp-math", lang, np=np)["tp_mlp"](x, a, b, ranks, relu), relu(x @ a) @ b
    )


def test_rows_first_would_need_a_sum_before_the_nonlinearity() -> None:
    rng = np.random.default_rng(0)
    x, a = rng.normal(size=(5, 8)), rng.normal(size=(8, 16))
    parts = [xs @ rows for xs, rows in zip(np.split(x, 2, 1), np.split(a, 2, 0), strict=True)]
    np.testing.assert_allclose(sum(parts), x @ a)
    assert not np.allclose(sum(np.maximum(p, 0) for p in parts), np.maximum(x @ a, 0))


def test_cost_of_decoding_with_tp() -> None:
    latency = 6.6 + 2 * (8 - 1) * 0.6
    message = 2 * 7 / 8 * (1 << 20) / NVLINK4 / 1e3
    states("parallelism/megatron-tp-math", f"{latency:.0f}", f"{160 * latency / 1e3:.1f}", f"{message:.1f}", "370.8")
    states(
        "parallelism/megatron-tp-math",
        f"{160 * message / 1e3:.2f}",
        f"{WEIGHTS_70B / 8 / 4.8:.1f}",
        f"{WEIGHTS_70B / 8:.1f}",
    )
    for lang in LANGS:
        values = [
            numbers(value)[-1]
            for _, value in table("parallelism/megatron-tp-math", lang, "alue" if lang == "en" else "数值")
        ]
        assert values == [1, 160, 15, 2.4, 0.79, 3.7]


# --- collective-costs, collectives-by-hand, ring-tree-nvls ------------------------------------------------------------


@pytest.mark.parametrize("lang", LANGS)
def test_times_and_bandwidths_of_collectives(lang: Lang) -> None:
    text = details("parallelism/collective-costs", lang)
    found = re.findall(r"\| ([a-z-]+) +\| ([\d.]+) ms \| ([\d.]+) GB/s \| ([\d.]+) GB/s \|", text)
    assert [name for name, *_ in found] == ["all-reduce", "all-gather", "broadcast"]
    for (_, time, algorithm, bus), factor in zip(found, (2 * 7 / 8, 7 / 8, 1), strict=True):
        seconds = factor * GIB / NVLINK4 / 1e9
        assert float(time) == round(1e3 * seconds, 2)
        assert float(algorithm) == round(GIB / seconds / 1e9, 1)
        assert float(bus) == round(NVLINK4, 1)
    for size, time, bus in re.findall(r"\| (\d+ [KMG]iB) +\| ([\d.]+ \w+) +\| ([\d.]+) GB/s +\|", text):
        nbytes = int(size.split()[0]) << {"KiB": 10, "MiB": 20, "GiB": 30}[size.split()[1]]
        seconds = float(time.split()[0]) * {"us": 1e-6, "ms": 1e-3}[time.split()[1]]
        assert float(bus) == pytest.approx(nbytes / seconds / 1e9, rel=0.003, abs=0.05)
    states(
        "parallelism/collective-costs",
        f"{9 / 8:.3f}",
        f"{1.75 / 1.125:.2f}",
        f"{2 * 63 / 64:.2f}",
        f"{100 / 1.75:.0f}",
    )


@pytest.mark.parametrize("lang", LANGS)
@pytest.mark.parametrize("n", [2, 4, 7])
def test_ring_all_reduce_of_the_card(lang: Lang, n: int) -> None:
    rng = np.random.default_rng(n)
    tensors = [rng.normal(size=8 * 7 * n) for _ in range(n)]
    result, sent = defined("parallelism/collectives-by-hand", lang, np=np)["ring_all_reduce"](tensors)
    for got in result:
        np.testing.assert_allclose(got, sum(tensors))
    assert sent == 2 * (n - 1) * tensors[0].nbytes / n


@pytest.mark.parametrize("lang", LANGS)
def test_the_picture_of_the_ring(lang: Lang) -> None:
    source = code("parallelism/collectives-by-hand", lang, "python")
    stopped = source.replace("range(2 * (n - 1))", "range(n - 1)")
    assert stopped != source
    scope: dict[str, Any] = {"np": np}
    exec(stopped, scope)
    counts, _ = scope["ring_all_reduce"]([np.ones(4) for _ in range(4)])
    picture = code("parallelism/collectives-by-hand", lang, "text").splitlines()[2:6]
    for row, line in zip(counts, picture, strict=True):
        digits = [int(n) for n in numbers(line)[1:]]
        assert digits == [1] * 4 + [int(c) for c in row] + [4] * 4
    states("parallelism/collectives-by-hand", f"{2 * 7}", f"{2 * 7 / 8 * 64:.0f}", f"{2 * 7 * 64}")


@pytest.mark.parametrize("lang", LANGS)
def test_all_to_all_is_a_transpose(lang: Lang) -> None:
    grid = np.arange(16).reshape(4, 4)
    got = defined("parallelism/collectives-by-hand", lang, 1, np=np)["all_to_all"](list(grid))
    np.testing.assert_array_equal(np.stack(got), grid.T)


def ring_latency(nodes: int, base: float, inside: float, net: float) -> float:
    inter = 2 * (nodes - 1)
    return base + (2 * (8 * nodes - 1) - inter) * inside + inter * net


def tree_latency(nodes: int, base: float, inside: float, net: float) -> float:
    return base + 2 * (7 * inside + math.log2(nodes) * net)


@pytest.mark.parametrize("lang", LANGS)
def test_latencies_of_ring_and_tree(lang: Lang) -> None:
    """NCCL 2.30.7's constants; an Intel host adds at least 1 us (LL) or 3 us (Simple) to a step of a ring."""
    for cells in table("parallelism/ring-tree-nvls", lang, "ring LL"):
        nodes = int(cells[0])
        step_ll, step_simple = (0.6, 3.4) if nodes == 1 else (max(0.6, 1.0), max(3.4, 3.0))
        expected = [
            ring_latency(nodes, 6.6, step_ll, 2.7),
            tree_latency(nodes, 6.8, 0.6, 5.0),
            ring_latency(nodes, 8.4, step_simple, 14.0),
            tree_latency(nodes, 8.4, 4.0, 14.0),
        ]
        assert [float(c) for c in cells[1:]] == [pytest.approx(e, abs=0.051) for e in expected]
    states(
        "parallelism/ring-tree-nvls",
        f"{0.92 * 0.5 / (8 / 14):.2f}",
        f"{100 * 120 / 128}",
        "4.8",
        "0.23",
        f"{9 / 8:.3f}",
    )


# --- interconnects, comm-compute-overlap ------------------------------------------------------------------------------


@pytest.mark.parametrize("lang", LANGS)
def test_time_of_a_gibibyte_on_each_link(lang: Lang) -> None:
    for link, one_way, plans, time in table("parallelism/interconnects", lang, "NCCL"):
        speed = numbers(plans)[0] if numbers(plans) else numbers(one_way)[0]
        assert numbers(time)[0] == pytest.approx(GIB / speed / 1e6, abs=0.051), link
    kv = 4096 * KV_70B / 1e9
    states("parallelism/interconnects", f"{NVLINK4:.1f}", f"{18 * 40.1:.1f}", f"{kv:.2f}", f"{kv / 50 * 1e3:.1f}")
    states("parallelism/interconnects", f"{kv / NVLINK4 * 1e3:.1f}", f"{72 * 1.8:.0f}", f"{504 / 8:.0f}")


def test_bound_of_overlap() -> None:
    flops = 2 * 8192 * 3584 * 8192
    compute, sending = flops / 989e12 * 1e3, 2 * 7 / 8 * (128 << 20) / NVLINK4 / 1e6
    best = max(compute, sending) + min(compute, sending) / 8
    states("parallelism/comm-compute-overlap", f"{flops / 1e9:.0f}", f"{compute:.2f}", f"{sending:.2f}", f"{best:.2f}")
    states("parallelism/comm-compute-overlap", f"{compute + sending:.2f}", f"{(compute + sending) / best:.1f}")
    states("parallelism/comm-compute-overlap", f"{2434 + 510 / 2:.0f}", "2434", "510", "3003", "3045")


def test_async_tp_is_off_by_default() -> None:
    from torch._inductor import config

    assert config._micro_pipeline_tp is False
    assert all("torch 2.13" in everything("parallelism/comm-compute-overlap", lang) for lang in LANGS)
    assert torch.__version__.startswith("2.13")
