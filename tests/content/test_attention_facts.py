"""The numbers and the code on the attention cards, computed and run again."""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np
import pytest

from prep.cards.card import LANGS, Lang
from tests.content.reading import code, details, everything, numbers, table

torch = pytest.importorskip("torch")
F = torch.nn.functional

KIB, GIB = 2**10, 2**30


def run(card: str, lang: Lang, at: int = 0) -> dict[str, Any]:
    """The names that the `at`-th piece of Python on a card defines."""
    names: dict[str, Any] = {}
    exec(code(card, lang, "python", at), names)
    return names


def kv_bytes(layers: int, heads: int, dim: int) -> int:
    return 2 * layers * heads * dim * 2


# --- mha-mqa-gqa ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lang", LANGS)
def test_kv_bytes_of_every_model_on_the_card(lang: Lang) -> None:
    rows = table("attention/mha-mqa-gqa", lang, "KiB/token")
    assert len(rows) == 5
    for _, layers, heads, dim, kib in rows:
        assert int(kib) * KIB == kv_bytes(int(layers), int(heads), int(dim))


@pytest.mark.parametrize("lang", LANGS)
def test_one_sequence_of_8192_tokens_is_one_gibibyte(lang: Lang) -> None:
    assert 8192 * kv_bytes(32, 8, 128) == GIB
    text = details("attention/mha-mqa-gqa", lang)
    assert "8192" in text
    assert "1 GiB" in text


@pytest.mark.parametrize("lang", LANGS)
def test_intensity_is_queries_per_kv_head(lang: Lang) -> None:
    text = details("attention/mha-mqa-gqa", lang)
    for model, heads, kv in (("Llama-3-8B", 32, 8), ("70B", 64, 8), ("405B", 128, 8)):
        flop = 2 * 2 * 128 * heads / kv  # score and output, for one cached token and one KV head
        assert flop / (2 * 128 * 2) == heads // kv
        assert re.search(rf"{model} (为 )?{heads // kv}\b", text), model


# --- mha-from-scratch -------------------------------------------------------------------------------------------------


def weights(e: int, *columns: int) -> list[Any]:
    return [torch.randn(e, c, dtype=torch.float64) / math.sqrt(e) for c in columns]


@pytest.mark.parametrize("lang", LANGS)
@pytest.mark.parametrize("causal", [True, False])
def test_mha_of_the_card_agrees_with_torch(lang: Lang, causal: bool) -> None:
    torch.manual_seed(0)
    b, s, e, heads = 2, 7, 12, 3
    x = torch.randn(b, s, e, dtype=torch.float64)
    wq, wk, wv, wo = weights(e, e, e, e, e)
    got = run("attention/mha-from-scratch", lang)["mha"](x, wq, wk, wv, wo, heads, causal)
    q, k, v = (t.view(b, s, heads, -1).transpose(1, 2) for t in (x @ wq, x @ wk, x @ wv))
    want = F.scaled_dot_product_attention(q, k, v, is_causal=causal).transpose(1, 2).reshape(b, s, e) @ wo
    torch.testing.assert_close(got, want, atol=1e-5, rtol=1e-5)  # the card's softmax is in float32


@pytest.mark.parametrize("lang", LANGS)
def test_mask_with_a_cache_is_the_one_drawn(lang: Lang) -> None:
    drawn = re.findall(r"query \d +((?:[1.] ?)+)$", details("attention/mha-from-scratch", lang), re.M)
    past, new = 3, len(drawn)
    hidden = torch.ones(new, past + new, dtype=torch.bool).triu(1 + past)
    assert [[c == "." for c in row.split()] for row in drawn] == hidden.tolist()


def test_sdpa_aligns_causal_to_the_upper_left_and_hides_whole_rows_as_zero() -> None:
    q, k, v = torch.randn(1, 1, 1, 8), torch.randn(1, 1, 5, 8), torch.randn(1, 1, 5, 8)
    torch.testing.assert_close(F.scaled_dot_product_attention(q, k, v, is_causal=True)[0, 0, 0], v[0, 0, 0])
    nothing = torch.zeros(1, 5, dtype=torch.bool)
    assert F.scaled_dot_product_attention(q, k, v, attn_mask=nothing).eq(0).all()
    assert torch.softmax(torch.full((5,), -math.inf), 0).isnan().all()


