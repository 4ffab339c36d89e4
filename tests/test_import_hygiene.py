"""What each part may load, seen in a fresh interpreter: the front ends stay light, the core knows no front end.

Milliseconds are a benchmark's business; here the set of modules is what counts.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
HEAVY = ("torch", "triton", "numpy", "textual", "rich")
CORE = ("cards", "review", "interviews", "exercises", "store")


def _modules(package: str) -> list[str]:
    folder = ROOT / "prep" / package
    return [f"prep.{package}.{p.stem}" for p in sorted(folder.glob("*.py")) if p.stem not in ("__init__", "__main__")]


def _loaded(module: str, forbidden: tuple[str, ...]) -> list[str]:
    program = f"import sys, {module}; print(*[name for name in {forbidden!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT)
    return done.stdout.split()


@pytest.mark.parametrize("module", ["prep", "prep.cli", *(m for package in CORE for m in _modules(package))])
def test_core_loads_nothing_heavy_and_no_front_end(module: str) -> None:
    forbidden = (*HEAVY, "prep.tui", *(() if module == "prep.cli" else ("prep.cli",)))
    assert _loaded(module, forbidden) == []


def test_help_loads_no_command_and_little_else() -> None:
    forbidden = ("click", "yaml", "sqlite3", "markdown_it", "platformdirs", "asyncio", "prep.settings")
    assert _loaded("prep.cli", forbidden) == []


@pytest.mark.parametrize("module", ["prep.grading.client", "prep.grading.report", "prep.grading.verdict"])
def test_front_ends_side_of_grading_loads_no_torch(module: str) -> None:
    assert _loaded(module, HEAVY) == []


@pytest.mark.parametrize("module", _modules("cli"))
def test_commands_load_neither_the_app_nor_torch(module: str) -> None:
    assert _loaded(module, ("torch", "triton", "numpy", "textual")) == []


def test_judge_side_loads_no_front_end() -> None:
    pytest.importorskip("torch")
    pytest.importorskip("triton")
    assert _loaded("prep.grading.judge", ("textual", "rich", "prep.tui", "prep.cli", "fsrs", "markdown_it")) == []


def test_app_loads_no_torch_and_draws_first_without_markdown() -> None:
    heavy = ("torch", "triton", "numpy", "markdown_it", "yaml", "fsrs", "prep.cli", "textual.widgets._markdown")
    assert _loaded("prep.tui.app", heavy) == []


def test_the_check_sees_what_is_loaded() -> None:
    assert _loaded("sqlite3", ("sqlite3", "torch")) == ["sqlite3"]
