"""The numbers on the cards of MLA decode, sparse and linear attention and FlexAttention, computed again."""

from __future__ import annotations

import math
import re
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from prep.cards.card import LANGS, Lang
from tests.content.reading import code, details, everything, face, table

torch = pytest.importorskip("torch")
F = torch.nn.functional

GIB = 2**30
HEADS, LATENT, ROPE, NOPE, VALUE = 128, 512, 64, 128, 128  # DeepSeek-V3


# --- flashmla-absorbed-decode -----------------------------------------------------------------------------------------


def test_absorbed_attention_is_the_plain_one() -> None:
    rng = np.random.default_rng(0)
    heads, length, lora, nope, rope, value = 3, 11, 10, 4, 2, 5
    c, k_pe = rng.standard_normal((length, lora)), rng.standard_normal((length, rope))
    w_uk, w_uv = rng.standard_normal((lora, heads, nope)), rng.standard_normal((lora, heads, value))
    q_nope, q_pe = rng.standard_normal((heads, nope)), rng.standard_normal((heads, rope))
    scale = (nope + rope) ** -0.5

    def softmax(s: np.ndarray) -> np.ndarray:
        e = np.exp(s - s.max(-1, keepdims=True))
        return np.asarray(e / e.sum(-1, keepdims=True))

    k_nope, v = np.einsum("jl,lhn->hjn", c, w_uk), np.einsum("jl,lhv->hjv", c, w_uv)
    plain = np.einsum("hn,hjn->hj", q_nope, k_nope) + q_pe @ k_pe.T
    want = np.einsum("hj,hjv->hv", softmax(plain * scale), v)
    ql = np.einsum("hn,lhn->hl", q_nope, w_uk)
    absorbed = np.concatenate([ql, q_pe], -1) @ np.concatenate([c, k_pe], -1).T
    got = np.einsum("hl,lhv->hv", softmax(absorbed * scale) @ c, w_uv)
    np.testing.assert_allclose(got, want, rtol=1e-10)


@pytest.mark.parametrize("lang", LANGS)
def test_costs_of_both_forms_of_mla(lang: Lang) -> None:
    per_head, flops, read, intensity = (row[1:] for row in table("attention/flashmla-absorbed-decode", lang, "token"))
    plain, absorbed = (NOPE + ROPE) + VALUE, (LATENT + ROPE) + LATENT
    assert [sum(int(n) for n in cell.split("+")) for cell in per_head] == [plain, absorbed]
    assert [int(cell) for cell in flops] == [2 * HEADS * plain, 2 * HEADS * absorbed]
    full, latent = 2 * HEADS * plain, 2 * (LATENT + ROPE)
    assert [int(cell.split("（")[0].split(" (")[0]) for cell in read] == [full, latent]
    assert [int(cell) for cell in intensity] == [1, round(2 * HEADS * absorbed / latent)]
    factors, product = 1536 * NOPE + NOPE * LATENT, 1536 * LATENT
    assert product == 3 * factors
    pitfalls = face("attention/flashmla-absorbed-decode", lang).pitfalls
    assert f"1536 x {LATENT}" in pitfalls
    assert "three times" in pitfalls or "3 倍" in pitfalls
    text = everything("attention/flashmla-absorbed-decode", lang)
    for printed in (
        f"{absorbed / plain:.1f}",
        f"{full / latent:.0f}",
        f"{2 * LATENT * HEADS * (NOPE + VALUE) / 1e6:.1f} MFLOP",
        f"{latent * 61}",
        f"{2 * 16 * absorbed / latent:.0f}",
        f"{latent * 62 * 128 * 1024 / GIB:.2f} GiB",
        f"{512 + 4 * 4 + 2 * ROPE} B",
        f"{865 / 3.35:.0f}",
        f"{64 * LATENT}",
    ):
        assert printed in text, printed


# --- sparse-and-linear-attention --------------------------------------------------------------------------------------


@pytest.mark.parametrize("lang", LANGS)
def test_caches_of_the_hybrid_models(lang: Lang) -> None:
    text = everything("attention/sparse-and-linear-attention", lang)
    context, layer = 131072, 2 * 8 * 64 * 2
    next_token, state = 2 * 12 * 2 * 256 * 2, 36 * 32 * 128 * 128 * 4
    for printed in (
        f"{layer} B",
        f"{18 * layer * context / GIB:.1f} GiB",
        f"{18 * 128 * layer / 2**20:.1f} MiB",
        f"{next_token} B",
        f"{state / 2**20:.0f} MiB",
        f"{state // next_token}",
    ):
        assert printed in text, printed
    assert 36 * layer * context == 9 * GIB
    assert next_token * context == 3 * GIB
    assert "9" in text
    assert "3 GiB" in text


