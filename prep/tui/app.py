"""The app: what every screen shares, and how it starts.

The first frame must come at no more than 1.5 times the cost of an empty textual app, so nothing here imports a widget,
a database or a card: screens load when they are first pushed, and services in a thread after the first frame.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, cast

from textual.app import App, SystemCommand
from textual.binding import Binding, BindingType

from prep.clock import Clock, now
from prep.errors import PrepError
from prep.locale import LANGUAGE_NAMES, N_, current_language, other_language, set_language
from prep.locale import gettext as _
from prep.settings import Settings, load_settings, save_lang
from prep.tui.keys import relabel
from prep.tui.messages import LanguageChanged
from prep.tui.wrap import install as install_line_breaking

if TYPE_CHECKING:
    from textual.command import Provider
    from textual.screen import Screen

    from prep.grading.client import AsyncJudge
    from prep.tui.services import Services


def _today() -> Screen[Any]:
    from prep.tui.screens.today import TodayScreen

    return TodayScreen()


def _exercises() -> Screen[Any]:
    from prep.tui.screens.exercises import ExercisesScreen

    return ExercisesScreen()


def _log() -> Screen[Any]:
    from prep.tui.screens.log import LogScreen

    return LogScreen()


def _log_form() -> Screen[Any]:
    from prep.tui.screens.log_form import LogFormScreen

    return LogFormScreen()


def _library() -> Screen[Any]:
    from prep.tui.screens.library import LibraryScreen

    return LibraryScreen()


def _review() -> Screen[Any]:
    from prep.tui.screens.review import ReviewScreen

    return ReviewScreen()


def _commands() -> type[Provider]:
    from prep.tui.commands import KeyCommands

    return KeyCommands


def _system_commands() -> type[Provider]:
    from textual.system_commands import SystemCommandsProvider

    return SystemCommandsProvider


OPENERS: dict[str, Callable[[], Screen[Any]]] = {
    "today": _today,
    "review": _review,
    "exercises": _exercises,
    "log": _log,
    "log_form": _log_form,
    "library": _library,
}
"""Screen name -> what makes a fresh one."""


class PrepApp(App[None]):
    """prep in a terminal.

    Args:
        first: what makes the screen that opens first; today's by default.
        clock: for tests.
    """

    CSS_PATH = "app.tcss"
    TITLE = "prep"
    ESCAPE_TO_MINIMIZE = False
    # A mode of our own, because textual reads no styles for the screen of its default mode.
    DEFAULT_MODE = "prep"
    COMMANDS: ClassVar[set[type[Provider] | Callable[[], type[Provider]]]] = {_commands, _system_commands}
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "go('library')", N_("search")),
        Binding("L", "language", N_("language")),
        Binding("question_mark,f1", "help", N_("help")),
        Binding("ctrl+p", "command_palette", N_("all commands"), show=False),
        Binding("ctrl+q", "quit", N_("leave prep"), show=False, priority=True),
    ]

    def __init__(
        self,
        first: Callable[[], Screen[Any]] = _today,
        *,
        settings: Settings | None = None,
        clock: Clock = now,
    ) -> None:
        super().__init__()
        install_line_breaking()
        self.settings = load_settings() if settings is None else settings
        set_language(self.settings.lang)
        self.clock = clock
        self.failed = False
        """Whether the records could not be opened: the exit status says so."""
        self.add_mode("prep", first)
        self._loading: asyncio.Task[Services] | None = None
        self._services: Services | None = None
        self._judge: AsyncJudge | None = None
        self.relabel_keys()

    # services

    async def services(self) -> Services:
        """The services, loaded once, in a thread; every screen awaits them here after its first frame.

        Raises:
            PrepError: they cannot be opened; the next call tries again.
        """
        if self._services is not None:
            return self._services
        if self._loading is None:
            self._loading = asyncio.create_task(self._load())
        try:
            # Shielded: a screen that is left while they load must not cancel them for the next one.
            self._services = await asyncio.shield(self._loading)
        finally:
            if self._loading is not None and self._loading.done():
                self._loading = None
        self.failed = False
        return self._services

    async def _load(self) -> Services:
        def contents() -> Any:
            from prep.tui.services import load_contents

            return load_contents()

        loaded = await asyncio.to_thread(contents)
        from prep.tui.services import Services

        return Services.open(loaded, self.settings, self.clock)

    @property
    def loaded(self) -> Services | None:
        """The services, if they are there already."""
        return self._services

    @property
    def judge(self) -> AsyncJudge:
        """The grader's process, started with the first grading and kept warm: torch costs seconds to import."""
        if self._judge is None:
            from prep.grading.client import AsyncJudge

            self._judge = AsyncJudge()
        return self._judge

    def on_mount(self) -> None:
        if not self.is_headless:
            from prep.tui.hangup import leave_when_told

            leave_when_told(self)

    async def on_unmount(self) -> None:
        if self._judge is not None:
            await self._judge.close()
        if self._services is not None:
            self._services.close()

    # going about

    def open_screen(self, screen: Screen[Any], replace: bool = False) -> None:
        """Show `screen`; with `replace`, in the place of the present one, unless that is the one the app began with."""
        if replace and len(self.screen_stack) > 1:
            self.switch_screen(screen)
        else:
            self.push_screen(screen)

    def action_go(self, name: str) -> None:
        """Open the screen called `name`; today's is never stacked twice."""
        if name == "today":
            from prep.tui.screens.today import TodayScreen

            for depth, screen in enumerate(reversed(self.screen_stack)):
                if isinstance(screen, TodayScreen):
                    for _each in range(depth):
                        self.pop_screen()
                    return
            self.open_screen(OPENERS[name](), replace=True)
            return
        self.push_screen(OPENERS[name]())

    def leave_screen(self) -> None:
        """Close the present screen; the last one takes the app with it."""
        if len(self.screen_stack) > 1:
            self.pop_screen()
        else:
            self.quit_with_status()

    def quit_with_status(self) -> None:
        self.exit(return_code=1 if self.failed else 0)

    async def action_quit(self) -> None:
        """Leave, after asking where something half-written would be lost."""
        for screen in reversed(self.screen_stack):
            may_leave = getattr(screen, "may_leave", None)
            if may_leave is not None and not may_leave():
                screen.ask_to_leave(self.quit_with_status)
                return
        self.quit_with_status()

    def action_help_quit(self) -> None:
        """Ctrl+C: say which key leaves, since it copies here and does not interrupt."""
        self.notify(_("Ctrl+Q leaves prep."))

    # language

    def relabel_keys(self) -> None:
        relabel(self, {"language": LANGUAGE_NAMES[other_language()]})

    def action_language(self) -> None:
        """Switch interface and cards to the other language, and keep the choice."""
        set_language(other_language())
        self.relabel_keys()
        for screen in self.screen_stack:
            screen.post_message(LanguageChanged())
        save_lang(current_language())

    # help, palette, messages

    def action_help(self) -> None:
        """Show or hide the keys that work now."""
        if self.screen.query("HelpPanel"):
            self.action_hide_help_panel()
        else:
            self.action_show_help_panel()

    def action_command_palette(self) -> None:
        from textual.command import CommandPalette

        if self.use_command_palette and not CommandPalette.is_open(cast("App[object]", self)):
            self.push_screen(CommandPalette(placeholder=_("Type what you want to do"), id="--command-palette"))

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        yield SystemCommand(_("Colours"), _("Change the theme"), self.action_change_theme)
        yield SystemCommand(_("Save a picture of the screen"), _("As an SVG file"), self.deliver_screenshot)

    def notify(self, message: str, **options: Any) -> None:
        # Names of companies and files are shown as they are: brackets in them are no markup.
        super().notify(message, **{**options, "markup": False})

    def show_error(self, error: PrepError, retry: Callable[[], Any] | None = None) -> None:
        """Say what is wrong, where, and what to do; `retry` does again what the key asked for."""
        from prep.tui.screens.dialogs import ErrorDialog

        self.push_screen(ErrorDialog(error, retry))

    async def run_action(self, action: Any, default_namespace: Any = None, namespaces: Any = None) -> bool:
        """As textual's; a PrepError becomes a message, and the key can be tried again."""
        try:
            return await super().run_action(action, default_namespace, namespaces)
        except PrepError as error:
            self.show_error(error, lambda: self.run_action(action, default_namespace, namespaces))
            return True

    async def edit(self, path: Path, line: int | None = None) -> None:
        """Open `path` in the user's editor and wait for it; the app is suspended meanwhile.

        Raises:
            PrepError: there is no editor, or it cannot be started here.
        """
        from prep.tui.editor import edit_file

        await edit_file(cast("App[object]", self), self.settings.editor, path, line)


def run_app(
    screen: str = "today", *, area: str | None = None, limit: int | None = None, exercise: str | None = None
) -> None:
    """Open the app, and return when it is left.

    Args:
        screen: a name of OPENERS, or "exercise".
        area: review only cards of this area.
        limit: review at most this many cards.
        exercise: the exercise that "exercise" shows.

    Raises:
        ConfigError: the settings cannot be read.
        SystemExit: status 1, when the records could not be opened.
    """
    first = OPENERS.get(screen, _today)
    if screen == "review":

        def first() -> Screen[Any]:
            from prep.tui.screens.review import ReviewScreen

            return ReviewScreen(area=area, limit=limit)

    elif screen == "exercise" and exercise is not None:
        wanted = exercise

        def first() -> Screen[Any]:
            from prep.tui.screens.exercise import ExerciseScreen

            return ExerciseScreen(wanted)

    app = PrepApp(first)
    app.run()
    if app.return_code:
        raise SystemExit(app.return_code)
