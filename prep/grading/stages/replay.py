"""The second opinion on submissions that reach for more than a kernel needs: their kernels alone must do the work.

Each call's plan (worker/plan.py) is repeated on inputs that were drawn after the plan was known, in a process that runs
none of the submission's own Python. Where the results are right, the kernels are, whatever else the file does; where
they are not, nothing that the first process said counts.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from prep.grading.process.child import Child

Check = Callable[[bytes], bool]


class Replay:
    """A process with the submission's pure kernels, and what it says about one plan after the other."""

    def __init__(self, source: bytes, timeout: float, calls: int) -> None:
        self.timeout = timeout
        self.child = Child.fork("replay", timeout * (calls + 1))
        reply = self.child.ask({"op": "load"}, source, timeout, lambda: None)
        self.ready = reply is not None and reply.header.get("status") == "ok"

    def confirms(self, plan: Any, header: dict[str, Any], payload: bytes, right: Check) -> bool:
        """Does the plan, done on these inputs by kernels alone, give what `right` accepts?"""
        if not self.ready or not isinstance(plan, list):
            return False
        request = {**header, "op": "replay", "plan": plan}
        reply = self.child.ask(request, payload, self.timeout, lambda: None)
        if reply is None or reply.header.get("status") != "ok" or reply.header.get("violations"):
            return False
        return right(reply.payload)

    def close(self) -> None:
        self.child.close()
