"""The numbers, formulas and code of the cards in content/models, computed again: an edited figure fails here."""

from __future__ import annotations

import math
from collections import Counter
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


# --- swiglu -----------------------------------------------------------------------------------------------------------


def hidden(d: int, multiplier: float, multiple: int) -> int:
    return -(-int(multiplier * int(2 * 4 * d / 3)) // multiple) * multiple


@both
def test_swiglu_sizes_follow_from_the_rule(lang: Lang) -> None:
    sizes = {4 * 4096: 2 * 4096 * 16384}
    for f in (hidden(4096, 1, 256), hidden(4096, 1.3, 1024)):
        sizes[f] = 3 * 4096 * f
    printed = {int(row[1]): int(row[2].replace(",", "")) for row in table("models/swiglu", lang, "f")}
    assert printed == sizes
    base = int(2 * 4 * 4096 / 3)
    shown = numbers(details("models/swiglu", lang).split("int(2*4*d/3)")[1].split("3 d f")[0])
    assert shown[0] == base
    assert {int(1.3 * base), hidden(4096, 1, 256), hidden(4096, 1.3, 1024)} < set(shown)
    moved = 4096 * 14336 * 2 / 1e6
    says("models/swiglu", lang, f"{6 * 4096 * 14336 / 1e6:.0f} MFLOP", f"{3 * moved:.0f} MB", f"{5 * moved:.0f} MB")
    says("models/swiglu", lang, f"{2 * 4096 * 4096 * 2 * 14336 / 1e12:.2f} TFLOP", f"{3 * moved / 87.1:.2f} TB/s")


@both
def test_the_gradient_of_silu_and_its_extremes(lang: Lang) -> None:
    g, u, dy = (torch.randn(64, dtype=DOUBLE, requires_grad=True) for _ in range(3))
    (F.silu(g) * u * dy.detach()).sum().backward()
    s = g.detach().sigmoid()
    torch.testing.assert_close(g.grad, (dy * u).detach() * s * (1 + g.detach() * (1 - s)))
    torch.testing.assert_close(u.grad, (dy * g).detach() * s)
    x = torch.linspace(-6, 6, 1_200_001, dtype=DOUBLE)
    slope = x.sigmoid() * (1 + x * (1 - x.sigmoid()))
    at, low, y = slope.argmax(), slope.argmin(), F.silu(x)
    says("models/swiglu", lang, f"{slope[at]:.2f}", f"g = {x[at]:.2f}", f"{slope[low]:.2f}", f"g = {x[low]:.2f}")
    says("models/swiglu", lang, f"{y.min():.3f}", f"{x[y.argmin()]:.3f}")


# --- rope and its extensions ------------------------------------------------------------------------------------------


def thetas(d: int, base: float) -> Tensor:
    return base ** (-torch.arange(0, d, 2, dtype=DOUBLE) / d)


@both
def test_rope_code_sees_only_the_distance(lang: Lang) -> None:
    rope = run("models/rope", lang)["rope_half"]
    q, k = torch.randn(2, 1, 128, dtype=DOUBLE)
    scores = [(rope(q, torch.tensor([m])) * rope(k, torch.tensor([m + 7]))).sum() for m in (0, 5, 1000)]
    torch.testing.assert_close(scores[1:], [scores[0]] * 2)
    other = (rope(q, torch.tensor([0])) * rope(k, torch.tensor([8]))).sum()
    assert abs(other - scores[0]) > 1e-6


@both
def test_the_two_layouts_differ_by_the_permutation_on_the_card(lang: Lang) -> None:
    says("models/rope", lang, "c * d/2 + p", "2 * p + c")
    rope, d = run("models/rope", lang)["rope_half"], 16
    x, pos = torch.randn(3, d, dtype=DOUBLE), torch.tensor([0, 4, 9])
    pairs = torch.view_as_complex(x.reshape(3, d // 2, 2))
    turned = torch.view_as_real(pairs * torch.polar(torch.ones(1, dtype=DOUBLE), pos[:, None] * thetas(d, 1e4)))
    order = [2 * p + c for c in range(2) for p in range(d // 2)]  # HF index c * d/2 + p holds Meta's 2p + c
    torch.testing.assert_close(rope(x[:, order], pos), turned.reshape(3, d)[:, order])


@both
def test_wavelengths_untrained_pairs_and_bf16_positions(lang: Lang) -> None:
    for pair, *shown in table("models/rope", lang, "base 10,000"):
        for cell, base in zip(shown, (1e4, 5e5), strict=True):
            value = 2 * math.pi / thetas(128, base)[int(pair)].item()
            assert numbers(cell)[0] == float(f"{value:.0f}" if value > 700 else f"{value:.3g}"), (pair, cell)
    slow = int((2 * math.pi / thetas(128, 1e4) > 4096).sum())
    assert slow == 18
    says("models/rope", lang, f"{slow} of 64" if lang == "en" else f"64 组里有 {slow} 组")
    becomes = " becomes " if lang == "en" else " 变成 "
    for position in (257, 4095):
        says("models/rope", lang, f"{position}{becomes}{torch.tensor(float(position)).bfloat16().item():.0f}")
    assert torch.tensor(257.0).bfloat16() == 256


@both
def test_context_extension_table(lang: Lang) -> None:
    card, d, trained, s = "models/rope-context-extension", 128, 4096, 8
    theta = thetas(d, 1e4)
    base = 1e4 * s ** (d / (d - 2))

    def edge(turns: int) -> float:
        return d * math.log(trained / (turns * 2 * math.pi)) / (2 * math.log(1e4))

    low, high = math.floor(edge(32)), math.ceil(edge(1))
    ramp = ((torch.arange(d // 2, dtype=DOUBLE) - low) / (high - low)).clamp(0, 1)
    factors = torch.stack([torch.full_like(theta, 1 / s), thetas(d, base) / theta, ramp / s + (1 - ramp)], 1)
    for row in table(card, lang, "YaRN"):
        pair = int(row[0])
        assert near(float(row[1]), trained * theta[pair].item() / (2 * math.pi), 1 if pair == 0 else 2)
        assert all(near(float(cell), factor.item(), 3) for cell, factor in zip(row[2:], factors[pair], strict=True))
    says(
        card,
        lang,
        f"{base:,.0f}",
        f"pairs {low} to {high}" if lang == "en" else f"第 {low} 到 {high} 组",
        f"{0.1 * math.log(8) + 1:.3f}",
    )
    says(card, lang, f"{0.1 * math.log(40) + 1:.3f}", f"{(0.1 * math.log(40) + 1) ** 2:.3f}")
    wave = 2 * math.pi / thetas(d, 5e5)
    kept, divided = int((wave < 2048).sum()), int((wave > 8192).sum())
    found = [n for n in numbers(details(card, lang).split("Llama 3.1")[1].split("mRoPE")[0]) if n < 64]
    assert {kept, 64 - kept - divided, divided} <= set(found)


# --- mla --------------------------------------------------------------------------------------------------------------


def test_mla_absorption_gives_the_same_output() -> None:
    torch.manual_seed(0)
    heads, latent, nope, rope, value, tokens = 4, 16, 6, 3, 5, 9
    uk, uv = (torch.randn(heads, n, latent, dtype=DOUBLE) for n in (nope, value))
    c, k_pe = torch.randn(tokens, latent, dtype=DOUBLE), torch.randn(tokens, rope, dtype=DOUBLE)
    q, q_pe = torch.randn(heads, nope, dtype=DOUBLE), torch.randn(heads, rope, dtype=DOUBLE)
    scale = (nope + rope) ** -0.5
    keys = torch.einsum("hnl,tl->htn", uk, c)
    scores = torch.einsum("hn,htn->ht", q, keys) + q_pe @ k_pe.T
    expanded = torch.einsum("ht,htv->hv", (scores * scale).softmax(-1), torch.einsum("hvl,tl->htv", uv, c))
    absorbed = torch.einsum("hn,hnl->hl", q, uk)
    weights = ((absorbed @ c.T + q_pe @ k_pe.T) * scale).softmax(-1)
    torch.testing.assert_close(torch.einsum("hl,hvl->hv", weights @ c, uv), expanded)


@both
def test_mla_sizes(lang: Lang) -> None:
    card = "models/mla"
    elements = {32768: 2 * 128 * 128, 40960: 128 * (192 + 128), 2048: 2 * 8 * 128, 576: 512 + 64}
    rows = table(card, lang, "bf16")
    assert [int(row[1]) for row in rows] == list(elements.values()) == list(elements)
    assert [numbers(row[2])[0] for row in rows] == [2 * 61 * n for n in elements]
    expand, pair = 2 * 512 * 256, (2 * (192 + 128), 2 * (576 + 512))
    decode = [4096 * (expand + pair[0]), expand + 4096 * pair[1]]
    says(card, lang, f"{32768 / 576:.1f}", f"{576 / 256}", f"{2 * 8 * 128 * 126 * 2:,}", f"{pair[1] / pair[0]:.1f}")
    says(card, lang, f"= {pair[0]}", f"= {pair[1]}", f"= {expand}", f"= {expand / (pair[1] - pair[0]):.0f}")
    says(card, lang, f"{decode[0] / 1e6:.0f} MFLOP", f"{decode[1] / 1e6:.1f} MFLOP", f"{decode[0] / decode[1]:.0f}")
    says(card, lang, f"{2 * 128 * (576 + 512):,}", f"{2 * 128 * 1088 / (2 * 576):.0f} FLOP", "1088", "1152")
    says(card, lang, "$576 / (2 \\cdot 128) = 2.25$", "1536 \\cdot 512")
    says(card, lang, f"{2 * (128 // 8) * 1088 / 1152:.0f} FLOP", f"{(0.1 * math.log(40) + 1) ** 2:.3f}")
    assert 1536 * 512 == 3 * (1536 * 128 + 128 * 512)


# --- transformer-block, bpe, multimodal -------------------------------------------------------------------------------


@both
def test_the_block_of_the_card(lang: Lang) -> None:
    torch.manual_seed(0)
    block = run("models/transformer-block", lang)["Block"](32, 4, 2, 48).double()
    x = torch.randn(2, 6, 32, dtype=DOUBLE)
    y, later = block(x), x.clone()
    later[:, 4:] += 1
    torch.testing.assert_close(block(later)[:, :4], y[:, :4])
    n = block.n1(x)
    q, k, v = (p(n).view(2, 6, -1, 8).transpose(1, 2) for p in (block.q, block.k, block.v))
    a = F.scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=True)
    h = x + block.o(a.transpose(1, 2).reshape(2, 6, 32))
    torch.testing.assert_close(
        y, h + block.down(F.silu(block.gate(block.n2(h))) * block.up(block.n2(h))), rtol=1e-5, atol=1e-6
    )
    assert nn.TransformerEncoderLayer(8, 2).norm_first is False


@both
def test_parameters_and_flops_of_llama_3_8b(lang: Lang) -> None:
    d, layers, head = 4096, 32, 128256 * 4096
    parts = [2 * d * d, 2 * d * 1024, 3 * d * 14336, 2 * d]
    layer = sum(parts)
    total = layers * layer + 2 * head + d
    shown = [numbers(row[1])[-1] for row in table("models/transformer-block", lang, "Llama 3 8B")]
    assert shown == [*parts, layer, head, total]
    matrices = layer - 2 * d
    says("models/transformer-block", lang, f"({layers} \\cdot {matrices} + {head})")
    says("models/transformer-block", lang, f"{2 * (layers * matrices + head) / 1e9:.1f} GFLOP", f"{matrices}")
    says("models/transformer-block", lang, f"{4 * 8192 * d * layers / 1e9:.2f} GFLOP", f"{matrices / (2 * d):.0f}")
    says(
        "models/transformer-block",
        lang,
        f"{100 * parts[2] / matrices:.0f}",
        f"{total / 1e9:.2f}" if lang == "en" else "80.3",
    )


@both
def test_bpe_of_the_card(lang: Lang) -> None:
    bpe = run("models/bpe-tokenizer", lang)
    words = {"low": 5, "lower": 2, "newest": 6, "widest": 3}
    text = " ".join(word for word, n in words.items() for _ in range(n))
    parts = {i: bytes([i]) for i in range(256)}
    ranks = bpe["train"](text, 10)
    for (a, b), new in ranks.items():
        parts[new] = parts[a] + parts[b]
    learnt = [parts[new].decode() for new in ranks.values()]
    rows = table("models/bpe-tokenizer", lang, "token")
    assert [word for row in rows[1:] for word in row[1].split(", ")] == learnt
    for merges, _, size in rows:
        first = dict(list(ranks.items())[: int(merges)])
        assert sum(n * len(bpe["encode"](word, first)) for word, n in words.items()) == int(size)
    pieces = {word: [parts[i].decode() for i in bpe["encode"](word, ranks)] for word in ("lowest", "nes", "newest")}
    assert pieces == {"lowest": ["low", "est"], "nes": ["n", "es"], "newest": ["newest"]}
    assert len(bpe["encode"]("ne", ranks) + bpe["encode"]("west", ranks)) == 3
    assert len(bpe["encode"]("\u663e", ranks)) == 3
    says("models/bpe-tokenizer", lang, f"{128256 - 256:,} + 256", f"= {128256:,}")


@both
def test_visual_tokens_of_a_1024_image(lang: Lang) -> None:
    card, limit, unit = "models/multimodal-serving", 28 * 28 * 1280, 28
    side = round(1024 / unit) * unit
    assert side**2 > limit
    small = math.floor(1024 / math.sqrt(1024**2 / limit) / unit) * unit
    kv = 2 * 80 * 8 * 128 * 2
    assert side**2 < 12845056 == 16384 * unit**2  # max_pixels of the published checkpoints
    for row, edge in zip(table(card, lang, "token"), (side, small), strict=False):
        tokens = (edge // unit) ** 2
        assert [int(row[1]), int(row[2])] == [4 * tokens, tokens]
        assert near(numbers(row[3])[0], tokens * kv / 1e6, 0)
    says(card, lang, f"{side**2}", f"{limit}", f"= {kv}", f"{side}x{side}", f"{kv // 1024} KiB", "12845056", "16384")
    says(card, lang, f"{small // unit} \\cdot {small // unit} = {(small // unit) ** 2}")
    wide = side // unit
    says(
        card,
        lang,
        f"{wide} \\cdot {wide} = {wide**2}",
        f"{2 * wide} x {2 * wide} = {4 * wide**2}",
        f"{wide} x {wide} =",
    )
