"""A right kernel passes whatever its style: right/<exercise>/*.py are written as many people would write them.

Each begins with `# style: ` and what is unlike about it; `# triton: <3.9` below that where a later triton has lost what
it uses. `--rounds N` grades each N times; every round draws its own seeds; only the first compiles.
"""

from __future__ import annotations

import ast
import functools
import importlib.metadata
import re
from itertools import combinations
from pathlib import Path

import pytest

from prep.exercises.load import load_exercises
from prep.grading.judge import Judge
from prep.grading.stages.compile import CompileStage
from tests.grading.conftest import Grade

RIGHT = Path(__file__).parent / "right"
FILES = sorted(RIGHT.glob("*/*.py"))
EXERCISES = ("softmax", "layernorm", "matmul", "flash-attention", "transpose")

ALIKE = 0.5
"""Share of the runs of twelve words, names apart, that two kernels have in common, from which they count as one. The
most of any two here is 0.36, the median 0.08."""

WHAT_STYLES_SAY = {
    r"block pointers": r"tl\.make_block_ptr",
    r"descriptor": r"tl\.make_tensor_descriptor|TensorDescriptor",
    r"autotune": r"@triton\.autotune|triton\.autotune\(",
    r"heuristics": r"@triton\.heuristics",
    r"(?<!without )atomic|spin lock": r"tl\.atomic_",
    r"split-K|split over": r"tl\.program_id\((1|2)\)|SPLIT",
    r"persistent": r"tl\.num_programs|PROGRAMS|\bwhile\b",
    r"autograd": r"torch\.autograd\.Function",
    r"(?<!no )tl\.(?P<name>\w+)": r"tl\.(?P=name)|\.(?P=name)\(",
    r"3-D grid": r"tl\.program_id\(2\)",
    r"(?<!no )\bloop": r"\bfor\b|\bwhile\b",
    r"\b(two|three|four) (kernels|launches)": r"(?s)(@triton\.jit.*){2}",
}
"""What a first line claims, and the code without which the claim is not true."""


def style_id(path: Path) -> str:
    return f"{path.parent.name}-{path.stem}"


def _style(path: Path) -> str:
    return path.read_text(encoding="utf-8").splitlines()[0].removeprefix("# style: ")


def too_new(path: Path) -> bool:
    """Is the installed triton without something the file's header says it needs?"""
    found = re.search(r"^# triton: <(\d+)\.(\d+)$", path.read_text(encoding="utf-8"), re.M)
    if found is None:
        return False
    installed = importlib.metadata.version("triton").split(".")
    return (int(installed[0]), int(installed[1])) >= (int(found[1]), int(found[2]))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "turn" in metafunc.fixturenames:
        metafunc.parametrize("turn", range(metafunc.config.getoption("--rounds")))


class _Uncompiled(CompileStage):
    def start(self, source: bytes, filename: str) -> None:
        """Nothing."""

    def finish(self, right: bool) -> str:
        return "skipped"


@pytest.mark.parametrize("path", FILES, ids=style_id)
def test_right_kernel_passes(grade: Grade, path: Path, turn: int, monkeypatch: pytest.MonkeyPatch) -> None:
    if too_new(path):
        pytest.skip("uses what this triton no longer has")
    if turn == 0:
        verdict = grade(path.parent.name, path)
    else:
        monkeypatch.setattr("prep.grading.judge.CompileStage", _Uncompiled)
        verdict = dict(Judge().grade(load_exercises()[path.parent.name], path.read_bytes(), path.name))
    assert verdict["passed"], verdict["diagnosis"]
    assert verdict["diagnosis"] == []
    assert {case["status"] for case in verdict["cases"]} == {"passed"}


@pytest.mark.parametrize("exercise", EXERCISES)
def test_ten_styles_and_more(exercise: str) -> None:
    paths = [path for path in FILES if path.parent.name == exercise]
    assert len([path for path in paths if "# triton: <" not in path.read_text(encoding="utf-8")]) >= 10
    assert len({_style(path) for path in paths}) == len(paths)


@pytest.mark.parametrize("path", FILES, ids=style_id)
def test_code_has_what_the_first_line_says(path: Path) -> None:
    source = path.read_text(encoding="utf-8")
    first, code = source.split("\n", 1)
    assert first.startswith("# style: ")
    assert len(first) > 30
    for says, needs in WHAT_STYLES_SAY.items():
        if found := re.search(says, first):
            for name, value in found.groupdict().items():
                needs = needs.replace(f"(?P={name})", re.escape(value))
            assert re.search(needs, code), f"says {found[0]!r}"


def _words(path: Path) -> list[str]:
    """The code as a list of words, with every name of the author's own as one and the same word."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id not in ("tl", "torch", "triton", "range"):
            node.id = "_"
        elif isinstance(node, ast.arg):
            node.arg = "_"
        elif isinstance(node, ast.keyword | ast.FunctionDef):
            setattr(node, "arg" if isinstance(node, ast.keyword) else "name", "_")
        elif isinstance(node, ast.Constant):
            node.value = 0
    return re.findall(r"\w+|[^\w\s]", ast.unparse(tree))


def _likeness(a: Path, b: Path) -> float:
    first, second = (_runs(path) for path in (a, b))
    return len(first & second) / len(first | second)


@functools.cache
def _runs(path: Path) -> set[tuple[str, ...]]:
    words = _words(path)
    return {tuple(words[i : i + 12]) for i in range(len(words) - 11)}


def test_no_two_kernels_are_copies_of_each_other() -> None:
    """A style is another way to write it, not the same text with other names and numbers."""
    for a, b in combinations(FILES, 2):
        if a.parent == b.parent:
            assert _likeness(a, b) < ALIKE, f"{style_id(a)} and {style_id(b)}"


def test_a_renamed_copy_would_be_seen(tmp_path: Path) -> None:
    path = RIGHT / "softmax" / "spin_lock.py"
    source = path.read_text(encoding="utf-8").replace("    lock = torch", "    unused = 3\n    lock = torch")
    for name, other in {
        "BLOCK": "WIDTH",
        "_write": "second",
        "stats": "notes",
        "2048": "1024",
        "Lock": "Mutex",
    }.items():
        source = source.replace(name, other)
    copy = tmp_path / "copy.py"
    copy.write_text(source, encoding="utf-8")
    assert _likeness(path, copy) >= ALIKE
