"""The numbers on the CUDA cards beyond the basics, computed again, and their Python run against brute force."""

from __future__ import annotations

import itertools
import math
import random
import re
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

import pytest

from prep.cards.card import LANGS, Lang
from tests.content.reading import code, details, everything, numbers, table

SMS = 132


def has(card: str, lang: Lang, *figures: str) -> None:
    text = everything(card, lang)
    assert not [figure for figure in figures if figure not in text], (card, lang)


def words(word: Iterable[int]) -> int:
    """Passes of one access by 32-bit words: the most different words in one bank."""
    distinct = set(word)
    return max(sum(w % 32 == bank for w in distinct) for bank in range(32))


def functions(card: str, lang: Lang) -> dict[str, Any]:
    """The Python functions that a card shows."""
    first, second = (code(card, each, "python") for each in LANGS)
    assert first == second
    names: dict[str, Any] = {}
    exec(code(card, lang, "python"), names)
    return names


CARDS = (
    *(
        f"cuda/{name}"
        for name in [
            "async-copy-evolution",
            "b200-asymmetric-scaling",
            "block-and-grid-sizing",
            "bottleneck-analysis",
            "clusters-and-dsmem",
            "conv2d-implicit-gemm",
            "cuda-memory-model",
            "reduction-ladder",
            "roofline-ridge-points",
            "scan-and-histogram",
            "sgemm-ladder",
            "streams-events-graphs",
            "swizzle-vs-padding",
            "transpose-kernel",
            "warp-shuffle-reduce",
            "warp-specialization",
            "wgmma",
        ]
    ),
    *(
        f"pytorch/{name}"
        for name in ["caching-allocator-constants", "cuda-graph-memory-pools", "pytorch-gpu-memory", "stream-safety"]
    ),
)


@pytest.mark.parametrize("card", CARDS)
def test_both_languages_give_the_same_figures_code_and_pictures(card: str) -> None:
    first, second = (details(card, lang) for lang in LANGS)
    figures = [Counter(n for n in numbers(text) if n >= 10 or n % 1) for text in (first, second)]
    assert figures[0] == figures[1]
    fences = [re.findall(r"^```.*?^```", text, re.DOTALL | re.MULTILINE) for text in (first, second)]
    assert fences[0] == fences[1]


# --- sizes, waves, bottlenecks ----------------------------------------------------------------------------------------


def share(blocks: int, slots: int) -> float:
    return 100 * blocks / (math.ceil(blocks / slots) * slots)


