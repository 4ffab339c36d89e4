"""The numbers on the CUDA cards, computed again: a figure that is edited wrongly on a card fails here."""

from __future__ import annotations

import math
import re
import shutil
import subprocess
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import pytest

from prep.cards.card import LANGS, Lang
from tests.content.reading import details, face, table

WARP = 32
SECTOR = 32
BANKS = 32


def code(cell: str) -> str:
    """The code that a cell of a table begins with: `f32[i]`, aligned -> f32[i]."""
    found = re.match(r"`?([^`]+)`?", cell)
    assert found
    return found[1].split("`")[0].strip()


# --- memory-coalescing ------------------------------------------------------------------------------------------------


def sectors(accesses: Iterable[tuple[int, int]]) -> tuple[int, int]:
    """Of one warp-wide access, given as (address, bytes) per lane: the bytes used and the sectors fetched."""
    touched = {byte for address, size in accesses for byte in range(address, address + size)}
    return len(touched), len({byte // SECTOR for byte in touched})


def lanes(address: Callable[[int], int], size: int) -> list[tuple[int, int]]:
    return [(address(i), size) for i in range(WARP)]


ACCESSES = {
    "f32[i]": lanes(lambda i: 4 * i, 4),
    "f32[i + 1]": lanes(lambda i: 4 * (i + 1), 4),
    "f32[2 * i]": lanes(lambda i: 8 * i, 4),
    "f32[8 * i]": lanes(lambda i: 32 * i, 4),
    "f32[0]": lanes(lambda i: 0, 4),
    "f16[i]": lanes(lambda i: 2 * i, 2),
    "float4[i]": lanes(lambda i: 16 * i, 16),
    "s[i].x": lanes(lambda i: 12 * i, 4),
}


@pytest.mark.parametrize("lang", LANGS)
def test_sectors_of_every_access_on_the_card(lang: Lang) -> None:
    rows = table("cuda/memory-coalescing", lang, "sector")
    seen = set()
    for access, used, fetched, share in rows:
        name = next(key for key in sorted(ACCESSES, key=len, reverse=True) if f"{key}" in access)
        seen.add(name)
        assert (int(used), int(fetched)) == sectors(ACCESSES[name]), access
        percent = 100 * int(used) / (SECTOR * int(fetched))
        assert float(share.rstrip(" %")) == pytest.approx(percent, abs=0.5), access
    assert seen == set(ACCESSES)


def test_wider_strides_never_cost_more_than_a_sector_a_lane() -> None:
    costs = [sectors(lanes(lambda i, s=s: 4 * s * i, 4))[1] for s in range(1, 65)]  # type: ignore[misc]
    assert costs[:2] == [4, 8]
    assert costs == sorted(costs)
    assert set(costs[7:]) == {32}


def test_order_of_the_lanes_does_not_matter() -> None:
    assert sectors(lanes(lambda i: 4 * (i * 7 % WARP), 4)) == sectors(ACCESSES["f32[i]"])


@pytest.mark.parametrize("lang", LANGS)
def test_naive_transpose_moves_four_and_a_half_times_the_sectors(lang: Lang) -> None:
    row = sectors(ACCESSES["f32[i]"])[1]
    column = sectors(lanes(lambda i: 4 * 4096 * i, 4))[1]
    assert (row, column) == (4, 32)
    assert (row + column) / (row + row) == 4.5
    assert "4.5" in details("cuda/memory-coalescing", lang)


@pytest.mark.parametrize("lang", LANGS)
def test_scalar_load_with_four_neighbours_a_lane_spans_16_sectors(lang: Lang) -> None:
    def requests(offset: int) -> list[int]:
        return [sectors(lanes(lambda i, j=j: 4 * (4 * i + j + offset), 4))[1] for j in range(4)]  # type: ignore[misc]

    assert requests(0) == [16] * 4
    assert sum(requests(1)) / 4 == 16.25
    assert "16.25" in details("cuda/memory-coalescing", lang)


@pytest.mark.parametrize("lang", LANGS)
def test_measured_copies_double_where_the_card_says(lang: Lang) -> None:
    text = details("cuda/memory-coalescing", lang)
    [row] = re.findall(r"^\| µs +\|(.*)\|$", text, re.MULTILINE)
    plain, shifted, twice, at8, at16, at32 = (int(cell) for cell in row.split("|"))
    assert abs(shifted / plain - 1) <= 0.01
    assert twice > 1.4 * plain
    assert at16 / at8 == pytest.approx(2, abs=0.1)
    assert at32 > at16


# --- bank-conflicts ---------------------------------------------------------------------------------------------------


def passes(words: Iterable[int]) -> int:
    """Passes that 32-bit accesses to these words take: the most different words in one bank."""
    distinct = set(words)
    return max(sum(word % BANKS == bank for word in distinct) for bank in range(BANKS))


def passes_wide(starts: list[int]) -> int:
    """Passes of a 16-byte access per lane, four words from each start, served in groups of eight lanes."""
    groups = [starts[lane : lane + 8] for lane in range(0, WARP, 8)]
    return sum(passes(start + k for start in group for k in range(4)) for group in groups)


WORDS: dict[str, Callable[[int], int]] = {
    "i": lambda i: i,
    "2 * i": lambda i: 2 * i,
    "3 * i": lambda i: 3 * i,
    "32 * i": lambda i: 32 * i,
    "33 * i": lambda i: 33 * i,
    "36 * i": lambda i: 36 * i,
    "0": lambda i: 0,
    "i / 2": lambda i: i // 2,
    "32 * i + (c ^ i)": lambda i: 32 * i + (5 ^ i),
}


@pytest.mark.parametrize("lang", LANGS)
def test_conflict_degrees_on_the_card(lang: Lang) -> None:
    rows = table("cuda/bank-conflicts", lang, "degree" if lang == "en" else "路数")
    seen = set()
    for index, degree, _ in rows:
        name = code(index[index.index("`") + 1 :] if index.startswith("全") else index)
        seen.add(name)
        assert int(degree) == passes(WORDS[name](i) for i in range(WARP)), index
    assert seen == set(WORDS)


def test_a_stride_conflicts_as_often_as_it_shares_factors_with_the_banks() -> None:
    for stride in range(1, 129):
        assert passes(stride * i for i in range(WARP)) == math.gcd(stride, BANKS)


def test_xor_swizzle_frees_every_row_and_column() -> None:
    for fixed in range(WARP):
        assert passes(WARP * fixed + (c ^ fixed) for c in range(WARP)) == 1
        assert passes(WARP * r + (fixed ^ r) for r in range(WARP)) == 1


def test_one_word_of_padding_breaks_the_alignment_that_four_keep() -> None:
    assert (33 * 4) % 16 != 0
    assert (36 * 4) % 16 == 0
    assert passes_wide([4 * i for i in range(WARP)]) == 4
    assert passes_wide([36 * i for i in range(WARP)]) == 4
    assert passes_wide([32 * i for i in range(WARP)]) == 32


@pytest.mark.parametrize("lang", LANGS)
def test_transpose_tile_costs_33_passes_unpadded_and_2_padded(lang: Lang) -> None:
    row = passes(range(WARP))
    assert row + passes(32 * i for i in range(WARP)) == 33
    assert row + passes(33 * i for i in range(WARP)) == 2
    text = details("cuda/bank-conflicts", lang)
    assert 32 * 33 * 4 == 4224
    assert "4224" in text
    assert "1 + 32 = 33" in text


@pytest.mark.parametrize("lang", LANGS)
def test_measured_transposes_agree_across_the_cards(lang: Lang) -> None:
    rows = table("cuda/bank-conflicts", lang, "tile")
    plain, padded, swizzled = ((float(row[1]), int(row[2].split()[0])) for row in rows)
    assert plain[0] == pytest.approx(32, rel=0.02)
    assert padded[0] == pytest.approx(1, abs=0.1)
    assert swizzled[0] == pytest.approx(1, abs=0.1)
    assert round(plain[1] / padded[1], 1) == 2.2
    assert "2.2" in face("cuda/occupancy", lang).pitfalls
    assert f" {padded[1]}" in details("cuda/memory-coalescing", lang)


# --- occupancy --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Sm:
    """Limits of an SM, from the tables of compute capabilities of the CUDA Programming Guide."""

    warps: int
    blocks: int
    shared_kib: int


SMS = {(8, 0): Sm(64, 32, 164), (8, 6): Sm(48, 16, 100), (9, 0): Sm(64, 32, 228), (10, 0): Sm(64, 32, 228)}


def up(value: int, step: int) -> int:
    return -(-value // step) * step


def blocks_per_sm(sm: Sm, threads: int, registers: int, shared: int = 0) -> int:
    """Blocks that fit, by the rules that the card states."""
    warps = up(threads, WARP) // WARP
    per_warp = up(32 * registers, 256)
    if per_warp * up(warps, 4) > 65536:
        return 0
    by_registers = 4 * (16384 // per_warp) // warps
    by_shared = sm.shared_kib * 1024 // up(shared + 1024, 128)
    return min(sm.warps // warps, sm.blocks, by_registers, by_shared)


@pytest.mark.parametrize("lang", LANGS)
def test_occupancy_of_every_configuration_on_the_card(lang: Lang) -> None:
    sm = SMS[9, 0]
    rows = table("cuda/occupancy", lang, "occupancy" if lang == "en" else "占用率")
    assert len(rows) == 8
    for threads, registers, shared, _, blocks, occupancy in rows:
        fit = blocks_per_sm(sm, int(threads), int(registers), int(shared))
        assert int(blocks) == fit, (threads, registers, shared)
        warps = fit * up(int(threads), WARP) // WARP
        assert float(occupancy.rstrip(" %")) == 100 * warps / sm.warps, (threads, registers, shared)


def test_occupancy_cases_of_the_pitfalls() -> None:
    sm = SMS[9, 0]
    assert blocks_per_sm(sm, 1024, 65) == 0
    assert blocks_per_sm(sm, 1024, 64) == 1
    assert up(65 * 32, 256) // 32 == 72
    assert blocks_per_sm(sm, 128, 168, 131072) == 1
    assert blocks_per_sm(SMS[8, 6], 256, 32) * 8 == 48


HARNESS = """
#include <stddef.h>
#include <string.h>
#include <stdio.h>
#include "cuda_occupancy.h"
int main(void) {
    int major, minor, shared_sm, threads, registers, shared, max_threads;
    while (scanf("%d %d %d %d %d %d %d", &major, &minor, &max_threads, &shared_sm, &threads, &registers, &shared)
           == 7) {
        cudaOccDeviceProp p; cudaOccFuncAttributes f; cudaOccDeviceState s; cudaOccResult r;
        memset(&p, 0, sizeof p); memset(&f, 0, sizeof f); memset(&s, 0, sizeof s);
        p.computeMajor = major; p.computeMinor = minor; p.maxThreadsPerBlock = 1024;
        p.maxThreadsPerMultiprocessor = max_threads; p.regsPerBlock = 65536; p.regsPerMultiprocessor = 65536;
        p.warpSize = 32; p.sharedMemPerBlock = 49152; p.sharedMemPerMultiprocessor = shared_sm; p.numSms = 100;
        p.sharedMemPerBlockOptin = shared_sm - 1024; p.reservedSharedMemPerBlock = 1024;
        f.maxThreadsPerBlock = 1024; f.numRegs = registers; f.shmemLimitConfig = FUNC_SHMEM_LIMIT_OPTIN;
        f.maxDynamicSharedSizeBytes = shared; f.numBlockBarriers = 1;
        s.carveoutConfig = SHAREDMEM_CARVEOUT_MAX_SHARED;
        if (cudaOccMaxActiveBlocksPerMultiprocessor(&r, &p, &f, &s, threads, shared)) return 1;
        printf("%d\\n", r.activeBlocksPerMultiprocessor);
    }
    return 0;
}
"""


def test_occupancy_rules_agree_with_the_header_of_cuda(tmp_path: Path) -> None:
    triton = pytest.importorskip("triton")
    header = Path(triton.__file__).parent / "backends" / "nvidia" / "include"
    compiler = shutil.which("cc")
    if compiler is None or not (header / "cuda_occupancy.h").exists():
        pytest.skip("needs a C compiler and the CUDA headers of the Triton wheel")
    source, program = tmp_path / "occupancy.c", tmp_path / "occupancy"
    source.write_text(HARNESS)
    subprocess.run([compiler, "-I", str(header), "-o", str(program), str(source)], check=True, capture_output=True)
    cases = [
        (cc, threads, registers, shared)
        for cc in SMS
        for threads in (32, 96, 128, 256, 320, 384, 768, 1024)
        for registers in (16, 32, 37, 40, 65, 100, 128, 168, 255)
        for shared in (0, 1, 20000, 40000, 98304)
    ]
    lines = [
        f"{cc[0]} {cc[1]} {SMS[cc].warps * 32} {SMS[cc].shared_kib * 1024} {threads} {registers} {shared}"
        for cc, threads, registers, shared in cases
    ]
    done = subprocess.run([program], input="\n".join(lines), capture_output=True, text=True, check=True)
    theirs = [int(line) for line in done.stdout.split()]
    ours = [blocks_per_sm(SMS[cc], threads, registers, shared) for cc, threads, registers, shared in cases]
    assert ours == theirs


# --- hierarchy, memory, roofline --------------------------------------------------------------------------------------


@pytest.mark.parametrize("lang", LANGS)
def test_threads_that_an_h100_holds(lang: Lang) -> None:
    text = details("cuda/cuda-thread-hierarchy", lang)
    assert 132 * 64 == 8448
    assert "8448" in text
    assert f"{132 * 64 * 32:,}" in text
    assert 132 * 64 // (132 * 4) == 16
    assert up(100, WARP) - 100 == 28
    assert round(100 * 28 / 128) == 22


@pytest.mark.parametrize("lang", LANGS)
def test_memory_hierarchy_arithmetic(lang: Lang) -> None:
    text = details("cuda/cuda-memory-hierarchy", lang)
    bus_bits, clock = 7680, 3.996e9
    assert bus_bits / 8 * clock * 2 / 1e12 == pytest.approx(7.67, abs=0.005)
    per_sm = 3.35e12 / 132
    assert per_sm / 1e9 == pytest.approx(25.4, abs=0.05)
    per_cycle = per_sm / 1.8e9
    assert round(per_cycle) == 14
    assert round(BANKS * 4 / per_cycle) == 9
    sms = 132
    assert sms * 256 / 1024 == 33
    assert sms * 228 / 1024 == pytest.approx(29.4, abs=0.05)
    for figure in ("7.67", "25.4", "33 MB", "29.4"):
        assert figure in text


@pytest.mark.parametrize("lang", LANGS)
def test_one_block_gets_a_kilobyte_less_than_the_sm_has(lang: Lang) -> None:
    rows = {row[0]: row[1:] for row in table("cuda/cuda-memory-hierarchy", lang, "A100")}
    most, block = (rows[name] for name in (list(rows)[2], list(rows)[3]))
    assert [int(cell.split()[0]) for cell in most] == [164, 228, 228]
    assert [int(a.split()[0]) - int(b.split()[0]) for a, b in zip(most, block, strict=True)] == [1, 1, 1]


@pytest.mark.parametrize("lang", LANGS)
def test_ridge_points(lang: Lang) -> None:
    rows = table("cuda/profiling-metrics", lang, "TFLOP/s")
    assert len(rows) == 4
    for name, tflops, tbps, ridge in rows:
        digits = len(ridge.partition(".")[2])
        assert round(float(tflops) / float(tbps), digits) == float(ridge), name


@pytest.mark.parametrize("lang", LANGS)
def test_arithmetic_intensities(lang: Lang) -> None:
    n = 4096
    assert 2 * n**3 / (3 * 2 * n**2) == pytest.approx(1365.3, abs=0.1)
    assert 5 / 4 == 1.25
    assert round(1979 / 3.35) == 591
    text = details("cuda/profiling-metrics", lang)
    assert "1365" in text
    assert "1.25" in text


@pytest.mark.parametrize("lang", LANGS)
def test_softmax_that_seems_faster_than_the_memory(lang: Lang) -> None:
    moved = 2 * 4096 * 2048 * 2
    assert moved / 1e6 == pytest.approx(33.6, abs=0.05)
    assert moved / 4.8e12 * 1e6 == pytest.approx(7.0, abs=0.05)
    text = details("triton/triton-profiling", lang)
    measured = re.findall(r"(\d+\.\d) µs[^.;；]*?(\d\.\d) TB/s", text[text.index("7.0 µs") + len("7.0 µs") :])
    assert len(measured) == 2
    for us, tbps in measured:
        assert moved / float(us) / 1e6 == pytest.approx(float(tbps), abs=0.1)
    assert float(measured[0][1]) < 4.8 < float(measured[1][1])
    assert "33.6 MB" in text
