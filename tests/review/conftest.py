"""Cards that need no files, and reviewers over them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from prep.review.reviewer import Reviewer
from prep.settings import Settings
from prep.store.database import Database
from tests.conftest import TestClock


@dataclass
class PlainCard:
    area: str = "triton"
    level: int = 2
    tags: tuple[str, ...] = ()
    status: str = "active"


MakeReviewer = Callable[..., Reviewer]


@pytest.fixture
def db_path(tmp_path: Path) -> Path:
    return tmp_path / "prep.db"


@pytest.fixture
def db(db_path: Path) -> Iterator[Database]:
    with Database.open(db_path) as db:
        yield db


@pytest.fixture
def cards() -> dict[str, PlainCard]:
    areas = ("triton", "cuda", "vllm")
    return {f"card-{n:02}": PlainCard(areas[n % 3], level=n % 3 + 1, tags=(f"tag{n % 4}",)) for n in range(12)}


@pytest.fixture
def settings() -> Settings:
    return Settings(lang="en", editor="")


@pytest.fixture
def reviewer(db: Database, cards: dict[str, PlainCard], settings: Settings, clock: TestClock) -> Reviewer:
    return Reviewer(db, cards, settings, clock)
