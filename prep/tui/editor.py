"""The user's editor, in place of the app for as long as it is open."""

from __future__ import annotations

import asyncio
import shlex
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from prep.errors import ConfigError, UsageError
from prep.locale import gettext as _

if TYPE_CHECKING:
    from textual.app import App

_LINE_ARGUMENT = {"vi", "vim", "nvim", "nano", "emacs", "emacsclient", "micro", "kak", "joe", "ne"}
"""Editors that take `+12 file`."""


def editor_command(editor: str, path: Path, line: int | None = None) -> list[str]:
    """The command that opens `path`, at `line` where the editor is known to take one.

    Raises:
        ConfigError: no editor is known, or its command line cannot be read.
    """
    hint = 'set $EDITOR, or editor = "..." in prep\'s config.toml'
    try:
        words = shlex.split(editor)
    except ValueError as e:
        raise ConfigError(f"the editor's command line cannot be read: {editor}", hint=hint) from e
    if not words:
        raise ConfigError("no editor was found", hint=hint)
    if line is not None and Path(words[0]).name in _LINE_ARGUMENT:
        words.append(f"+{line}")
    return [*words, str(path)]


async def edit_file(app: App[object], editor: str, path: Path, line: int | None = None) -> None:
    """Open `path` in `editor` and wait until it is closed.

    Raises:
        PrepError: the editor is missing, or the app runs where no editor can be shown.
    """
    command = editor_command(editor, path, line)
    status = 0
    failure: OSError | None = None
    if app.is_headless:  # no terminal to give away: only an editor that needs none can work
        try:
            process = await asyncio.create_subprocess_exec(*command, stdin=asyncio.subprocess.DEVNULL)
            status = await process.wait()
        except OSError as e:
            failure = e
    elif app._driver is not None and app._driver.can_suspend:
        with app.suspend():
            # Nothing may be raised in here: the terminal would not be given back to the app.
            try:
                status = subprocess.run(command, check=False).returncode
            except OSError as e:
                failure = e
    else:
        raise UsageError("an editor cannot be opened here", where=path, hint="open the file on the machine itself")
    if failure is not None:
        raise ConfigError(
            f"the editor {command[0]!r} cannot be started: {failure.strerror}",
            hint='set $EDITOR, or editor = "..." in prep\'s config.toml',
        ) from failure
    if status:
        # Not an error: whoever leaves vim with :cq means it, and the file is shown as it is then.
        app.notify(_("The editor ended with status {status}.").format(status=status), severity="warning")
