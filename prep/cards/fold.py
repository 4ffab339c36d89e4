"""Text as search compares it: NFKC, case-folded, one space between words and none inside Chinese."""

from __future__ import annotations

import re
import unicodedata
from typing import Final, NamedTuple

from prep.cards.card import LANGS, Card

_SPACE: Final = re.compile(r"\s+")
# A line break inside Chinese is where the author's editor wrapped, not a space: 分页 must be found across it.
_WIDE: Final = "\u2e80-\u9fff\uf900-\ufaff\uff00-\uffef\U00020000-\U0003ffff"
_WRAPPED: Final = re.compile(f"(?<=[{_WIDE}])[ \t]*\n\\s*(?=[{_WIDE}])")
_ASCII: Final = re.compile(rb"[\x01-\x7f]+")
_RUNS: Final = re.compile(rb"[\x80-\xff]+")
_MARKUP: Final = re.compile(r"\*\*|`+")


def fold(text: str) -> str:
    """`text` for comparison: full-width and half-width, upper and lower case are one."""
    return unicodedata.normalize("NFKC", text).casefold()


class Haystack(NamedTuple):
    """A card as UTF-8 (bytes.find, and one byte a letter of English), by how much a hit there says."""

    head: bytes
    """Id, aliases, area, tags and origin."""

    en_question: bytes
    en_answer: bytes
    en_details: bytes
    zh_question: bytes
    zh_answer: bytes
    zh_details: bytes
    narrow: bytes = b""
    """Of all fields above, in their order and parted by zero bytes, the runs of ASCII."""

    wide: bytes = b""
    """Likewise the runs outside of ASCII: a Chinese word is found in them in a fifth of the time, since bytes.find
    stumbles over the lead bytes that Chinese characters share."""


def haystack(card: Card) -> Haystack:
    head = "\n".join((card.id, *card.aliases, card.area, *card.tags, *card.origin))
    parts: list[bytes] = []
    for lang in LANGS:
        face = card.faces[lang]
        if face.lang != lang:
            parts += (b"", b"", b"")
            continue
        parts.append(_encode(face.question))
        parts.append(_encode(face.answer, *face.key_points))
        parts.append(_encode(face.details, face.pitfalls, face.follow_ups, *(s.title for s in card.sources)))
    fields = [fold(head).encode("utf-8", "replace"), *parts]
    narrow, wide = (b"\0".join([b"\n".join(runs.findall(field)) for field in fields]) for runs in (_ASCII, _RUNS))
    return Haystack._make([*fields, narrow, wide])


def plain(text: str) -> str:
    """Markdown `text` on one line, without bold and code marks."""
    return _SPACE.sub(" ", _MARKUP.sub("", _WRAPPED.sub("", text))).strip()


def _encode(*texts: str) -> bytes:
    from prep.cards.tex import FORMULA, to_unicode  # only where cards are parsed: an index comes from the cache

    folded = [fold(plain(text)) for text in texts]
    # Formulas are found as they are shown (√dₖ folds to √dk) and as they are written.
    shown = [fold(to_unicode(match[1])) for text in texts if "$" in text for match in FORMULA.finditer(text)]
    return "\n".join((*folded, *shown)).encode("utf-8", "replace")
