"""The code on the training cards against autograd and finite differences, and their numbers computed again."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from prep.cards.card import LANGS, Lang
from tests.content.reading import code, everything, numbers, table

LLAMA2_7B = 2 * 32000 * 4096 + 32 * (4 * 4096**2 + 3 * 4096 * 11008 + 2 * 4096) + 4096
LLAMA3_8B = 2 * 128256 * 4096 + 32 * (2 * 4096**2 + 2 * 4096 * 1024 + 3 * 4096 * 14336 + 2 * 4096) + 4096


def says(name: str, *values: str) -> None:
    """Each of `values` stands on both faces of the card as a number of its own."""
    for lang in LANGS:
        text = everything(f"training/{name}", lang)
        for value in values:
            assert re.search(rf"(?<![\d.]){re.escape(value)}(?!\.?\d)", text), (name, lang, value)


def run(name: str, lang: Lang, *at: int) -> dict[str, Any]:
    scope: dict[str, Any] = {"np": np, "torch": torch, "nn": nn, "F": F}
    for i in at or (0,):
        exec(code(f"training/{name}", lang, "python", i), scope)
    return scope


# --- rag-vs-fine-tuning, lora -----------------------------------------------------------------------------------------


def test_cost_of_retrieved_tokens_and_of_fine_tuning() -> None:
    layers = 2 * (LLAMA3_8B - 2 * 128256 * 4096) * 4096
    attention = 2 * 32 * 4096 * 4096**2
    says("rag-vs-fine-tuning", f"{layers / 1e12:.1f}", f"{attention / 1e12:.1f}", f"{(layers + attention) / 1e12:.1f}")
    says("rag-vs-fine-tuning", f"{(layers + attention) / (989e12 / 2):.2f}")
    says("rag-vs-fine-tuning", f"{2 * 32 * 8 * 128 * 2 * 4096 >> 20}", f"{16 * LLAMA2_7B / 1e9:.0f}")
    lora = 32 * 16 * (4 * 8192 + 3 * (4096 + 11008))
    says("rag-vs-fine-tuning", f"{2 * LLAMA2_7B / 1e9:.1f}", f"{16 * lora / 1e9:.2f}")


@pytest.mark.parametrize("lang", LANGS)
def test_parameters_of_lora_on_7b(lang: Lang) -> None:
    square, mlp = 4096 + 4096, 4096 + 11008
    counts = [32 * 16 * 2 * square, 32 * 16 * 4 * square, 32 * 16 * (4 * square + 3 * mlp)]
    rows = table("training/lora", lang, "6.74" if lang == "en" else "67.4")
    pieces: list[float] = []
    for row, count in zip(rows, counts, strict=True):
        pieces.append(math.prod(numbers(row[1])))
        assert numbers(row[2]) == [round(count / 1e6, 2)]
        assert numbers(row[3]) == [round(100 * count / LLAMA2_7B, 2)]
    assert [32 * p for p in (pieces[0], pieces[1], pieces[1] + pieces[2])] == counts
    says("lora", f"{16 * LLAMA2_7B / 1e9:.1f}", f"{LLAMA2_7B / 2e9:.1f}")
    says("lora", f"{(2 * LLAMA2_7B + 16 * counts[2]) / 1e9:.1f}")
    says("lora", f"{2 * counts[2] / 1e6:.0f}", f"{100 * 16 * square / 4096**2:.1f}", str(mlp))


@pytest.mark.parametrize("lang", LANGS)
def test_lora_of_the_card(lang: Lang) -> None:
    torch.manual_seed(0)
    layer = nn.Linear(12, 8)
    lora = run("lora", lang)["LoRALinear"](layer, r=4, alpha=8)
    x = torch.randn(3, 12)
    torch.testing.assert_close(lora(x), layer(x))
    lora(x).square().sum().backward()
    assert layer.weight.grad is None
    assert lora.a.grad.abs().max() == 0  # B = 0: only B moves in the first step
    assert lora.b.grad.abs().max() > 0
    with torch.no_grad():
        lora.b.normal_()
        before = lora(x)
        assert not torch.allclose(before, layer(x))
        torch.testing.assert_close(lora.merge()(x), before)


@pytest.mark.parametrize("lang", LANGS)
def test_updates_lost_by_merging_in_bf16(lang: Lang) -> None:
    kept, error = table("training/lora", lang, "1e-5")
    generator = torch.Generator().manual_seed(1)
    weight = (torch.randn(1 << 20, generator=generator) * 0.02).bfloat16()
    for i, std in enumerate((1e-5, 5e-5, 1e-4, 3e-4), start=1):
        update = torch.randn(1 << 20, generator=generator) * std
        merged = (weight.float() + update).bfloat16()
        same = 100 * (merged == weight).float().mean().item()
        lost = ((merged.float() - weight.float() - update).norm() / update.norm()).item()
        assert numbers(kept[i])[0] == pytest.approx(same, abs=0.7)
        assert numbers(error[i])[0] == pytest.approx(lost, abs=0.01)


# --- cross-entropy-losses ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lang", LANGS)
def test_cross_entropy_of_the_card(lang: Lang) -> None:
    z = 500 * torch.randn(6, 11, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    y = torch.arange(6)
    loss, gradient = run("cross-entropy-losses", lang)["cross_entropy"](z.numpy(), y.numpy())
    z.requires_grad_()
    expected = F.cross_entropy(z, y)
    expected.backward()
    assert loss == pytest.approx(expected.item())
    assert z.grad is not None
    np.testing.assert_allclose(gradient, z.grad.numpy(), atol=1e-15)


@pytest.mark.parametrize("lang", LANGS)
@pytest.mark.parametrize("chunk", [1, 3, 7, 100])
def test_chunked_loss_is_the_whole_loss(lang: Lang, chunk: int) -> None:
    generator = torch.Generator().manual_seed(chunk)
    h, w = (torch.randn(n, 5, dtype=torch.float64, generator=generator, requires_grad=True) for n in (7, 13))
    y = torch.randint(13, (7,), generator=generator)
    loss, dh, dw = run("cross-entropy-losses", lang, 0, 1)["linear_cross_entropy"](
        h.detach().numpy(), w.detach().numpy(), y.numpy(), chunk
    )
    expected = F.linear_cross_entropy(h, w, y)
    expected.backward()
    assert loss == pytest.approx(expected.item())
    assert h.grad is not None
    assert w.grad is not None
    np.testing.assert_allclose(dh, h.grad.numpy(), atol=1e-14)
    np.testing.assert_allclose(dw, w.grad.numpy(), atol=1e-14)


@pytest.mark.parametrize("lang", LANGS)
def test_info_nce_is_cross_entropy_on_the_diagonal(lang: Lang) -> None:
    q, k = torch.randn(2, 9, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(3))
    loss = run("cross-entropy-losses", lang, 0, 2)["info_nce"](q.numpy(), k.numpy())
    similar = F.normalize(q) @ F.normalize(k).T / 0.07
    assert loss == pytest.approx(F.cross_entropy(similar, torch.arange(9)).item())
    assert math.log(9) - run("cross-entropy-losses", lang, 0, 2)["info_nce"](q.numpy(), q.numpy()) <= math.log(9)


def test_memory_of_the_logits() -> None:
    tokens, vocabulary, width = 8192, 128256, 4096
    logits = tokens * vocabulary
    says("cross-entropy-losses", f"{4 * logits / 1e9:.2f}", f"{2 * logits / 1e9:.2f}", f"{4 * logits / 1e9:.1f}")
    says("cross-entropy-losses", f"{2 * tokens * width / 1e6:.0f}", f"{4 * 1024 * vocabulary / 1e9:.2f}")
    chunks = -(-vocabulary // width)
    chunk = 1 << (-(-tokens // chunks) - 1).bit_length()
    says("cross-entropy-losses", str(chunks), str(chunk), f"{2 * chunk * vocabulary / 1e6:.0f}")
    says("cross-entropy-losses", f"{math.log(vocabulary):.2f}")
    assert torch.__version__.startswith("2.13")


def test_torch_chunks_only_when_asked() -> None:
    h, w = (torch.randn(n, 8, requires_grad=True) for n in (16, 11))
    y = torch.randint(11, (16,))
    plain = F.linear_cross_entropy(h, w, y)
    chunked = F.linear_cross_entropy(h, w, y, options=nn.LinearCrossEntropyOptions())
    assert ["chunk" in type(loss.grad_fn).__name__ for loss in (plain, chunked)] == [False, True]
    torch.testing.assert_close(plain, chunked)
    twice = [torch.autograd.grad(loss, h, create_graph=True)[0].requires_grad for loss in (plain, chunked)]
    assert twice == [True, False]
    for lang in LANGS:
        assert "options=LinearCrossEntropyOptions()" in everything("training/cross-entropy-losses", lang)


# --- dpo-loss ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lang", LANGS)
def test_dpo_of_the_card(lang: Lang) -> None:
    loss = run("dpo-loss", lang)["dpo_loss"]
    pair = torch.tensor([-10.0, -14.0, -12.0, -13.0], dtype=torch.float64, requires_grad=True)
    value = loss(*(p[None] for p in pair))
    value.backward()
    assert pair.grad is not None
    weight = -pair.grad[0].item() / 0.1
    assert pair.grad[1].item() == pytest.approx(0.1 * weight)
    says("dpo-loss", f"{value.item():.3f}", f"{weight:.3f}")
    same = torch.randn(4)
    start = loss(same, same - 1, same, same - 1)
    assert start.item() == pytest.approx(math.log(2))
    says("dpo-loss", f"{math.log(2):.3f}")
    margin = torch.tensor([-2000.0])
    assert loss(margin, 0 * margin, 0 * margin, 0 * margin).item() == pytest.approx(200)  # log(sigmoid) would be inf
    assert torch.sigmoid(margin).log().isinf().all()


@pytest.mark.parametrize("lang", LANGS)
def test_sequence_logp_counts_the_answer_only(lang: Lang) -> None:
    generator = torch.Generator().manual_seed(5)
    logits = torch.randn(2, 6, 9, generator=generator)
    labels = torch.randint(9, (2, 6), generator=generator)
    mask = torch.tensor([[0, 0, 1, 1, 1, 0], [0, 1, 1, 0, 0, 0]])
    got = run("dpo-loss", lang)["sequence_logp"](logits, labels, mask)
    for row in range(2):
        wanted = sum(
            logits[row, t - 1].log_softmax(-1)[labels[row, t]].item() for t in range(1, 6) if mask[row, t].item() == 1
        )
        assert got[row].item() == pytest.approx(wanted, rel=1e-5)


@pytest.mark.parametrize("lang", LANGS)
def test_implicit_rewards_in_the_table(lang: Lang) -> None:
    rows = table("training/dpo-loss", lang, "chosen" if lang == "en" else "好回答")
    policy, reference, reward = ([float(cell) for cell in row[1:]] for row in rows)
    assert reward == [pytest.approx(0.1 * (p - r)) for p, r in zip(policy, reference, strict=True)]
    assert all(row[2] == pytest.approx(row[0] - row[1]) for row in (policy, reference, reward))


# --- ppo-grpo-losses --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lang", LANGS)
def test_where_the_clip_stops_the_gradient(lang: Lang) -> None:
    loss = run("ppo-grpo-losses", lang)["policy_loss"]
    ratios = torch.tensor([1.5, 1.0, 0.5, 1.5, 0.9, 0.5], dtype=torch.float64)
    advantages = torch.tensor([1.0, 1.0, 1.0, -1.0, -1.0, -1.0], dtype=torch.float64)
    logp = ratios.log().requires_grad_()
    loss(logp, torch.zeros(6), advantages, torch.ones(6)).backward()
    assert logp.grad is not None
    assert [round(6 * g, 6) for g in logp.grad.tolist()] == [0, -1, -0.5, 1.5, 0.9, 0]
    high = loss(torch.tensor([1.25]).log(), torch.zeros(1), torch.ones(1), torch.ones(1), 0.2, 0.28)
    assert high.item() == pytest.approx(-1.25)  # within DAPO's 0.28, clipped by 0.2
    says("ppo-grpo-losses", "0.28", "0.2")


@pytest.mark.parametrize("lang", LANGS)
def test_group_advantage_and_the_two_deviations(lang: Lang) -> None:
    rewards = torch.tensor([1.0, 0, 0, 1, 0, 0, 0, 0])
    advantage = run("ppo-grpo-losses", lang)["group_advantage"](rewards)
    says("ppo-grpo-losses", f"{advantage[0].item():.2f}", f"{-advantage[1].item():.2f}", f"{rewards.std():.3f}")
    population = rewards.std(correction=0)
    says("ppo-grpo-losses", f"{population:.3f}", f"{0.75 / population:.2f}", f"{0.25 / population:.2f}")
    assert run("ppo-grpo-losses", lang)["group_advantage"](torch.ones(8)).abs().max() == 0
    with pytest.warns(UserWarning, match="degrees of freedom"):
        assert run("ppo-grpo-losses", lang)["group_advantage"](torch.ones(1)).isnan().all()


def test_weights_of_tokens_by_averaging() -> None:
    for text in (everything("training/ppo-grpo-losses", lang) for lang in LANGS):
        assert all(f"1/{n}" in text for n in (2 * 10, 2 * 1000, 10 + 1000))


@pytest.mark.parametrize("lang", LANGS)
def test_estimators_of_kl(lang: Lang) -> None:
    """As values k1 and k3 have the mean KL(pi, ref); as losses their mean gradients are those of other functions."""
    k3 = run("ppo-grpo-losses", lang)["k3"]
    scores = torch.randn(2, 7, dtype=torch.float64, generator=torch.Generator().manual_seed(7))
    theta, ref = scores[0].clone().requires_grad_(), scores[1].log_softmax(0)

    def gradient(f: Callable[[torch.Tensor], torch.Tensor]) -> torch.Tensor:
        (got,) = torch.autograd.grad(f(theta.log_softmax(0)), theta)
        return got

    pi = theta.detach().softmax(0)
    kl = (pi * (pi.log() - ref)).sum()
    assert (pi * k3(pi.log(), ref)).sum().item() == pytest.approx(kl.item())
    assert k3(pi.log(), ref).min() >= 0
    zero = gradient(lambda logp: (pi * (logp - ref)).sum())
    torch.testing.assert_close(zero, torch.zeros_like(zero))
    forward = gradient(lambda logp: (logp.exp() * (logp - ref)).sum())
    torch.testing.assert_close(gradient(lambda logp: (pi * 0.5 * (logp - ref) ** 2).sum()), forward)
    reverse = gradient(lambda logp: (ref.exp() * (ref - logp)).sum())
    torch.testing.assert_close(gradient(lambda logp: (pi * k3(logp, ref)).sum()), reverse)
