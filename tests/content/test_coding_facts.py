"""The Python code on the coding cards, run as it stands there against brute force, and the cards' numbers again."""

from __future__ import annotations

import heapq
import itertools
import math
import random
import re
import sys
from collections import OrderedDict, defaultdict
from collections.abc import Iterator
from typing import Any

import pytest

from prep.cards.card import LANGS, Lang
from tests.content.reading import CONTENT, code, details, everything, numbers

CARDS = sorted(path.stem for path in (CONTENT / "coding").glob("*.md"))
CODE_CARDS = (
    "tree-traversals",
    "lru-lfu-cache",
    "top-k-heap",
    "lists-and-stacks",
    "iou-and-nms",
    "auc-gauc",
    "k-means",
)


def load(card: str, at: int = 0) -> dict[str, Any]:
    """The names that a card's Python defines, with the modules that it takes for granted."""
    names: dict[str, Any] = {
        "heapq": heapq,
        "random": random.Random(5),
        "OrderedDict": OrderedDict,
        "defaultdict": defaultdict,
    }
    exec(code(f"coding/{card}", "en", "python", at), names)
    return names


@pytest.mark.parametrize("card", CODE_CARDS)
def test_both_languages_show_the_same_code(card: str) -> None:
    def fences(lang: Lang) -> list[str]:
        return re.findall(r"^```\w*\n.*?^```", details(f"coding/{card}", lang), re.S | re.M)

    assert fences("en") == fences("zh")
    assert fences("en")


@pytest.mark.parametrize("card", CARDS)
def test_both_languages_give_the_same_numbers(card: str) -> None:
    assert sorted(numbers(details(f"coding/{card}", "en"))) == sorted(numbers(details(f"coding/{card}", "zh")))


# --- trees ------------------------------------------------------------------------------------------------------------


class Node:
    def __init__(self, val: int, left: Node | None = None, right: Node | None = None) -> None:
        self.val, self.left, self.right = val, left, right


def tree(size: int, rng: random.Random, values: Iterator[int]) -> Node | None:
    if size == 0:
        return None
    left = rng.randrange(size)
    return Node(next(values), tree(left, rng, values), tree(size - 1 - left, rng, values))


def post_order(node: Node | None) -> list[int]:
    return [] if node is None else [*post_order(node.left), *post_order(node.right), node.val]


def shape(node: Node | None) -> object:
    return None if node is None else (node.val, shape(node.left), shape(node.right))


def test_traversals_agree_and_morris_restores_the_tree() -> None:
    names = load("tree-traversals")
    rng = random.Random(0)
    for size in range(40):
        for _ in range(4):
            # Values repeat, so that comparing values instead of nodes would show.
            root = tree(size, rng, iter(rng.choices(range(3), k=size)))
            before = shape(root)
            out: list[int] = []
            names["post_recursive"](root, out)
            assert out == post_order(root) == names["post_reversed"](root) == names["post_morris"](root)
            assert shape(root) == before


@pytest.mark.parametrize("lang", LANGS)
def test_height_and_recursion_limit(lang: Lang) -> None:
    [power, height] = re.findall(r"2\^\{(\d+)\} - 1\$.*?h = (\d+)", details("coding/tree-traversals", lang))[0]
    assert 2 ** int(power) - 1 == sum(2**level for level in range(int(height)))
    chain = None
    for value in range(sys.getrecursionlimit() + 1):
        chain = Node(value, chain)
    with pytest.raises(RecursionError):
        load("tree-traversals")["post_recursive"](chain, [])
    assert len(load("tree-traversals")["post_morris"](chain)) == sys.getrecursionlimit() + 1


