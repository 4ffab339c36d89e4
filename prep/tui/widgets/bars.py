"""The lines above and below every screen: where one is, and which keys work now."""

from __future__ import annotations

from textual.content import Content
from textual.reactive import reactive
from textual.screen import Screen
from textual.style import Style
from textual.widget import Widget

from prep.tui.keys import character_of, key_name
from prep.tui.text import two_ends


class TopBar(Widget):
    """What is shown on the left, how it stands on the right."""

    DEFAULT_CSS = """
    TopBar {
        dock: top;
        height: 2;
        padding: 0 1;
        border-bottom: solid $foreground 20%;
    }
    """

    left: reactive[Content] = reactive(Content(""))
    right: reactive[Content] = reactive(Content(""))

    def render(self) -> Content:
        return two_ends(self.left, self.right, self.content_size.width)


class KeyBar(Widget):
    """The keys that work now, as many as fit; help and the way out are always among them."""

    DEFAULT_CSS = """
    KeyBar {
        dock: bottom;
        height: 2;
        padding: 0 1;
        border-top: solid $foreground 20%;
    }
    """
    auto_links = False  # a key is clickable, and looks like a key, not like a link
    PINNED = ("help", "leave")
    """Actions whose keys are shown even where others have to make room."""

    def on_mount(self) -> None:
        self.screen.bindings_updated_signal.subscribe(self, self._bindings_updated)

    def on_unmount(self) -> None:
        self.screen.bindings_updated_signal.unsubscribe(self)

    def _bindings_updated(self, _screen: Screen[object]) -> None:
        self.refresh()

    def render(self) -> Content:
        return self.fit_keys(self.content_size.width)

    def fit_keys(self, width: int) -> Content:
        """One line of at most `width` cells."""
        items: list[tuple[bool, Content]] = []
        seen: set[str] = set()
        focused = self.screen.focused
        for active in self.screen.active_bindings.values():
            binding = active.binding
            if not binding.show or not active.enabled or binding.action in seen:
                continue
            text = character_of(binding.key)
            if focused is not None and text is not None and focused.check_consume_key(binding.key, text):
                continue  # a text field takes this key as text
            seen.add(binding.action)
            click = Style.from_meta({"@click": f"app.simulate_key('{binding.key}')"})
            item = Content.assemble((key_name(self.app, binding), "bold $accent"), " ", binding.description)
            items.append((binding.action in self.PINNED, item.stylize(click)))
        items.sort(key=lambda item: item[0])
        room = width - sum(item.cell_length + 2 for pinned, item in items if pinned)
        shown: list[Content] = []
        for pinned, item in items:
            if not pinned:
                if item.cell_length > room:
                    # Later keys must not jump over an earlier, more important one that did not fit.
                    room = 0
                    continue
                room -= item.cell_length + 2
            shown.append(item)
        return Content("  ").join(shown).truncate(width)
