"""A whole card to break, and a folder of cards to load."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

CARD = """\
---
id: kv-cache-paging
area: serving
tags: [vllm, memory]
level: 2
origin: [notes:Q9, notes:interview-12]
exercises: []
aliases: []
sources:
  - title: Efficient Memory Management for LLM Serving
    url: https://arxiv.org/abs/2309.06180
    locator: section 4.3
    checked: 2026-11-20
---
# en
## Q
Why does vLLM page the KV cache?
## A
Because lengths are unknown.

```python
## not a section
# en
```
### Key points
- [ ] fixed-size blocks
- [ ] a block table per sequence,
  like a page table
- [ ] no external fragmentation
### Details
Waste is at most $B - 1$ slots.
### Follow-ups
- What does prefix caching add?
# zh
## Q
为什么 vLLM 要对 KV cache 分页，而不是用连续显存？
## A
因为长度事先不知道。
### Key points
- [ ] 固定大小的块
- [ ] 每个序列一张块表
- [ ] 没有外部碎片
### Details
浪费不超过 $B - 1$ 个槽位。
### Follow-ups
- 前缀缓存带来什么？
"""

WriteCard = Callable[..., Path]


@pytest.fixture
def card() -> str:
    return CARD


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "content"
    folder.mkdir()
    return folder


@pytest.fixture
def write_card(root: Path) -> WriteCard:
    """Write a card with another id, area and text replacements; dated so long ago that it is cached."""

    def write(
        card_id: str = "kv-cache-paging", area: str = "serving", *edits: tuple[str, str], below: Path | None = None
    ) -> Path:
        text = CARD.replace("id: kv-cache-paging", f"id: {card_id}").replace("area: serving", f"area: {area}")
        for old, new in edits:
            assert old in text
            text = text.replace(old, new)
        path = (below or root) / area / f"{card_id}.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        os.utime(path, (1_700_000_000, 1_700_000_000))
        return path

    return write
