"""The app as a person runs it: in a terminal, key by key, with a restart in the middle."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.tui.conftest import REPOSITORY, log_rows

pytestmark = pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed")


class Terminal:
    """A detached tmux session on a server of its own."""

    def __init__(self, env: dict[str, str], width: int = 80, height: int = 24) -> None:
        self.name = ""
        self.env = env
        self.size = ("-x", str(width), "-y", str(height))

    def tmux(self, *arguments: str, check: bool = True) -> str:
        command = ["tmux", "-L", self.name, "-f", "/dev/null", "-u", *arguments]
        result = subprocess.run(command, env=self.env, capture_output=True, text=True, check=check)
        return result.stdout

    def start(self, *arguments: str) -> None:
        # A server of its own for each start: one that is still shutting down refuses a new session.
        self.name = f"prep-{uuid.uuid4().hex[:8]}"
        command = f"{sys.executable} -m prep {' '.join(arguments)}; echo ENDED $?; exec sleep 1000"
        self.tmux("new-session", "-d", "-s", "prep", *self.size, command)

    def screen(self) -> str:
        return self.tmux("capture-pane", "-p", "-t", "prep", check=False)

    def keys(self, *keys: str) -> None:
        self.tmux("send-keys", "-t", "prep", *keys)

    def wait(self, text: str | Callable[[str], bool], seconds: float = 30) -> str:
        """The screen, as soon as it holds `text`."""
        holds = text if callable(text) else (lambda screen: text in screen)
        deadline = time.monotonic() + seconds
        screen = ""
        while time.monotonic() < deadline:
            screen = self.screen()
            if holds(screen):
                return screen
            time.sleep(0.03)
        pytest.fail(f"never seen: {text}\n{screen}")

    def close(self) -> None:
        if self.name:
            self.tmux("kill-server", check=False)


@pytest.fixture
def terminal(bundle: Path, tmp_path: Path) -> Iterator[Terminal]:
    env = {
        **os.environ,
        "PYTHONPATH": str(REPOSITORY),
        "TERM": "xterm-256color",
        "LANG": "C.UTF-8",
        "TMUX_TMPDIR": str(tmp_path),
    }
    env.pop("TMUX", None)
    terminal = Terminal(env)
    yield terminal
    terminal.close()


def test_prep_opens_on_today(terminal: Terminal) -> None:
    terminal.start()
    screen = terminal.wait("Review 12 cards")
    assert "12 new" in screen
    assert "q leave" in screen
    terminal.keys("q")
    terminal.wait("ENDED 0")


def test_ten_cards_with_a_restart_and_an_undo(terminal: Terminal) -> None:
    """Six cards, out, in again, the sixth taken back and graded anew, and four more: ten that stand, one undone."""

    def answer(done: int, key: str) -> None:
        terminal.wait(lambda screen: f"{done + 1} / " in screen and "Space reveal" in screen)
        terminal.keys("Space")
        terminal.wait("1 again")
        terminal.keys(key)

    terminal.start("review")
    for done, key in enumerate("321433"):
        answer(done, key)
    terminal.wait(lambda screen: "7 / " in screen and "Space reveal" in screen)
    terminal.keys("q")
    terminal.wait("ENDED 0")
    terminal.close()
    assert [row["rating"] for row in log_rows()] == [3, 2, 1, 4, 3, 3]

    terminal.start("review")
    terminal.wait("Space reveal")
    terminal.keys("u")
    terminal.wait("1 again")
    terminal.keys("1")
    for done, key in enumerate("3334", 1):
        answer(done, key)
    terminal.wait(lambda screen: "6 / " in screen or "cards done" in screen)
    terminal.keys("q")
    terminal.wait("ENDED 0")

    rows = log_rows()
    assert [row["rating"] for row in rows] == [3, 2, 1, 4, 3, 3, 1, 3, 3, 3, 4]
    assert [row["undone_at_ms"] is None for row in rows] == [True] * 5 + [False] + [True] * 5
    assert rows[5]["card_id"] == rows[6]["card_id"], "the card that was taken back is the one graded again"
    standing = [row["card_id"] for row in rows if row["undone_at_ms"] is None]
    assert len(standing) == len(set(standing)) == 10
    assert len({row["session_id"] for row in rows}) == 2
    assert all(row["face"] == "en" and row["duration_ms"] > 0 for row in rows)


def test_the_editor_has_the_terminal_and_gives_it_back(
    terminal: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = tmp_path / "editor.sh"
    script.write_text('#!/bin/sh\nprintf "EDITING %s" "$1"\nread answer\n')
    script.chmod(0o755)
    terminal.env["EDITOR"] = str(script)
    terminal.start("review")
    terminal.wait("Space reveal")
    terminal.keys("Space")
    terminal.wait("1 again")
    terminal.keys("e")
    terminal.wait("EDITING")
    terminal.keys("x", "Enter")
    terminal.wait("1 again")
    terminal.keys("3")
    terminal.wait("2 / ")
    assert len(log_rows()) == 1


def test_an_editor_that_is_missing_leaves_the_app_whole(terminal: Terminal) -> None:
    terminal.env["EDITOR"] = "no-such-editor"
    terminal.start("review")
    terminal.wait("Space reveal")
    terminal.keys("e")
    screen = terminal.wait("cannot be started")
    assert "$EDITOR" in screen
    terminal.keys("Enter")
    terminal.wait(lambda screen: "cannot be started" not in screen)
    terminal.keys("Space")
    terminal.wait("1 again")


def test_a_broken_setting_is_one_line_and_status_2(terminal: Terminal, home: Path) -> None:
    (home / "config").mkdir(parents=True)
    (home / "config" / "config.toml").write_text("langg = 'zh'\n")
    terminal.start()
    screen = terminal.wait("ENDED")
    assert "ENDED 2" in screen
    assert "config.toml:1" in screen
    assert "Traceback" not in screen
