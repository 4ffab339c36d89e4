"""Text folded character by character, so that a position in the folded text is one in the text as it was typed."""

from __future__ import annotations

import re
import unicodedata


def fold_characters(text: str) -> str:
    """Lower case and NFKC (full-width digits and colons become ASCII), exactly one character for each of `text`."""
    folded = []
    for char in text:
        normal = unicodedata.normalize("NFKC", char).lower()
        folded.append(normal if len(normal) == 1 else char)
    return "".join(folded)


def word_pattern(folded: str) -> str:
    """A pattern for a folded name: Latin letters only as a word of their own, so that `Li` does not touch `Linux`."""
    before = r"(?<![a-z0-9])" if _is_latin(folded[0]) else ""
    after = r"(?![a-z0-9])" if _is_latin(folded[-1]) else ""
    return before + re.escape(folded) + after


def _is_latin(char: str) -> bool:
    return char.isascii() and char.isalnum()
