"""The `prep` command.

Each command's module is imported when it runs, so that `prep --help` stays near click's own cost.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any

import click

from prep import __version__

# command -> (module, one line of help). The help stands here so that listing commands imports none of them;
# tests/cli/test_help.py holds each line equal to the command's own.
COMMANDS: dict[str, tuple[str, str]] = {
    "today": ("today", "What to do now."),
    "due": ("today", "Cards that are due: a line, or JSON; exit 1 when none is."),
    "review": ("review", "Review due cards."),
    "cards": ("cards", "Search, show, write and edit cards."),
    "list": ("exercises", "List the exercises and how far you are."),
    "show": ("exercises", "Print an exercise's task."),
    "start": ("exercises", "Put an exercise's starter file into your workspace."),
    "grade": ("grade", "Judge your file for an exercise."),
    "hint": ("exercises", "Show the next hint."),
    "solution": ("exercises", "Show the reference solution and its explanation."),
    "log": ("log", "The interview log."),
    "check": ("check", "Check cards, exercises and links; file:line of every fault."),
    "doctor": ("doctor", "Environment, database, backup and rebuild."),
}


class LazyGroup(click.Group):
    """A group whose commands are imported when they are called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = import_module(f"prep.cli.{COMMANDS[cmd_name][0]}")
        command: click.Command = getattr(module, f"{cmd_name}_command")
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, help_line) for name, (_, help_line) in COMMANDS.items()])


@click.group(cls=LazyGroup, invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="prep")
@click.pass_context
def cli(ctx: click.Context) -> None:
    """Study cards, grade kernels, log interviews. Without a command: the app."""
    if ctx.invoked_subcommand is None:
        from prep.cli.app import open_app

        open_app()


def main(argv: list[str] | None = None) -> Any:
    """Run the command line; every PrepError becomes one line on stderr and its exit status."""
    from prep.errors import PrepError

    try:
        return cli.main(args=argv, prog_name="prep")
    except PrepError as e:
        click.echo(f"prep: {e}" + (f"\n  {e.hint}" if e.hint else ""), err=True)
        sys.exit(e.exit_code)
