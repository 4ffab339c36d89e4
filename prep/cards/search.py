"""Search over all cards, in both languages: substrings of folded text.

Not FTS5: its unicode61 tokenizer takes a run of Chinese for one word, its trigram tokenizer finds nothing of two
characters, and most Chinese words have two. A card is one string, best field first, so that one find a card says both
whether a word is there and what that is worth: 5,000 cards take about 1 ms plus 0.3 ms a megabyte of text.
"""

from __future__ import annotations

import heapq
import re
import weakref
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, Final, Generic, TypeVar

from prep.cards.card import LANGS, Card, Face, Lang
from prep.cards.fold import Haystack, fold, plain
from prep.cards.library import Library

_Text = TypeVar("_Text", bytes, str)
_WEIGHTS: Final = {"head": 8, "question": 4, "answer": 2, "details": 1}
_HEAD, _QUESTION, _ANSWER, _DETAILS = _WEIGHTS.values()
_EXACT_ID: Final = 100
_COUNTED: Final = 500
"""Where more cards are found, occurrences are not counted: nobody reads so far, and 5,000 texts would take 10 ms."""

_OFTEN: Final = 4
"""What many occurrences are worth: as much as one in the question."""

_HALF_OFTEN: Final = 6
"""So many occurrences are worth half of that."""
_QUERY_WORD: Final = re.compile(r'"([^"]+)"|(\S+)')
_ASCII: Final = re.compile(r"[\x00-\x7f]")
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
    index = _Index.of(library, lang)
    ids = index.ids
    scores = index.scores(words) if words else dict.fromkeys(range(len(ids)), 0)
    if filters := [(k, v) for k, v in (("area", area), ("level", level)) if v is not None]:
        scores = {at: s for at, s in scores.items() if all(getattr(library.row(ids[at]), k) == v for k, v in filters)}
    for column, wanted in (("tags", tag), ("exercises", exercise)):
        if wanted is not None:
            key = fold(wanted)
            scores = {at: s for at, s in scores.items() if key in map(fold, library.row(ids[at]).list_of(column))}
    if origin is not None:
        key = fold(origin)
        scores = {at: s for at, s in scores.items() if _is_from(library.row(ids[at]).list_of("origin"), key)}
    rank = index.ranked(scores, words)
    # Both keep the library's order among equals.
    if limit is None:
        best = sorted(scores, key=rank.__getitem__, reverse=True)
    else:
        best = heapq.nlargest(limit, scores, key=rank.__getitem__)
    return [Hit(library.cards[ids[at]], scores[at], words, lang) for at in best]


def query_words(query: str) -> tuple[str, ...]:
    """The folded words and quoted phrases of a query, each once."""
    found = (plain(fold(quoted or word)) for quoted, word in _QUERY_WORD.findall(query))
    return tuple(dict.fromkeys(word for word in found if word))


_FIELDS: Final = tuple(name for name in Haystack._fields if name not in ("narrow", "wide"))
_KIND: Final = {name: name.rpartition("_")[2] for name in _FIELDS}
_BEST_FIRST: Final = sorted(_FIELDS, key=lambda name: -_WEIGHTS[_KIND[name]])


class _Texts(Generic[_Text]):
    """A text of each card, the best field first: where a word is first found is its score."""

    def __init__(self) -> None:
        self.texts: list[_Text] = []
        # Where head, question and answer end; the details end the text.
        self.heads: list[int] = []
        self.questions: list[int] = []
        self.answers: list[int] = []

    def add(self, fields: Sequence[_Text], kinds: Sequence[str], gap: _Text) -> None:
        """`fields` of a card, best first; `gap` is one character that no word contains."""
        ends = dict.fromkeys(_WEIGHTS, 0)
        length = 0
        for field, kind in zip(fields, kinds, strict=True):
            length += len(field) + 1
            ends[kind] = length
        self.texts.append(gap.join(fields))
        self.heads.append(ends["head"])
        self.questions.append(ends["question"])
        self.answers.append(ends["answer"])

    def scores(self, word: _Text, among: Iterable[int] | None) -> dict[int, int]:
        """Place of a card -> its score, of the cards `among` which `word` occurs."""
        texts, heads, questions, answers = self.texts, self.heads, self.questions, self.answers
        at_all = range(len(texts)) if among is None else list(among)
        # zip hands out one tuple again and again: 5,000 of them set off a collection of all objects, 60 ms.
        places = zip(at_all, [texts[at].find(word) for at in at_all], strict=True)
        # Written out: a call for each of 5,000 hits would cost more than finding them.
        return {
            at: _HEAD if place < heads[at] else _QUESTION if place < questions[at] else _ANSWER
            if place < answers[at] else _DETAILS
            for at, place in places
            if place >= 0
        }  # fmt: skip


