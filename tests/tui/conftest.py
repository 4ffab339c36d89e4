"""A small library, real services in a fresh home, and an app to drive."""

from __future__ import annotations

import shutil
import sqlite3
import stat
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from prep import paths
from prep.locale import set_language
from prep.settings import load_settings

REPOSITORY = Path(__file__).resolve().parents[2]

CARD = """\
---
id: {id}
area: {area}
tags: [testing]
level: 1
origin: [notes:Q1]
exercises: [{exercises}]
aliases: []
sources:
  - title: The manual
    url: https://example.org/manual
    locator: chapter {n}
    checked: 2026-11-22
---
# en
## Q
Question {n}: what is a tile?
## A
Answer {n}: a block of elements.
### Key points
- [ ] a block of `{n}`
- [ ] of elements
- [ ] in registers
### Details
Detail {n} with a formula $x_{n}$.
### Pitfalls
Not a thread.
### Follow-ups
- See [[card-01]].
# zh
## Q
问题 {n}：什么是分块？
## A
答案 {n}：一块元素。
### Key points
- [ ] 一块
- [ ] 元素
- [ ] 在寄存器里
### Details
细节 {n}。
### Pitfalls
不是线程。
### Follow-ups
- 见 [[card-01]]。
"""


def write_card(root: Path, n: int, exercises: str = "softmax", area: str = "triton") -> Path:
    path = root / "content" / area / f"card-{n:02}.md"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(CARD.format(id=path.stem, area=area, n=n, exercises=exercises), encoding="utf-8")
    return path


@pytest.fixture
def bundle(tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Twelve cards, and the softmax and transpose exercises of the repository; $EDITOR changes nothing."""
    root = tmp_path / "bundle"
    for n in range(1, 13):
        write_card(root, n, exercises="" if n == 2 else "softmax")
    for name in ("softmax", "transpose"):
        shutil.copytree(REPOSITORY / "exercises" / name, root / "exercises" / name)
        shutil.copytree(REPOSITORY / "solutions" / name, root / "solutions" / name)
    monkeypatch.setenv("PREP_BUNDLED", str(root))
    monkeypatch.setenv("EDITOR", "true")
    return root


@pytest.fixture(autouse=True)
def english() -> Iterator[None]:
    set_language("en")
    yield
    set_language("en")


@pytest.fixture
def editor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Make $EDITOR a script: its body sees the file as $1."""

    def make(body: str) -> Path:
        script = tmp_path / "editor.sh"
        script.write_text(f"#!/bin/sh\n{body}\n")
        script.chmod(script.stat().st_mode | stat.S_IXUSR)
        monkeypatch.setenv("EDITOR", str(script))
        return script

    return make


Open = Callable[..., Any]


@pytest.fixture
def opened(bundle: Path, clock: Any) -> Open:
    """`async with opened(first) as (app, pilot)`: the app on a screen that has loaded."""
    from prep.tui.app import OPENERS, PrepApp

    def ticking() -> Any:
        # Two answers of one person never fall on the same millisecond.
        clock.advance(seconds=0.01)
        return clock()

    @asynccontextmanager
    async def open_app(
        first: Any = OPENERS["today"], size: tuple[int, int] = (80, 24), wait: bool = True
    ) -> AsyncIterator[tuple[PrepApp, Pilot[None]]]:
        app = PrepApp(first, settings=load_settings(), clock=ticking)
        async with app.run_test(size=size, notifications=True) as pilot:
            if wait:
                await until(pilot, lambda: getattr(app.screen, "ready", True))
                await pilot.pause()
            yield app, pilot

    return open_app


async def until(pilot: Pilot[Any], condition: Callable[[], Any], seconds: float = 20) -> None:
    """Wait for `condition`; a fixed pause would be too long here and too short on a loaded machine."""
    waited = 0.0
    while not condition():
        assert waited < seconds, "waited too long"
        await pilot.pause(0.02)
        waited += 0.02
    await pilot.pause()


def seen(app: Any) -> str:
    """What is on the screen, as text."""
    strips = app.screen._compositor.render_strips()
    return "\n".join("".join(segment.text for segment in strip).rstrip() for strip in strips)


def log_rows() -> list[dict[str, Any]]:
    """The review log as another process sees it."""
    with sqlite3.connect(f"file:{paths.database_path()}?mode=ro", uri=True) as connection:
        connection.row_factory = sqlite3.Row
        rows = [dict(row) for row in connection.execute("SELECT * FROM reviews ORDER BY reviewed_at_ms, id")]
    connection.close()
    return rows
