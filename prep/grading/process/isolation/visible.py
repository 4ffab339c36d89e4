"""What a worker may read: the system's libraries, Python, what it imports, and prep's code without its exercises."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

_SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/nix/store", "/gnu/store")

_SETTINGS = (
    *("ld.so.cache", "ld.so.conf", "ld.so.conf.d", "alternatives", "passwd", "group", "nsswitch.conf"),
    *("localtime", "timezone", "os-release", f"python{sys.version_info.major}.{sys.version_info.minor}"),
)
"""Of /etc: what the loader, Python's start and getpwuid read; nothing with a password in it."""

PACKAGE = Path(__file__).resolve().parents[3]
"""The package prep itself; exercises and solutions lie beside it in a checkout."""


def paths() -> list[Path]:
    """Files and folders, parents before what lies in them, none twice. The same in the judge as in its workers."""
    found = {p: None for path in _candidates() for p in (path, path.resolve()) if p.exists()}
    ordered = sorted(found, key=lambda path: len(path.parts))
    return [p for i, p in enumerate(ordered) if not any(p.is_relative_to(above) for above in ordered[:i])]


def _candidates() -> Iterator[Path]:
    yield from map(Path, _SYSTEM)
    yield from (Path("/etc") / name for name in _SETTINGS)
    yield from map(Path, (sys.prefix, sys.base_prefix, sys.exec_prefix, sys.base_exec_prefix))
    yield PACKAGE
    home = Path(os.path.expanduser("~"))
    for entry in map(Path, sys.path):
        # A whole home, because someone's PYTHONPATH names it, is not shown; nor a checkout of prep.
        checkout = (entry / "prep" / "__init__.py").exists() and (entry / "exercises").is_dir()
        if entry.is_absolute() and not checkout and not home.is_relative_to(entry):
            yield entry