def test_gqa_repeats_each_head_in_a_row() -> None:
    q, k, v = torch.randn(1, 4, 3, 8), torch.randn(1, 2, 3, 8), torch.randn(1, 2, 3, 8)
    want = F.scaled_dot_product_attention(q, k, v, enable_gqa=True)
    got = F.scaled_dot_product_attention(q, k.repeat_interleave(2, 1), v.repeat_interleave(2, 1))
    wrong = F.scaled_dot_product_attention(q, k.repeat(1, 2, 1, 1), v.repeat(1, 2, 1, 1))
    torch.testing.assert_close(got, want)
    assert not torch.allclose(wrong, want)


@pytest.mark.parametrize("lang", LANGS)
def test_scores_without_the_root_spread_by_root_d(lang: Lang) -> None:
    rng = np.random.default_rng(0)
    scores = (rng.standard_normal((20000, 128)) * rng.standard_normal((20000, 128))).sum(1)
    [printed] = re.findall(r"\\sqrt\{128\} \\approx ([\d.]+)", details("attention/mha-from-scratch", lang))
    assert float(printed) == pytest.approx(math.sqrt(128), abs=0.05)
    assert scores.std() == pytest.approx(math.sqrt(128), rel=0.03)


@pytest.mark.parametrize("lang", LANGS)
def test_attention_overtakes_its_projections_at_twice_the_width(lang: Lang) -> None:
    e, s = 4096, 8192
    assert 8 * s * e**2 == 4 * s**2 * e
    assert "8192" in details("attention/mha-from-scratch", lang)


# --- gqa-kv-cache-decode ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lang", LANGS)
def test_decode_steps_of_the_card_make_the_causal_prefill(lang: Lang) -> None:
    torch.manual_seed(0)
    b, s, e, h, g = 2, 6, 16, 4, 2
    d = e // h
    x = torch.randn(b, s, e, dtype=torch.float64)
    wq, wk, wv, wo = weights(e, e, g * d, g * d, e)
    ck, cv = (torch.full((b, g, s, d), math.nan, dtype=torch.float64) for _ in range(2))
    step = run("attention/gqa-kv-cache-decode", lang)["step"]
    got = torch.stack([step(x[:, t], ck, cv, t, wq, wk, wv, wo, h, g) for t in range(s)], 1)
    q = (x @ wq).view(b, s, h, d).transpose(1, 2)
    k, v = ((x @ w).view(b, s, g, d).transpose(1, 2) for w in (wk, wv))
    want = F.scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=True)
    torch.testing.assert_close(got, want.transpose(1, 2).reshape(b, s, e) @ wo)


