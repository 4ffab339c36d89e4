"""The optimizer and mixture-of-experts cards of content/models, computed again: an edited figure fails here."""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402
from torch.nn import functional as F  # noqa: E402

from prep.cards.card import LANGS, Lang  # noqa: E402
from tests.content.reading import defined, details, near, numbers, says, table  # noqa: E402

both = pytest.mark.parametrize("lang", LANGS)
Tensor = Any
DOUBLE = torch.float64


def run(card: str, lang: Lang, **names: Any) -> dict[str, Any]:
    """What the first Python fence of a card defines."""
    return defined(card, lang, torch=torch, nn=nn, F=F, Counter=Counter, **names)


# --- sgd, momentum, adam ----------------------------------------------------------------------------------------------


@both
def test_sgd_noise_and_its_floor(lang: Lang) -> None:
    for name, samples, steps, _ in table("models/sgd", lang, "epoch"):
        assert 1_000_000 // int(samples) == int(steps), name
    floor = [row for row in details("models/sgd", lang).splitlines() if row.startswith("| 0.")]
    for row in floor:
        lr, batch, shown = numbers(row)
        assert near(shown, math.sqrt(lr / (batch * (2 - lr))), 3)
    assert len(floor) == 3
    rng, x, seen = random.Random(0), 0.0, []
    for _ in range(200_000):
        x -= 0.1 * (x + rng.gauss(0, 1))
        seen.append(x * x)
    assert abs(math.sqrt(sum(seen) / len(seen)) / math.sqrt(0.1 / 1.9) - 1) < 0.02


def torch_steps(lrs: list[float], **options: Any) -> list[float]:
    """How far torch.optim.SGD goes at each step under a gradient of one."""
    p = torch.zeros(1, dtype=DOUBLE, requires_grad=True)
    optimizer = torch.optim.SGD([p], lr=lrs[0], **options)
    gone = []
    for lr in lrs:
        optimizer.param_groups[0]["lr"] = lr
        before, p.grad = p.item(), torch.ones_like(p)
        optimizer.step()
        gone.append(before - p.item())
    return gone


@both
def test_momentum_of_torch_against_sutskever(lang: Lang) -> None:
    rows = table("models/momentum", lang, "PyTorch")
    lrs = [float(row[1]) for row in rows]
    v, other = 0.0, []
    for lr in lrs:
        v = 0.9 * v - lr
        other.append(-v)
    for row, step, sutskever in zip(rows, torch_steps(lrs, momentum=0.9), other, strict=True):
        assert near(float(row[2]), step, 4), row
        assert near(float(row[3]), sutskever, 4), row
    assert torch_steps([0.1, 0.1], momentum=0.9, dampening=0.5)[0] == pytest.approx(0.1)  # first step: not dampened
    assert torch_steps([0.1], momentum=0.9, nesterov=True)[0] == pytest.approx(0.19)


@both
def test_momentum_on_condition_number_100(lang: Lang) -> None:
    curve, counts = torch.tensor([1.0, 0.01], dtype=DOUBLE), []
    for lr, mu in ((2 / 1.01, 0.0), ((2 / 1.1) ** 2, (9 / 11) ** 2)):
        x, v, n = torch.ones(2, dtype=DOUBLE), torch.zeros(2, dtype=DOUBLE), 0
        while x.norm() > 1e-3 * math.sqrt(2):
            v = mu * v + curve * x
            x, n = x - lr * v, n + 1
        counts.append(n)
    steps = ("needs {} steps", "needs {}.") if lang == "en" else ("要 {} 步", "只要 {} 步")
    says("models/momentum", lang, *(text.format(n) for text, n in zip(steps, counts, strict=True)))
    says(
        "models/momentum", lang, f"{(2 / 1.1) ** 2:.2f}", f"{(9 / 11) ** 2:.3f}", f"= {99 / 101:.3f}", f"= {9 / 11:.3f}"
    )
    assert counts == [346, 56]
    says("models/momentum", lang, f"{100 * (1 - 0.9**20):.0f} %" if lang == "en" else f"{100 * (1 - 0.9**20):.0f}%")


@both
def test_adamw_code_of_the_card_is_torchs(lang: Lang) -> None:
    adamw = run("models/adam-adamw", lang)["adamw"]
    p = torch.randn(8, dtype=DOUBLE, requires_grad=True)
    w, m, v, optimizer = p.detach().clone(), 0.0, 0.0, torch.optim.AdamW([p])
    for t in range(1, 30):
        p.grad = torch.randn(8, dtype=DOUBLE)
        w, m, v = adamw(w, p.grad, m, v, t)
        optimizer.step()
    torch.testing.assert_close(w, p.detach(), rtol=1e-12, atol=1e-14)


