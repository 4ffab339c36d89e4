"""The lazy command table: every command is there, and its line of help is the command's own."""

from __future__ import annotations

import importlib

import click
import pytest
from click.testing import CliRunner

from prep import __version__
from prep.cli import COMMANDS, help_text, main
from prep.cli.commands import cli


@pytest.mark.parametrize("name", COMMANDS)
def test_help_line_is_the_commands_own(name: str) -> None:
    module, line = COMMANDS[name]
    command: click.Command = getattr(importlib.import_module(f"prep.cli.{module}"), f"{name}_command")
    assert command.name == name
    assert command.get_short_help_str(200).rstrip(".") == line.rstrip(".")


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_shows_its_help(name: str) -> None:
    done = CliRunner().invoke(cli, [name, "--help"])
    assert done.exit_code == 0, done.output
    assert COMMANDS[name][1] in done.output


def test_help_lists_every_command() -> None:
    output = CliRunner().invoke(cli, ["--help"]).output
    assert output.rstrip() == help_text()
    assert all(f"  {name} " in output and line in output for name, (_, line) in COMMANDS.items())


@pytest.mark.parametrize("argument", ["--help", "-h", "--version"])
def test_the_short_way_prints_what_click_prints(argument: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main([argument])
    assert left.value.code == 0
    assert capsys.readouterr().out == CliRunner().invoke(cli, [argument], prog_name="prep").output


def test_version_and_unknown_command() -> None:
    assert __version__ in CliRunner().invoke(cli, ["--version"]).output
    done = CliRunner().invoke(cli, ["nonsense"])
    assert done.exit_code == 2
    assert "nonsense" in done.output
