"""What every screen of prep does alike: bars, language, keys, and work that may fail."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar, cast

from textual.binding import Binding, BindingType
from textual.screen import ModalScreen, Screen

from prep.errors import PrepError
from prep.locale import N_, Lang, current_language
from prep.tui.keys import relabel
from prep.tui.messages import LanguageChanged

if TYPE_CHECKING:
    from prep.tui.app import PrepApp
    from prep.tui.services import Services

Result = TypeVar("Result")


class PrepScreen(Screen[None]):
    """A full screen. Subclasses compose a TopBar, a body and a KeyBar, and implement `load` and `show`."""

    BINDINGS: ClassVar[list[BindingType]] = [
        # Declared last wins no place in the footer, but this one is pinned there (KeyBar.PINNED).
        Binding("q,escape", "leave", N_("leave")),
    ]
    AUTO_FOCUS = ""

    def __init__(self) -> None:
        super().__init__()
        self._shown_in: Lang = current_language()
        self._ready = False
        self.relabel_keys()

    @property
    def prep(self) -> PrepApp:
        from prep.tui.app import PrepApp

        app = self.app
        assert isinstance(app, PrepApp)
        return app

    # the life of a screen

    async def on_mount(self) -> None:
        await self.show_bars()
        # After the first frame: nothing that `load` needs may delay it.
        self.call_after_refresh(self._start)

    def _start(self) -> None:
        self.start_work(self._load_and_show, "load")

    async def _load_and_show(self) -> None:
        services = await self.prep.services()
        if not self.is_mounted:
            return
        await self.load(services)
        self._ready = True
        await self.show()
        self.relabel_keys()

    async def load(self, services: Services) -> None:
        """Get what the screen shows; services are there from now on as `self.services`."""

    async def show(self) -> None:
        """Show the present state in the present language."""

    @property
    def services(self) -> Services:
        services = self.prep.loaded
        assert services is not None, "a screen uses its services after load()"
        return services

    @property
    def ready(self) -> bool:
        """Whether `load` has ended, so that keys have something to work on."""
        return self._ready

    async def on_screen_resume(self) -> None:
        if self._ready:
            await self.resumed()
        if self._shown_in != current_language():
            await self.on_language_changed()

    async def resumed(self) -> None:
        """Another screen was closed and this one is seen again."""

    async def on_language_changed(self, _message: LanguageChanged | None = None) -> None:
        self._shown_in = current_language()
        await self.show_bars()
        if self._ready:
            await self.show()
        self.relabel_keys()

    async def show_bars(self) -> None:
        """Show what does not depend on services."""

    # keys

    def key_labels(self) -> dict[str, str]:
        """Action -> name of its key, where that depends on the state."""
        return {}

    def relabel_keys(self) -> None:
        """Name the keys anew, after the state or the language changed."""
        relabel(self, self.key_labels())
        if self.is_attached:
            self.refresh_bindings()

    def action_leave(self) -> None:
        self.prep.leave_screen()

    # work

    def start_work(self, work: Callable[[], Awaitable[Any]], group: str) -> None:
        """Run `work` beside the interface; what it raises as PrepError is shown, not thrown."""

        async def guarded() -> None:
            try:
                await work()
            except PrepError as error:
                self.work_failed(error)

        # The function, not its coroutine: a worker that is replaced before it began would leave one never awaited.
        self.run_worker(cast("Callable[[], Awaitable[None]]", guarded), group=group, exclusive=True)

    def _attempt(self, work: Callable[[], Any]) -> None:
        """Do `work` from a callback, where no key's guard stands around it, and load the screen again."""
        try:
            work()
        except PrepError as error:
            self.prep.show_error(error, lambda: self._attempt(work))
        else:
            self.start_work(self._load_and_show, "load")

    def work_failed(self, error: PrepError) -> None:
        """Services or other work failed; by default the message offers to load again."""
        if not self._ready:
            self.prep.failed = True
            self.prep.show_error(error, self._start)
        else:
            self.prep.show_error(error)


class Dialog(ModalScreen[Result]):
    """A question over a screen. `Esc` closes it without an answer."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss", N_("close"))]

    def __init__(self) -> None:
        super().__init__()
        self.relabel_keys()

    def key_labels(self) -> dict[str, str]:
        return {}

    def relabel_keys(self) -> None:
        relabel(self, self.key_labels())
        if self.is_attached:
            self.refresh_bindings()
