"""`make bench`: the bars of the design, each as a ratio or a quantile, with the commands that were timed.

python -m benchmarks [help|paint|grade|answer|search ...] [--times N]
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks import measure
from benchmarks.measure import command, first_text, in_turns, quantiles, report

ROOT = Path(__file__).resolve().parents[1]
PYTHON = sys.executable
PREP = shutil.which("prep", path=str(Path(PYTHON).parent)) or "prep"

EMPTY_APP = """
from textual.app import App
from textual.widgets import Static


class Empty(App):
    def compose(self):
        yield Static("nothing here")


Empty().run()
"""


def bench_help(times: int, home: str) -> bool:
    """`prep --help` against a bare interpreter."""
    results = in_turns(
        {"python -c pass": command([PYTHON, "-c", "pass"]), "prep --help": command([PREP, "--help"])}, times
    )
    return report("prep --help", 4.0, results["prep --help"], results["python -c pass"])


def bench_paint(times: int, home: str) -> bool:
    """The app's first paint against that of an empty textual app, both in a pseudo-terminal."""
    empty = Path(home) / "empty_app.py"
    empty.write_text(EMPTY_APP)
    env = {"PREP_HOME": home, "LANG": "C.UTF-8"}
    names = {"app": "prep, until 'prep' is drawn", "empty": f"python {empty.name}, until its text is drawn"}
    results = in_turns(
        {
            names["empty"]: first_text([PYTHON, str(empty)], "nothing here"),
            names["app"]: first_text([PREP], "prep", env),
        },
        times,
    )
    return report("first paint of the app", 1.5, results[names["app"]], results[names["empty"]])


def bench_grade(times: int, home: str) -> bool:
    """Grading the softmax solution, cold and in watch mode from a save to the verdict, against importing torch."""
    from benchmarks.watching import Watching

    solution = ROOT / "solutions" / "softmax" / "solution.py"
    grade = [PREP, "grade", "softmax", "--device", "cpu", "--file", str(solution), "--json"]
    file = Path(home) / "softmax.py"
    shutil.copyfile(solution, file)
    base, cold = "python -c 'import torch, triton'", "prep grade softmax --device cpu --file SOLUTION --json"
    watched = "prep grade softmax --watch: the file is saved, until its verdict is printed"
    with Watching([PREP, "grade", "softmax", "--file", str(file), "--watch", "--json"], file, home) as watching:
        results = in_turns(
            {
                base: command([PYTHON, "-c", "import torch, triton"]),
                cold: command(grade, {"PREP_HOME": home}),
                watched: watching.save,
            },
            max(3, times // 3),
        )
    met = report("a cold grading", 1.8, results[cold], results[base])
    return report("watch mode, from save to verdict", 0.35, results[watched], results[base]) and met


def bench_answer(times: int, home: str) -> bool:
    """Answering cards with 5,000 cards and 200,000 reviews, each answer committed durably."""
    from benchmarks.library import Cards, fill
    from prep.clock import now
    from prep.review.model import Rating
    from prep.review.reviewer import Reviewer
    from prep.settings import Settings
    from prep.store.database import Database

    cards = Cards(5000)
    with Database.open(Path(home) / "answer" / "prep.db") as db:
        fill(db, cards, reviews=200_000)
        reviewer = Reviewer(db, cards, Settings(), now)
        seconds, whole = [], []
        rng = random.Random(1)
        for _ in range(500):
            start = time.perf_counter()
            card = reviewer.next_card()
            if card is None:
                break
            reviewer.previews(card)
            shown = time.perf_counter()
            reviewer.grade(card, Rating(rng.randint(1, 4)), face="en", duration_ms=4000)
            end = time.perf_counter()
            seconds.append(end - shown)
            whole.append(end - start)
    print(f"\n{len(seconds)} answers, 5,000 cards, 200,000 reviews, synchronous=FULL")
    met = quantiles("answering a card", {0.5: 2.0, 0.99: 16.0}, seconds)
    quantiles("the same with choosing the card and its previews", {0.5: 2.0, 0.99: 16.0}, whole)
    return met


def bench_search(times: int, home: str) -> bool | None:
    """Searching 5,000 bilingual cards, two-character Chinese words included, side by side with Anki's own library."""
    from benchmarks.library import write_cards
    from prep.cards.library import Library
    from prep.cards.search import search

    folder = Path(home) / "cards"
    write_cards(folder, 5000)
    cache = Path(home) / "cards.sqlite"
    cold = time.perf_counter()
    Library.load([folder], cache)
    cold = time.perf_counter() - cold
    warm = time.perf_counter()
    library = Library.load([folder], cache)
    warm = time.perf_counter() - warm
    print(f"\nopening 5,000 cards: {cold:.2f} s without a cache, {warm * 1e3:.0f} ms with one")
    first = time.perf_counter()
    search(library, "显存")
    print(f"the first search: {(time.perf_counter() - first) * 1e3:.0f} ms")
    try:
        from benchmarks.anki_library import AnkiLibrary

        anki = AnkiLibrary(Path(home) / "collection.anki2", library)
    except ImportError:
        anki = None
        print("not compared: the package anki is not installed (make bench installs it)")
    # All but the last are in nearly every card: the worst case for both.
    queries = ["显存", "分页", "KV", "swizzle", "tl.dot", "块表 显存", "nothing-like-it"]
    print(
        f"{'':>16} {'prep, ms':>18} {'anki, ms':>18}\n{'query':>16} {'50 %':>9}{'90 %':>9} {'50 %':>9}{'90 %':>9}  hits"
    )
    ratios: list[float] = []
    for query in queries:
        ours, theirs, hits = [], [], (0, 0)
        for _ in range(times):
            start = time.perf_counter()
            search(library, query, limit=20)
            ours.append(time.perf_counter() - start)
            if anki is not None:
                start = time.perf_counter()
                found = anki.search(query)
                theirs.append(time.perf_counter() - start)
                hits = (len(search(library, query, limit=None)), found)
        shown = [measure.percentile(side, share) * 1e3 for side in (ours, theirs) if side for share in (0.5, 0.9)]
        print(
            f"{query:>{16 - sum(ord(c) > 127 for c in query)}} " + "".join(f"{ms:9.2f}" for ms in shown) + f"  {hits}"
        )
        if anki is not None:
            ratios.append(shown[0] / shown[2])
    if anki is None:
        return None
    anki.close()
    print(f"prep / anki, medians: {min(ratios):.2f} to {max(ratios):.2f}, bar 1.00: {WORDS[max(ratios) <= 1]}")
    return max(ratios) <= 1


WORDS = {True: "met", False: "NOT MET", None: "no bar"}

BENCHES: dict[str, Callable[[int, str], bool | None]] = {
    "help": bench_help,
    "paint": bench_paint,
    "grade": bench_grade,
    "answer": bench_answer,
    "search": bench_search,
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", choices=[[], *BENCHES], default=[], metavar="|".join(BENCHES))
    parser.add_argument("--times", type=int, default=21, help="runs of each command (default 21)")
    options = parser.parse_args()
    load = os.getloadavg()[0]
    print(f"{os.cpu_count()} cores, load {load:.1f}; Python {sys.version.split()[0]}")
    met: dict[str, bool | None] = {}
    for name in options.names or BENCHES:
        with tempfile.TemporaryDirectory(prefix="prep-bench-") as home:
            met[name] = BENCHES[name](options.times, home)
    print("\n" + ", ".join(f"{name}: {WORDS[ok]}" for name, ok in met.items()))
    sys.exit(1 if False in met.values() else 0)


if __name__ == "__main__":
    main()
