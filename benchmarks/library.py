"""Cards and histories made up for benchmarks: as many as a person gathers in years."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from prep.clock import now
from prep.review.reviewer import Reviewer
from prep.settings import Settings
from prep.store.database import Database
from prep.store.ids import uuid7

AREAS = ("triton", "cuda", "attention", "inference", "quantization")
CHINESE = [
    "显存",
    "分页",
    "调度",
    "并行",
    "量化",
    "注意力",
    "块表",
    "连续",
    "缓存",
    "算子",
    "融合",
    "布局",
    "流水线",
    "编译",
    "归约",
    "吞吐",
    "延迟",
    "采样",
    "权重",
    "精度",
]
ENGLISH = [
    "page",
    "cache",
    "KV",
    "block",
    "table",
    "tl.dot",
    "swizzle",
    "warp",
    "shared",
    "memory",
    "latency",
    "throughput",
    "kernel",
    "mask",
    "stride",
    "tile",
]
_DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class _Card:
    id: str
    area: str
    level: int
    faces: Mapping[str, Any]
    status: str = "active"
    tags: tuple[str, ...] = ()


class Cards(Mapping[str, Any]):
    """`count` cards that are ids and areas only."""

    def __init__(self, count: int) -> None:
        self._cards = {f"card-{i:05d}": _Card(f"card-{i:05d}", AREAS[i % 5], 1 + i % 3, {}) for i in range(count)}

    def __getitem__(self, key: str) -> _Card:
        return self._cards[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._cards)

    def __len__(self) -> int:
        return len(self._cards)


def fill(db: Database, cards: Cards, reviews: int) -> None:
    """Give every card an equal share of `reviews`: one graded by the reviewer, its row then spread over the past."""
    at = now().ms
    moment = at - 400 * _DAY_MS

    def clock() -> Any:
        from prep.clock import Instant

        return Instant(moment, 0)

    reviewer = Reviewer(db, cards, Settings(), clock)
    reviewer.grade("card-00000", 3, face="en", duration_ms=5000)
    columns = [row[1] for row in db.execute("PRAGMA table_info(reviews)")]
    template = dict(zip(columns, db.execute("SELECT * FROM reviews").fetchone(), strict=True))
    state_columns = [row[1] for row in db.execute("PRAGMA table_info(card_state)")]
    state = dict(zip(state_columns, db.execute("SELECT * FROM card_state").fetchone(), strict=True))
    rng = random.Random(7)
    share = reviews // len(cards)
    rows, states = [], []
    for card in cards:
        for turn in range(share):
            ms = at - (share - turn) * 7 * _DAY_MS - rng.randrange(_DAY_MS)
            day = (date(1970, 1, 1) + timedelta(milliseconds=ms)).isoformat()
            rows.append(
                {
                    **template,
                    "id": uuid7(ms),
                    "card_id": card,
                    "reviewed_at_ms": ms,
                    "study_day": day,
                    "kind": "review",
                    "rating": rng.choice((1, 2, 3, 3, 3, 4)),
                }
            )
        last = rows[-1]
        due = at - rng.randrange(3 * _DAY_MS)
        states.append(
            {
                **state,
                "card_id": card,
                "state": "review",
                "step": None,
                "s": 7.0,
                "d": 5.0,
                "due_ms": due,
                "due_day": (date(1970, 1, 1) + timedelta(milliseconds=due)).isoformat(),
                "last_ms": last["reviewed_at_ms"],
                "last_day": last["study_day"],
                "interval_days": 7,
                "reps": share,
                "lapses": 2,
            }
        )
    with db.transaction():
        db.execute("DELETE FROM reviews")
        db.execute("DELETE FROM card_state")
        for table, names, values in (("reviews", columns, rows), ("card_state", state_columns, states)):
            sql = f"INSERT INTO {table} ({', '.join(names)}) VALUES ({', '.join(':' + n for n in names)})"
            db.connection.executemany(sql, values)


_CARD = """---
id: {id}
area: {area}
tags: [{tag}]
level: {level}
origin: [bench]
sources:
  - {{title: Made up, url: "https://example.org/{id}", locator: nowhere, checked: 2026-11-22}}
---
# en
## Q
Why does {en1} need {en2}?
## A
{en_long}
### Key points
- [ ] {en1}
- [ ] {en2}
- [ ] {en3}
### Details
{en_long}
### Pitfalls
{en3}
### Follow-ups
- {en2}
# zh
## Q
为什么{zh1}需要{zh2}？
## A
{zh_long}
### Key points
- [ ] {zh1}
- [ ] {zh2}
- [ ] {zh3}
### Details
{zh_long}
### Pitfalls
{zh3}
### Follow-ups
- {zh2}
"""


def write_cards(folder: Path, count: int) -> None:
    """`count` bilingual card files of some 2,000 characters, in the areas' folders."""
    rng = random.Random(3)
    written = time.time() - 3600  # a file of this second is not cached: it may change again within its mtime
    for i in range(count):
        area = AREAS[i % len(AREAS)]
        (folder / area).mkdir(parents=True, exist_ok=True)
        en, zh = rng.sample(ENGLISH, 3), rng.sample(CHINESE, 3)
        text = _CARD.format(
            id=f"card-{i:05d}",
            area=area,
            tag=en[0].replace(".", "-").lower(),
            level=1 + i % 3,
            en1=en[0],
            en2=en[1],
            en3=en[2],
            zh1=zh[0],
            zh2=zh[1],
            zh3=zh[2],
            en_long=" ".join(rng.choices(ENGLISH, k=80)),
            zh_long="，".join(rng.choices(CHINESE, k=120)),
        )
        path = folder / area / f"card-{i:05d}.md"
        path.write_text(text, encoding="utf-8")
        os.utime(path, (written, written))