@pytest.mark.parametrize("lang", LANGS)
def test_waves(lang: Lang) -> None:
    card = "cuda/bottleneck-analysis"
    rows = table(card, lang, "waves" if lang == "en" else "波数")
    assert len(rows) == 5
    for blocks, waves, used in rows:
        assert int(waves) == math.ceil(int(blocks) / SMS)
        assert float(used.rstrip(" %")) == pytest.approx(share(int(blocks), SMS), abs=0.05)
    assert (2048 // 128) ** 2 == 256
    assert (2304 // 128) ** 2 == 324
    assert round(100 * (324 / 256 - 1)) == 27
    has(card, lang, "384", "1.92 ms", "50.4", "27 %", "50 %")
    assert 32 * 12 * 5 / 1000 == 1.92
    assert pytest.approx(0.504, abs=0.0005) == 129 / 256


@pytest.mark.parametrize("lang", LANGS)
def test_block_and_grid(lang: Lang) -> None:
    card = "cuda/block-and-grid-sizing"
    limits = {"8.0": (64, 32, 164), "8.9": (48, 24, 100), "9.0": (64, 32, 228), "10.0": (64, 32, 228)}
    columns = list(zip(*table(card, lang, "9.0"), strict=True))[1:]
    for (warps, blocks, shared), column in zip(limits.values(), columns, strict=True):
        assert [int(cell) for cell in column] == [1024, warps, blocks, shared, shared - 1]
    blocks = 2**20 // 256
    slots = SMS * 8
    assert (blocks, slots, round(blocks / slots, 2)) == (4096, 1056, 3.88)
    assert round(share(blocks, slots)) == 97
    assert share(144, SMS) == pytest.approx(54.5, abs=0.05)
    has(card, lang, "4096", "1056", "3.88", "97 %", "54.5", "65535")


def test_grid_stride_visits_each_element_once() -> None:
    for n, grid, block in itertools.product((0, 1, 100, 1000), (1, 3), (32, 64)):
        seen = [i for b in range(grid) for t in range(block) for i in range(b * block + t, n, grid * block)]
        assert sorted(seen) == list(range(n))


@pytest.mark.parametrize("lang", LANGS)
def test_roofline(lang: Lang) -> None:
    card = "cuda/roofline-ridge-points"
    rows = table(card, lang, "TFLOP/s")
    assert len(rows) == 10
    ridge = {}
    for name, peak, band, meets in rows:
        ridge[name] = float(peak) / float(band)
        digits = len(meets.partition(".")[2])
        assert float(meets) == pytest.approx(ridge[name], abs=0.5001 * 10**-digits), name
    assert round(ridge["H100 SXM bf16"]) == 295
    assert round(ridge["H100 SXM fp8"]) / 2 == pytest.approx(295, abs=1)
    assert round(295 / 4) == 74
    assert (3 * 295) == 885
    thin = 2 * 16 * 4096 * 4096 / (2 * (16 * 4096 + 4096 * 4096 + 16 * 4096))
    assert thin == pytest.approx(15.9, abs=0.05)
    has(card, lang, "B = 74", "885", "15.9", "n/3")


# --- Hopper and Blackwell ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lang", LANGS)
def test_wgmma(lang: Lang) -> None:
    card = "cuda/wgmma"
    flops = 2 * 64 * 256 * 16
    a, b = 64 * 16 * 2 / 1024, 16 * 256 * 2 / 1024
    assert (flops, a, b) == (524288, 2, 8)
    assert round(flops / 1024 / (a + b)) == 51
    assert round(flops / 1024 / (a + 4 * b)) == 15
    assert 2 * 16 * 8 * 16 == 4096
    assert 64 * 256 // 128 == 128
    assert (128 // 64) * (64 // 16) == 8
    assert (128 // 16) * (128 // 8) * (64 // 16) // 4 == 128
    has(card, lang, "524288", "4096", "51 FLOP", "15 FLOP", "4 · 8 = 34", "(128/64) \\cdot (64/16) = 8")


@pytest.mark.parametrize("lang", LANGS)
def test_async_copies(lang: Lang) -> None:
    tile = 128 * 64 * 2
    flight = 360e-9 * 4.8e12
    assert (tile, tile // (32 * 16)) == (16384, 32)
    assert flight / 1e6 == pytest.approx(1.73, abs=0.005)
    assert flight / SMS / 1e3 == pytest.approx(13.1, abs=0.05)
    assert 128 * 512 * 4 == 256 * 1024
    has("cuda/async-copy-evolution", lang, "16384", "32", "360 ns", "1.73", "13.1", "256 KB", "512 B")


@pytest.mark.parametrize("lang", LANGS)
def test_multicast(lang: Lang) -> None:
    a, b = 128 * 64 * 2 // 1024, 256 * 64 * 2 // 1024
    assert (a, b) == (16, 32)
    rows = table("cuda/clusters-and-dsmem", lang, "cluster")
    assert len(rows) == 4
    for shape, without, shared, saved in rows:
        m, n = (int(side) for side in shape.split(" × "))
        full, once = m * n * (a + b), m * a + n * b
        assert (int(without), int(shared.split()[-1])) == (full, once)
        assert float(saved.rstrip(" %")) == round(100 * (1 - once / full))


@pytest.mark.parametrize("lang", LANGS)
def test_register_budget(lang: Lang) -> None:
    card = "cuda/warp-specialization"
    threads = 3 * 128
    start = 65536 // threads // 8 * 8
    assert start == 168
    for load, mma in ((40, 232), (24, 240)):
        assert load + 2 * mma == 3 * start == 504
    assert 128 * 504 == 64512
    assert 2 * 200 + 64 + 48 == 65536 // 128 == 512
    has(card, lang, "168", "64512", "504", "40", "232", "2 × 240", "2 × 200", "512")


@pytest.mark.parametrize("lang", LANGS)
def test_swizzle(lang: Lang) -> None:
    card = "cuda/swizzle-vs-padding"
    swizzle = functions(card, lang)["swizzle"]
    drawn = re.findall(r"^ row (\d) +((?:\d +){7}\d)", details(card, lang), re.MULTILINE)
    assert len(drawn) == 8
    for row, cells in drawn:
        assert [int(cell) for cell in cells.split()] == [swizzle(128 * int(row) + 16 * c) % 128 // 16 for c in range(8)]
    assert all(swizzle(swizzle(offset)) == offset for offset in range(0, 4096, 16))

    def group(starts: Iterable[int]) -> int:
        return words(start // 4 + k for start in starts for k in range(4))

    def passes(stride: int, place: Callable[[int], int]) -> tuple[int, int]:
        rows = sum(group(place(r * stride + 16 * c) for c in range(8)) for r in range(4))
        return rows, max(group(place(r * stride + 16 * c) for r in range(8)) for c in range(8))

    want = {
        0: (passes(128, lambda o: o), 128),
        2: (passes(144, lambda o: o), 144),
        3: (passes(128, swizzle), 128),
        4: (passes(128, lambda o: swizzle(o, 2)), 128),
        5: (passes(128, lambda o: swizzle(o, 1)), 128),
    }
    rows = table(card, lang, "ldmatrix")
    for at, (counted, stride) in want.items():
        assert (int(rows[at][1]), int(rows[at][2])) == counted, rows[at]
        assert int(rows[at][3].split()[0]) == 64 * stride
    assert int(rows[1][3].split()[0]) == 64 * (128 + 4)
    assert (128 + 4) % 16 == 4


@pytest.mark.parametrize("lang", LANGS)
def test_asymmetric_scaling(lang: Lang) -> None:
    card = "cuda/b200-asymmetric-scaling"
    rows = table(card, lang, "H100")
    assert [[float(cell) for cell in row[1:]] for row in rows] == [
        [4096, 8192, 2],
        [16, 16, 1],
        [128, 128, 1],
        [256, 512, 2],
    ]
    for d, hopper, blackwell, exp, _ in table(card, lang, "exp"):
        flops = 4 * 128 * 128 * int(d)
        assert (int(hopper), int(blackwell), int(exp)) == (flops // 4096, flops // 8192, 128 * 128 // 16)
    assert pytest.approx(1.83, abs=0.005) == 989e12 / (SMS * 4096) / 1e9
    assert pytest.approx(1.86, abs=0.005) == 2250e12 / (148 * 8192) / 1e9
    assert 2 * 128 * 128 * 2 // 128 == 2 * 128**3 // 8192 == 512
    assert 48 * 1024 // 128 == 384
    assert (64 + 32) * 1024 // 128 == 768
    has(card, lang, "= 1.83$ GHz", "= 1.86$ GHz", "= 64$ KB", "384", "768", "1613", "7.5 \\cdot 10^{-5}")


def test_best_cubic_for_a_power_of_two() -> None:
    """The least possible relative error on [0, 1], by Lawson's reweighting."""
    np = pytest.importorskip("numpy")
    x = np.linspace(0, 1, 401)
    terms = np.vander(x, 4) / (2**x)[:, None]
    weights = np.ones_like(x)
    for _ in range(300):
        root = np.sqrt(weights)
        cubic = np.linalg.lstsq(terms * root[:, None], root, rcond=None)[0]
        error = np.abs(terms @ cubic - 1)
        weights *= error
        weights /= weights.sum()
    assert error.max() == pytest.approx(7.5e-5, abs=0.1e-5)
    assert error.max() < 2**-8 / 50
    kernel = (0.077119089663028717041015625, 0.227564394474029541015625, 0.695146143436431884765625, 1.0)
    assert abs(np.polyval(kernel, x) / 2**x - 1).max() == pytest.approx(8.8e-5, abs=0.05e-5)
    for lang in LANGS:
        has("cuda/b200-asymmetric-scaling", lang, "8.8 \\cdot 10^{-5}")


# --- ladders ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lang", LANGS)
def test_transpose(lang: Lang) -> None:
    moved = 2 * 4 * 8192**2
    rows = [row[1:] for row in table("cuda/transpose-kernel", lang, "GB/s")]
    copy = int(rows[-1][0])
    assert len(rows) == 5
    for us, rate, part in rows:
        assert round(moved / int(us) / 1e3) == int(rate)
        assert round(100 * copy / int(us)) == int(part.rstrip(" %"))
    naive, tile, padded = (int(row[0]) for row in rows[:3])
    has("cuda/transpose-kernel", lang, f"{naive / copy:.1f}", f"{naive / tile:.1f}", f"{tile / padded:.1f}", "268 MB")


@pytest.mark.parametrize("lang", LANGS)
def test_warp_and_block_reduction(lang: Lang) -> None:
    rows = table("cuda/warp-shuffle-reduce", lang, "steps" if lang == "en" else "步数")
    for _, steps, _ in rows:
        assert sum(int(step) for step in steps.split(" + ")) == math.log2(1024)
    draw = random.Random(7)
    values = [draw.random() for _ in range(32)]
    down, cross = list(values), list(values)
    for d in (16, 8, 4, 2, 1):
        down = [v + (down[i + d] if i + d < 32 else v) for i, v in enumerate(down)]
        cross = [v + cross[i ^ d] for i, v in enumerate(cross)]
    assert down[0] == pytest.approx(sum(values))
    assert cross == pytest.approx([sum(values)] * 32)
    assert down[1] != pytest.approx(sum(values))


@pytest.mark.parametrize("lang", LANGS)
def test_reduction_tree_and_bound(lang: Lang) -> None:
    def count(active: Callable[[int, int], bool], reads: Callable[[int, int], tuple[int, int]]) -> tuple[int, int]:
        steps, worst = 0, 1
        for s, w in itertools.product((1, 2, 4, 8, 16, 32, 64, 128), range(8)):
            at_work = [t for t in range(32 * w, 32 * w + 32) if active(t, s)]
            steps += bool(at_work)
            if at_work:
                worst = max(worst, *(words(side) for side in zip(*(reads(t, s) for t in at_work), strict=True)))
        return steps, worst

    assert count(lambda t, s: t % (2 * s) == 0, lambda t, s: (t, t + s)) == (47, 1)
    assert count(lambda t, s: 2 * s * t < 256, lambda t, s: (2 * s * t, 2 * s * t + s)) == (12, 8)
    assert count(lambda t, s: t < 128 // s, lambda t, s: (t, t + 128 // s)) == (12, 1)
    n = 2**26
    assert (round(4 * n / 3.35e6, 1), round(4 * n / 4.8e6, 1), n // (1056 * 256)) == (80.1, 55.9, 248)
    card = "cuda/reduction-ladder"
    has(card, lang, "47", "12", "80.1", "55.9", "248", "268.4 MB", "262144", "1.8 ns", "16777216")
    blocks = n // 256
    assert 477 / blocks * 1000 == pytest.approx(1.8, abs=0.05)
    assert 117919 / n * 1e3 == pytest.approx(1.8, abs=0.05)
    rows = table(card, lang, "GB/s")
    for _, atomic, stored, rate in rows:
        assert float(rate) == pytest.approx(4 * n / float(stored or atomic) / 1e3, rel=0.005, abs=0.05)
    _, divergent, sequential, two, shuffled, strided, wide = (float(stored or 0) for _, _, stored, _ in rows[:7])
    gains = [round(gain, 1) for gain in (sequential / two, strided / wide, two / shuffled)]
    assert divergent > sequential
    assert gains == [1.8, 1.5, 1.3]
    has(card, lang, *map(str, gains))
    assert 2**24 == 16777216


@pytest.mark.parametrize("lang", LANGS)
def test_scans(lang: Lang) -> None:
    card = "cuda/scan-and-histogram"
    names = functions(card, lang)
    for n in (1, 2, 8, 32, 64):
        draw = random.Random(n)
        x = [draw.randrange(100) for _ in range(n)]
        sums = list(itertools.accumulate(x))
        assert names["hillis_steele"](x) == sums
        assert names["blelloch"](x) == [0, *sums[:-1]]

    def additions(n: int) -> tuple[int, int, int]:
        return round(n * math.log2(n)) - (n - 1), 2 * (n - 1), n - 1

    assert additions(1024) == (9217, 2046, 1023)
    assert additions(8) == (17, 14, 7)
    assert sum(1024 - 2**k for k in range(10)) == 9217
    has(card, lang, "9217", "2046", "1023", "17", "14")
    moved = [round(k * 4 * 2**26 / 1e6) for k in (4, 3, 2)]
    assert moved == [1074, 805, 537]
    has(card, lang, *(f"{mb} MB" for mb in moved), "270336", "0.4 %", "ATOMS.POPC.INC")
    assert (1056 * 256, round(100 * 1056 * 256 / 2**26, 1)) == (270336, 0.4)


@pytest.mark.parametrize("lang", LANGS)
def test_sgemm(lang: Lang) -> None:
    card = "cuda/sgemm-ladder"
    rows = [row[1:] for row in table(card, lang, "H200")]
    reached = [float(cell) for cell, _ in rows if cell[0].isdigit()]
    assert reached == sorted(reached)
    best, library = reached[-2:]
    assert (round(100 * best / library), round(100 * library / 67)) == (90, 77)
    assert (round(reached[2] / reached[1], 1), round(reached[3] / reached[2])) == (1.5, 3)
    assert (round(reached[1] / reached[0]), round(100 * reached[2] / library)) == (12, 17)
    assert (round(369 / library), round(738 / library)) == (7, 14)
    assert (32 / 4, 128 / 4, (8 + 8) / 64, 0.25 / 2) == (8, 32, 0.25, 0.125)
    assert reached[2] / 67 > 0.125  # more than the code as written allows: the compiler reads four values of a at once
    passes = (8 + 32) / 32  # LDS.128 and LDS for 32 FFMA in the machine code of nvcc 13.0
    assert (passes, 0.25 / passes, round(100 * reached[2] / 67)) == (1.25, 0.2, 13)
    has(card, lang, "90 %", "77 %", "1.5", "17 %", "= 12.5$ %", "1.25", "20 %", "13 %", "369", "738")


@pytest.mark.parametrize("lang", LANGS)
def test_launch_bound_step(lang: Lang) -> None:
    kernels, eager, work = 384, 6.95, 3
    assert round(kernels * work / 1000, 2) == 1.15
    assert round(kernels * eager / 1000, 2) == 2.67
    assert round(100 * (1 - work / eager)) == 57
    has("cuda/streams-events-graphs", lang, "384", "6.95", "0.88", "1.15 ms", "2.67 ms", "57 %")


@pytest.mark.parametrize("lang", LANGS)
def test_convolution(lang: Lang) -> None:
    torch = pytest.importorskip("torch")
    card = "cuda/conv2d-implicit-gemm"
    element = functions(card, lang)["element"]
    for shape, (R, S), stride, pad, dil in (((2, 5, 6, 3), (3, 2), 2, 1, 1), ((1, 7, 7, 2), (3, 3), 1, 2, 2)):
        torch.manual_seed(0)
        x, w = torch.randn(shape), torch.randn(4, R, S, shape[3])
        P, Q = ((side + 2 * pad - dil * (f - 1) - 1) // stride + 1 for side, f in ((shape[1], R), (shape[2], S)))
        rows, columns = shape[0] * P * Q, R * S * shape[3]
        a = torch.tensor(
            [[float(element(x, m, k, P, Q, R, S, stride, pad, dil)) for k in range(columns)] for m in range(rows)]
        )
        want = torch.nn.functional.conv2d(
            x.permute(0, 3, 1, 2), w.permute(0, 3, 1, 2), stride=stride, padding=pad, dilation=dil
        )
        got = (a @ w.reshape(4, -1).T).reshape(shape[0], P, Q, 4)
        torch.testing.assert_close(got, want.permute(0, 2, 3, 1), rtol=1e-4, atol=1e-4)
    m, n, k = 32 * 56 * 56, 256, 256 * 9
    figures = [m, n, k, 2 * m * n * k / 1e9, 2 * m * 256 / 1e6, 2 * m * k / 1e6]
    for (_, _, cell), figure in zip(table(card, lang, "value" if lang == "en" else "值"), figures, strict=True):
        assert numbers(cell)[0] == pytest.approx(figure, abs=0.051)
    assert 2 * m * n * k / 989e12 * 1e3 == pytest.approx(0.12, abs=0.005)
    assert 2 * 2 * m * k / 3.35e12 * 1e3 == pytest.approx(0.28, abs=0.005)
    assert (2 * m * 256 * 2 + 2 * n * k) / 1e6 == pytest.approx(104, abs=0.5)
    assert 2 * m * n * k / 165e-6 / 1e12 == pytest.approx(718, rel=0.002)
    has(card, lang, "0.12 ms", "0.28 ms", "925 MB", "104 MB", "718 TFLOP/s", "2.25")
    assert (round(2 * 2 * m * k / 1e6), 9 / 4, (4 * 9, 4 * 4)) == (925, 2.25, (36, 16))
