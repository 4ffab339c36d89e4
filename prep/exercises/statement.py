"""What a learner reads: the task, the hints, and the solution with its explanation, each in both languages."""

from __future__ import annotations

from pathlib import Path

from prep.errors import ContentError
from prep.exercises.check import HINTS
from prep.exercises.located import Faults, Table, read_yaml
from prep.exercises.spec import Exercise


def statement(exercise: Exercise, lang: str) -> str:
    """The task as Markdown."""
    return _read(exercise.statement_path(lang))


def hints(exercise: Exercise, lang: str) -> list[str]:
    """The three hints as Markdown, from a nudge to nearly the solution.

    Raises:
        ContentError: hints.yaml is broken; with its line.
    """
    path = exercise.folder / "hints.yaml"
    faults = Faults(path)
    root = read_yaml(_read(path), faults)
    texts: tuple[str, ...] = ()
    if root is not None:
        texts = Table(root, "", faults).words("zh" if lang == "zh" else "en")
        if not faults.found and len(texts) != HINTS:
            faults.add(root.line, f"{len(texts)} hints, {HINTS} are needed")
    if faults.found:
        line, message = min(faults.found)
        raise ContentError(message, where=path, line=line or None)
    return [text.strip() for text in texts]


def solution_folder(exercise: Exercise) -> Path:
    # Beside the exercises folder, in a checkout and in an installed package alike.
    return exercise.folder.parent.parent / "solutions" / exercise.id


def solution_path(exercise: Exercise) -> Path:
    """The reference solution's file."""
    return solution_folder(exercise) / "solution.py"


def solution(exercise: Exercise) -> str:
    """The reference solution's code."""
    return _read(solution_path(exercise))


def explanation(exercise: Exercise, lang: str) -> str:
    """Why the solution is as it is, as Markdown."""
    return _read(solution_folder(exercise) / ("explain.zh.md" if lang == "zh" else "explain.md"))


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as e:
        reason = e.strerror if isinstance(e, OSError) else "it is not UTF-8"
        raise ContentError(f"cannot be read: {reason}", where=path, hint="`prep check` lists all such faults") from e
