"""What the first frame loads, by module: time on a shared machine says little, a module set says it all."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = (
    "markdown_it",
    "pygments",
    "yaml",
    "sqlite3",
    "torch",
    "triton",
    "numpy",
    "fsrs",
    "click",
    "tree_sitter",
    "textual.widgets._markdown",
    "textual.widgets._text_area",
    "textual.widgets._data_table",
    "prep.cards",
    "prep.cli",
    "prep.exercises",
    "prep.grading",
    "prep.review",
    "prep.store.database",
)


def loaded_after(code: str) -> set[str]:
    script = f"import sys\n{code}\nprint('\\n'.join(sys.modules))"
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(result.stdout.split())


def test_the_first_frame_needs_none_of_the_heavy_modules() -> None:
    # Composing today's screen is what its first frame takes; services come after it.
    loaded = loaded_after("from prep.tui.app import PrepApp\nimport prep.tui.screens.today\n")
    assert "prep.tui.screens.today" in loaded
    assert [name for name in HEAVY if name in loaded] == []


@pytest.mark.parametrize("module", ["exercise", "review", "log_form", "library", "solution"])
def test_no_screen_loads_the_grader_or_the_command_line(module: str) -> None:
    loaded = loaded_after(f"import prep.tui.screens.{module}")
    assert not loaded & {"torch", "triton", "numpy", "prep.grading.judge", "prep.cli"}


def test_the_check_can_fail() -> None:
    assert "textual.widgets._markdown" in loaded_after("import prep.tui.screens.review")
