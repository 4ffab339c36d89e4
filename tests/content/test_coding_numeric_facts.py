"""NMS, AUC and k-means as they stand on the coding cards, run against their definitions, and the numbers again."""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np
import pytest

from prep.cards.card import LANGS, Lang
from tests.content.reading import code, details, numbers, table


def load(card: str) -> dict[str, Any]:
    """The names that a card's Python defines; it takes numpy for granted."""
    names: dict[str, Any] = {"np": np}
    exec(code(f"coding/{card}", "en", "python"), names)
    return names


# --- boxes ------------------------------------------------------------------------------------------------------------


def overlap(a: Any, b: Any) -> float:
    width = max(0.0, min(a[2], b[2]) - max(a[0], b[0]))
    height = max(0.0, min(a[3], b[3]) - max(a[1], b[1]))
    union = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - width * height
    return float(width * height / union)


def test_both_forms_of_nms_against_the_definition() -> None:
    names, rng = load("iou-and-nms"), np.random.default_rng(0)
    for _ in range(40):
        size = int(rng.integers(1, 50))
        corner, extent = rng.uniform(0, 50, (size, 2)), rng.uniform(1, 30, (size, 2))
        boxes, scores = np.concatenate([corner, corner + extent], 1), rng.permutation(size) / size
        kept: list[int] = []
        for i in np.argsort(-scores):
            if all(overlap(boxes[i], boxes[j]) <= 0.4 for j in kept):
                kept.append(int(i))
        assert names["nms"](boxes, scores, 0.4) == names["nms_bitmask"](boxes, scores, 0.4) == kept
        pairs = names["iou"](boxes, boxes)
        assert all(pairs[i, j] == pytest.approx(overlap(boxes[i], boxes[j])) for i, j in np.ndindex(size, size))


def test_both_forms_keep_a_box_of_no_area() -> None:
    names = load("iou-and-nms")
    boxes, scores = np.array([[5.0, 5, 5, 5], [5, 5, 5, 5], [0, 0, 10, 10]]), np.array([0.9, 0.8, 0.7])
    with np.errstate(invalid="ignore"):
        assert names["nms"](boxes, scores, 0.5) == names["nms_bitmask"](boxes, scores, 0.5) == [0, 1, 2]


def clipped(polygon: list[complex], a: complex, b: complex) -> list[complex]:
    """What of the polygon lies to the left of the line from a to b."""

    def side(p: complex) -> float:
        return ((b - a).conjugate() * (p - a)).imag

    out = []
    for p, q in zip([polygon[-1], *polygon[:-1]], polygon, strict=True):
        if side(p) * side(q) < 0:
            out.append(p + (q - p) * side(p) / (side(p) - side(q)))
        if side(q) >= 0:
            out.append(q)
    return out


def area(polygon: list[complex]) -> float:
    turned = [polygon[-1], *polygon[:-1]] if polygon else []
    return sum((p.conjugate() * q).imag for p, q in zip(turned, polygon, strict=True)) / 2


@pytest.mark.parametrize("lang", LANGS)
def test_numbers_of_the_boxes(lang: Lang) -> None:
    text = details("coding/iou-and-nms", lang)
    assert f"{overlap((0, 0, 10, 10), (5, 0, 15, 10)):.3f}" == "0.333"
    assert f"{overlap((0, 0, 10, 10), (1, 1, 11, 11)):.3f}" == "0.681"
    for figure in ("50/150 = 0.333", "81/119 = 0.681"):
        assert figure in text
    masks = {n: n * math.ceil(n / 64) * 8 / 1e6 for n in (10_000, 30_000)}
    assert f"= {masks[10_000]:.1f}$ MB" in text
    assert f"{masks[30_000]:.0f} MB" in text
    square = [complex(x, y) / 2 for x, y in ((-1, -1), (1, -1), (1, 1), (-1, 1))]
    turned = [p * complex(1, 1) / math.sqrt(2) for p in square]
    common = square
    for i in range(4):
        common = clipped(common, turned[i - 1], turned[i])
    assert len(set(np.round(common, 9))) == 8
    iou = area(common) / (2 - area(common))
    assert iou == pytest.approx(1 / math.sqrt(2))
    assert f"= {iou:.3f}$" in text


@pytest.mark.parametrize("lang", LANGS)
def test_picture_of_the_masks(lang: Lang) -> None:
    rows = re.findall(r"mask\[(\d)\] +([.1](?: [.1]){4})", code("coding/iou-and-nms", lang, "text"))
    masks = {int(i): {j for j, bit in enumerate(bits.split()) if bit == "1"} for i, bits in rows}
    removed, kept = set[int](), []
    for i in range(5):
        if i not in removed:
            kept.append(i)
            removed |= masks[i]
    assert "result " + " ".join(map(str, kept)) in code("coding/iou-and-nms", lang, "text")


# --- AUC --------------------------------------------------------------------------------------------------------------


