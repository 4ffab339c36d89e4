"""Fixtures that every part of the tests uses."""

from __future__ import annotations

from pathlib import Path

import pytest

from prep.clock import Instant


def pytest_addoption(parser: pytest.Parser) -> None:
    # Here and not in tests/grading: pytest asks only the conftest files that it finds before it collects.
    parser.addoption("--rounds", type=int, default=1, help="grade each right kernel of tests/grading/right so often")


class TestClock:
    """A clock that stands still until a test moves it. Starts on Sunday 2026-11-22, 09:00 at UTC+8."""

    __test__ = False

    def __init__(self) -> None:
        self.instant = Instant(1_795_309_200_000, 480)

    def __call__(self) -> Instant:
        return self.instant

    def advance(self, *, days: float = 0, hours: float = 0, minutes: float = 0, seconds: float = 0) -> None:
        ms = round(((days * 24 + hours) * 60 + minutes) * 60_000 + seconds * 1000)
        self.instant = Instant(self.instant.ms + ms, self.instant.tz_offset_min)

    def travel(self, tz_offset_min: int) -> None:
        self.instant = Instant(self.instant.ms, tz_offset_min)


@pytest.fixture
def clock() -> TestClock:
    return TestClock()


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A fresh PREP_HOME; nothing of the machine's own settings shines through."""
    folder = tmp_path / "prep home"
    monkeypatch.setenv("PREP_HOME", str(folder))
    monkeypatch.setenv("LANG", "C.UTF-8")
    for name in ("PREP_BUNDLED", "EDITOR", "VISUAL"):
        monkeypatch.delenv(name, raising=False)
    return folder
