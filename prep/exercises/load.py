"""The exercises of a folder, in the order that a learner takes them."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from prep import paths
from prep.errors import ContentError, UsageError
from prep.exercises.check import check_folder
from prep.exercises.parse import parse_exercise
from prep.exercises.spec import TRACKS, Exercise


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong with the content; `line` counts from 1 and is None where the file as a whole is meant."""

    path: Path
    line: int | None
    message: str


def load_exercises(root: Path | None = None) -> dict[str, Exercise]:
    """All exercises under `root` (the bundled ones by default) by id, ordered by track, level and id.

    Raises:
        ContentError: an exercise.yaml is broken; with its file and line.
    """
    exercises = [_load(folder) for folder in _folders(root)]
    exercises.sort(key=lambda e: (TRACKS.index(e.track), e.level, e.id))
    return {exercise.id: exercise for exercise in exercises}


def readable_exercises(root: Path | None = None) -> list[Exercise]:
    """The exercises under `root` whose exercise.yaml has no faults; `check_exercises` reports those of the others."""
    parsed = [parse_exercise(folder) for folder in _folders(root)]
    return [exercise for exercise, faults in parsed if not faults.found]


def load_exercise(exercise_id: str, root: Path | None = None) -> Exercise:
    """One exercise; the others are not read.

    Raises:
        UsageError: there is none of this id; the hint names those with a similar one.
        ContentError: its exercise.yaml is broken.
    """
    ids = [folder.name for folder in _folders(root)]
    if exercise_id not in ids:
        near = difflib.get_close_matches(exercise_id.lower(), ids, n=3, cutoff=0.5)
        near += [i for i in ids if exercise_id and exercise_id.lower() in i and i not in near]
        hint = f"did you mean {' or '.join(near)}?" if near else "`prep list` shows all exercises"
        raise UsageError(f"there is no exercise '{exercise_id}'", hint=hint)
    return _load((root or paths.exercises_dir()) / exercise_id)


def following(exercises: Mapping[str, Exercise], progress: Mapping[str, str], exercise_id: str) -> Exercise | None:
    """The exercise after `exercise_id` that has not been passed, from the beginning again at the end.

    Args:
        exercises: all of them, in order.
        progress: by exercise id, as `Attempts.progress_of_all` gives it.
    """
    ids = list(exercises)
    if exercise_id not in ids:
        return None
    at = ids.index(exercise_id)
    return next((exercises[i] for i in ids[at + 1 :] + ids[:at] if progress.get(i) != "passed"), None)


def check_exercises(
    root: Path | None = None, solutions: Path | None = None, known_cards: Collection[str] | None = None
) -> list[Fault]:
    """Everything wrong with the exercises under `root`, for `prep check`.

    Args:
        root: folder of exercise folders; the bundled one by default.
        solutions: folder of solution folders; by default the one beside `root`.
        known_cards: ids that an exercise's `cards` may name; None leaves that unchecked.
    """
    root = root or paths.exercises_dir()
    faults: list[Fault] = []
    for folder in _folders(root, "*"):
        for file in check_folder(folder, solutions or root.parent / "solutions", known_cards):
            faults.extend(Fault(file.path, line or None, message) for line, message in sorted(file.found))
    return faults


def _folders(root: Path | None, holding: str = "exercise.yaml") -> Iterator[Path]:
    """The folders that hold a file named so; `*` finds those too whose exercise.yaml is missing."""
    root = root or paths.exercises_dir()
    try:
        folders = sorted(f for f in root.iterdir() if f.is_dir() and f.name[0] not in "._")
    except OSError as e:
        raise ContentError(f"the exercises cannot be read: {e.strerror}", where=root) from e
    yield from (f for f in folders if any(path.is_file() for path in f.glob(holding)))


def _load(folder: Path) -> Exercise:
    exercise, faults = parse_exercise(folder)
    if faults.found:
        line, message = min(faults.found)
        raise ContentError(message, where=faults.path, line=line or None)
    return exercise
