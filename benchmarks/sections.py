"""The measurements of a script, one after the other: what fails says so and does not stop the rest."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable, Iterable


def run_sections(sections: Iterable[Callable[[], object]], names: list[str]) -> None:
    """Call each of `sections`, or those called `names`; each prints its name and the first line of its docstring."""
    for section in sections:
        if names and section.__name__ not in names:
            continue
        print(f"{section.__name__}: {(section.__doc__ or '').splitlines()[0]}", flush=True)
        try:
            section()
        except Exception:
            traceback.print_exc(limit=3, file=sys.stdout)
