"""The numbers and the code on the sampling cards, computed and run again."""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np
import pytest

from prep.cards.card import LANGS, Lang
from tests.content.reading import code, details, everything, face, numbers, table

Array = np.ndarray[Any, Any]


def run(card: str, lang: Lang) -> dict[str, Any]:
    names: dict[str, Any] = {}
    exec(code(card, lang, "python"), names)
    return names


def softmax(z: Array) -> Array:
    e = np.exp(z - z.max())
    return np.asarray(e / e.sum())


# --- temperature ------------------------------------------------------------------------------------------------------

LOGITS = np.array([2.0, 1.0, 0.1])


@pytest.mark.parametrize("lang", LANGS)
def test_probabilities_at_every_temperature(lang: Lang) -> None:
    rows = table("sampling/temperature", lang, "p1")
    assert [float(row[0]) for row in rows] == [0.5, 0.7, 1, 1.5]
    for t, *p, entropy in rows:
        want = softmax(LOGITS / float(t))
        assert [float(c) for c in p] == pytest.approx(want.tolist(), abs=5e-4)
        assert float(entropy) == pytest.approx(-(want * np.log(want)).sum(), abs=5e-4)


@pytest.mark.parametrize("lang", LANGS)
def test_bars_have_the_length_of_their_probability(lang: Lang) -> None:
    head, *lines = code("sampling/temperature", lang, "text").splitlines()
    at = [m.start() for m in re.finditer("T = ", head)]
    temperatures = numbers(head)
    for k, line in enumerate(lines):
        bars = [line[a:b].count("#") for a, b in zip(at, [*at[1:], None], strict=True)]
        assert bars == [round(20 * softmax(LOGITS / t)[k]) for t in temperatures]


@pytest.mark.parametrize("lang", LANGS)
def test_odds_and_the_nucleus_move_with_temperature(lang: Lang) -> None:
    text = details("sampling/temperature", lang)
    for t in (0.5, 0.7, 1, 1.5):
        assert f"{math.exp(1 / t):.2f}" in text
    for t, kept in ((1, 2), (1.5, 3)):
        p = softmax(LOGITS / t)
        assert int((np.cumsum(p) - p < 0.9).sum()) == kept
        assert f"{p[:2].sum():.3f}" in text
    assert f"{math.log(3):.3f}" in text


def test_min_p_in_logits_widens_with_temperature() -> None:
    rng = np.random.default_rng(0)
    z, kept = rng.standard_normal(1000) * 3, []
    for t in (0.5, 1.0, 2.0):
        p = softmax(z / t)
        assert ((p >= 0.1 * p.max()) == (z.max() - z <= t * math.log(1 / 0.1))).all()
        kept.append(int((p >= 0.1 * p.max()).sum()))
        assert (np.argsort(p) == np.argsort(z)).all()
    assert kept == sorted(kept)
    assert kept[0] < kept[-1]


# --- top-k-top-p ------------------------------------------------------------------------------------------------------

FIVE = np.array([0.5, 0.2, 0.15, 0.1, 0.05])


def smallest_set(p: Array, mass: float) -> set[int]:
    """By definition: the fewest tokens, most probable first, whose probabilities reach `mass`."""
    kept: set[int] = set()
    for i in np.argsort(-p, kind="stable"):
        kept.add(int(i))
        if sum(p[list(kept)]) >= mass:
            break
    return kept


def top_k(p: Array, k: int) -> Array:
    kept = np.where(p >= np.sort(p)[-k], p, 0)
    return np.asarray(kept / kept.sum())


@pytest.mark.parametrize("lang", LANGS)
def test_top_p_of_the_card_keeps_the_smallest_set(lang: Lang) -> None:
    top_p = run("sampling/top-k-top-p", lang)["top_p"]
    rng = np.random.default_rng(0)
    for _ in range(200):
        p, mass = softmax(rng.standard_normal(12) * rng.uniform(0.1, 5)), rng.uniform(0.01, 0.99)
        got = top_p(p, mass)
        assert set(np.flatnonzero(got).tolist()) == smallest_set(p, mass)
        assert got.sum() == pytest.approx(1)


@pytest.mark.parametrize("lang", LANGS)
def test_every_filter_in_the_table(lang: Lang) -> None:
    top_p = run("sampling/top-k-top-p", lang)["top_p"]
    min_p = np.where(0.25 * FIVE.max() <= FIVE, FIVE, 0)
    want = [top_k(FIVE, 2), top_p(FIVE, 0.8), top_p(FIVE, 0.7), min_p / min_p.sum(), top_p(top_k(FIVE, 3), 0.8)]
    for row, p in zip(table("sampling/top-k-top-p", lang, "kept" if lang == "en" else "留下"), want, strict=True):
        assert int(row[1]) == np.count_nonzero(p)
        assert numbers(row[2]) == pytest.approx(p[p > 0].tolist(), abs=6e-4)


