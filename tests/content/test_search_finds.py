"""What somebody types before an interview finds the card that was written for it."""

from __future__ import annotations

import pytest

from prep.cards.library import Library
from prep.cards.search import search
from tests.content.reading import CONTENT

FINDS = {
    # query: cards that must be among the first five
    "显存": ["pytorch-gpu-memory"],
    "分页": ["paged-attention", "paged-attention-implementation"],
    "KV": ["mha-mqa-gqa"],
    "swizzle": ["swizzle-vs-padding", "l2-grouped-program-order"],
    "tl.dot": ["triton-dot-precision"],
    "量化": ["awq", "quant-affine-vs-symmetric"],
    "L2": ["l2-grouped-program-order"],
    "温度": ["temperature"],
    "后序": ["tree-traversals"],
    "占用率": ["occupancy"],
    "合并访存": ["memory-coalescing"],
    "bank conflict": ["bank-conflicts"],
    "flash attention": ["flash-attention-1"],
    "MLA": ["mla", "flashmla-absorbed-decode"],
    "ZeRO": ["zero-and-fsdp"],
    "all-reduce": ["ring-tree-nvls", "collective-costs"],
    "投机": ["speculative-decoding"],
    "连续批处理": ["continuous-batching"],
    "top_p": ["top-k-top-p"],
    "empty_cache": ["pytorch-gpu-memory"],
    "TRITON_INTERPRET": ["triton-debugging"],
    "SwiGLU": ["swiglu"],
    "自我介绍": ["self-introduction"],
    "智能指针": ["cpp-raii-smart-pointers-move"],
}


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Library:
    return Library.load([CONTENT], tmp_path_factory.mktemp("cache") / "cards.sqlite")


@pytest.mark.parametrize("query", FINDS)
def test_the_card_for_it_is_among_the_first_five(library: Library, query: str) -> None:
    found = [hit.card.id for hit in search(library, query, limit=5)]
    assert set(FINDS[query]) <= set(found), found


def test_what_is_nowhere_finds_nothing(library: Library) -> None:
    assert search(library, "红烧肉") == search(library, "no-such-word-anywhere") == []
