"""The wheel, away from the checkout and without torch: content inside, everything but grading works."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
GRADING_ONLY = ("torch", "triton", "numpy", "functorch", "torchgen")


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty environment with the wheel and prep's plain dependencies; returns its `prep`."""
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "-w", folder, ROOT],
        check=True,
        capture_output=True,
    )
    (wheel,) = folder.glob("*.whl")
    environment = folder / "venv"
    venv.create(environment, with_pip=False, symlinks=True)
    site = next(environment.glob("lib/python*/site-packages"))
    # The dependencies come from this environment, but for what only grading needs.
    for entry in Path(sysconfig.get_path("purelib")).iterdir():
        ours = entry.name == "prep" or entry.name.startswith(("__editable__", "_prep", "prep-"))
        if not ours and not entry.name.startswith((*GRADING_ONLY, "_virtualenv")) and entry.suffix != ".pth":
            (site / entry.name).symlink_to(entry)
    subprocess.run(
        [sys.executable, "-m", "pip", "--python", environment / "bin" / "python", "install", "--no-deps", wheel],
        check=True,
        capture_output=True,
    )
    return environment / "bin" / "prep"


def run(prep: Path, *args: str, home: Path, stdin: str = "") -> subprocess.CompletedProcess[str]:
    clean = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "VIRTUAL_ENV", "PREP_BUNDLED")}
    return subprocess.run(
        [prep, *args],
        capture_output=True,
        text=True,
        check=False,
        cwd=home.parent,
        env={**clean, "PREP_HOME": str(home), "LANG": "C.UTF-8"},
        input=stdin,
    )


def test_wheel_holds_content_exercises_and_solutions(installed: Path) -> None:
    (wheel,) = installed.parents[2].glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    for folder in ("content", "exercises", "solutions"):
        inside = {
            n.removeprefix("prep/_bundled/")
            for n in names
            if n.startswith(f"prep/_bundled/{folder}/") and not n.endswith(".pyc")
        }
        checkout = {
            str(p.relative_to(ROOT)) for p in (ROOT / folder).rglob("*") if p.is_file() and "__pycache__" not in p.parts
        }
        assert inside == checkout
    assert any(n.endswith(".mo") for n in names)
    assert any(n.endswith(".tcss") for n in names)
    assert not any(n.startswith(("tests/", "benchmarks/")) for n in names)


def test_everything_but_grading_works_without_torch(installed: Path, home: Path) -> None:
    for args in (
        ["--version"],
        [],
        ["today"],
        ["list"],
        ["show", "softmax"],
        ["start", "softmax"],
        ["hint", "softmax"],
        ["cards", "search", "softmax"],
        ["cards", "show", "triton-autotune"],
        ["log", "add", "--company", "Example", "--date", "2026-11-20", "-q", "paged attention :: failed"],
        ["log", "list"],
        ["doctor"],
        ["check"],
    ):
        done = run(installed, *args, home=home)
        assert done.returncode == 0, (args, done.stdout, done.stderr)
        assert "Traceback" not in done.stderr
    assert (home / "workspace" / "softmax.py").exists()
    assert "Example" in run(installed, "log", "list", home=home).stdout


def test_a_card_is_reviewed_without_a_terminal(installed: Path, home: Path) -> None:
    done = run(installed, "review", "--plain", "--limit", "1", home=home, stdin="\n3\nq\n")
    assert done.returncode == 0, done.stderr
    due = run(installed, "doctor", "--json", home=home)
    assert '"reviews": 1' in due.stdout.replace("\n", " "), due.stdout


def test_grade_says_what_to_install(installed: Path, home: Path) -> None:
    run(installed, "start", "softmax", home=home)
    done = run(installed, "grade", "softmax", home=home)
    assert done.returncode == 3
    assert done.stdout == ""
    assert "pip install 'torch" in done.stderr
    assert len(done.stderr.splitlines()) == 1
