"""The numbers on the Triton cards, computed again and compared in both languages."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from prep.cards.card import Lang
from tests.content.reading import code, details, face, numbers, table

np = pytest.importorskip("numpy")

LANGS: tuple[Lang, Lang] = ("en", "zh")
MOE = "triton/grouped-gemm-fused-moe"
both = pytest.mark.parametrize("lang", LANGS)
SMS = 132


def worked(card: str, lang: Lang) -> str:
    return next(p for p in details(card, lang).split("\n\n") if p.startswith("**"))


# --- l2-grouped-program-order ---------------------------------------------------------------------------------------


def tile_of(lang: Lang) -> Callable[[int, int, int, int], tuple[int, int]]:
    scope: dict[str, Any] = {}
    exec(code("triton/l2-grouped-program-order", lang, "python"), scope)
    found: Callable[[int, int, int, int], tuple[int, int]] = scope["tile"]
    return found


@both
def test_the_mapping_visits_each_tile_once(lang: Lang) -> None:
    tile = tile_of(lang)
    for m, n, group in itertools.product((1, 5, 9), (1, 4, 9), (1, 2, 3, 4, 8)):
        assert {tile(pid, m, n, group) for pid in range(m * n)} == set(itertools.product(range(m), range(n)))


@both
def test_the_older_formula_only_rotates_the_rows_of_the_last_group(lang: Lang) -> None:
    tile = tile_of(lang)
    m, n, group = 11, 7, 4
    for first in range(0, m, group):
        height = min(m - first, group)
        pids = range(first * n, (first + height) * n)
        old = [(first + pid % height, pid % (group * n) // height) for pid in pids]
        assert set(old) == {tile(pid, m, n, group) for pid in pids}
        assert (old == [tile(pid, m, n, group) for pid in pids]) == (height == group)


@both
def test_nine_by_nine_blocks(lang: Lang) -> None:
    tile = tile_of(lang)

    def loads(group: int) -> int:
        rows, columns = zip(*(tile(pid, 9, 9, group) for pid in range(9)), strict=True)
        return 9 * len(set(rows)) + 9 * len(set(columns))

    assert {loads(1), loads(3)} == {90, 54}
    assert {90, 54} <= set(numbers(face("triton/l2-grouped-program-order", lang).answer))
    picture = code("triton/l2-grouped-program-order", lang, "text")
    assert f"= {loads(1)} block loads" in picture
    assert f"= {loads(3)}" in picture


@both
def test_swizzle2d_is_the_same_mapping(lang: Lang) -> None:
    tile = tile_of(lang)
    for i, j in itertools.product(range(5), range(6)):  # language/standard.py, swizzle2d, in plain integers
        size_i, size_j, size_g = 5, 6, 2
        ij, size_gj = i * size_j + j, size_g * size_j
        off_i = ij // size_gj * size_g
        height = min(size_i - off_i, size_g)
        assert tile(ij, size_i, size_j, size_g) == (off_i + ij % size_gj % height, ij % size_gj // height)


@both
def test_bytes_of_all_waves(lang: Lang) -> None:
    tile = tile_of(lang)
    asked = SMS * (128 + 256) * 64 * 2
    assert asked / SMS in numbers(worked("triton/l2-grouped-program-order", lang).replace("$", " "))
    for group, shape, predicted, read, _ in table("triton/l2-grouped-program-order", lang, "GROUP"):
        wave = [tile(pid, 64, 32, int(group)) for pid in range(SMS)]
        rows, columns = len({row for row, _ in wave}), len({column for _, column in wave})
        assert numbers(shape) == [rows, columns]
        bytes_read = 0.0
        for first in range(0, 2048, SMS):
            wave = [tile(pid, 64, 32, int(group)) for pid in range(first, min(first + SMS, 2048))]
            rows, columns = len({row for row, _ in wave}), len({column for _, column in wave})
            bytes_read += (rows * 128 + columns * 256) * 64 * 2 * 128 / 1e9
        assert numbers(predicted) == [round(bytes_read, 2)]
        assert numbers(read)[0] == pytest.approx(bytes_read, rel=0.025), "the prediction holds"
    assert round(2.36 / 4.8, 2) in numbers(details("triton/l2-grouped-program-order", lang))


# --- persistent-and-stream-k ----------------------------------------------------------------------------------------


def stream_k(tiles: int, steps: int, sms: int) -> list[list[tuple[int, int]]]:
    """Equal runs of K iterations for each SM: (tile, iterations)."""
    total, work = tiles * steps, []
    share = math.ceil(total / sms)
    for first in range(0, total, share):
        run = range(first, min(first + share, total))
        work.append([(tile, len(list(group))) for tile, group in itertools.groupby(i // steps for i in run)])
    return work


@both
def test_waves_and_stream_k(lang: Lang) -> None:
    header = "Stream-K steps" if lang == "en" else "Stream-K 步数"
    for tiles, waves, efficiency, steps, balanced in table("triton/persistent-and-stream-k", lang, header):
        n = int(tiles)
        assert int(waves) == math.ceil(n / SMS)
        assert numbers(efficiency) == [round(100 * n / (int(waves) * SMS), 1)]
        assert int(steps) == int(waves) * 128
        work = stream_k(n, 128, SMS)
        assert len(work) <= SMS
        assert int(balanced) == max(sum(count for _, count in run) for run in work)
        done: dict[int, int] = {}
        for tile, count in itertools.chain.from_iterable(work):
            done[tile] = done.get(tile, 0) + count
        assert done == dict.fromkeys(range(n), 128)


@both
def test_the_picture_of_stream_k(lang: Lang) -> None:
    lines = [line for line in code("triton/persistent-and-stream-k", lang, "text").splitlines() if "SM" in line][1:]
    drawn = [[(run[0], len(run)) for run in line.rsplit(" SM", 1)[1].split()[1:]] for line in lines]
    want = [[("abcde"[tile], count) for tile, count in run] for run in stream_k(5, 4, 4)]
    assert drawn == want


@both
def test_measured_waves_are_what_they_say(lang: Lang) -> None:
    rows = {
        row[0]: [numbers(cell)[0] for cell in row[1:]] for row in table("triton/persistent-and-stream-k", lang, "133")
    }
    times = rows["time" if lang == "en" else "时间"]
    for tiles, micros, tflops in zip((132, 133, 264), times, rows["TFLOPS"], strict=True):
        assert 2 * tiles * 128 * 256 * 8192 / micros / 1e6 == pytest.approx(tflops, rel=0.01)
    assert pytest.approx(8.4, abs=0.02) == 8 * 128 * 2048 * 4 / 1e6


# --- grouped-gemm-fused-moe -----------------------------------------------------------------------------------------


def align(topk_ids: list[list[int]], experts: int, block: int) -> tuple[list[int], list[int]]:
    flat = list(itertools.chain.from_iterable(topk_ids))
    ids: list[int] = []
    owners: list[int] = []
    for expert in range(experts):
        mine = [pair for pair, chosen in enumerate(flat) if chosen == expert]
        blocks = math.ceil(len(mine) / block)
        ids += mine + [len(flat)] * (blocks * block - len(mine))
        owners += [expert] * blocks
    return ids, owners


@both
def test_sorted_token_ids_of_the_picture(lang: Lang) -> None:
    picture = code(MOE, lang, "text")
    topk = [[int(a), int(b)] for a, b in re.findall(r"t\d: (\d) (\d)", picture)]
    ids, owners = align(topk, 3, 4)

    def row(name: str) -> list[str]:
        line = next(line for line in picture.splitlines() if name in line)
        return re.findall(r"[\d-]+", line.partition("|")[2].rpartition("|")[0])

    assert list(map(int, row("sorted_token_ids"))) == ids
    assert list(map(int, row("expert_ids"))) == owners
    assert row("A rows") == [str(i // 2) if i < 8 else "-" for i in ids]
    assert f"{len(ids)} " in details(MOE, lang)


def test_the_blocked_product_is_the_product_of_each_token_and_its_experts() -> None:
    rng = np.random.default_rng(0)
    tokens, experts, k, block = 11, 5, 2, 4
    a, b = rng.standard_normal((tokens, 6)), rng.standard_normal((experts, 6, 7))
    topk = [rng.choice(experts, k, replace=False).tolist() for _ in range(tokens)]
    ids, owners = align(topk, experts, block)
    out = np.zeros((tokens * k, 7))
    for at, expert in enumerate(owners):
        rows = np.array([i for i in ids[at * block : (at + 1) * block] if i < tokens * k])
        out[rows] = a[rows // k] @ b[expert]
    want = np.array([a[t] @ b[e] for t in range(tokens) for e in topk[t]])
    np.testing.assert_allclose(out, want)
    assert len(ids) <= tokens * k + experts * (block - 1)


@both
def test_experts_of_64_tokens(lang: Lang) -> None:
    idle = (1 - 8 / 256) ** 64
    active = 256 * (1 - idle)
    text = worked(MOE, lang).replace("$", " ")
    said = numbers(text)
    assert round(idle, 3) in said
    assert round(active) in said
    assert round(512 / active, 1) in said
    assert round(active * 16) in said
    assert round(100 * 512 / (active * 16)) in said
    assert round(3 * 7168 * 2048 / 1e6, 1) in said
    assert round(active * 3 * 7168 * 2048 / 1e9, 1) in said
    assert round(2 * 512 / active, 1) in said
    most = max(tokens for tokens in range(1, 65) if tokens * 8 * 4 <= 256)
    assert re.search(rf"是 {most} 个 token|\({most} tokens", details(MOE, lang))


# --- triton-do-bench, triton-launch-path ----------------------------------------------------------------------------


@both
def test_calls_of_do_bench(lang: Lang) -> None:
    clearing = round(256 * 2**20 / 3.35e12 * 1e3, 2)  # ms, at the bandwidth of an H100
    assert clearing == 0.08
    estimate = 0.05 + clearing
    warm, timed = int(25 / estimate), int(100 / estimate)
    text = worked("triton/triton-do-bench", lang)
    assert f"= {warm}$" in text
    assert f"= {timed}$" in text
    assert f"$1 + 5 + {warm} + {timed} = {1 + 5 + warm + timed}$" in text


def test_do_bench_times_the_clearing_in_its_estimate() -> None:
    triton = pytest.importorskip("triton")
    source = (Path(str(triton.__file__)).parent / "testing.py").read_text(encoding="utf-8")
    body = source[source.index("def do_bench(") :]
    first = body[body.index("start_event.record()") : body.index("end_event.record()")]
    assert "clear_cache(cache)" in first
    assert "fn()" in first


@both
def test_launches_of_a_decoder(lang: Lang) -> None:
    said = numbers(worked("triton/triton-launch-path", lang).replace("$", " "))
    assert {320 * 15.1, int(1e6 / (320 * 15.1)) + 1, round(320 * 0.88)} <= set(said)


# --- triton-dot-precision -------------------------------------------------------------------------------------------


def as_tf32(x: Any, nearest: bool) -> Any:
    bits = x.view(np.uint32).astype(np.uint64)
    if nearest:
        bits = bits + 0xFFF + ((bits >> np.uint64(13)) & np.uint64(1))
    return (bits & np.uint64(0xFFFFE000)).astype(np.uint32).view(np.float32).astype(np.float64)


@both
def test_the_measured_tf32_errors_are_those_of_truncation_and_rounding(lang: Lang) -> None:
    rows = table("triton/triton-dot-precision", lang, "who" if lang == "en" else "谁")
    measured = {row[0]: float(row[1]) for row in rows}
    rng = np.random.default_rng(0)
    a, b = (rng.standard_normal((256, 256)).astype(np.float32) for _ in "ab")
    exact = a.astype(np.float64) @ b.astype(np.float64)
    for name, nearest in (("Triton tf32", False), ("cuBLAS TF32", True)):
        error = np.linalg.norm(as_tf32(a, nearest) @ as_tf32(b, nearest) - exact) / np.linalg.norm(exact)
        key = next(row for row in measured if row.replace("`", "") == name)
        assert error == pytest.approx(measured[key], rel=0.06), name
    a, b = (rng.random((256, 256)).astype(np.float32) for _ in "ab")
    exact = a.astype(np.float64) @ b.astype(np.float64)
    bias = float(((as_tf32(a, False) @ as_tf32(b, False) - exact) / exact).mean())
    assert bias == pytest.approx(-2 * 2**-11 / 1.5, rel=0.02)
    assert bias == pytest.approx(-6.6e-4, rel=0.03)


# --- triton-masks-and-int64 -----------------------------------------------------------------------------------------


@both
def test_rows_whose_int32_offset_wraps(lang: Lang) -> None:
    first = next(row for row in range(70_000) if row * 40_000 >= 2**31)
    said = numbers(details("triton/triton-masks-and-int64", lang).replace("$", " "))
    assert {first, 70_000 - first} <= set(said)


# --- layernorm-rmsnorm-kernel ---------------------------------------------------------------------------------------


@both
def test_variance_in_three_ways(lang: Lang) -> None:
    one, noise = np.float32(1), np.random.default_rng(0).standard_normal(4096)
    for shown, *cells in table("triton/layernorm-rmsnorm-kernel", lang, "Welford"):
        x = (noise + int(shown)).astype(np.float32)
        mean = x.mean(dtype=np.float32)
        ways = [(x * x).mean(dtype=np.float32) - mean * mean, ((x - mean) ** 2).mean(dtype=np.float32)]
        running, squares = np.float32(0), np.float32(0)
        for i, value in enumerate(x):
            delta = value - running
            running += delta / np.float32(i + 1)
            squares += delta * (value - running)
        ways.append(squares / (one * 4096))
        # The naive form is off by some units in the last place of the mean square: which, the order of the sum decides.
        units = 2 * float(np.spacing(np.float32(int(shown)) ** 2))
        assert float(cells[0]) == pytest.approx(float(ways[0]), abs=6e-5 + units)
        assert (abs(float(ways[0]) - x.astype(np.float64).var()) > 1e-3) == (int(shown) >= 1000)
        assert [float(cell) for cell in cells[1:]] == [pytest.approx(float(way), abs=6e-5) for way in ways[1:]]
        assert float(cells[1]) == pytest.approx(x.astype(np.float64).var(), abs=6e-5)
