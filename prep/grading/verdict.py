"""The verdict: what `prep grade --json` prints. Programs rely on it: fields are added, never renamed."""

from __future__ import annotations

import platform
from importlib import metadata
from typing import Any, TypedDict

from prep import __version__

SCHEMA = 1
STAGES = ("static", "cpu", "compile", "gpu", "timing")


class Stage(TypedDict):
    name: str
    status: str
    seconds: float
    message: str


class Verdict(TypedDict):
    schema: int
    exercise: str
    file: str
    device: str
    passed: bool
    stages: list[Stage]
    cases: list[dict[str, Any]]
    diagnosis: list[dict[str, Any]]
    timing: list[dict[str, Any]]
    xray: list[dict[str, Any]]
    environment: dict[str, Any]
    output: str


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""


def environment(isolation: str) -> dict[str, Any]:
    """What the verdict was reached with."""
    return {
        "prep": __version__,
        "python": platform.python_version(),
        "torch": _version("torch"),
        "triton": _version("triton"),
        "numpy": _version("numpy"),
        "gpu": None,
        "isolation": isolation,
    }


def empty(exercise: str, file: str, device: str, isolation: str) -> Verdict:
    """A verdict before anything ran: not passed, every stage skipped."""
    return {
        "schema": SCHEMA,
        "exercise": exercise,
        "file": file,
        "device": device,
        "passed": False,
        "stages": [{"name": name, "status": "skipped", "seconds": 0.0, "message": ""} for name in STAGES],
        "cases": [],
        "diagnosis": [],
        "timing": [],
        "xray": [],
        "environment": environment(isolation),
        "output": "",
    }
