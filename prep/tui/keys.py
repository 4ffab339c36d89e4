"""Keys and what they are called: one text for footer, palette and help panel, in the current language."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from textual.binding import BindingsMap

from prep.locale import N_
from prep.locale import gettext as _

if TYPE_CHECKING:
    from textual.app import App
    from textual.binding import Binding
    from textual.dom import DOMNode

DISPLAY = {
    "space": "Space",
    "enter": "Enter",
    "tab": "Tab",
    "escape": "Esc",
    "pagedown": "PgDn",
    "pageup": "PgUp",
    "home": "Home",
    "end": "End",
    "shift+tab": "Shift+Tab",
    "f1": "F1",
    "delete": "Del",
    "backspace": "⌫",
}

# textual's own descriptions, which the help panel shows beside ours.
_TEXTUAL = {
    "Focus Next": N_("next field"),
    "Focus Previous": N_("previous field"),
    "Copy selected text": N_("copy the selection"),
    "Scroll Up": N_("scroll up"),
    "Scroll Down": N_("scroll down"),
    "Scroll Left": N_("scroll left"),
    "Scroll Right": N_("scroll right"),
    "Scroll Home": N_("to the top"),
    "Scroll End": N_("to the end"),
    "Page Up": N_("a page up"),
    "Page Down": N_("a page down"),
    "Page Left": N_("a page left"),
    "Page Right": N_("a page right"),
    "Up": N_("up"),
    "Down": N_("down"),
    "First": N_("first"),
    "Last": N_("last"),
    "Select": N_("choose"),
}


def key_name(app: App[Any], binding: Binding) -> str:
    """How a key is written for a person: `Ctrl+S`, `Space`, `?`."""
    if binding.key_display:
        return binding.key_display
    if binding.key in DISPLAY:
        return DISPLAY[binding.key]
    if binding.key.startswith("ctrl+"):
        return "Ctrl+" + binding.key[5:].upper()
    return app.get_key_display(binding)


def relabel(node: DOMNode, labels: Mapping[str, str] | None = None) -> None:
    """Give the bindings of `node` their names in the current language.

    Args:
        node: an app, screen or widget.
        labels: action -> name, for names that depend on the state ("hint 2/3").
    """
    labels = labels or {}
    source: BindingsMap | None = type(node)._merged_bindings
    if source is None:
        return
    # Bindings are fixed when a class is made, before any language is known, so an instance gets its own copy.
    node._bindings = BindingsMap.from_keys(
        {
            key: [
                dataclasses.replace(
                    binding,
                    description=labels.get(binding.action) or _(_TEXTUAL.get(binding.description, binding.description)),
                    tooltip="",
                )
                for binding in bindings
            ]
            for key, bindings in source.key_to_bindings.items()
        }
    )