@pytest.mark.parametrize("lang", LANGS)
def test_paged_gather_and_slot(lang: Lang) -> None:
    text = details("attention/gqa-kv-cache-decode", lang)
    gather = run("attention/gqa-kv-cache-decode", lang, 1)["gather"]
    block_table = [int(n) for n in re.findall(r"block_table +(\d+) +(\d+) +(\d+)", text)[0]]
    pool = torch.arange(8 * 4).view(8, 4, 1, 1)  # every slot holds its own number
    slots = gather(pool, torch.tensor(block_table), 10).flatten().tolist()
    assert slots[9] == block_table[9 // 4] * 4 + 9 % 4
    assert int(re.findall(r"slot = .* = (\d+)", text)[0]) == slots[9]


@pytest.mark.parametrize("lang", LANGS)
def test_cost_of_a_step_of_llama_3_8b(lang: Lang) -> None:
    text = everything("attention/gqa-kv-cache-decode", lang)
    parameters = 2 * 128256 * 4096 + 32 * (2 * 4096**2 + 2 * 4096 * 1024 + 3 * 4096 * 14336 + 2 * 4096) + 4096
    assert f"{kv_bytes(32, 8, 128)} B" in text
    assert f"{GIB / 3.35e12 * 1e3:.2f}" == "0.32"
    for printed, value in (
        ("0.32", GIB / 3.35e12 * 1e3),
        ("4.3 GFLOP", 4 * 32 * 32 * 128 * 8192 / 1e9),
        ("8.03 G", parameters / 1e9),
        ("16.1 GB", 2 * parameters / 1e9),
        ("17.2 GB", 16 * GIB / 1e9),
    ):
        assert printed in text
        assert numbers(printed)[0] == pytest.approx(value, rel=0.02)


# --- flash-attention-1 to 4 -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lang", LANGS)
@pytest.mark.parametrize("rising", [False, True])
def test_flash_of_the_card_is_exact(lang: Lang, rising: bool) -> None:
    torch.manual_seed(0)
    q, k, v = torch.randn(50, 16), torch.randn(83, 16), torch.randn(83, 16)
    if rising:
        q, k = q.abs(), k.abs() * torch.arange(83)[:, None] / 10
    got = run("attention/flash-attention-1", lang)["flash"](q, k, v, 0.25, br=16, bc=32)
    torch.testing.assert_close(got, torch.softmax(q @ k.T * 0.25, -1) @ v, atol=1e-5, rtol=1e-5)


def moved(n: int, d: int, rows: int) -> tuple[int, int]:
    """Elements read and written by three kernels and by tiles of `rows` queries, counted step by step."""
    three = (n * d + n * d + n * n) + (n * n + n * n) + (n * n + n * d + n * d)
    tiled = sum(rows * d + n * d + n * d + rows * d for _ in range(0, n, rows))
    return three, tiled


@pytest.mark.parametrize("lang", LANGS)
def test_bytes_of_flash_attention(lang: Lang) -> None:
    rows = table("attention/flash-attention-1", lang, "128")
    assert len(rows) == 3
    for n, d, three, tiled, ratio in rows:
        a, b = moved(int(n), int(d), 128)
        assert numbers(three)[0] == pytest.approx(2 * a / 1e6, rel=0.001)
        assert numbers(tiled)[0] == pytest.approx(2 * b / 1e6, rel=0.001)
        assert float(ratio) == pytest.approx(a / b, abs=0.006)
    text = details("attention/flash-attention-1", lang)
    assert "2.1 MB" in text
    assert pytest.approx(2.1, abs=0.01) == 2 * 4096 * 128 * 2 / 1e6
    assert "16 GiB" in text
    assert 16 * GIB == 32 * 16384**2 * 2


@pytest.mark.parametrize("lang", LANGS)
def test_blocks_and_causal_tiles_of_version_2(lang: Lang) -> None:
    text = everything("attention/flash-attention-2", lang)
    n, br, bc = 8192, 128, 64
    assert f"{32 * (n // br)}" in text
    assert re.search(rf"\b{round(32 * (n // br) / 108)} (per SM|个)", text)
    seen = sum(1 for i in range(0, n, br) for j in range(0, n, bc) if j <= i + br - 1)
    diagonal = sum(1 for j in range(0, n, bc) if 0 <= j <= br - 1)
    assert f"{seen}" in text
    assert f"{n // br * (n // bc)}" in text
    assert f"{100 * seen / (n // br * (n // bc)):.1f}" in text
    assert diagonal == 2
    assert re.search(rf"\b{100 * 32 / 108:.0f} ?%", text)


@pytest.mark.parametrize("lang", LANGS)
def test_clocks_of_matmul_and_exponential(lang: Lang) -> None:
    rows = table("attention/flash-attention-3", lang, "exp")
    assert len(rows) == 4
    for name, matmul, exp, share in rows:
        rate = 8192 if "FP8" in name else 4096
        d = int(numbers(name)[0])
        assert (int(matmul), int(exp)) == (4 * 128 * 128 * d // rate, 128 * 128 // 16)
        assert float(share) == int(exp) / int(matmul)
    assert pytest.approx(3.9, abs=0.05) == 16 * 132 * 1.83e9 / 1e12
    for name, matmul, exp in table("attention/flash-attention-4", lang, "exp"):
        rate = int(re.findall(r"(\d{4}) FLOP", name)[0])
        assert (int(matmul), int(exp)) == (4 * 128**3 // rate, 1024)


def test_an_orthogonal_rotation_leaves_the_scores() -> None:
    h = np.array([[1.0]])
    for _ in range(4):
        h = np.block([[h, h], [h, -h]])
    rng = np.random.default_rng(0)
    m = np.diag(rng.choice([-1.0, 1.0], 16)) @ h / 4
    q, k = rng.standard_normal((5, 16)), rng.standard_normal((7, 16))
    q[0, 3] = 100.0
    np.testing.assert_allclose((q @ m) @ (k @ m).T, q @ k.T, atol=1e-10)
    assert abs(q @ m)[0].max() < 0.4 * abs(q)[0].max()


@pytest.mark.parametrize("lang", LANGS)
def test_the_cubic_for_exp2_and_its_error(lang: Lang) -> None:
    text = details("attention/flash-attention-4", lang)
    [printed] = re.findall(r"\$1 \+ ([\d.]+) f \+ ([\d.]+) f\^2 \+ ([\d.]+) f\^3\$", text)
    full = (0.695146143436431884765625, 0.227564394474029541015625, 0.077119089663028717041015625)
    assert [float(c) for c in printed] == pytest.approx(full, abs=5e-5)
    f = np.linspace(0, 1, 100_000, endpoint=False)
    error = abs((1 + sum(c * f ** (i + 1) for i, c in enumerate(full))) / 2**f - 1).max()
    assert f"{error:.1e}".replace("e-05", "e-5") in text
    assert f"{2.0**-8:.1e}".replace("e-03", "e-3") in text


def test_a_lagging_reference_is_exact() -> None:
    rng = np.random.default_rng(0)
    s, v = rng.standard_normal(400) * 6, rng.standard_normal(400)
    reference, rescales = -math.inf, 0
    total: Any = 0.0
    acc: Any = 0.0
    for i in range(0, 400, 8):
        top = s[i : i + 8].max()
        if top - reference > 8:
            fade = 2.0 ** (reference - top) if math.isfinite(reference) else 0.0
            total, acc, reference, rescales = total * fade, acc * fade, top, rescales + 1
        p = 2.0 ** (s[i : i + 8] - reference)
        assert p.max() <= 2**8
        total, acc = total + p.sum(), acc + p @ v[i : i + 8]
    weight = 2.0 ** (s - s.max())
    assert acc / total == pytest.approx(weight @ v / weight.sum())
    assert rescales < 5


# --- flash-decoding, cascade-attention --------------------------------------------------------------------------------


def splits(blocks: int, sms: int, tiles: int) -> int:
    """num_splits_heuristic of FlashAttention-3, without its case for keys that exceed L2."""
    if blocks >= 0.8 * sms or tiles <= 4:
        return 1
    waves = [n * blocks / sms for n in range(1, min(128, sms, tiles) + 1)]
    efficiency = [w / math.ceil(w) for w in waves]
    return next(n for n, e in enumerate(efficiency, 1) if e >= 0.85 * max(efficiency))


@pytest.mark.parametrize("lang", LANGS)
def test_numbers_of_splits(lang: Lang) -> None:
    header = re.findall(r"^\| batch +\|(.*)\|$", details("attention/flash-decoding", lang), re.M)[0]
    batches = [int(c) for c in header.split("|")]
    blocks, short, long = table("attention/flash-decoding", lang, "batch")
    assert [int(c) for c in blocks[1:]] == [8 * b for b in batches]
    for row, length in ((short, 2048), (long, 32768)):
        assert str(length) in row[0]
        assert [int(c) for c in row[1:]] == [splits(8 * b, 132, length // 128) for b in batches]
    assert splits(48, 108, 64) == 2  # the example in the code's comment


@pytest.mark.parametrize("lang", LANGS)
def test_combining_splits_is_exact(lang: Lang) -> None:
    rng = np.random.default_rng(0)
    s, v = rng.standard_normal(1000) * 20, rng.standard_normal((1000, 8))
    parts = np.array_split(np.arange(1000), 7)
    outs, lses = [], []
    for part in parts:
        w = np.exp(s[part] - s[part].max())
        outs.append(w @ v[part] / w.sum())
        lses.append(s[part].max() + math.log(w.sum()))
    got = run("attention/flash-decoding", lang)["combine"](np.array(outs), np.array(lses))
    w = np.exp(s - s.max())
    np.testing.assert_allclose(got, w @ v / w.sum(), rtol=1e-12)
    assert not np.allclose(np.mean(outs, 0), got)


@pytest.mark.parametrize("lang", LANGS)
def test_bandwidth_of_the_measured_splits(lang: Lang) -> None:
    times, rates = table("attention/flash-decoding", lang, "64")[:2]
    for t, rate in zip(times[1:], rates[1:], strict=True):
        assert 2 * 8 * 32768 * 128 * 2 / float(t) / 1e3 == pytest.approx(float(rate), rel=0.01)
    text = details("attention/flash-decoding", lang)
    assert f"{15 * 32 * 128 * 4 / 1e6:.2f} MB" in text
    assert f"{2 * 8 * 32768 * 128 * 2 / 1e6:.0f} MB" in text


@pytest.mark.parametrize("lang", LANGS)
def test_bytes_of_a_shared_prefix(lang: Lang) -> None:
    text = everything("attention/cascade-attention", lang)
    token = kv_bytes(1, 8, 128)
    prefix, suffixes = 8192 * token, 32 * 256 * token
    for printed, value in (
        ("4096 B", token),
        ("33.6 MB", prefix / 1e6),
        ("1074 MB", 32 * prefix / 1e6),
        ("1107", (32 * prefix + suffixes) / 1e6),
        ("67 MB", (prefix + suffixes) / 1e6),
        ("16.5", (32 * prefix + suffixes) / (prefix + suffixes)),
        ("74", 295 / 4),
    ):
        assert printed in text, printed
        assert numbers(printed)[0] == pytest.approx(value, rel=0.005)


# --- paged-varlen-attention, flashinfer -------------------------------------------------------------------------------


@pytest.mark.parametrize("lang", LANGS)
def test_varlen_batch_drawn_on_the_card(lang: Lang) -> None:
    text = details("attention/paged-varlen-attention", lang)
    queries = [5, 3, 1, 1, 1]
    starts = [int(n) for n in numbers(re.findall(r"cu_seqlens_q +\[(.*)\]", text)[0])]
    assert starts == [0, *np.cumsum(queries).tolist()]
    contexts = [int(n) for n in numbers(re.findall(r"context +\[(.*)\] ", text)[0])]
    pages = re.findall(r"\b([A-E])  \[ ([\d ]+) \]", text)
    assert [len(p.split()) for _, p in pages] == [math.ceil(c / 16) for c in contexts]
    assert len({n for _, p in pages for n in p.split()}) == sum(len(p.split()) for _, p in pages)
    third = dict(pages)["D"].split()[32 // 16]
    assert re.search(rf"(page|物理页) {third}", text)
    assert max(queries) * len(queries) == 25
    assert "25" in text


@pytest.mark.parametrize("lang", LANGS)
def test_chunks_of_the_plan(lang: Lang) -> None:
    pages, slots = (100, 10, 10, 10), 8
    rows = table("attention/flashinfer", lang, "c")
    for c, parts, total, longest in rows:
        chunks = [math.ceil(n / int(c)) for n in pages]
        assert numbers(parts) == chunks
        assert (int(total), int(longest)) == (sum(chunks), int(c))
    best = next(c for c in range(1, 101) if sum(math.ceil(n / c) for n in pages) <= slots)
    assert f"c = {best}" in details("attention/flashinfer", lang)
    [percent] = re.findall(r"130 / \(4 \\cdot 100\)\$ = ([\d.]+) ?%", details("attention/flashinfer", lang))
    assert float(percent) == 100 * sum(pages) / (len(pages) * max(pages))
