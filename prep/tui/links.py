"""From a card to what it links to: other cards, and pages in the browser."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from prep.cells import cut
from prep.locale import current_language
from prep.locale import gettext as _
from prep.tui.inline import inline_content

if TYPE_CHECKING:
    from prep.cards import Card, Face, Library
    from prep.tui.app import PrepApp

MOST = 9
"""Choices that have a digit."""

_CELLS = 58
"""Of a question in the dialog, which is 70 wide at the most."""


def linked_cards(library: Library, face: Face) -> list[Card]:
    """The cards that a face links to, each once: those of the follow-ups first."""
    texts = (face.follow_ups, face.answer, *face.key_points, face.details, face.pitfalls)
    cards = [library.get(card_id) for card_id in _linked_ids(texts)]
    return [card for card in cards if card is not None][:MOST]


@lru_cache(16)
def _linked_ids(texts: tuple[str, ...]) -> tuple[str, ...]:
    # Kept, since every key press asks which keys apply.
    from prep.cards.prose import links

    return tuple(dict.fromkeys(found.text for text in texts if "[[" in text for found in links(text)))


def choose_link(app: PrepApp, library: Library, face: Face) -> None:
    """Open a card that `face` links to; where there are several, ask which."""
    from prep.tui.screens.card import CardScreen
    from prep.tui.screens.dialogs import ChoiceDialog

    cards = linked_cards(library, face)
    if len(cards) == 1:
        app.open_screen(CardScreen(cards[0].id))
        return

    def chosen(card_id: str | None) -> None:
        if card_id is not None:
            app.open_screen(CardScreen(card_id))

    def question(card: Card) -> str:
        return cut(inline_content(card.faces[current_language()].question).plain, _CELLS)

    app.push_screen(ChoiceDialog(_("Go on with which card?"), [(card.id, question(card)) for card in cards]), chosen)


def follow_link(app: PrepApp, href: str) -> None:
    """Open what a link leads to: a card, or a page in the browser."""
    from prep.tui.screens.card import CardScreen

    if href.startswith("card:"):
        app.open_screen(CardScreen(href.removeprefix("card:")))
    else:
        app.open_url(href)