@pytest.mark.parametrize("lang", LANGS)
def test_cost_of_the_indexer(lang: Lang) -> None:
    rows = table("attention/sparse-and-linear-attention", lang, "GFLOP")
    dense, sparse, index = 2 * 128 * 1088 * 131072, 2 * 128 * 1088 * 2048, 2 * 64 * 128 * 131072
    assert [float(row[1]) for row in rows] == pytest.approx([dense / 1e9, sparse / 1e9, index / 1e9], rel=0.005)
    text = everything("attention/sparse-and-linear-attention", lang)
    assert f"= {dense / (sparse + index):.1f}" in text
    assert re.search(rf"\b{128 * 1088 / (64 * 128):.0f} ?(times|倍)", text)


@pytest.mark.parametrize("lang", LANGS)
def test_patterns_drawn_on_the_card(lang: Lang) -> None:
    lines = code("attention/sparse-and-linear-attention", lang, "text").splitlines()[1:]
    starts = [0, 15, 30, 47]
    columns = [[line[a:b].split() for line in lines] for a, b in zip(starts, [*starts[1:], None], strict=True)]
    full, window, sink, top = columns
    for i, row in enumerate(full):
        assert row == ["x"] * (i + 1)
        assert [c == "x" for c in window[i]] == [i - j < 3 for j in range(i + 1)]
        assert [c == "x" for c in sink[i]] == [i - j < 3 or j == 0 for j in range(i + 1)]
        assert top[i].count("x") <= 3


def test_linear_attention_as_a_recurrence() -> None:
    rng = np.random.default_rng(0)
    q, k, v = rng.standard_normal((3, 9, 4))
    state, outs = np.zeros((4, 4)), []
    for t in range(9):
        state += np.outer(k[t], v[t])
        outs.append(q[t] @ state)
    np.testing.assert_allclose(outs, np.tril(q @ k.T) @ v)


def test_a_stack_of_windows_sees_further_than_one() -> None:
    n, w, layers = 40, 4, 5
    i = np.arange(n)
    layer = ((i[:, None] >= i) & (i[:, None] - i < w)).astype(int)
    sees = np.linalg.matrix_power(layer, layers)[n - 1] > 0
    assert n - 1 - int(sees.argmax()) == layers * (w - 1)


# --- flexattention ----------------------------------------------------------------------------------------------------

flex = pytest.importorskip("torch.nn.attention.flex_attention")


def tiles(n: int, block: int, keep: Callable[[Any, Any], Any]) -> tuple[int, int]:
    """Full and partial tiles of a mask that is exact on tile edges: its corners decide."""
    i, j = np.arange(n)[:, None], np.arange(n)[None, :]
    mask = np.asarray(keep(i, j)).reshape(n // block, block, n // block, block)
    some, every = mask.any((1, 3)), mask.all((1, 3))
    return int(every.sum()), int((some & ~every).sum())


@pytest.mark.parametrize("lang", LANGS)
def test_tiles_of_the_block_masks(lang: Lang) -> None:
    masks = [lambda i, j: i >= j, lambda i, j: (i >= j) & (i - j < 1024)]
    rows = table("attention/flexattention", lang, "full" if lang == "en" else "满块")
    for keep, (_, full, partial, skipped) in zip(masks, rows, strict=True):
        assert (int(full), int(partial)) == tiles(8192, 128, keep)
        share = 100 * (1 - (int(full) + int(partial)) / 64**2)
        assert float(skipped.rstrip("% ")) == pytest.approx(share, abs=0.06)
    assert f"{8192 * 8192 / 1e6:.0f} MB" in details("attention/flexattention", lang)


def test_torch_counts_the_tiles_alike() -> None:
    def near(b: Any, h: Any, i: Any, j: Any) -> Any:
        return (i >= j) & (i - j < 256)

    mask = flex.create_block_mask(near, None, None, 1024, 1024, "cpu", BLOCK_SIZE=64)
    counted = int(mask.full_kv_num_blocks.sum()), int(mask.kv_num_blocks.sum())
    assert counted == tiles(1024, 64, lambda i, j: near(0, 0, i, j))


@pytest.mark.parametrize("lang", LANGS)
def test_mods_of_the_card_against_sdpa(lang: Lang) -> None:
    names: dict[str, Any] = {}
    source = code("attention/flexattention", lang, "python").replace("8192, 8192", "256, 256").replace("1024", "48")
    q, k, v = (torch.randn(1, 2, 256, 16) for _ in range(3))
    i = torch.arange(256)
    near = (i[:, None] >= i) & (i[:, None] - i < 48)
    bias = (-0.5 * (i[:, None] - i)).masked_fill(~near, -math.inf)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # not compiled: unfused, as the card says
        exec(source, names)
        got = flex.flex_attention(q, k, v, names["alibi"], names["mask"])
    torch.testing.assert_close(got, F.scaled_dot_product_attention(q, k, v, bias), atol=1e-5, rtol=1e-5)


def test_a_row_without_keys_is_zero() -> None:
    q, k, v = (torch.randn(1, 1, 32, 8) for _ in range(3))
    mask = flex.create_block_mask(lambda b, h, i, j: (i >= 4) & (i >= j), None, None, 32, 32, "cpu", BLOCK_SIZE=16)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        out = flex.flex_attention(q, k, v, block_mask=mask)
    assert out[0, 0, :4].eq(0).all()
    assert out[0, 0, 4:].abs().sum(-1).gt(0).all()