@both
def test_adam_bias_l2_and_memory(lang: Lang) -> None:
    card = "models/adam-adamw"
    for t, factor in table(card, lang, "t"):
        assert near(float(factor), (1 - 0.9 ** int(t)) / math.sqrt(1 - 0.999 ** int(t)), 2)
    ends = []
    for kind in (torch.optim.Adam, torch.optim.AdamW):
        p = torch.ones(3, dtype=DOUBLE, requires_grad=True)
        optimizer = kind([p], lr=1e-3, weight_decay=0.1)
        for step in range(1000):
            p.grad = torch.tensor([10.0, 0.1, 1.0], dtype=DOUBLE) * (1 - 2 * (step % 2))
            optimizer.step()
        *end, middle = p.tolist()
        ends.append(end)
        says(card, lang, f"{middle:.3f}")
    assert ends[0][0] > 0.98  # L2 hardly decays the weight of the large gradient
    rows = table(card, lang, "大梯度" if lang == "zh" else "large gradient")
    shown = [[float(cell) for cell in row[1:]] for row in rows]
    expected = [*ends, [(1 - 1e-4) ** 1000] * 2]
    assert all(near(a, b, 3) for row, end in zip(shown, expected, strict=True) for a, b in zip(row, end, strict=True))
    says(card, lang, f"{7 * 8} GB", f"{7 * 16} GB", f"{7 * 12} GB", f"{28e8 / 823.3e-6 / 1e12:.1f} TB/s")
    kept = torch.ones(1, dtype=torch.bfloat16, requires_grad=True)
    optimizer = torch.optim.AdamW([kept], lr=1e-3, weight_decay=0)
    for _ in range(100):
        kept.grad = torch.ones_like(kept)
        optimizer.step()
    assert kept.item() == 1.0
    assert optimizer.state[kept]["exp_avg"].dtype == torch.bfloat16


# --- mixture of experts -----------------------------------------------------------------------------------------------


@both
def test_gates_of_the_table_and_the_bias(lang: Lang) -> None:
    logits = torch.tensor([2.0, 1.0, 0.0, -1.0])
    soft, sig = logits.softmax(0)[:2], logits.sigmoid()
    renormalised = soft / soft.sum()
    torch.testing.assert_close(renormalised, logits[:2].softmax(0))
    wanted = [soft, renormalised, renormalised, sig[:2] / sig[:2].sum()]
    for row, weights in zip(table("models/moe-gating", lang, "router"), wanted, strict=True):
        shown = numbers(row[1])
        assert all(near(a, b.item(), 3) for a, b in zip(shown, weights, strict=True)), row
        assert abs(float(row[2]) - weights.sum().item()) < 6e-4
    biased = sig + torch.tensor([0.0, 0.0, 0.3, 0.0])
    chosen = biased.topk(2).indices
    assert chosen.tolist() == [0, 2]
    unbiased = ", ".join(f"{s:.3f}" for s in (sig[0], sig[1])) + f", **{biased[2]:.3f}**, {sig[3]:.3f}"
    says("models/moe-gating", lang, unbiased if lang == "en" else unbiased.replace(", ", "、"))
    says("models/moe-gating", lang, f"4.1 \\cdot 10^{{{14}}}", "28")
    for weights in (sig[chosen] / sig[chosen].sum(), biased[chosen] / biased[chosen].sum()):
        says("models/moe-gating", lang, *(f"{weight:.3f}" for weight in weights))
    assert near(4.1, math.comb(256, 8) / 1e14, 1)
    spread = [
        sum((-1) ** (g - j) * math.comb(g, j) * math.comb(32 * j, 8) for j in range(1, g + 1)) for g in range(1, 5)
    ]
    within = sum(math.comb(8, g) * sets for g, sets in enumerate(spread, 1))  # exactly g groups are used
    says("models/moe-gating", lang, f"{within / 1e13:.1f} \\cdot 10^{{13}}")
    assert math.comb(8, 2) == 28


