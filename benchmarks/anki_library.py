"""The same cards in a collection of Anki, to search them with Anki's own library (the package `anki`)."""

from __future__ import annotations

from pathlib import Path

from anki.collection import AddNoteRequest, Collection

from prep.cards.card import LANGS
from prep.cards.library import Library


class AnkiLibrary:
    """A collection in `path` with a note for each card: id and questions in front, all the rest on the back."""

    def __init__(self, path: Path, library: Library) -> None:
        self._collection = Collection(str(path))
        basic = self._collection.models.by_name("Basic")
        if basic is None:
            raise LookupError("a new collection of Anki has no note type Basic")
        deck = self._collection.decks.id("prep")
        if deck is None:
            raise LookupError("no deck could be made")
        requests = []
        for card_id in library.ids():
            faces = [library.cards[card_id].faces[lang] for lang in LANGS]
            note = self._collection.new_note(basic)
            note["Front"] = "\n".join([card_id, *(face.question for face in faces)])
            note["Back"] = "\n".join(
                text
                for face in faces
                for text in (face.answer, *face.key_points, face.details, face.pitfalls, face.follow_ups)
            )
            requests.append(AddNoteRequest(note, deck))
        self._collection.add_notes(requests)

    def search(self, query: str) -> int:
        """How many notes hold every word of `query`."""
        return len(self._collection.find_notes(query))

    def close(self) -> None:
        self._collection.close()
