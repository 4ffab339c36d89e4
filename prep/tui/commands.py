"""The command palette's commands: every key of the screen below it, by its name."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from textual.command import DiscoveryHit, Hit, Hits, Provider

from prep.tui.keys import key_name


class KeyCommands(Provider):
    """What the keys do, for who looks for it by name."""

    def _commands(self) -> Iterator[tuple[str, str, partial[Any]]]:
        seen: set[tuple[str, str]] = set()
        # The keys of the footer first; moving about, which nobody looks for by name, last.
        for active in sorted(self.screen.active_bindings.values(), key=lambda each: not each.binding.show):
            binding = active.binding
            if binding.system or not active.enabled or not binding.description:
                continue
            if binding.action == "command_palette" or (binding.action, binding.description) in seen:
                continue
            seen.add((binding.action, binding.description))
            key = key_name(self.app, binding)
            yield binding.description, key, partial(self.app.run_action, binding.action, active.node)

    async def discover(self) -> Hits:
        for name, key, run in self._commands():
            yield DiscoveryHit(name, run, help=key)

    async def search(self, query: str) -> Hits:
        matcher = self.matcher(query)
        for name, key, run in self._commands():
            score = matcher.match(name)
            if score > 0:
                yield Hit(score, matcher.highlight(name), run, text=name, help=key)
