"""`prep` without a command: the app in a terminal, today's summary as text without one."""

from __future__ import annotations

import sys


def open_app(screen: str = "today") -> None:
    """Open the app on `screen`; where stdin or stdout is no terminal, print what today asks for instead."""
    if sys.stdin.isatty() and sys.stdout.isatty():
        from prep.tui.app import run_app

        run_app(screen)
    else:
        from prep.cli.today import print_today

        print_today()