def pairs(label: Any, score: Any) -> tuple[float, int]:
    """Pairs of a positive and a negative in the right order, a tie one half, and all pairs."""
    positive, negative = score[label == 1], score[label == 0]
    right = (positive[:, None] > negative).sum() + 0.5 * (positive[:, None] == negative).sum()
    return float(right), positive.size * negative.size


def test_auc_against_counting_pairs() -> None:
    auc, rng = load("auc-gauc")["auc"], np.random.default_rng(2)
    for _ in range(150):
        size = int(rng.integers(2, 50))
        label, score = rng.integers(0, 2, size), rng.integers(0, 8, size)
        right, total = pairs(label, score)
        assert math.isnan(auc(label, score)) if total == 0 else auc(label, score) == pytest.approx(right / total)
        if total:
            assert auc(label, np.exp(score)) == pytest.approx(auc(label, score))


@pytest.mark.parametrize("lang", LANGS)
def test_examples_of_auc_and_gauc(lang: Lang) -> None:
    names, text = load("auc-gauc"), details("coding/auc-gauc", lang)
    line = next(line for line in text.splitlines() if line.startswith(("Scores", "分数")))
    scores, labels = numbers(line)[:5], numbers(line)[5:10]
    positives = sorted(
        (sorted(scores).index(s) + 1 + (scores.count(s) - 1) / 2 for s, y in zip(scores, labels, strict=True) if y),
        reverse=True,
    )
    assert positives == [5, 3.5]
    assert f"({sum(positives)} - 3)/6 = {names['auc'](labels, scores):.3f}" in text
    user, label, score = [], [], []
    rows = table("coding/auc-gauc", lang, "AUC")
    for name, samples, value in rows[:2]:
        found = re.findall(r"([01]): (\.\d)", samples)
        mine = ([int(y) for y, _ in found], [float(s) for _, s in found])
        assert names["auc"](*mine) == float(value)
        user += [name] * len(found)
        label += mine[0]
        score += mine[1]
    right, total = pairs(np.array(label), np.array(score))
    assert [int(n) for n in re.findall(r"\d+", rows[2][1])] in ([right, total], [total, right])
    assert names["auc"](label, score) == float(rows[2][2]) == right / total
    assert f"(4 \\cdot 0 + 4 \\cdot 1)/8 = {names['gauc'](user, label, score)}$" in text
    across = sum(
        s > t for u, y, s in zip(user, label, score, strict=True) for v, z, t in zip(user, label, score, strict=True)
        if u != v and y > z
    )  # fmt: skip
    assert across == 9
    assert re.search(r"(wins 9 pairs|赢了 9 对)", text)
    assert np.float16(0.9999) == np.float16(0.99985)


# --- k-means ----------------------------------------------------------------------------------------------------------


def test_k_means_reaches_a_fixed_point_with_all_clusters_in_use() -> None:
    names, rng = load("k-means"), np.random.default_rng(3)
    for seed in range(20):
        x, k = rng.normal(size=(120, 3)), int(rng.integers(1, 10))
        centres, label = names["kmeans"](x, k, seed=seed)
        distance = ((x[:, None] - centres) ** 2).sum(-1)
        assert (distance.argmin(1) == label).all()
        assert np.allclose(names["distances"](x, centres), distance)
        for cluster in range(k):
            assert np.allclose(centres[cluster], x[label == cluster].mean(0))
    centres, label = names["kmeans"](np.array([[0.0], [0.0], [0.0], [5.0]]), 3)
    assert np.isfinite(centres).all()
    centres, label = names["kmeans"](np.arange(10).reshape(-1, 1), 2)  # whole numbers
    assert sorted(centres[:, 0]) == pytest.approx([np.arange(10)[label == c].mean() for c in np.argsort(centres[:, 0])])


@pytest.mark.parametrize("lang", LANGS)
def test_numbers_of_k_means(lang: Lang) -> None:
    text = details("coding/k-means", lang)
    [sizes] = re.findall(r"^n = ([\d,]+)(?:, |、)k = (\d+)(?:, |、)d = (\d+)", text, re.M)
    n, k, d = (int(size.replace(",", "")) for size in sizes)
    assert 2 * n * k * d == 2.56e11
    assert "$2 n k d = 2.56 \\cdot 10^{11}$" in text
    assert f"{4 * n * k / 1e9:.0f} GB" in text
    assert f"{4 * n * k * d / 1e9:.0f} GB" in text
    [values] = re.findall(r"x = ([\d.]+)(?:, |、)c = (\d+)", text)
    x, c = np.float32(values[0]), np.float32(values[1])
    expanded = x * x - 2 * x * c + c * c
    assert f"{expanded:.4f}" in text
    assert re.search(rf"(true|真值) {(x - c) ** 2:.2f}", text)
    assert load("k-means")["distances"](np.array([[x]]), np.array([[c]])) == 0
