"""Card files, parsed and checked: the Library of everything there is to study."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from prep.cards.card import LANGS, Card, CardFaults, Face, Fault, Lang, Source

if TYPE_CHECKING:
    from prep.cards.check import check_library
    from prep.cards.library import Library
    from prep.cards.parse import parse_card
    from prep.cards.write import editable_path

# `search` is imported from prep.cards.search: a package cannot offer a function under the name of its own module.
# Loaded on first use: the parser costs 7x a bare interpreter start, and a command that only needs Fault need not pay.
_LAZY = {
    "Library": "library",
    "parse_card": "parse",
    "check_library": "check",
    "editable_path": "write",
}

__all__ = ["LANGS", "Card", "CardFaults", "Face", "Fault", "Lang", "Library", "Source"]
__all__ += ["check_library", "editable_path", "parse_card"]


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module 'prep.cards' has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(f"prep.cards.{_LAZY[name]}"), name)
    globals()[name] = value
    return value
