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
    "Move cursor left": N_("cursor left"),
    "Move cursor right": N_("cursor right"),
    "Move cursor right or accept the completion suggestion": N_("cursor right, or take the suggestion"),
    "Go to start": N_("to the start"),
    "Go to end": N_("to the end"),
    "Move cursor left and select": N_("select to the left"),
    "Move cursor right and select": N_("select to the right"),
    "Move cursor left a word": N_("a word left"),
    "Move cursor right a word": N_("a word right"),
    "Move cursor left a word and select": N_("select a word left"),
    "Move cursor right a word and select": N_("select a word right"),
    "Delete character left": N_("delete to the left"),
    "Delete character right": N_("delete to the right"),
    "Select all": N_("select all"),
    "Select line start": N_("select to the start"),
    "Select line end": N_("select to the end"),
    "Submit": N_("go on"),
    "Delete left to start of word": N_("delete a word left"),
    "Delete right to start of word": N_("delete a word right"),
    "Delete all to the left": N_("delete to the start"),
    "Delete all to the right": N_("delete to the end"),
    "Cut selected text": N_("cut"),
    "Paste text from the clipboard": N_("paste"),
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


def character_of(key: str) -> str | None:
    """What a key types into a text field: `/` for `slash`; None for a key that types nothing."""
    if len(key) == 1:
        return key
    return {"slash": "/", "question_mark": "?", "space": " "}.get(key)


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
