"""The commands of both READMEs are commands that prep takes, with their options."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest

from prep.cli.commands import cli

ROOT = Path(__file__).parents[1]
LINES = [
    pytest.param(line.split("  ")[0].strip(), id=f"{name}:{number}")
    for name in ("README.md", "README.zh-CN.md")
    for number, line in enumerate((ROOT / name).read_text(encoding="utf-8").splitlines(), 1)
    if re.match(r"prep \w", line) and "|" not in line.split("  ")[0]
]


def test_there_are_some() -> None:
    assert len(LINES) > 12


@pytest.mark.parametrize("line", LINES)
def test_command_of_a_readme_is_taken(line: str) -> None:
    arguments = shlex.split(line)[1:]
    command: click.Command = cli
    context = click.Context(cli, info_name="prep")
    while isinstance(command, click.Group):
        name, sub, arguments = command.resolve_command(context, arguments)
        assert sub is not None
        command, context = sub, click.Context(sub, info_name=name, parent=context)
    command.parse_args(context, arguments)


@pytest.mark.parametrize("name", ["README.md", "README.zh-CN.md"])
def test_the_cards_are_counted(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    stated = dict(re.findall(r"\| ([a-z]+)[^|]* \| (\d+) (?=\|)", text))
    counted = {path.name: str(len(list(path.glob("*.md")))) for path in (ROOT / "content").iterdir() if path.is_dir()}
    assert {area: n for area, n in stated.items() if area in counted} == counted
    total = sum(map(int, counted.values()))
    assert f"**{total}**" in text
    assert re.search(rf"\*\*{total} ", text), "the first list counts them too"


@pytest.mark.parametrize("name", ["README.md", "README.zh-CN.md"])
def test_what_the_judge_is_tested_with_is_counted(name: str) -> None:
    mutants, cheats, right = (
        len(list(ROOT.glob(pattern)))
        for pattern in ("exercises/*/mutants/*.py", "tests/grading/cheats/*/*.py", "tests/grading/right/*/*.py")
    )
    text = (ROOT / name).read_text(encoding="utf-8")
    stated = re.search(r"(\d+) (?:wrong kernels|个必须判错)\D+(\d+)\D+(\d+)", text)
    assert stated is not None
    assert [int(n) for n in stated.groups()] == [mutants, cheats, right]
