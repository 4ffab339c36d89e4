"""Search over all cards, in both languages: substrings of folded text.

Not FTS5: its unicode61 tokenizer takes a run of Chinese for one word, its trigram tokenizer finds nothing of two
characters, and most Chinese words have two. Each field of all cards is one byte string, so that a query costs a few
passes of bytes.find, not 5,000 calls.
"""

from __future__ import annotations

import re
import weakref
from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

from prep.cards.card import LANGS, Card, Face, Lang
from prep.cards.fold import Haystack, fold, plain
from prep.cards.library import Library

_WEIGHTS: Final = {"head": 8, "question": 4, "answer": 2, "details": 1}
_EXACT_ID: Final = 100
_BEST_FIRST: Final = sorted(Haystack._fields, key=lambda name: -_WEIGHTS[name.rpartition("_")[2]])
_QUERY_WORD: Final = re.compile(r'"([^"]+)"|(\S+)')
_SNIPPET: Final = 90
"""Characters of a snippet; a list shows about one line of them."""


@dataclass(slots=True)
class Hit:
    """A card that was found."""

    card: Card
    score: int
    """Larger is better: by the best field in which each word occurs."""

    words: tuple[str, ...]
    """The folded words of the query."""

    lang: Lang | None
    """The language that was asked for."""

    @property
    def snippet(self) -> str:
        """One line of the card around the first hit, cut ends marked by `…`; made when it is asked for."""
        _, text, at = self._place()
        return _cut(text, at)

    @property
    def face(self) -> Face:
        """The face to show: the one that was asked for, else the one that the first hit is in."""
        return self._place()[0]

    def _place(self) -> tuple[Face, str, int]:
        """A face, one of its texts on one line, and where in it a word of the query begins."""
        faces = list({self.card.faces[lang].lang: self.card.faces[lang] for lang in _langs(self.lang)}.values())
        texts = [(face, plain(text)) for text_of in _TEXTS for face in faces for text in text_of(face)]
        for word in self.words:
            for face, text in texts:
                if (at := find_folded(text, word)) is not None:
                    return face, text, at
        return (*texts[0], 0)


def search(
    library: Library,
    query: str,
    lang: Lang | None = None,
    *,
    area: str | None = None,
    tag: str | None = None,
    level: int | None = None,
    origin: str | None = None,
    exercise: str | None = None,
    limit: int | None = 50,
) -> list[Hit]:
    """Cards that contain every word of `query`, best first.

    Args:
        query: words, all of which must occur; "double quotes" hold a phrase together. Empty: every card that passes the
            filters, in the library's order.
        lang: look in this language only; in both by default. Shown snippets follow it too.
        area, tag, level, exercise: equal to the card's.
        origin: equal to one of the card's, or its part before the colon (`notes` finds `notes:Q1`).
        limit: at most so many hits; None for all.
    """
    words = query_words(query)
    scores = _Index.of(library).scores(words, lang) if words else dict.fromkeys(library.ids(), 0)
    if filters := [(k, v) for k, v in (("area", area), ("level", level)) if v is not None]:
        scores = {i: s for i, s in scores.items() if all(getattr(library.row(i), k) == v for k, v in filters)}
    for column, wanted in (("tags", tag), ("exercises", exercise)):
        if wanted is not None:
            key = fold(wanted)
            scores = {i: s for i, s in scores.items() if key in map(fold, library.row(i).list_of(column))}
    if origin is not None:
        key = fold(origin)
        scores = {i: s for i, s in scores.items() if _is_from(library.row(i).list_of("origin"), key)}
    # sorted() keeps the library's order among equals.
    best = sorted(scores, key=scores.__getitem__, reverse=True)[:limit]
    return [Hit(library.cards[i], scores[i], words, lang) for i in best]


def query_words(query: str) -> tuple[str, ...]:
    """The folded words and quoted phrases of a query, each once."""
    found = (plain(fold(quoted or word)) for quoted, word in _QUERY_WORD.findall(query))
    return tuple(dict.fromkeys(word for word in found if word))


