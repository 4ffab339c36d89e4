"""The two-layer network of its card against autograd, and its table of errors of finite differences."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from prep.cards.card import LANGS, Lang
from tests.content.reading import code, everything, table

CARD = "training/backprop-two-layer-net"
Array = NDArray[np.float64]


def run(lang: Lang) -> dict[str, Any]:
    scope: dict[str, Any] = {"np": np}
    exec(code(CARD, lang, "python"), scope)
    return scope


def problem() -> tuple[Array, NDArray[np.int64], list[Array]]:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(8, 5)), rng.integers(0, 3, 8)
    return x, y, [rng.normal(size=(5, 16)) * 0.5, np.zeros(16), rng.normal(size=(16, 3)) * 0.5, np.zeros(3)]


@pytest.mark.parametrize("lang", LANGS)
def test_gradients_of_the_card_are_those_of_autograd(lang: Lang) -> None:
    x, y, params = problem()
    loss, gradients = run(lang)["two_layer"](x, y, *params)
    w1, b1, w2, b2 = (torch.tensor(p, requires_grad=True) for p in params)
    expected = F.cross_entropy(torch.relu(torch.tensor(x) @ w1 + b1) @ w2 + b2, torch.tensor(y))
    expected.backward()
    assert loss == pytest.approx(expected.item())
    for got, p in zip(gradients, (w1, b1, w2, b2), strict=True):
        assert p.grad is not None
        np.testing.assert_allclose(got, p.grad.numpy(), atol=1e-15)


def worst(numeric: Array, analytic: Array) -> float:
    scale = np.maximum(abs(numeric) + abs(analytic), 1e-12)
    return float((abs(numeric - analytic) / scale).max())


@pytest.mark.parametrize("lang", LANGS)
def test_errors_of_finite_differences(lang: Lang) -> None:
    scope = run(lang)
    x, y, params = problem()
    loss, gradients = scope["two_layer"](x, y, *params)

    def value() -> float:
        return float(scope["two_layer"](x, y, *params)[0])

    def one_sided(p: Array, h: float) -> Array:
        g = np.zeros_like(p)
        for i in np.ndindex(p.shape):
            old = p[i]
            p[i] = old + h
            g[i] = (value() - loss) / h
            p[i] = old
        return g

    centred_row, one_sided_row = table(CARD, lang, "1e-4")
    for i, h in enumerate((1e-2, 1e-4, 1e-6, 1e-10), start=1):
        factor = 1.5 if h > 1e-5 else 4  # rounding differs between machines
        centred = max(worst(scope["numeric"](value, p, h), g) for p, g in zip(params, gradients, strict=True))
        single = max(worst(one_sided(p, h), g) for p, g in zip(params, gradients, strict=True))
        for shown, measured in ((centred_row[i], centred), (one_sided_row[i], single)):
            assert measured / factor <= float(shown) <= measured * factor, (h, shown, measured)


def test_rules_of_the_other_layers() -> None:
    generator = torch.Generator().manual_seed(1)
    shapes = (4, 3), (3, 2), (2,)
    x, w, b = (torch.randn(shape, dtype=torch.float64, generator=generator, requires_grad=True) for shape in shapes)
    dy = torch.randn(4, 2, dtype=torch.float64, generator=generator)
    (x @ w + b).backward(dy)
    for p, rule in ((w, x.T @ dy), (b, dy.sum(0)), (x, dy @ w.T)):
        assert p.grad is not None
        torch.testing.assert_close(p.grad, rule.detach())
    dropped = torch.ones(1000, requires_grad=True)
    torch.manual_seed(2)
    out = F.dropout(dropped, 0.25)
    out.sum().backward()
    assert dropped.grad is not None
    torch.testing.assert_close(dropped.grad, (out > 0) / 0.75)
    ids = torch.tensor([1, 1, 2])
    rows = torch.zeros(4, 2, dtype=torch.float64, requires_grad=True)
    F.embedding(ids, rows).backward(dy[:3])
    wrong, right = np.zeros((2, 4, 2))
    wrong[ids.numpy()] += dy[:3].numpy()
    np.add.at(right, ids.numpy(), dy[:3].numpy())
    assert rows.grad is not None
    np.testing.assert_allclose(right, rows.grad.numpy())
    assert not np.allclose(wrong, right)
    a, t = torch.randn(6, 3, generator=generator), torch.randn(6, generator=generator)
    weights = torch.randn(3, generator=generator, requires_grad=True)
    F.mse_loss(a @ weights, t).backward()
    assert weights.grad is not None
    torch.testing.assert_close(weights.grad, (2 / 6 * a.T @ (a @ weights - t)).detach())


def test_all_weights_zero_move_the_last_bias_only() -> None:
    x, y, params = problem()
    _, gradients = run("en")["two_layer"](x, y, *(np.zeros_like(p) for p in params))
    assert [bool(np.any(g)) for g in gradients] == [False, False, False, True]


def test_single_precision_leaves_two_digits() -> None:
    x, y, params = problem()
    small = [p.astype(np.float32) for p in params]
    two_layer = run("en")["two_layer"]
    _, gradients = two_layer(x, y, *params)
    numeric = run("en")["numeric"](lambda: two_layer(x.astype(np.float32), y, *small)[0], small[2], 1e-5)
    error = np.median(abs(numeric - gradients[2]) / abs(gradients[2]))
    assert 1e-3 < error < 0.3
    assert all("float32" in everything(CARD, lang) for lang in LANGS)
