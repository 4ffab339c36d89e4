"""The kernels on the Triton cards run in the interpreter, and the arithmetic beside them, in both languages."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from prep.cards.card import Lang
from tests.content.reading import code, details, everything, numbers, table

np = pytest.importorskip("numpy")

LANGS: tuple[Lang, Lang] = ("en", "zh")
both = pytest.mark.parametrize("lang", LANGS)


def worked(card: str, lang: Lang) -> str:
    return next(p for p in details(card, lang).split("\n\n") if p.startswith("**"))


# --- the cards' code, in the interpreter ----------------------------------------------------------------------------

PRELUDE = "import torch\nimport triton\nimport triton.language as tl\n\n"
PRODUCTS = """
@triton.jit
def products(out, a, b):
    tl.store(out, a * b)
    tl.store(out + 1, a.to(tl.int64) * b)
"""
CARDS = ("softmax-safe-and-online", "layernorm-rmsnorm-kernel", "whiteboard-kernel-drill", "triton-masks-and-int64")


@pytest.fixture(scope="module")
def interpreted(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    pytest.importorskip("torch")
    pytest.importorskip("triton")
    blocks = [code(f"triton/{card}", "en", "python") for card in CARDS]
    assert blocks == [code(f"triton/{card}", "zh", "python") for card in CARDS], "the faces show the same code"
    file = tmp_path_factory.mktemp("code") / "card_code.py"
    file.write_text(PRELUDE + "\n\n".join([*blocks, PRODUCTS]), encoding="utf-8")
    environment = {k: v for k, v in os.environ.items() if not k.startswith("TRITON_")} | {"TRITON_INTERPRET": "1"}
    command = [sys.executable, str(Path(__file__).parent / "card_code_probe.py"), str(file)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def test_the_kernels_on_the_cards_are_right(interpreted: dict[str, Any]) -> None:
    assert interpreted["softmax"] < 1e-6
    assert interpreted["all masked"], "a fully masked row is NaN, as in PyTorch"
    assert interpreted["norm"] < 1e-5
    assert interpreted["sums"] < 1e-5
    assert interpreted["scaled"] == 0


@both
def test_an_int32_product_wraps(interpreted: dict[str, Any], lang: Lang) -> None:
    assert interpreted["products"] == [70000 * 40000 - 2**32, 70000 * 40000]
    text = worked("triton/triton-masks-and-int64", lang)
    assert str(interpreted["products"][0]) in text
    assert {70000 * 40000, 2**31} <= set(numbers(text))


# --- softmax-safe-and-online, layernorm-rmsnorm-kernel, triton-atomics-determinism ----------------------------------


@both
def test_the_online_recurrence_by_hand(lang: Lang) -> None:
    m, s = -math.inf, 0.0
    rows = table("triton/softmax-safe-and-online", lang, "m")
    for x, (value, top, total) in zip((1, 3, 2), rows, strict=True):
        new = max(m, x)
        m, s = new, s * math.exp(m - new) + math.exp(x - new)
        assert [int(value), int(top)] == [x, m]
        assert numbers(total)[-1] == round(s, 4)
    assert round(1 / s, 3) in numbers(details("triton/softmax-safe-and-online", lang))


def test_partial_softmaxes_merge_in_any_order() -> None:
    rng = np.random.default_rng(0)
    x = rng.standard_normal(64) * 30
    parts = [(part.max(), np.exp(part - part.max()).sum()) for part in np.split(x, 8)]

    def merge(a: tuple[float, float], b: tuple[float, float]) -> tuple[float, float]:
        m = max(a[0], b[0])
        return m, a[1] * math.exp(a[0] - m) + b[1] * math.exp(b[0] - m)

    for order in (parts, parts[::-1], [parts[i] for i in rng.permutation(8)]):
        m, s = order[0]
        for part in order[1:]:
            m, s = merge((m, s), part)
        assert m == x.max()
        assert s == pytest.approx(np.exp(x - x.max()).sum())


def test_softmax_backward() -> None:
    torch = pytest.importorskip("torch")
    x = torch.randn(3, 9, dtype=torch.float64, requires_grad=True)
    y, dy = x.softmax(1), torch.randn(3, 9, dtype=torch.float64)
    y.backward(dy)
    torch.testing.assert_close(x.grad, y * (dy - (y * dy).sum(1, keepdim=True)))


@both
def test_the_second_read_costs_what_the_bytes_say(lang: Lang) -> None:
    rows = [[numbers(cell) for cell in row] for row in table("triton/softmax-safe-and-online", lang, "torch")]
    one, loop = rows[1][1][0], rows[1][2][0]
    text = details("triton/softmax-safe-and-online", lang).replace("$", " ")
    assert loop / one == pytest.approx(3 / 2, rel=0.02)
    assert {round(loop / one, 2), round(rows[2][2][0] / 34.0, 1)} <= set(numbers(text))


@both
def test_bytes_of_the_fused_norm(lang: Lang) -> None:
    header = "tensors moved" if lang == "en" else "搬运张量数"
    rows = table("triton/layernorm-rmsnorm-kernel", lang, header)
    apart, fused = (numbers(rows[i][2])[0] for i in (1, 2))
    assert sum(numbers(rows[1][1])) / numbers(rows[2][1])[0] == 5 / 4
    assert apart / fused == pytest.approx(5 / 4, rel=0.01)
    assert round(4 * 8192 * 4096 * 2 / fused / 1e6, 2) in numbers(
        details("triton/layernorm-rmsnorm-kernel", lang).replace("$", " ")
    )


def test_norm_backward() -> None:
    torch = pytest.importorskip("torch")
    x = torch.randn(4, 9, dtype=torch.float64, requires_grad=True)
    w = torch.randn(9, dtype=torch.float64, requires_grad=True)
    dy = torch.randn(4, 9, dtype=torch.float64)
    sigma = (x.var(1, correction=0, keepdim=True) + 1e-5).sqrt().detach()
    h, g = ((x - x.mean(1, keepdim=True)) / sigma).detach(), (w * dy).detach()
    torch.nn.functional.layer_norm(x, (9,), w, None, 1e-5).backward(dy)
    dx = (g - g.mean(1, keepdim=True) - h * (g * h).mean(1, keepdim=True)) / sigma
    torch.testing.assert_close(x.grad, dx)
    torch.testing.assert_close(w.grad, (dy * h).sum(0))


@both
def test_spread_of_the_atomic_sums(lang: Lang) -> None:
    rows = table("triton/triton-atomics-determinism", lang, "different sums" if lang == "en" else "不同的和")
    low, high = numbers(rows[0][2])
    step = 2.0 ** (math.floor(math.log2(high)) - 23)
    said = numbers(worked("triton/triton-atomics-determinism", lang).replace("$", " "))
    assert step == np.spacing(np.float32(high))
    assert round((high - low) / step) in said
    assert round(high - low, 4) in said


@both
def test_whiteboard_bound(lang: Lang) -> None:
    said = numbers(worked("triton/whiteboard-kernel-drill", lang).replace("$", " "))
    moved = 8192**2 * 2
    assert round(moved / 1e6, 1) in said
    assert round(moved / 3.35e12 * 1e6) in said
    assert 8192 * 4 / 1024 in said


def test_every_card_names_what_was_measured_where() -> None:
    for card in ("triton-dot-precision", "triton-num-stages", "persistent-and-stream-k", "softmax-safe-and-online"):
        for lang in LANGS:
            text = everything(f"triton/{card}", lang)
            assert "H200" in text
            assert "triton 3.6.0" in text
