"""Renamed cards: the log keeps the id it was written with, and is read under the present one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping


class Aliases:
    """Former ids to present ones, along chains of renames."""

    def __init__(self, aliases: Mapping[str, str]) -> None:
        self._new: dict[str, str] = {}
        self._old: dict[str, list[str]] = defaultdict(list)
        for old in aliases:
            new, seen = old, {old}
            while new in aliases and aliases[new] not in seen:
                new = aliases[new]
                seen.add(new)
            if new != old and new not in aliases:
                self._new[old] = new
                self._old[new].append(old)

    def present(self, card_id: str) -> str:
        return self._new.get(card_id, card_id)

    def all_ids(self, card_id: str) -> tuple[str, ...]:
        """A present id and the former ones whose rows are its history."""
        return (card_id, *self._old.get(card_id, ()))


def merged(known: Mapping[str, str], given: Mapping[str, str], cards: Mapping[str, object]) -> dict[str, str]:
    """The aliases that hold now.

    Args:
        known: what the database remembers. An alias whose card went away stays, for the card's return.
        given: what the cards say.
        cards: an id that is a card again is no alias any more.
    """
    both = {**known, **{old: new for old, new in given.items() if old != new}}
    return {old: new for old, new in both.items() if old not in cards}
