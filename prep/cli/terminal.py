"""A terminal whose keys arrive one by one, and which is always given back as it was."""

from __future__ import annotations

import os
import shutil
import sys
import termios
import tty
from types import TracebackType
from typing import Any

import click


class Keyboard:
    """stdin without line editing and echo, for as long as the `with` lasts; Ctrl-C and Ctrl-Z are signals as ever."""

    def __init__(self) -> None:
        self._before: list[Any] | None = None

    def __enter__(self) -> Keyboard:
        self._before = termios.tcgetattr(0)
        tty.setcbreak(0, termios.TCSANOW)
        return self

    def __exit__(self, *exc: type[BaseException] | BaseException | TracebackType | None) -> None:
        if self._before is not None:
            try:
                termios.tcsetattr(0, termios.TCSANOW, self._before)
            except termios.error:  # the terminal is gone
                return

    @staticmethod
    def read() -> str | None:
        """The keys that wait, or None where the terminal is gone. Arrows and the like come as an empty text."""
        try:
            data = os.read(0, 1024)
        except OSError:
            return None
        if not data:
            return None
        return "" if data.startswith(b"\x1b") else data.decode(errors="ignore")


class Page:
    """What is on the terminal: a text from the top, and below it one line that changes in place."""

    def __init__(self) -> None:
        self._status = False

    @property
    def columns(self) -> int:
        return max(20, shutil.get_terminal_size().columns)

    @property
    def rows(self) -> int:
        return shutil.get_terminal_size().lines

    def show(self, lines: list[str]) -> None:
        """Draw `lines` on an empty screen; what was above it stays in the terminal's memory."""
        self._status = False
        self._write("\x1b[H\x1b[2J" + "".join(f"{line}\n" for line in lines))

    def status(self, text: str) -> None:
        """Draw the line below; it must fit, since only one line can be drawn over."""
        self._status = True
        self._write(f"\r\x1b[K{text}")

    def close(self) -> None:
        """Leave the cursor on a line of its own."""
        if self._status:
            self._write("\n")

    def _write(self, text: str) -> None:
        click.echo(text, nl=False)
        sys.stdout.flush()


def has_terminal() -> bool:
    """Whether keys can be read and a page be drawn."""
    return sys.stdin.isatty() and sys.stdout.isatty() and os.environ.get("TERM") != "dumb"