# --- caches -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("at", "name"), [(0, "LRU"), (1, "LFU")])
def test_caches_against_a_search_over_all_entries(at: int, name: str) -> None:
    make, rng = load("lru-lfu-cache", at)[name], random.Random(at)
    for _ in range(50):
        capacity = rng.randint(1, 4)
        cache, entries = make(capacity), dict[int, list[int]]()  # value, uses, time of the last use
        for now in range(300):
            key, value = rng.randrange(7), rng.randrange(-3, 9)  # -1 is a value too
            if rng.random() < 0.5:
                entry = entries.get(key)
                assert cache.get(key) == (entry[0] if entry else -1)
                if entry:
                    entry[1:] = entry[1] + 1, now
                continue
            cache.put(key, value)
            if key not in entries and len(entries) == capacity:
                del entries[min(entries, key=lambda k: (entries[k][1] if name == "LFU" else 0, entries[k][2]))]
            entries[key] = [value, entries[key][1] + 1 if key in entries else 1, now]


def test_the_two_policies_part_as_the_card_says() -> None:
    for lang, said in (("en", r"^Capacity 2: .*1 use against 2\.$"), ("zh", r"^容量 2：.*只用过 1 次，a 有 2 次。$")):
        assert re.search(said, details("coding/lru-lfu-cache", LANGS[lang == "zh"]), re.M | re.S)
    left = []
    for at, name in ((0, "LRU"), (1, "LFU")):
        cache = load("lru-lfu-cache", at)[name](2)
        cache.put("a", 1)
        cache.put("b", 2)
        cache.get("a")
        cache.put("c", 3)
        assert cache.get("b") == -1
        fresh = load("lru-lfu-cache", at)[name](2)
        for step in ("a", "b", None, "c", "d"):
            fresh.get("a") if step is None else fresh.put(step, step)
        left.append({key for key in "abcd" if fresh.get(key) != -1})
    assert left == [{"c", "d"}, {"a", "d"}]


def test_lists_of_the_counts_do_not_pile_up() -> None:
    cache = load("lru-lfu-cache", 1)["LFU"](2)
    cache.put("a", 1)
    for _ in range(1000):
        cache.get("a")
    assert len(cache.by) == 1


# --- selection --------------------------------------------------------------------------------------------------------


def test_selection_against_sorting() -> None:
    names, rng = load("top-k-heap"), random.Random(1)
    for _ in range(200):
        values = rng.choices(range(12), k=rng.randint(1, 40))
        k = rng.randint(1, len(values))
        ordered = sorted(values, reverse=True)
        assert names["topk_stream"](iter(values), k) == ordered[:k]
        assert names["kth_largest"](values, k) == ordered[k - 1]
    assert names["topk_stream"]([3, 1], 0) == []
    assert names["topk_stream"]([3, 1], 5) == [3, 1]
    assert names["topk_stream"]([math.nan, 1.0, 2.0], 1) != [2.0]


@pytest.mark.parametrize("lang", LANGS)
def test_expected_insertions_into_the_heap(lang: Lang) -> None:
    text = details("coding/top-k-heap", lang)
    [sizes] = re.findall(r"k = ([\d,]+)(?:, |、)n = ([\d,]+)", text)
    k, n = (int(size.replace(",", "")) for size in sizes)
    expected = k * sum(1 / i for i in range(k + 1, n + 1))
    assert round(expected, 1) == 920.5
    assert round(100 * expected / n, 2) == 0.09
    assert expected == pytest.approx(k * math.log(n / k), rel=1e-3)
    assert "920.5" in text
    assert "0.09 %" in text
    assert "920" in everything("coding/top-k-heap", lang)
    assert round(100 * (n - k - expected) / n, 1) == 99.9


def compared_by_lomuto(values: list[int], k: int) -> int:
    """Comparisons of a quickselect with the simple two-way partition."""
    pool, low, high, count, rng = list(values), 0, len(values) - 1, 0, random.Random(0)
    while low < high:
        at = rng.randint(low, high)
        pool[at], pool[high] = pool[high], pool[at]
        edge = low
        for i in range(low, high):
            count += 1
            if pool[i] < pool[high]:
                pool[i], pool[edge] = pool[edge], pool[i]
                edge += 1
        pool[edge], pool[high] = pool[high], pool[edge]
        if edge == k:
            break
        low, high = (low, edge - 1) if k < edge else (edge + 1, high)
    return count


