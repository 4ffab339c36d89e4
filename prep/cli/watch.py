"""`prep grade ID --watch`: grade on every save, with a judge that stays warm; keys where there is a terminal.

Needs no more than `prep grade` does, so that it runs on a bare GPU box: no textual, no file notification package.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from prep.cli.attempts import Records
from prep.cli.terminal import Keyboard, Page
from prep.cli.watch_page import Key, hints_page, key_line, rendered, verdict_page, wrapped
from prep.errors import PrepError
from prep.exercises.check import HINTS
from prep.exercises.load import following, load_exercises
from prep.exercises.spec import Exercise
from prep.exercises.statement import hints, statement
from prep.exercises.watched import LOOK_S, WatchedFile
from prep.exercises.workspace import Workspace
from prep.grading.client import AsyncJudge, Event
from prep.grading.regrade import Regrader
from prep.grading.report import verdict_lines, xray_lines
from prep.locale import gettext as _


class Watch:
    """One run of watch mode.

    Args:
        path: the file that is watched; it may lie anywhere.
        interactive: keys are read and a page is drawn; without it, verdicts follow each other on stdout.
    """

    def __init__(
        self,
        exercise: Exercise,
        path: Path,
        lang: str,
        *,
        device: str,
        interactive: bool,
        as_json: bool,
    ) -> None:
        self.lang = lang
        self.device = device
        self.page = Page() if interactive else None
        self.as_json = as_json
        self.records = Records(self._say)
        self.status = 1
        """What the command will end with: that of the last verdict, 1 before there is one."""
        self._judge = AsyncJudge()
        self._regrader = Regrader(self._judge, self._take)
        self._ended: asyncio.Future[None] | None = None
        self._begin(exercise, path)

    def _begin(self, exercise: Exercise, path: Path) -> None:
        self.exercise = exercise
        self.watched = WatchedFile(path)
        self.verdict: dict[str, Any] | None = None
        self.following: Exercise | None = None
        self.hints_shown = 0
        self.view = "verdict"
        self.notice = ""
        self._grading: asyncio.Task[None] | None = None
        self._progress = ""
        """What a grading is at; empty where none runs."""

    # the loop

    async def run(self) -> int:
        """Watch until a key, a signal or the end of the terminal; returns the exit status."""
        loop = asyncio.get_running_loop()
        self._ended = loop.create_future()
        loop.set_exception_handler(
            lambda _loop, context: self._end_with(context.get("exception") or AssertionError(context))
        )
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(number) is not signal.SIG_IGN:
                loop.add_signal_handler(number, self._end, 128 + number)
        try:
            if self.page is None:
                await self._watch()
            else:
                with Keyboard() as keyboard:
                    loop.add_signal_handler(signal.SIGWINCH, self._draw)
                    loop.add_signal_handler(signal.SIGTSTP, self._suspend, keyboard)
                    loop.add_reader(0, self._read_keys)
                    try:
                        await self._watch()
                    finally:
                        loop.remove_reader(0)
        finally:
            if self._grading is not None and not self._grading.done():
                self._grading.cancel()
                await asyncio.wait([self._grading])
            await self._judge.close()
            if self.page is not None:
                self.page.close()
        return self.status

    async def _watch(self) -> None:
        assert self._ended is not None
        self._grade()
        while not self._ended.done():
            await asyncio.wait([self._ended], timeout=LOOK_S)
            match self.watched.look(time.monotonic()):
                case "saved":
                    self._grade()
                case "gone":
                    self._say(_("{file} is gone; it is graded when it is back").format(file=self.watched.path))
        self._ended.result()

    def _end(self, status: int | None = None) -> None:
        if status is not None:
            self.status = status
        if self._ended is not None and not self._ended.done():
            self._ended.set_result(None)

    def _end_with(self, error: BaseException) -> None:
        """A fault of our own: leave with it, after the terminal was given back."""
        if self._ended is not None and not self._ended.done():
            self._ended.set_exception(error)

    def _suspend(self, keyboard: Keyboard) -> None:
        keyboard.__exit__()
        os.kill(os.getpid(), signal.SIGSTOP)
        keyboard.__enter__()
        self._draw()

    # grading

    def _grade(self) -> None:
        """Grade the file as it is now; what is being graded is of no interest any more."""
        if self._busy:
            self._regrader.overtake()
            return
        self._show_progress(_("starting the judge …") if self.verdict is None else _("grading …"))
        self._grading = asyncio.create_task(self._graded())
        self._grading.add_done_callback(self._grading_ended)

    @property
    def _busy(self) -> bool:
        return bool(self._progress)

    async def _graded(self) -> None:
        try:
            graded = await self._regrader.grade(self.exercise.id, self.watched.path, self.device)
        except PrepError as error:
            self._progress = ""
            self._say(f"{error} ({error.hint})" if error.hint else str(error))
            return
        self._progress = self.notice = ""
        self._show_verdict(graded.verdict)
        self.records.attempt(graded.verdict, graded.source_sha)
        self._find_following()
        self._show_keys()

    def _grading_ended(self, grading: asyncio.Task[None]) -> None:
        if not grading.cancelled() and (error := grading.exception()) is not None:
            self._end_with(error)

    def _take(self, event: Event) -> None:
        if event["event"] == "case":
            n, total = event["index"] + 1, event["total"]
            self._show_progress(_("grading: case {n} of {total} …").format(n=n, total=total))

    def _find_following(self) -> None:
        if self.verdict is not None and self.verdict["passed"]:
            try:
                self.following = following(load_exercises(), self.records.progress(), self.exercise.id)
            except PrepError as error:
                self._say(str(error))

    # what is seen

    def _show_verdict(self, verdict: dict[str, Any]) -> None:
        self.verdict, self.following = verdict, None
        self.status = 0 if verdict["passed"] else 1
        self.view = "verdict"
        if self.as_json:
            self._print(json.dumps(verdict, ensure_ascii=False))
        elif self.page is None:
            self._print("\n".join([*verdict_lines(verdict, self.lang), ""]))
        else:
            self._draw()

    def _print(self, text: str) -> None:
        try:
            click.echo(text)
            sys.stdout.flush()
        except BrokenPipeError:
            # Nobody reads any more. What python flushes when it leaves must not complain.
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            self._end()

    def _say(self, text: str) -> None:
        """One line that is no verdict."""
        if self.page is None:
            click.echo(f"prep: {text}", err=True)
            return
        self.notice = text
        self._draw()

    def _draw(self) -> None:
        if self.page is None:
            return
        columns, rows = self.page.columns, self.page.rows
        head = _("{id} · watching {file}").format(id=self.exercise.id, file=self.watched.path)
        lines = [*wrapped([head], columns), ""]
        if self.view == "keys":
            for key, _label, does in self._keys():
                lines += wrapped([f"{key}  {does}"], columns)
        elif self.verdict is None:
            lines += [] if self._busy else rendered(statement(self.exercise, self.lang), columns)
        elif self.view == "xray":
            lines += wrapped(xray_lines(self.verdict["xray"], self.lang), columns)
        else:
            lines += verdict_page(self.verdict, self.lang, columns, rows)
        if self.view == "verdict":
            lines += hints_page(self.exercise, self.lang, self.hints_shown, columns)
        if self.notice:
            lines += ["", *wrapped([self.notice], columns)]
        self.page.show(lines)
        self._show_keys()

    def _show_progress(self, text: str) -> None:
        self._progress = text
        self._show_keys()

    def _show_keys(self) -> None:
        """The line at the bottom: what is going on, and the keys that work now."""
        if self.page is not None:
            self.page.status(key_line(self._keys(), self._progress, self.page.columns))

    # keys

    def _keys(self) -> list[Key]:
        """The keys that do something now, in the order of use."""
        keys = []
        if self.hints_shown < HINTS:
            n = self.hints_shown + 1
            keys.append(("h", _("hint {n}/{total}").format(n=n, total=HINTS), _("show the next hint")))
        if not self._busy:
            keys.append(("r", _("rerun"), _("grade the file again, with new values")))
        if self.verdict is not None and self.verdict["xray"]:
            label = _("back") if self.view == "xray" else _("X-ray")
            keys.append(("x", label, _("what the compiler made of the kernels: registers, spills, shared memory")))
        if self.following is not None and not self._busy:
            title = _("next: {title}").format(title=self.following.title[self.lang])
            keys.append(("n", title, _("start the next exercise and watch its file")))
        keys.append(("q", _("leave"), _("leave; the exit status is that of the last verdict")))
        return [*keys, ("?", _("back") if self.view == "keys" else _("keys"), _("show or hide this list"))]

    def _read_keys(self) -> None:
        typed = Keyboard.read()
        if typed is None:
            self._end(128 + signal.SIGHUP)
            return
        actions: dict[str, Callable[[], object]] = {
            "h": self._hint,
            "r": self._grade,
            "x": lambda: self._toggle("xray"),
            "n": self._next,
            "q": self._end,
            "?": lambda: self._toggle("keys"),
        }
        for key in typed.lower():
            if key in (known for known, *_texts in self._keys()):
                try:
                    actions[key]()
                except PrepError as error:
                    self._say(str(error))

    def _toggle(self, view: str) -> None:
        self.view = "verdict" if self.view == view else view
        self._draw()

    def _hint(self) -> None:
        hints(self.exercise, self.lang)  # a broken hints.yaml is told before it is counted as seen
        self.hints_shown += 1
        self.view = "verdict"
        self.records.hint(self.exercise.id, self.hints_shown)
        self._draw()

    def _next(self) -> None:
        assert self.following is not None
        started = Workspace().put(self.following)
        if started.created:
            self.records.started(self.following.id)
        self._begin(self.following, started.path)
        if started.created:
            self._draw()  # the starter fails as all starters do: nothing to be told about it
        else:
            self._grade()
            self._draw()
