"""Does a result depend on the order of programs? The same values again, in other orders and with stale memory.

A GPU promises no order, and the interpreter's own, one after the other, hides it. What the trace shows decides how much
is run again:

* programs that touch nothing in common give the same in any order: that is proven by the trace of the first run. Two
  cases, chosen in secret, are run in another order all the same, and must be equal bit by bit;
* programs that share elements, through atomics or at different times, run backward and shuffled. The results are
  compared with the oracle, not with each other: float atomics in another order differ in the last bits;
* where two programs conflict, the case is run with stale memory too: an unordered load gets what was there before the
  launch, an unordered store comes first. A lost update shows then; a value that is thrown away does not.
"""

from __future__ import annotations

import secrets

from prep.grading.diagnosis.outcome import Outcome
from prep.grading.dtypes import Array
from prep.grading.process.child import Child
from prep.grading.stages.call import Call

RUNS = 3
"""Times that a case is run where its programs share elements: as the interpreter would, backward, shuffled."""

SPOT_CHECKS = 2
"""Cases whose programs share nothing that are run in another order all the same."""


class Orders:
    """The further runs of one submission's cases."""

    def __init__(self, child: Child) -> None:
        self.child = child
        self.apart: list[tuple[Call, Outcome, dict[str, Array]]] = []
        """Right cases whose programs share nothing."""

        self.proven = False
        """One case that another order changes is enough; a racing submission would wait long for the others."""

    def check(self, call: Call, outcome: Outcome, outputs: dict[str, Array]) -> None:
        """Run the case in other orders, as far as its first run asks for that, and note what differs."""
        if self.proven or outcome.error is not None:
            return
        if not outcome.passed:
            if outcome.conflicts or outcome.uninitialised:
                outcome.disordered = self._differs(call, outcome, outputs)
            return
        if outcome.one_each or not (outcome.shared or outcome.atomics):
            self.apart.append((call, outcome, outputs))
            return
        for order in ("backward", "shuffled"):
            if self._run(call, outcome, order) is None or outcome.other is not None:
                return
        if outcome.conflicts:
            for stale in (1.0, 0.5):
                if self._run(call, outcome, "shuffled", stale) is None or outcome.other is not None:
                    return

    def spot_checks(self) -> list[Outcome]:
        """Run some of the cases whose programs share nothing once more; returns their outcomes, which may be others."""
        random = secrets.SystemRandom()
        # Where every launch has one program, the same order again still shows chance and memory that nobody wrote.
        chosen = sorted(self.apart, key=lambda case: (case[1].one_each, random.random()))[:SPOT_CHECKS]
        for call, outcome, outputs in chosen if not self.proven else []:
            again = self._run(call, outcome, secrets.choice(("backward", "shuffled")))
            if again is None:
                break
            outcome.unequal = outcome.other is None and not _equal(outputs, again)
        return [outcome for _, outcome, _ in chosen]

    def _run(self, call: Call, outcome: Outcome, order: str, stale: float = 0.0) -> dict[str, Array] | None:
        run = Outcome(outcome.case)
        outputs = call.ask(self.child, run, order, stale)
        outcome.conflicts = outcome.conflicts or run.conflicts
        outcome.uninitialised = outcome.uninitialised or run.uninitialised
        if outputs is None or not run.passed:
            outcome.other, outcome.other_order = run, "stale" if stale else order
            self.proven = True
        return outputs

    def _differs(self, call: Call, outcome: Outcome, outputs: dict[str, Array]) -> bool:
        """Is a wrong result another one when programs run in another order?"""
        for order, stale in (("backward", 0.0), ("shuffled", 1.0)):
            run = Outcome(outcome.case)
            again = call.ask(self.child, run, order, stale)
            if again is None:
                return False
            if not _equal(outputs, again):
                self.proven = True
                return True
        return False


def _equal(outputs: dict[str, Array], again: dict[str, Array]) -> bool:
    """Bit by bit: 504 runs of 67 right kernels in another order, in other memory, gave not one other bit."""
    return all((before == again[name]).all() for name, before in outputs.items())
