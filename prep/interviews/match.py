"""Which cards and exercises a question of an interview belongs to."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from prep.cards.fold import Haystack, fold
from prep.interviews.folding import word_pattern

if TYPE_CHECKING:
    from prep.cards.library import Library
    from prep.exercises.spec import Exercise

LEAST = 0.45
"""Below this share of its words a question and a card have only common words in common."""

_WEIGHTS = {"head": 1.0, "question": 1.0, "answer": 0.7, "details": 0.5}
_LATIN = re.compile(r"[a-z0-9][a-z0-9+#.]*")
_CHINESE = re.compile(r"[\u3400-\u9fff]+")
_COMMON_WORDS = """
a an and are as at be by can did do does for from has have how i if in is it its many much of on or that the their there
they this to vs was what when which why will with would you your explain difference between
什么 怎么 如何 为什么 为何 多少 哪些 哪个 哪种 一下 区别 介绍 解释 讲讲 说说 有没 没有 可以 是否 以及 一个 时候
"""
_COMMON = frozenset(_COMMON_WORDS.split())
_PARTICLES = frozenset("的么了吗呢吧是有在和与或及也都就会能要你我他它们这那个对把被让给从到为以于很太最更请问讲说")


@dataclass(frozen=True, slots=True)
class Match:
    """A card that may hold the answer."""

    card_id: str
    share: float
    """0 to 1: how much of what the question is about occurs in the card; rare words count more."""


def match_cards(question: str, library: Library, limit: int = 3) -> list[Match]:
    """The cards that a question most likely is about, best first; in both languages."""
    needles = [term.encode() for term in _terms(question)]
    if not needles:
        return []
    found: list[dict[str, float]] = [{} for _ in needles]
    total = 0
    for card_id, haystack in library.haystacks():
        total += 1
        for hits, needle in zip(found, needles, strict=True):
            weight = _weight(haystack, needle)
            if weight:
                hits[card_id] = weight
    rarity = [math.log(1 + total / len(hits)) if hits else math.log(1 + total) for hits in found]
    scores: dict[str, float] = {}
    for hits, value in zip(found, rarity, strict=True):
        for card_id, weight in hits.items():
            scores[card_id] = scores.get(card_id, 0.0) + weight * value
    matches = [Match(card_id, score / sum(rarity)) for card_id, score in scores.items()]
    return sorted((m for m in matches if m.share >= LEAST), key=lambda m: (-m.share, m.card_id))[:limit]


def match_exercise(question: str, exercises: Mapping[str, Exercise]) -> str | None:
    """The exercise whose id or title the question names; the longest name wins (`matmul` loses to `int8-matmul`)."""
    text = _spaced(question)
    names = [
        (spaced, exercise_id)
        for exercise_id, exercise in exercises.items()
        for name in (exercise_id, *exercise.title.values())
        if (spaced := _spaced(name))
    ]
    longest_first = sorted(names, key=lambda n: (-len(n[0]), n[1]))
    return next((i for name, i in longest_first if re.search(word_pattern(name), text)), None)


def _spaced(text: str) -> str:
    """Folded, with one space for every run of blanks, dashes and underscores."""
    return re.sub(r"[\s_-]+", " ", fold(text)).strip()


def _terms(question: str) -> list[str]:
    """Latin words, and the pairs of characters that Chinese words are made of."""
    text = fold(question)
    terms = [word.rstrip(".") for word in _LATIN.findall(text)]
    for run in _CHINESE.findall(text):
        terms += [run[i : i + 2] for i in range(len(run) - 1) if not _PARTICLES & set(run[i : i + 2])]
    return list(dict.fromkeys(t for t in terms if t not in _COMMON and (len(t) > 1 or t.isdigit())))


def _weight(haystack: Haystack, needle: bytes) -> float:
    for part, weight in _WEIGHTS.items():
        names = ("head",) if part == "head" else (f"en_{part}", f"zh_{part}")
        if any(_occurs(getattr(haystack, name), needle) for name in names):
            return weight
    return 0.0


def _occurs(text: bytes, needle: bytes) -> bool:
    """As a word of its own where it is Latin: `ptx` is not in `ptxas`, but `kernel` is in `kernels`."""
    at = text.find(needle)
    if at < 0 or needle[0] >= 0x80:
        return at >= 0
    while at >= 0:
        before = text[at - 1 : at]
        after = text[at + len(needle) : at + len(needle) + 2]
        if not before.isalnum() and (not after[:1].isalnum() or (after[:1] == b"s" and not after[1:].isalnum())):
            return True
        at = text.find(needle, at + 1)
    return False
