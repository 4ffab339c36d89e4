"""Schedules are simulated; ring attention, Ulysses and MoE dispatch are run: out comes what the cards print."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray

from prep.cards.card import LANGS, Lang
from tests.content.reading import code, defined, everything, numbers, states, table

Array = NDArray[np.float64]
SCHEDULES = "parallelism/pipeline-schedules"


# --- pipeline-schedules -----------------------------------------------------------------------------------------------


class Op(NamedTuple):
    kind: str  # F, B whole backward, I backward for inputs, W backward for weights
    batch: int
    chunk: int = 0


class Slot(NamedTuple):
    start: float
    op: Op


def gpipe(p: int, m: int) -> list[list[Op]]:
    return [[Op("F", k) for k in range(m)] + [Op("B", k) for k in range(m)] for _ in range(p)]


def one_forward_one_backward(p: int, m: int) -> list[list[Op]]:
    return interleaved(p, m, 1, hops=1)


def interleaved(p: int, m: int, v: int, hops: int = 2) -> list[list[Op]]:
    """Warm-up of (v-1)p + hops(p-1-rank) chunks, then one forward and one backward in turn."""

    def chunk(k: int, backward: bool) -> tuple[int, int]:
        c = k % (p * v) // p
        return k // (p * v) * p + k % p, v - 1 - c if backward else c

    orders = []
    for rank in range(p):
        total = m * v
        warm = min((v - 1) * p + hops * (p - 1 - rank), total)
        order = [Op("F", *chunk(k, False)) for k in range(warm)]
        for k in range(total):
            if warm + k < total:
                order.append(Op("F", *chunk(warm + k, False)))
            order.append(Op("B", *chunk(k, True)))
        orders.append(order)
    return orders


def zero_bubble(p: int, m: int) -> list[list[Op]]:
    """ZB1P: the weight part is held back by `rank` micro-batches and fills the holes at the end."""
    orders = []
    for rank, plain in enumerate(one_forward_one_backward(p, m)):
        order: list[Op] = []
        pending = iter(range(m))
        for op in plain:
            order.append(op if op.kind == "F" else Op("I", op.batch))
            drained = op.kind == "B" and (op.batch >= rank or op.batch >= m - (p - 1 - rank))
            if drained and (k := next(pending, None)) is not None:
                order.append(Op("W", k))
        order += [Op("W", k) for k in pending]
        orders.append(order)
    return orders


def simulate(orders: list[list[Op]], cost: dict[str, float]) -> list[list[Slot]]:
    """Each rank does its operations in order, each as soon as the stages before and after have sent."""
    p, v = len(orders), 1 + max(op.chunk for order in orders for op in order)
    done: dict[tuple[str, int, int], float] = {}
    free, at = [0.0] * p, [0] * p
    slots: list[list[Slot]] = [[] for _ in range(p)]

    def needs(op: Op, stage: int) -> Iterator[tuple[str, int, int]]:
        if op.kind == "F":
            if stage:
                yield "F", op.batch, stage - 1
        elif op.kind == "W":
            yield "I", op.batch, stage
        else:
            yield "F", op.batch, stage
            if stage < p * v - 1:
                yield op.kind, op.batch, stage + 1

    while any(at[r] < len(orders[r]) for r in range(p)):
        before = list(at)
        for r in range(p):
            while at[r] < len(orders[r]):
                op = orders[r][at[r]]
                stage = op.chunk * p + r
                wanted = list(needs(op, stage))
                if not all(w in done for w in wanted):
                    break
                start = max([free[r], *(done[w] for w in wanted)])
                slots[r].append(Slot(start, op))
                free[r] = done[op.kind, op.batch, stage] = start + cost[op.kind]
                at[r] += 1
        assert at != before, "the schedule is stuck"
    return slots


def time_and_memory(orders: list[list[Op]], cost: dict[str, float]) -> tuple[float, float]:
    slots = simulate(orders, cost)
    chunks = 1 + max(op.chunk for op in orders[0])
    alive, most = 0, 0
    for slot in slots[0]:
        alive += {"F": 1, "B": -1, "I": -1, "W": 0}[slot.op.kind]
        most = max(most, alive)
    return max(s[-1].start + cost[s[-1].op.kind] for s in slots), most / chunks


@pytest.mark.parametrize("lang", LANGS)
def test_table_of_schedules(lang: Lang) -> None:
    p, m = 4, 8
    whole, halves, parts = {"F": 1.0, "B": 2.0}, {"F": 0.5, "B": 1.0}, {"F": 1.0, "I": 1.0, "W": 1.0}
    simulated = [
        time_and_memory(gpipe(p, m), whole),
        time_and_memory(one_forward_one_backward(p, m), whole),
        time_and_memory(interleaved(p, m, 2), halves),
        time_and_memory(zero_bubble(p, m), parts),
    ]
    rows = table(SCHEDULES, lang, "bubble/")
    ideal = 3.0 * m
    for (_, time, of_ideal, of_total, flight), (total, memory) in zip(rows, simulated, strict=True):
        assert numbers(time) == [total]
        assert numbers(of_ideal) == [100 * (total - ideal) / ideal]
        assert numbers(of_total) == [round(100 * (total - ideal) / total, 1)]
        assert numbers(flight) == [memory]
    took = [time for time, _ in simulated]
    assert took[1] / ideal - 1 == (p - 1) / m
    assert 1 - ideal / took[1] == pytest.approx((p - 1) / (m + p - 1))
    assert took[2] / ideal - 1 == (p - 1) / (2 * m)
    assert took[3] / ideal - 1 == (p - 1) / (3 * m)


@pytest.mark.parametrize("lang", LANGS)
def test_pictures_of_gpipe_and_1f1b(lang: Lang) -> None:
    drawn = [line.split() for line in code(SCHEDULES, lang, "text").splitlines()]
    left = [words[-2] if words[-2] not in ("1F1B",) else words[-3] for words in drawn]
    right = [words[-1] for words in drawn]
    for picture, orders in ((left, gpipe(4, 8)), (right, one_forward_one_backward(4, 8))):
        for shown, slots in zip(picture, simulate(orders, {"F": 1.0, "B": 1.0}), strict=True):
            row = ["."] * 22
            for start, op in slots:
                row[int(start)] = str(op.batch + 1) if op.kind == "F" else "abcdefgh"[op.batch]
            assert shown == "".join(row)


def test_formulas_in_times() -> None:
    p, forward, weight, backward, both = 8, 1, 1, 2, 3
    bubbles = (p - 1) * (forward + backward), (p - 1) * (forward + backward - 2 * weight)
    dual = (p // 2 - 1) * (both + backward - 3 * weight)
    assert (*bubbles, dual) == (21, 7, 6)
    assert "21, 7 and 6" in everything(SCHEDULES, "en")
    assert "21、7、6" in everything(SCHEDULES, "zh")


def test_warm_up_is_what_torch_does() -> None:
    from torch.distributed.pipelining.schedules import _get_warmup_ops

    assert _get_warmup_ops(0, 2, 4, 4, 8, multiply_factor=2) == 10
    assert len(interleaved(4, 8, 2)[0]) == 32
    states("parallelism/pipeline-schedules", "10", "11")


# --- context-parallel -------------------------------------------------------------------------------------------------


def attention(q: Array, k: Array, v: Array) -> Array:
    scores = q @ k.T / q.shape[-1] ** 0.5
    weights = np.exp(scores - scores.max(-1, keepdims=True))
    out: Array = weights / weights.sum(-1, keepdims=True) @ v
    return out


@pytest.mark.parametrize("lang", LANGS)
def test_ring_attention_of_the_card_is_exact(lang: Lang) -> None:
    q, k, v = 3 * np.random.default_rng(0).normal(size=(3, 24, 8))
    parts = defined("parallelism/context-parallel", lang, np=np)["ring_attention"](*(np.split(t, 4) for t in (q, k, v)))
    np.testing.assert_allclose(np.concatenate(parts), attention(q, k, v), rtol=1e-12)


def test_ulysses_is_exact() -> None:
    ranks, heads, tokens = 4, 8, 16
    qkv = np.random.default_rng(1).normal(size=(3, tokens, heads, 5))
    by_sequence = np.split(qkv, ranks, axis=1)  # what each rank holds
    by_heads = [np.concatenate([np.split(s, ranks, axis=2)[r] for s in by_sequence], axis=1) for r in range(ranks)]
    outs = [np.stack([attention(*part[:, :, h]) for h in range(heads // ranks)], axis=1) for part in by_heads]
    back = [np.concatenate([np.split(o, ranks)[r] for o in outs], axis=1) for r in range(ranks)]
    whole = np.stack([attention(*qkv[:, :, h]) for h in range(heads)], axis=1)
    np.testing.assert_allclose(np.concatenate(back), whole)


def test_head_and_tail_balance_a_causal_mask() -> None:
    from torch.distributed.tensor.experimental._context_parallel._load_balancer import _HeadTailLoadBalancer

    length, ranks = 64, 8
    order = _HeadTailLoadBalancer(length, ranks, "cpu")._generate_indices()
    assert order is not None
    work = np.asarray(order).reshape(ranks, -1) + 1  # keys that each query sees
    assert len(set(work.sum(1))) == 1
    blocks = [2 * r + 1 for r in range(ranks)]
    assert blocks[-1] / (sum(blocks) / ranks) == 1.875
    states("parallelism/context-parallel", "1.875")


def test_bounds_and_volumes_of_context_parallelism() -> None:
    bound = [989e12 / speed for speed in (50e9, 370.8e9)]
    states("parallelism/context-parallel", *(f"{b:.0f}" for b in bound))
    states("parallelism/context-parallel", f"{int(bound[0] / 8 + 0.6)}", f"{bound[1] / 8:.0f}")
    elements = 4 * 131072 * 8192
    states("parallelism/context-parallel", f"{elements / 8 * 2 / 1e9:.2f}", f"{elements * 2 / 1e9:.2f}")
    latent = (512 + 64) * 61 * 2
    states(
        "parallelism/context-parallel", str(latent), f"{latent * 131072 / 1e9:.1f}", f"{latent * 131072 / 8 / 1e9:.2f}"
    )


# --- moe-expert-parallel, ep-and-dp-attention -------------------------------------------------------------------------


@pytest.mark.parametrize("lang", LANGS)
def test_dispatch_and_combine_of_the_card(lang: Lang) -> None:
    rng = np.random.default_rng(2)
    tokens, width, experts, ranks, k = 10, 4, 8, 4, 3
    x, gate = rng.normal(size=(tokens, width)), rng.random((tokens, k))
    top = np.stack([rng.permutation(experts)[:k] for _ in range(tokens)])
    weights = rng.normal(size=(experts, width, width))
    scope = defined("parallelism/moe-expert-parallel", lang, np=np)
    sent, token, slot, rows, splits = scope["dispatch"](x, top, experts, ranks)
    assert splits.sum() == tokens * k
    assert [list(top[t]).count(e) for t in range(tokens) for e in range(experts)].count(1) == rows.sum()
    expert = np.repeat(np.arange(experts), rows)  # the rows lie sorted by expert: a grouped GEMM
    np.testing.assert_array_equal(expert, top[token, slot])
    y = np.concatenate([part @ w for part, w in zip(np.split(sent, np.cumsum(rows)[:-1]), weights, strict=True)])
    dense = [sum(g * x[t] @ weights[e] for e, g in zip(top[t], gate[t], strict=True)) for t in range(tokens)]
    np.testing.assert_allclose(scope["combine"](y, token, slot, gate, tokens), dense)


OUT, BACK = 7168 + 7168 // 128 * 4, 7168 * 2


def test_bytes_of_an_moe_layer() -> None:
    a_layer = 8 * (OUT + BACK)
    states("parallelism/moe-expert-parallel", str(OUT), str(BACK), f"{a_layer / 1e3:.1f}", f"{58 * a_layer / 1e6:.1f}")
    states("parallelism/moe-expert-parallel", *(str(128 * gpus * 8 // 256) for gpus in (8, 144)))
    assert ((256 + 32) / 144, (256 + 32) / 32) == (2, 9)
    expert = 3 * 7168 * 2048
    states("parallelism/moe-expert-parallel", f"{expert / 1e6:.0f}", f"{58 * expert / 1e9:.2f}")
    assert 58 * expert / 2**30 == pytest.approx(2.4, abs=0.05)  # the figure of vLLM's documents, in GiB
    assert 58 * 256 * expert / 671e9 == pytest.approx(0.97, abs=0.01)
    states("parallelism/ep-and-dp-attention", "97")


@pytest.mark.parametrize("lang", LANGS)
def test_deepep_times_and_bandwidths(lang: Lang) -> None:
    rows = table("parallelism/ep-and-dp-attention", lang, "dispatch")
    for ranks, dispatch, combine, both in rows:
        out, back = numbers(dispatch)[0], numbers(combine)[0]
        assert numbers(both)[-1] == round(58 * (out + back) / 1e3, 1), ranks
    first_out, first_back = (numbers(cell)[0] for cell in rows[0][1:3])
    rates = 128 * 8 * OUT / first_out / 1e3, 128 * 8 * BACK / first_back / 1e3
    states("parallelism/ep-and-dp-attention", *(f"{rate:.0f}" for rate in rates))
    for rate, measured in zip(rates, (98, 127), strict=True):  # DeepEP's own table
        assert rate == pytest.approx(measured, rel=0.02)


@pytest.mark.parametrize("lang", LANGS)
def test_memory_of_dp_attention(lang: Lang) -> None:
    down = 61 * (7168 * 1536 + 7168 * 576)
    up = 61 * (1536 * 24576 + 512 * 32768 + 16384 * 7168)
    cached = (512 + 64) * 61 * 2 * 1e6 / 1e9
    rows = table("parallelism/ep-and-dp-attention", lang, "all-reduce")
    assert [numbers(row[1]) for row in rows] == [[round((down + up / 8) / 1e9, 1)], [round((down + up) / 1e9, 1)]]
    assert [numbers(row[2])[-1] for row in rows] == [round(cached, 1), round(cached / 8, 1)]
    states("parallelism/ep-and-dp-attention", f"{down / 1e9:.2f}")


def test_ranks_that_the_experts_of_a_token_lie_on() -> None:
    def touched(ranks: int) -> float:
        return ranks * (1 - math.comb(256 - 256 // ranks, 8) / math.comb(256, 8))

    states("parallelism/ep-and-dp-attention", f"{touched(8):.1f}", f"{touched(64):.1f}", "63")
    in_four_groups = 4 * (1 - math.comb(96, 8) / math.comb(128, 8))  # V3 at EP=8: a rank holds one of the 8 groups
    states("parallelism/ep-and-dp-attention", f"{in_four_groups:.1f}")
