"""What is shown, and in which order."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prep.review.memory import retrievability
from prep.review.queue import Situation, build, shuffled, spread
from prep.settings import Settings
from prep.store.reviews import CardState, Marks
from tests.review.conftest import PlainCard

TODAY = date(2026, 11, 22)
NOW = 1_795_309_200_000
MINUTE = 60_000
AHEAD = 20 * MINUTE

IN_REVIEW = CardState(
    state="review", step=None, s=10.0, d=5.0, due_ms=NOW, due_day="2026-11-22", last_ms=NOW - 10 * 86_400_000,
    last_day="2026-11-12", interval_days=10, reps=3, lapses=0,
)  # fmt: skip


def in_step(due_ms: int) -> CardState:
    return replace(IN_REVIEW, state="learning", step=0, due_day=None, due_ms=due_ms, interval_days=0)


def situation(
    cards: dict[str, PlainCard],
    states: dict[str, CardState] | None = None,
    marks: dict[str, Marks] | None = None,
    new_today: int = 0,
    settings: Settings | None = None,
) -> Situation:
    return Situation(cards, states or {}, marks or {}, settings or Settings(), TODAY, NOW, new_today)


def order(of: Situation, area: str | None = None) -> list[str]:
    return build(of, area).queue(NOW, AHEAD)


def test_boosted_then_steps_then_reviews_then_new_then_what_is_almost_due() -> None:
    names = ("ahead", "due", "far", "new", "step-b", "step-a", "boosted", "later")
    cards = {name: PlainCard(area=name) for name in names}
    states = {
        "ahead": in_step(NOW + 10 * MINUTE),
        "far": in_step(NOW + 21 * MINUTE),
        "step-a": in_step(NOW - 2 * MINUTE),
        "step-b": in_step(NOW - MINUTE),
        "due": IN_REVIEW,
        "boosted": replace(IN_REVIEW, due_day="2026-12-24"),
        "later": replace(IN_REVIEW, due_day="2026-11-23"),
    }
    marks = {"boosted": Marks(boost_reason="Kestrel", boost_from_day="2026-11-22", boost_until_day="2026-11-26")}
    now = situation(cards, states, marks)
    expected = ["boosted", "step-a", "step-b", "due", "new", "ahead"]
    assert order(now) == expected
    sitting = build(now)
    shown = []
    while (card_id := sitting.next_card(NOW, AHEAD)) is not None:
        shown.append(card_id)
        sitting.answered(card_id, IN_REVIEW)
    assert shown == expected


def test_a_failed_card_does_not_come_back_at_once_while_others_wait() -> None:
    cards = {"a": PlainCard(), "b": PlainCard()}
    sitting = build(situation(cards, {"a": IN_REVIEW, "b": IN_REVIEW}))
    first = sitting.next_card(NOW, AHEAD)
    assert first is not None
    sitting.answered(first, in_step(NOW + 10 * MINUTE))
    second = sitting.next_card(NOW, AHEAD)
    assert second not in (None, first)
    assert second is not None
    sitting.answered(second, IN_REVIEW)
    assert sitting.next_card(NOW, AHEAD) == first
    assert sitting.next_card(NOW, 0) is None


def test_suspended_buried_draft_and_retired_cards_stay_out() -> None:
    cards = {
        "suspended": PlainCard(),
        "buried": PlainCard(),
        "was-buried": PlainCard(),
        "draft": PlainCard(status="draft"),
        "retired": PlainCard(status="retired"),
        "gone": PlainCard(),
        "shown": PlainCard(),
    }
    states = dict.fromkeys(cards, IN_REVIEW)
    marks = {
        "suspended": Marks(suspended=True),
        "buried": Marks(buried_until_day="2026-11-23"),
        "was-buried": Marks(buried_until_day="2026-11-22"),
    }
    del cards["gone"]  # its file went away: the history waits
    assert sorted(order(situation(cards, states, marks))) == ["shown", "was-buried"]
    assert sorted(order(situation(cards, {}, marks))) == ["shown", "was-buried"]


def test_only_so_many_new_cards_a_day() -> None:
    cards = {f"n{i}": PlainCard(area=f"area{i % 3}", level=3 - i % 3) for i in range(30)}
    settings = Settings(new_per_day=12)
    twelve = order(situation(cards, settings=settings))
    assert len(twelve) == 12
    assert len(order(situation(cards, new_today=5, settings=settings))) == 7
    assert order(situation(cards, new_today=12, settings=settings)) == []
    assert order(situation(cards, new_today=99, settings=settings)) == []
    assert order(situation(cards, settings=Settings(new_per_day=0))) == []
    assert sorted(cards[i].level for i in twelve) == [1] * 10 + [2] * 2  # all warm-ups before anything harder


def test_a_boosted_card_is_asked_once_before_its_time() -> None:
    cards = {"c": PlainCard()}
    boost = Marks(boost_from_day="2026-11-22", boost_until_day="2026-11-26")
    early = replace(IN_REVIEW, due_day="2026-12-24")
    assert order(situation(cards, {"c": early}, {"c": boost})) == ["c"]
    asked = replace(early, last_day="2026-11-22")
    assert order(situation(cards, {"c": asked}, {"c": boost})) == []
    over = replace(boost, boost_until_day="2026-11-21")
    assert order(situation(cards, {"c": early}, {"c": over})) == []
    assert order(situation(cards, {}, {"c": boost}, new_today=99)) == ["c"]  # new and boosted: above the day's number


def test_one_area_alone() -> None:
    cards = {"t": PlainCard("triton"), "c": PlainCard("cuda"), "n": PlainCard("cuda")}
    states = {"t": IN_REVIEW, "c": IN_REVIEW}
    assert order(situation(cards, states), "cuda") == ["c", "n"]
    assert order(situation(cards, states), "nothing") == []


def test_a_backlog_is_taken_by_recall() -> None:
    settings = Settings(sitting_cards=5)
    cards = {f"c{i}": PlainCard(area=f"a{i}") for i in range(30)}
    states = {f"c{i}": replace(IN_REVIEW, s=1.0 + 3 * (i * 7 % 30)) for i in range(30)}
    found = order(situation(cards, states, settings=settings))
    recall = [retrievability(states[i].s, 10) for i in found]
    assert recall == sorted(recall, reverse=True)
    few = {i: states[i] for i in list(states)[:5]}
    fits = order(situation({i: cards[i] for i in few}, few, settings=settings))
    assert fits != sorted(fits, key=lambda i: -states[i].s)


def test_the_order_is_the_same_all_day_and_another_tomorrow() -> None:
    ids = [f"card-{n}" for n in range(40)]
    assert shuffled(ids, TODAY) == shuffled(reversed(ids), TODAY)
    assert shuffled(ids, TODAY) != shuffled(ids, date(2026, 11, 23))
    assert shuffled(ids, TODAY) != ids


def test_a_step_whose_time_is_absurd_is_due() -> None:
    """The clock was a month ahead when it was graded."""
    cards = {"c": PlainCard()}
    assert order(situation(cards, {"c": in_step(NOW + 30 * 86_400_000)})) == ["c"]
    assert order(situation(cards, {"c": in_step(NOW + 30 * MINUTE)})) == []


def test_a_card_reviewed_in_the_future_is_due() -> None:
    cards = {"c": PlainCard()}
    assert order(situation(cards, {"c": replace(IN_REVIEW, last_day="2027-11-22", due_day="2027-12-22")})) == ["c"]
    # A journey west makes the last review lie one day ahead; that is no fault.
    assert order(situation(cards, {"c": replace(IN_REVIEW, last_day="2026-11-23", due_day="2026-12-22")})) == []


@given(st.lists(st.sampled_from("abcde"), max_size=60))
def test_neighbours_differ_wherever_that_is_possible(topics: list[str]) -> None:
    ids = [f"{topic}{n}" for n, topic in enumerate(topics)]
    result = spread(ids, lambda i: i[0])
    assert sorted(result) == sorted(ids)
    clashes = sum(a[0] == b[0] for a, b in itertools.pairwise(result))
    most = max((topics.count(t) for t in set(topics)), default=0)
    assert clashes == max(0, most - (len(topics) - most) - 1)


def test_spreading_keeps_the_order_where_it_can() -> None:
    assert spread(["a1", "b1", "c1", "a2"], lambda i: i[0]) == ["a1", "b1", "c1", "a2"]
    assert spread(["a1", "a2", "b1", "c1"], lambda i: i[0]) == ["a1", "b1", "a2", "c1"]


@pytest.mark.parametrize("size", [0, 1])
def test_an_empty_library_has_nothing_to_show(size: int) -> None:
    cards = {"only": PlainCard()} if size else {}
    assert order(situation(cards)) == list(cards)
