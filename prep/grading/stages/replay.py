"""The second opinion on submissions that reach for more than a kernel needs: their kernels alone must do the work.

Each call's plan (worker/plan.py) is repeated on inputs that were drawn after the plan was known, in a process that runs
none of the submission's own Python. Where the results are right, the kernels are, whatever else the file does; where
they are not, nothing that the first process said counts.
"""

from __future__ import annotations

from typing import Any

from prep.grading.evidence import Evidence
from prep.grading.process.child import Child
from prep.grading.stages.call import Call


class Replay:
    """A process with the submission's pure kernels, and what it says about one plan after the other."""

    def __init__(self, source: bytes, evidence: Evidence, timeout: float, calls: int) -> None:
        self.evidence = evidence
        self.timeout = timeout
        self.child = Child.fork("replay", timeout * (calls + 1))
        reply = self.child.ask({"op": "load"}, source, timeout, lambda: None)
        self.ready = reply is not None and reply.header.get("status") == "ok"

    def confirms(self, call: Call, plan: Any) -> bool:
        """Does the plan, done by kernels alone on new values, give the right results?"""
        if not self.ready or not isinstance(plan, list):
            return False
        again = call.with_new_values()
        buffers = [layout.header() for layout in again.layouts.values()]
        request = {"op": "replay", "buffers": buffers, "plan": plan}
        reply = self.child.ask(request, again.payload, self.timeout, again.ask_oracle)
        if reply is None or reply.header.get("status") != "ok" or reply.header.get("violations"):
            return False
        return again.accepts(reply.payload)

    def close(self) -> None:
        self.child.close()