def test_equal_values_make_the_simple_partition_quadratic() -> None:
    size = 1000
    assert compared_by_lomuto([1] * size, size // 2) > size * size / 4
    assert compared_by_lomuto(random.Random(1).sample(range(size), size), size // 2) < 10 * size
    for lang, word in (("en", "Lomuto"), ("zh", "Lomuto")):
        assert word in everything("coding/top-k-heap", LANGS[lang == "zh"])


class Counted:
    """A number that counts how often it is compared."""

    comparisons = 0

    def __init__(self, value: int) -> None:
        self.value = value

    def __lt__(self, other: Counted) -> bool:
        Counted.comparisons += 1
        return self.value < other.value


def test_heapreplace_compares_less_than_a_pop_and_a_push() -> None:
    heap = [Counted(value) for value in range(1023)]
    other = list(heap)
    Counted.comparisons = 0
    heapq.heapreplace(heap, Counted(2000))
    one = Counted.comparisons
    heapq.heappop(other)
    heapq.heappush(other, Counted(2000))
    assert one < Counted.comparisons - one


# --- lists and parentheses --------------------------------------------------------------------------------------------


class Link:
    def __init__(self, val: int, after: Link | None = None) -> None:
        self.val, self.next = val, after


def chain_of(values: list[int]) -> Link | None:
    head = None
    for value in reversed(values):
        head = Link(value, head)
    return head


def values_of(head: Link | None) -> list[int]:
    return [] if head is None else [head.val, *values_of(head.next)]


def test_reversals_against_slices() -> None:
    names = load("lists-and-stacks")
    for size in range(10):
        values = list(range(size))
        assert values_of(names["reverse"](chain_of(values))) == values[::-1]
        for k in range(1, size + 3):
            groups = [values[i : i + k] for i in range(0, size, k)]
            expected = [v for group in groups for v in (group[::-1] if len(group) == k else group)]
            assert values_of(names["reverse_k"](chain_of(values), k)) == expected


def test_the_other_order_of_targets_writes_into_the_new_head() -> None:
    head: Any = chain_of([1, 2, 3])
    second, prev = head.next, None
    head, head.next = head.next, prev
    assert head is second
    assert head.next is None


def test_no_copy_of_the_string_in_the_counters() -> None:
    assert "[::-1]" not in code("coding/lists-and-stacks", "en", "python")


def longest(text: str) -> int:
    """By definition: a run is valid if no prefix closes more than it opens and all is closed."""
    best = 0
    for start in range(len(text)):
        depth = 0
        for stop in range(start, len(text)):
            depth += 1 if text[stop] == "(" else -1
            if depth < 0:
                break
            if depth == 0:
                best = max(best, stop - start + 1)
    return best


def test_parentheses_on_all_strings_up_to_length_ten() -> None:
    names = load("lists-and-stacks")
    for size in range(11):
        for letters in itertools.product("()", repeat=size):
            text = "".join(letters)
            assert names["longest_valid"](text) == names["longest_valid_o1"](text) == longest(text)
    assert longest("(()") == 2
    assert longest("()(()") == 2


@pytest.mark.parametrize("lang", LANGS)
def test_trace_of_the_parentheses(lang: Lang) -> None:
    picture = code("coding/lists-and-stacks", lang, "text").splitlines()
    text = "".join(picture[1].split()[1:8])
    lengths = [0 if cell == "." else int(cell) for cell in picture[2].split()[1:8]]
    # Longest valid run that ends at each place.
    assert lengths == [
        max((i + 1 - s for s in range(i + 1) if longest(text[s : i + 1]) == i + 1 - s), default=0)
        for i in range(len(text))
    ]