@pytest.mark.parametrize("lang", LANGS)
def test_sure_and_unsure_models_drawn(lang: Lang) -> None:
    text = code("sampling/top-k-top-p", lang, "text")
    for part in text.split("\n\n"):
        p = np.array([float(n) for n in re.findall(r"(?<!top-p )(?<!min-p )\b0\.\d\d\b", part)])
        if p.sum() < 1:
            p = np.append(p, 1 - p.sum())
        assert p.sum() == pytest.approx(1)
        counts = {name: int(n) for name, n in re.findall(r"(top-p|min-p|top-k) [\d.]+: +(\d+)", part)}
        assert counts == {"top-p": len(smallest_set(p, 0.9)), "min-p": int((p >= 0.5 * p.max()).sum()), "top-k": 3}


def test_ascending_mask_of_the_engines_is_the_same_set() -> None:
    rng = np.random.default_rng(1)
    for _ in range(100):
        p, mass = softmax(rng.standard_normal(9) * 2), rng.uniform(0.05, 0.95)
        order = np.argsort(p)
        drop = np.cumsum(p[order]) <= 1 - mass
        drop[-1] = False
        assert {int(i) for i in order[~drop]} == smallest_set(p, mass)


# --- sampling-penalties -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lang", LANGS)
def test_penalties_step_by_step(lang: Lang) -> None:
    penalise = run("sampling/sampling-penalties", lang)["penalise"]
    z, prompt, output = np.array([2.0, 1.0, -1.0]), np.array([0]), np.array([1, 2, 1])
    steps = [{}, {"rep": 1.2}, {"rep": 1.2, "freq": 0.5}, {"rep": 1.2, "freq": 0.5, "pres": 0.4}]
    want = [penalise(z, prompt, output, **step) for step in steps]
    want += [softmax(want[0]), softmax(want[-1])]
    rows = table("sampling/sampling-penalties", lang, "token 0")
    for row, values in zip(rows, want, strict=True):
        assert [float(c) for c in row[1:]] == pytest.approx(values.tolist(), abs=6e-4)
    assert want[1].tolist() == pytest.approx([2 / 1.2, 1 / 1.2, -1.2])


@pytest.mark.parametrize("lang", LANGS)
def test_repetition_penalty_depends_on_a_shift_that_softmax_ignores(lang: Lang) -> None:
    penalise = run("sampling/sampling-penalties", lang)["penalise"]
    z, seen, none = np.array([2.0, 1.0, -1.0]), np.array([0]), np.array([], dtype=int)
    for shift in (0, 10, -10):
        p = softmax(penalise(z + shift, seen, none, rep=1.2))
        assert f"{p[0]:.3f}" in details("sampling/sampling-penalties", lang)
    np.testing.assert_allclose(softmax(z + 10), softmax(z))
    dividing_only = softmax(np.array([2.0, 1.0, -1.0 / 1.2]))
    assert dividing_only[2] > softmax(z)[2]  # what the case split prevents


@pytest.mark.parametrize("lang", LANGS)
def test_size_of_the_counts(lang: Lang) -> None:
    text = details("sampling/sampling-penalties", lang)
    for size in (256 * 128256 * 4, 256 * (128256 + 1) * 8):
        assert f"{size / 1e6:.0f} MB" in text
    assert f"{256 * 128256 / 8 / 1e6:.1f} MB" in text


# --- sort-free-sampling -----------------------------------------------------------------------------------------------


def test_exponential_race_and_gumbel_draw_exactly() -> None:
    rng, n = np.random.default_rng(0), 40_000
    unnormalised = 7 * FIVE
    q = rng.exponential(size=(n, 5))
    race = (unnormalised / q).argmax(1)
    assert (race == (np.log(unnormalised) - np.log(q)).argmax(1)).all()
    shares = np.bincount(race, minlength=5) / n
    np.testing.assert_allclose(shares, FIVE, atol=4 * math.sqrt(0.25 / n))


@pytest.mark.parametrize("lang", LANGS)
def test_rejection_draws_from_the_nucleus(lang: Lang) -> None:
    draw = run("sampling/sort-free-sampling", lang)["draw_top_p"]

    class Counting:
        def __init__(self) -> None:
            self.source, self.calls = np.random.default_rng(0), 0

        def random(self) -> float:
            self.calls += 1
            return float(self.source.random())

    rng, n = Counting(), 20_000
    shares = np.bincount([draw(FIVE, 0.8, rng) for _ in range(n)], minlength=5) / n
    want = np.array([0.5, 0.2, 0.15, 0, 0]) / 0.85
    np.testing.assert_allclose(shares, want, atol=4 * math.sqrt(0.25 / n))
    text = details("sampling/sort-free-sampling", lang)
    assert f"{rng.calls / n:.2f}" == "1.15"
    assert "1.15" in text
    for p in want[:3]:
        assert f"{p:.3f}" in text
    above = [float(n) for n in re.findall(r"mass above +(\S+) +(\S+) +(\S+) \| (\S+) +(\S+)", text)[0]]
    assert above == pytest.approx((np.cumsum(FIVE) - FIVE).tolist())