class _Index:
    """Each field of all cards as one byte string, and where each card begins in it."""

    _of: ClassVar[weakref.WeakKeyDictionary[Library, _Index]] = weakref.WeakKeyDictionary()

    def __init__(self, library: Library) -> None:
        self.generation = library.generation
        self.ids: list[str] = []
        fields: list[list[bytes]] = [[] for _ in Haystack._fields]
        for id_, texts in library.haystacks():
            self.ids.append(id_)
            for part, text in zip(fields, texts, strict=True):
                part.append(text)
        self.fields: dict[str, _Field] = {
            name: _Field(texts) for name, texts in zip(Haystack._fields, fields, strict=True)
        }

    @classmethod
    def of(cls, library: Library) -> _Index:
        """The index of `library`, made anew after a change."""
        index = cls._of.get(library)
        if index is None or index.generation != library.generation:
            index = cls._of[library] = cls(library)
        return index

    def scores(self, words: Iterable[str], lang: Lang | None) -> dict[str, int]:
        """Id -> score of the cards that contain all of `words`."""
        total: dict[int, int] | None = None
        for word in sorted(words, key=len, reverse=True):  # the rarest first, as far as length can tell
            needle = word.encode("utf-8", "replace")
            hits: dict[int, int] = {}
            for name in _BEST_FIRST:
                if lang is not None and name != "head" and not name.startswith(lang):
                    continue
                among: list[int] | None = None
                if total is not None or len(hits) > len(self.ids) // 2:
                    # Few are left: looking at each costs less than a pass over everything.
                    among = [at for at in (range(len(self.ids)) if total is None else total) if at not in hits]
                for at in self.fields[name].cards_with(needle, among):
                    hits.setdefault(at, _WEIGHTS[name.rpartition("_")[2]])
            total = hits if total is None else {at: total[at] + score for at, score in hits.items()}
        found = {self.ids[at]: score for at, score in sorted((total or {}).items())}
        for word in words:
            if word in found:
                found[word] += _EXACT_ID
        return found


class _Field:
    def __init__(self, texts: Sequence[bytes]) -> None:
        self._text = b"\n".join(texts)
        self._starts: list[int] = []
        at = 0
        for text in texts:
            self._starts.append(at)
            at += len(text) + 1
        self._starts.append(at)

    def cards_with(self, needle: bytes, among: Iterable[int] | None) -> list[int]:
        """Numbers of the cards whose text contains `needle`; of those in `among` only, where it is given."""
        text, starts = self._text, self._starts
        if among is not None:
            return [at for at in among if text.find(needle, starts[at], starts[at + 1]) >= 0]
        found: list[int] = []
        find = text.find
        position = find(needle)
        while position >= 0:
            at = bisect_right(starts, position) - 1
            found.append(at)
            position = find(needle, starts[at + 1])
        return found


def _is_from(origins: Iterable[str], wanted: str) -> bool:
    return any(fold(origin) == wanted or fold(origin).startswith(f"{wanted}:") for origin in origins)


def _langs(lang: Lang | None) -> tuple[Lang, ...]:
    return LANGS if lang is None else (lang,)


# Best field first, as in the ranking, and both languages in each.
_TEXTS: Final[tuple[Callable[[Face], tuple[str, ...]], ...]] = (
    lambda face: (face.question,),
    lambda face: (face.answer, *face.key_points),
    lambda face: (face.details, face.pitfalls, face.follow_ups),
)


def find_folded(text: str, word: str) -> int | None:
    """Where the folded `word` begins in `text` as it was written; None when it does not occur."""
    match = re.search(re.escape(word), text, re.IGNORECASE)
    if match is not None:
        return match.start()
    folded = fold(text)
    if word not in folded:
        return None
    # Folding changed a length before the hit (a full-width form, ß): walk until the folded prefix reaches it.
    wanted = folded.index(word)
    length = 0
    for at, c in enumerate(text):
        if length >= wanted:
            return at
        length += len(fold(c))
    return None


def _cut(text: str, at: int) -> str:
    start = max(0, at - _SNIPPET // 3) if len(text) > _SNIPPET else 0
    if start > 0:
        space = text.find(" ", start, at)
        start = space + 1 if space >= 0 else start
    end = start + _SNIPPET
    return ("…" if start else "") + text[start:end].strip() + ("…" if end < len(text) else "")