@both
def test_v3_gate_of_the_card_against_a_loop(lang: Lang) -> None:
    torch.manual_seed(1)
    x, w, bias = torch.randn(5, 32), torch.randn(256, 32) / 6, torch.randn(256) / 10
    chosen, weights = run("models/moe-gating", lang)["v3_gate"](x, w, bias)
    for token in range(5):
        score = (w @ x[token]).sigmoid()
        biased = (score + bias).view(8, 32)
        groups = sorted(range(8), key=lambda g: -biased[g].sort().values[-2:].sum().item())[:4]
        allowed = [e for e in range(256) if e // 32 in groups]
        best = sorted(allowed, key=lambda e: -(score + bias)[e].item())[:8]
        assert sorted(chosen[token].tolist()) == sorted(best)
        wanted = score[chosen[token]] * 2.5 / score[best].sum()
        torch.testing.assert_close(weights[token], wanted)


def binomial(n: int, p: float) -> Callable[[int], float]:
    def mass(x: int) -> float:
        ways = math.lgamma(n + 1) - math.lgamma(x + 1) - math.lgamma(n - x + 1)
        return math.exp(ways + x * math.log(p) + (n - x) * math.log1p(-p))

    return mass


@both
def test_dropped_tokens_and_padding(lang: Lang) -> None:
    card = "models/moe-capacity-dropless"
    for row in table(card, lang, "k"):
        tokens, experts, k, mean, factor, dropped = (numbers(cell)[0] for cell in row)
        assert mean == tokens * k / experts
        mass, slots = binomial(int(tokens), k / experts), int(factor * mean)
        lost = sum((x - slots) * mass(x) for x in range(slots + 1, min(int(tokens), slots + 400) + 1)) / mean
        assert abs(100 * lost - dropped) < 0.006 * max(1, dropped), row
    says(card, lang, "352", f"{100 * 352 / 8192:.1f}", f"{100 * 352 / 512:.0f}")
    for row in table(card, lang, "tile 16"):
        tokens = int(row[0])
        mass = binomial(tokens, 8 / 256)
        for tile, cell in zip((16, 64, 128), row[1:], strict=True):
            if cell != "-":
                rows = sum(-(-x // tile) * tile * mass(x) for x in range(min(tokens, 900) + 1))
                assert near(float(cell), rows / (tokens / 32), 2), row


@both
def test_expected_distinct_experts(lang: Lang) -> None:
    card, expert = "models/moe-decode-arithmetic", 3 * 7168 * 2048
    for row in table(card, lang, "B"):
        batch, distinct, layer, step, each = (float(cell) for cell in row)
        value = 256 * (1 - (1 - 8 / 256) ** batch)
        assert near(distinct, value, 1), row
        assert near(layer, value * expert / 1e9, 2), row
        assert near(step, 58 * value * expert / 1e9, 1), row
        assert near(each, 8 * batch / value, 2), row
    rng, trials = random.Random(0), 300
    seen = sum(len({e for _ in range(32) for e in rng.sample(range(256), 8)}) for _ in range(trials)) / trials
    assert abs(seen - 256 * (1 - (1 - 8 / 256) ** 32)) < 1.5
    says(card, lang, f"{expert / 1e6:.2f} M", f"{expert / 1e6:.0f} MB", f"{256 * expert / 1e9:.1f} GB")
    says(
        card, lang, f"{256 * 58 * expert / 1e9:.1f} GB", f"$1979 / 3.35 = {1979 / 3.35:.0f}$", "295", "= 9440", "= 288"
    )
    assert round(1979 / 3.35 / 2) == 295
    says(
        card,
        lang,
        f"$989 / 4.8 = {989 / 4.8:.0f}$",
        f"{100 * (484.6 / 432.5 - 1):.0f}" + ("%" if lang == "zh" else " %"),
    )
    assert 295 * 256 // 8 == 9440
    assert 64 * 144 * 8 // 256 == 288
    assert (256 + 32) // 144 == 2


def replicas(load: list[float], spare: int) -> list[float]:
    """The load of each replica when every spare slot goes to the highest load per replica."""
    count = [1] * len(load)
    for _ in range(spare):
        count[max(range(len(load)), key=lambda e: load[e] / count[e])] += 1
    return [w / n for w, n in zip(load, count, strict=True) for _ in range(n)]


def busiest(loads: list[float], gpus: int) -> float:
    """Heaviest first onto the lightest GPU with a free slot."""
    bins: list[list[float]] = [[] for _ in range(gpus)]
    for load in sorted(loads, reverse=True):
        min((b for b in bins if len(b) < len(loads) // gpus), key=sum).append(load)
    return max(map(sum, bins))


@both
def test_eplb_example_and_the_skewed_load(lang: Lang) -> None:
    card = "models/eplb-and-shared-experts"
    load = [90.0, 132, 40, 61, 104, 165, 39, 4, 73, 56, 183, 86]
    mean = sum(load) / 8
    rows = table(card, lang, "GPU")
    assert [float(row[1]) for row in rows] == [max(load), 156.0, busiest(replicas(load, 4), 8)]
    assert all(near(float(row[2]), float(row[1]) / mean, 2) for row in rows)
    says(card, lang, f"sum {sum(load):.0f}, {mean:.1f} per GPU")
    halves = [w for w in sorted(replicas(load, 4)) if replicas(load, 4).count(w) == 2]
    says(card, lang, *(f"{2 * w:.0f} -> {w:g}" for w in set(halves)))
    skew = [i**-0.5 for i in range(1, 257)]
    fair, rng = sum(skew) / 32, random.Random(0)
    order = [rng.sample(skew, 256) for _ in range(1000)]
    shuffled = sum(max(sum(o[8 * g : 8 * g + 8]) for g in range(32)) for o in order) / 1000 / fair
    assert abs(shuffled - 1.92) < 0.03
    says(card, lang, "1.92", f"{busiest(skew, 32) / fair:.2f}", f"{busiest(replicas(skew, 32), 32) / fair:.2f}")
    weights = 36 * 128 * 3 * 2880**2
    says(card, lang, f"{weights / 1e9:.1f}", f"{weights * 4.25 / 8 / 1e9:.1f} GB", f"{weights * 2 / 1e9:.1f}")
    says(card, lang, f"{58 * 3 * 7168 * 2048 / 1e9:.1f} GB", "4.25")
