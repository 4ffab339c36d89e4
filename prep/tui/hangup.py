"""Leaving when the terminal is closed, and in good order when the process is told to end.

A closed terminal is announced by SIGHUP to the session's leader alone. Where that is not the app (`tmux new-session
'make run'`: the leader is make, which waits for its child), nothing tells the app: its input thread finds the dead
terminal readable, reads nothing from it, and does so again for ever, at the cost of a whole core.
"""

from __future__ import annotations

import asyncio
import os
import select
import signal
import threading
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from textual.app import App

GRACE_S = 3.0
"""For closing the records and the judge. What matters is on disk already: each answer is a transaction of its own and
a form is kept while it is typed."""

_LOOK_S = 2.0
"""How often a system whose poll() says nothing about terminals (macOS) is asked whether this still is one."""


def leave_when_told(app: App[Any]) -> None:
    """End `app` on SIGHUP and SIGTERM, and when its terminal is gone. To be called in the app's event loop."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGHUP, signal.SIGTERM):
        if signal.getsignal(number) is signal.SIG_DFL:  # under nohup, SIGHUP stays ignored
            loop.add_signal_handler(number, _leave, app, 128 + number)
    terminals = [fd for fd in (0, 1, 2) if os.isatty(fd)]
    if 0 in terminals:
        threading.Thread(target=_watch, args=(app, terminals), name="prep-hangup", daemon=True).start()


def _leave(app: App[Any], status: int) -> None:
    app.exit(return_code=status)


def _watch(app: App[Any], terminals: list[int]) -> None:
    poll = select.poll()
    poll.register(0, 0)  # no event is asked for: what remains is that the other end hung up
    while not poll.poll(_LOOK_S * 1000) and os.isatty(0):
        pass
    # What is drawn now must go somewhere: textual's writer dies of EIO, and then its queue of 30 frames blocks the app.
    nowhere = os.open(os.devnull, os.O_RDWR)
    for fd in terminals:
        os.dup2(nowhere, fd)
    app.call_later(_leave, app, 128 + signal.SIGHUP)
    time.sleep(GRACE_S)
    os._exit(128 + signal.SIGHUP)  # a daemon thread: the app has not left by itself
