"""The `prep` command.

Each command's module is imported when it runs. `prep` and `prep --help` do not even import click, which would be four
fifths of their time: the list of commands is text that is written here, and click's group shows the same text.
"""

from __future__ import annotations

import sys
from typing import NoReturn

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


def help_text() -> str:
    """What `prep --help` prints."""
    commands = "\n".join(f"  {name:<10}{line}" for name, (_, line) in COMMANDS.items())
    return f"""Usage: prep [OPTIONS] [COMMAND] [ARGS]...

  Study cards, grade kernels, log interviews. Without a command: the app.

Options:
  --version   Show the version and exit.
  -h, --help  Show this message and exit.

Commands:
{commands}"""


def main(argv: list[str] | None = None) -> NoReturn:
    """Run the command line and leave; every PrepError becomes one line on stderr and its exit status."""
    from prep.errors import PrepError

    arguments = sys.argv[1:] if argv is None else argv
    try:
        if arguments in (["--help"], ["-h"]):
            print(help_text())
        elif arguments == ["--version"]:
            print(f"prep, version {__version__}")
        elif not arguments:
            from prep.cli.app import open_app

            open_app()
        else:
            from prep.cli.commands import cli

            cli.main(args=arguments, prog_name="prep")
        sys.exit(0)
    except PrepError as e:
        print(f"prep: {e}" + (f"\n  {e.hint}" if e.hint else ""), file=sys.stderr)
        sys.exit(e.exit_code)