class _Index:
    """What is searched: a card's ASCII as bytes, all else of it as str; all in one only for a word that mixes them."""

    _of: ClassVar[weakref.WeakKeyDictionary[Library, dict[Lang | None, _Index]]] = weakref.WeakKeyDictionary()

    def __init__(self, library: Library, lang: Lang | None) -> None:
        self.generation = library.generation
        self._library = weakref.ref(library)
        names = [name for name in _BEST_FIRST if lang is None or name == "head" or name.startswith(lang)]
        self._order = [_FIELDS.index(name) for name in names]
        self._kinds = [_KIND[name] for name in names]
        self.ids: list[str] = []
        self.places: dict[str, int] = {}
        self._narrow = _Texts[bytes]()
        self._wide = _Texts[str]()
        for id_, fields in library.haystacks():
            self.places[id_] = len(self.ids)
            self.ids.append(id_)
            narrow = fields.narrow.split(b"\0")
            self._narrow.add([narrow[at] for at in self._order], self._kinds, b"\n")
            wide = fields.wide.decode("utf-8", "replace").split("\0")
            self._wide.add([wide[at] for at in self._order], self._kinds, "\n")

    @cached_property
    def _mixed(self) -> _Texts[bytes]:
        texts = _Texts[bytes]()
        library = self._library()
        if library is not None:
            for _, fields in library.haystacks():
                texts.add([fields[at] for at in self._order], self._kinds, b"\n")
        return texts

    def _find(self, word: str, among: Iterable[int] | None) -> dict[int, int]:
        if word.isascii():
            return self._narrow.scores(word.encode(), among)
        if _ASCII.search(word):
            return self._mixed.scores(word.encode("utf-8", "replace"), among)
        return self._wide.scores(word, among)

    def _count(self, word: str, at: int) -> int:
        if word.isascii():
            return self._narrow.texts[at].count(word.encode())
        if _ASCII.search(word):
            return self._mixed.texts[at].count(word.encode("utf-8", "replace"))
        return self._wide.texts[at].count(word)

    @classmethod
    def of(cls, library: Library, lang: Lang | None) -> _Index:
        """The index of `library`, made anew after a change."""
        indexes = cls._of.setdefault(library, {})
        if lang not in indexes or indexes[lang].generation != library.generation:
            indexes[lang] = cls(library, lang)
        return indexes[lang]

    def ranked(self, scores: Mapping[int, int], words: Iterable[str]) -> Mapping[int, float]:
        """`scores` and how often the words occur: 量化 is also in 向量化, but rarely so in a card on quantization."""
        if len(scores) > _COUNTED:
            return scores
        rank: dict[int, float] = dict(scores)
        for word in words:
            for at in rank:
                count = self._count(word, at)
                rank[at] += _OFTEN * count / (count + _HALF_OFTEN)
        return rank

    def scores(self, words: Iterable[str]) -> dict[int, int]:
        """Place in `ids` -> score of the cards that contain all of `words`."""
        total: dict[int, int] | None = None
        for word in sorted(words, key=len, reverse=True):  # the rarest first, as far as length can tell
            scores = self._find(word, total)
            total = scores if total is None else {at: total[at] + score for at, score in scores.items()}
        found = total or {}
        for word in words:
            if (at := self.places.get(word)) in found:
                found[at] += _EXACT_ID
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
