"""The cards on PyTorch's GPU memory: the allocator's rules simulated, its constants read from the installed headers."""

from __future__ import annotations

import ast
import inspect
import re
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from prep.cards.card import LANGS, Lang
from tests.content.reading import code, details, everything, face, numbers, table

KIB, MIB = 1 << 10, 1 << 20
CONSTANTS = "pytorch/caching-allocator-constants"
GRAPHS = "pytorch/cuda-graph-memory-pools"
MEMORY = "pytorch/pytorch-gpu-memory"
STREAMS = "pytorch/stream-safety"


@dataclass
class Block:
    size: int
    used: bool = False


@dataclass
class Segment:
    small: bool
    blocks: list[Block]

    @property
    def size(self) -> int:
        return sum(block.size for block in self.blocks)


@dataclass
class Allocator:
    """The rules of the card, for one stream and default settings."""

    segments: list[Segment] = field(default_factory=list)

    def malloc(self, request: int) -> tuple[Segment, Block]:
        size = max(512, -(-request // 512) * 512)
        small = size <= MIB
        fits = [(b.size, s, b) for s in self.segments if s.small == small for b in s.blocks if not b.used]
        fits = [fit for fit in fits if fit[0] >= size]
        if fits:
            _, segment, block = min(fits, key=lambda fit: fit[0])
        else:
            room = 2 * MIB if small else 20 * MIB if size < 10 * MIB else -(-size // (2 * MIB)) * 2 * MIB
            segment = Segment(small, [Block(room)])
            self.segments.append(segment)
            block = segment.blocks[0]
        rest = block.size - size
        if rest >= 512 if small else rest > MIB:
            segment.blocks.insert(segment.blocks.index(block) + 1, Block(rest))
            block.size = size
        block.used = True
        return segment, block

    def free(self, where: tuple[Segment, Block]) -> None:
        segment, block = where
        block.used = False
        merged: list[Block] = []
        for each in segment.blocks:
            if merged and not merged[-1].used and not each.used:
                merged[-1].size += each.size
            else:
                merged.append(each)
        segment.blocks = merged

    def empty_cache(self) -> None:
        self.segments = [s for s in self.segments if any(b.used for b in s.blocks)]

    @property
    def reserved(self) -> int:
        return sum(segment.size for segment in self.segments)

    @property
    def allocated(self) -> int:
        return sum(b.size for s in self.segments for b in s.blocks if b.used)


@pytest.mark.parametrize("lang", LANGS)
def test_every_request_of_the_table_follows_the_rules(lang: Lang) -> None:
    rows = table(CONSTANTS, lang, "segment")
    assert len(rows) == 9
    for request, _, counted, segment in rows:
        allocator = Allocator()
        allocator.malloc(int(request))
        assert (allocator.allocated, allocator.reserved) == (int(counted), int(segment.split()[0]) * MIB), request


@pytest.mark.parametrize("lang", LANGS)
def test_the_requests_are_what_the_second_column_calls_them(lang: Lang) -> None:
    for request, words, *_ in table(CONSTANTS, lang, "segment"):
        amount, _, more = words.partition(" + ")
        value, unit = amount.split()
        assert int(request) == float(value) * {"B": 1, "MiB": MIB}[unit] + int(more or 0), words


@pytest.mark.parametrize("lang", LANGS)
def test_growing_sizes_reserve_ten_times_the_need(lang: Lang) -> None:
    allocator, need = Allocator(), 0
    for step in range(20):
        both = [allocator.malloc((start + grow * step) * MIB) for start, grow in ((64, 4), (128, 8))]
        need = allocator.allocated
        for one in both:
            allocator.free(one)
    assert (need // MIB, allocator.reserved // MIB, len(allocator.segments)) == (420, 4144, 21)
    assert 64 + sum(128 + 8 * i for i in range(20)) == 4144
    text = details(CONSTANTS, lang)
    assert text.count("4144") >= 2
    assert "140 + 280 = 420" in text
    assert re.search(r"\b21\b.{0,6}segment", text)


@pytest.mark.parametrize("lang", LANGS)
def test_rounding_to_four_divisions_of_a_power_of_two(lang: Lang) -> None:
    def rounded(size: int, divisions: int) -> int:
        """`round_size` of the allocator: the divisions count only above `divisions` times 512 bytes."""
        if size <= 512 * divisions:
            return -(-size // 512) * 512
        step = (1 << (size.bit_length() - 1)) // divisions
        return -(-size // step) * step

    text = details(CONSTANTS, lang)
    assert rounded(1200 * MIB, 4) == 1280 * MIB
    assert re.search(r"1200 MiB (?:become|变成) 1280", text)
    assert rounded(1200, 4) == 1536
    assert re.search(r"1200 (?:bytes|字节)\D{1,6}1536", text)


def header(name: str) -> str:
    torch = pytest.importorskip("torch")
    path = Path(torch.__file__).parent / "include" / "c10" / name
    if not path.exists():
        pytest.skip(f"this torch has no {name}")
    return path.read_text(encoding="utf-8")


def test_constants_are_those_of_the_installed_torch() -> None:
    text = header("core/AllocatorConfig.h")
    found = {name: int(value) for name, value in re.findall(r"constexpr size_t (k\w+) = (\d+);", text)}
    assert found == {
        "kSmallBuffer": 2 * MIB,
        "kMinBlockSize": 512,
        "kSmallSize": MIB,
        "kMinLargeAlloc": 10 * MIB,
        "kRoundLarge": 2 * MIB,
    }
    large = re.search(r"large_segment_size_\{(\d+)\}", text)
    assert large
    assert int(large[1]) == 20 * MIB


@pytest.mark.parametrize("lang", LANGS)
def test_the_old_variable_is_read_first_whatever_the_comment_says(lang: Lang) -> None:
    said, done = header("core/AllocatorConfig.h"), header("cuda/CUDAAllocatorConfig.h")
    assert re.search(r"`PYTORCH_CUDA_ALLOC_CONF` is also supported\s+\*\s+with lower priority", said)
    asked = re.findall(r'get_env\("(PYTORCH_(?:CUDA_)?ALLOC_CONF)"\)', done)
    assert asked == ["PYTORCH_CUDA_ALLOC_CONF", "PYTORCH_ALLOC_CONF"]
    assert all(name in details(MEMORY, lang) for name in asked)


@pytest.mark.parametrize("lang", LANGS)
def test_a_shared_segment_stays_after_empty_cache(lang: Lang) -> None:
    allocator = Allocator()
    first, second = allocator.malloc(6 * MIB), allocator.malloc(6 * MIB)
    assert allocator.reserved == 20 * MIB
    allocator.free(first)
    allocator.empty_cache()
    assert (allocator.allocated, allocator.reserved) == (6 * MIB, 20 * MIB)
    inactive = allocator.reserved - allocator.allocated
    assert inactive == 14 * MIB
    allocator.malloc(15 * MIB)
    assert len(allocator.segments) == 2
    allocator.free(second)
    text = details(MEMORY, lang)
    assert all(f"{size} MiB" in text for size in (6, 14, 15, 20))


def test_unified_memory_is_a_private_opt_in() -> None:
    memory = pytest.importorskip("torch.cuda.memory")
    if not hasattr(memory, "_use_uvm"):
        pytest.skip("an older torch")
    source = inspect.getsource(memory._use_uvm)
    assert "cudaMallocManaged" in source
    assert "cuda.bindings" in source
    assert not [name for name in memory.__all__ if "uvm" in name]
    assert callable(memory.CUDAPluggableAllocator)


@pytest.mark.parametrize("name", ["_record_memory_history", "_dump_snapshot", "reset_peak_memory_stats", "MemPool"])
def test_the_tools_that_the_cards_name_exist(name: str) -> None:
    assert hasattr(pytest.importorskip("torch.cuda.memory"), name)


@pytest.mark.parametrize("lang", LANGS)
@pytest.mark.parametrize("key", ["inactive_split_bytes", "reserved_bytes_by_private_pools", "requested_bytes"])
def test_statistics_that_the_cards_name_are_documented(key: str, lang: Lang) -> None:
    memory = pytest.importorskip("torch.cuda.memory")
    text = "".join(everything(card, lang) for card in (MEMORY, CONSTANTS, GRAPHS))
    assert key in text
    assert key in (memory.memory_stats.__doc__ or "")


@pytest.mark.parametrize("lang", LANGS)
def test_high_water_mark_of_a_captured_loop(lang: Lang) -> None:
    mib, live, peak = 64, 0, 0
    for turn in range(4):
        live += mib  # the product
        live += mib  # the sum
        peak = max(peak, live)
        live -= mib  # the product dies
        live -= mib if turn else 0  # so does the old x, unless it is the static input
    assert peak == 192
    assert 3 * peak == 576
    own, shared = 578, 194
    text = details(GRAPHS, lang)
    assert {192, 576, own, shared} <= set(numbers(text))
    assert (own - 3 * peak, shared - peak) == (2, 2)


@pytest.mark.parametrize("lang", LANGS)
def test_largest_first_needs_no_second_segment(lang: Lang) -> None:
    def capture(sizes: list[int]) -> int:
        allocator = Allocator()
        for size in sizes:
            allocator.free(allocator.malloc(size * 32 * MIB))
        return len(allocator.segments)

    batches = [1, 2, 4, 8]
    assert capture(sorted(batches, reverse=True)) == 1
    assert capture(sorted(batches)) == len(batches)
    assert "reverse=True" in code(GRAPHS, lang, "python")


def test_capturing_graph_empties_the_cache_first() -> None:
    graphs = pytest.importorskip("torch.cuda.graphs")
    entered = inspect.getsource(graphs.graph.__enter__)
    steps = [entered.index(step) for step in ("synchronize()", "empty_cache()", "stream_ctx", "capture_begin(")]
    assert steps == sorted(steps)
    assert "check_input_liveness" in inspect.signature(graphs.graph.__init__).parameters


@pytest.mark.parametrize("card", [STREAMS, GRAPHS])
def test_code_of_the_cards_parses_and_is_the_same_in_both_languages(card: str) -> None:
    first, second = (code(card, lang, "python") for lang in LANGS)
    assert first == second
    ast.parse(first)


@pytest.mark.parametrize("lang", LANGS)
def test_record_stream_is_documented_as_the_card_says(lang: Lang) -> None:
    torch = pytest.importorskip("torch")
    text = " ".join((torch.Tensor.record_stream.__doc__ or "").split())
    assert "not reused for another tensor until all work queued on" in text
    assert "the allocator will poll the recorded stream" in text
    assert "record_stream" in face(STREAMS, lang).answer
    blocking = " ".join((torch.Tensor.cuda.__doc__ or "").split())
    assert "source is in pinned memory" in blocking
    assert "Otherwise, the argument has no effect" in blocking


@pytest.mark.parametrize("lang", LANGS)
def test_measured_copies_are_consistent(lang: Lang) -> None:
    text = details(STREAMS, lang)
    for ms, gbps in ((47, 5.7), (4.9, 54)):
        assert f"{ms:g} ms" in text
        assert f"{gbps:g} GB/s" in text
        assert 256 * MIB / (ms / 1000) / 1e9 == pytest.approx(gbps, rel=0.02)
    one, two = 2.25, 1.25
    assert {one, two} <= set(numbers(text))
    assert one == pytest.approx(1.2 + 1.0, abs=0.1)
    assert two == pytest.approx(max(1.2, 1.0), abs=0.1)