@pytest.mark.parametrize("lang", LANGS)
def test_measured_samplers_are_as_the_card_says(lang: Lang) -> None:
    rows = table("sampling/sort-free-sampling", lang, "multinomial")
    one, many = ([int(c) for c in row[1:]] for row in rows[:2])
    assert one[0] < one[1]
    assert many[0] > 2 * many[1]
    assert all(int(race) < int(multinomial) for *_, multinomial, race in rows)
    slower = [int(multinomial) / int(race) for *_, multinomial, race in rows]
    pitfalls = numbers(face("sampling/sort-free-sampling", lang).pitfalls)
    assert {f"{min(slower):.1f}", f"{max(slower):.1f}"} <= {str(n) for n in pitfalls}


# --- beam-vs-parallel-sampling ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("lang", LANGS)
def test_two_beams_find_what_greedy_misses(lang: Lang) -> None:
    tree = {(): {"A": 0.5, "B": 0.4, "C": 0.1}, ("A",): {"x": 0.4, "y": 0.35}, ("B",): {"z": 0.9}, ("C",): {"z": 1.0}}
    beam = run("sampling/beam-vs-parallel-sampling", lang)["beam"]
    greedy, two = (beam(tree.__getitem__, width, 2)[0] for width in (1, 2))
    assert greedy[0] == ("A", "x")
    assert two[0] == ("B", "z")
    picture = code("sampling/beam-vs-parallel-sampling", lang, "text")
    for _, score in (greedy, two):
        assert f"{math.exp(score):.2f}" in picture


@pytest.mark.parametrize("lang", LANGS)
def test_length_penalty_and_shared_prompt(lang: Lang) -> None:
    text = details("sampling/beam-vs-parallel-sampling", lang)
    short, long = -4.0 / 4, -6.0 / 8
    assert -4.0 > -6.0
    assert long > short
    assert f"{short:.1f}" in text
    assert f"{long:.2f}" in text
    kib = 2 * 32 * 8 * 128 * 2 // 1024
    assert f"{(2000 + 4 * 500) * kib // 1024} MiB" in text
    assert f"{4 * 2500 * kib // 1024} MiB" in text


def test_twice_as_many_candidates_leave_enough_beams() -> None:
    """Token 0 ends a beam. The w best candidates may all end; of the 2w best, each beam ends at most once."""
    rng = np.random.default_rng(0)
    starved = 0
    for width in (2, 3, 4):
        for _ in range(300):
            logp = np.log(rng.dirichlet([2.0, *[0.2] * 20], size=width)) + rng.normal(size=(width, 1))
            best = sorted(np.ndindex(logp.shape), key=lambda at: -logp[at])
            wanted = best[: 2 * width]
            assert sum(token != 0 for _, token in wanted) >= width
            offered = {(b, int(t)) for b in range(width) for t in np.argsort(-logp[b])[: 2 * width]}
            assert set(wanted) <= offered
            starved += all(token == 0 for _, token in best[:width])
    assert starved


# --- batch-invariance -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lang", LANGS)
def test_float32_sums_depend_on_the_order(lang: Lang) -> None:
    big, one = np.float32(2**24), np.float32(1)
    text = details("sampling/batch-invariance", lang)
    assert f"= {int((big + one) + one)}$" in text
    assert f"= {int(big + (one + one))}$" in text


def test_splitting_k_changes_bits_and_fixed_sizes_keep_them() -> None:
    rng = np.random.default_rng(0)
    rows = rng.standard_normal((32, 1024)).astype(np.float32)
    x = rows[0]

    def total(parts: list[Array]) -> np.float32:
        sums = [np.float32(0)] * len(parts)
        for n, part in enumerate(parts):
            for value in part:
                sums[n] += value
        result = np.float32(0)
        for value in sums:
            result += value
        return result

    changed = sum(bool(total([row]) != total(np.array_split(row, 4))) for row in rows)
    assert changed > 16  # a few rows come out alike by chance
    longer = np.append(x[:1000], np.float32(0.5))
    fixed = [[a[i : i + 256] for i in range(0, len(a), 256)] for a in (x[:1000], longer)]
    count = [np.array_split(a, 4) for a in (x[:1000], longer)]
    assert [len(p) for p in fixed[0][:3]] == [len(p) for p in fixed[1][:3]] == [256] * 3
    assert [len(p) for p in count[0]] == [250] * 4
    assert [len(p) for p in count[1]] != [250] * 4


@pytest.mark.parametrize("lang", LANGS)
def test_measured_products_are_as_the_answer_says(lang: Lang) -> None:
    rows = table("sampling/batch-invariance", lang, "largest" if lang == "en" else "最大差")
    bf16, fp32, fixed = rows
    assert numbers(fixed[1])[0] == 1
    assert numbers(bf16[2]) == [10, 4096]
    assert numbers(fp32[2])[0] > numbers(bf16[2])[0]
    assert float(fp32[3]) < float(bf16[3])
    assert float(bf16[3]) == 2.0**-2  # one unit in the last place of a bf16 between 32 and 64
    assert "4096" in everything("sampling/batch-invariance", lang)
