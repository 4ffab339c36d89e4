"""Questions find the cards and exercises they are about, in both languages, and nothing where there is nothing."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, cast

import pytest

from prep.cards.fold import Haystack, fold
from prep.interviews.match import match_cards, match_exercise


class FewCards:
    """As much of a library as matching reads."""

    def __init__(self, cards: dict[str, tuple[str, str]]) -> None:
        self.cards = cards

    def haystacks(self) -> Iterator[tuple[str, Haystack]]:
        for card_id, (en, zh) in self.cards.items():
            yield card_id, Haystack(card_id.encode(), fold(en).encode(), b"", b"", fold(zh).encode(), b"", b"")


CARDS = FewCards(
    {
        "kv-cache-paging": ("How much of a paged KV cache is wasted?", "PagedAttention 的碎片有多少？"),
        "triton-pipeline": ("Which stages does the Triton compiler have?", "Triton 编译经过哪些阶段？"),
        "ptxas-register": ("What does ptxas do with registers?", "ptxas 如何分配寄存器？"),
        "warp-divergence": ("What is warp divergence?", "什么是线程束分化？"),
        "warp-shuffle": ("What is a warp shuffle?", "什么是线程束洗牌？"),
    }
)


@pytest.mark.parametrize(
    ("question", "card"),
    [
        ("PagedAttention 碎片？", "kv-cache-paging"),
        ("讲讲 paged KV cache", "kv-cache-paging"),
        ("triton的编译流程", "triton-pipeline"),
        ("Explain warp divergence to me", "warp-divergence"),
        ("线程束分化是什么", "warp-divergence"),
        ("how are registers allocated by ptxas", "ptxas-register"),
    ],
)
def test_the_best_card_comes_first(question: str, card: str) -> None:
    matches = match_cards(question, cast("Any", CARDS))
    assert matches[0].card_id == card
    assert all(0 < m.share <= 1 for m in matches)


@pytest.mark.parametrize("question", ["你为什么选我们公司", "为什么", "?", "", "what is your name", "ptx"])
def test_a_question_that_no_card_is_about_matches_none(question: str) -> None:
    assert match_cards(question, cast("Any", CARDS)) == []


def test_rare_words_decide_and_the_limit_holds() -> None:
    shares = {m.card_id: m.share for m in match_cards("warp divergence", cast("Any", CARDS))}
    assert shares["warp-divergence"] == 1
    assert shares.get("warp-shuffle", 0) < 0.5
    assert len(match_cards("warp", cast("Any", CARDS), limit=1)) == 1


def test_exercises_are_found_by_name() -> None:
    exercises = cast(
        "Any",
        {
            name: SimpleNamespace(title={"en": en, "zh": zh})
            for name, en, zh in [
                ("matmul", "Matrix product", "矩阵乘"),
                ("int8-matmul", "int8 matrix product", "int8 矩阵乘"),
                ("softmax", "Softmax over rows", "按行 softmax"),
                ("flash-attention", "Flash attention", "Flash attention"),
            ]
        },
    )
    assert match_exercise("softmax 手撕", exercises) == "softmax"
    assert match_exercise("手写 int8 matmul", exercises) == "int8-matmul"
    assert match_exercise("写一个矩阵乘 kernel", exercises) == "matmul"
    assert match_exercise("Implement flash_attention.", exercises) == "flash-attention"
    assert match_exercise("softmaxed outputs", exercises) is None
    assert match_exercise("", exercises) is None
