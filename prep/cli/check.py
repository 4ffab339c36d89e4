"""`prep check`: everything that is wrong in cards, exercises, their links and the translations."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Protocol

import click


class _Fault(Protocol):
    """What prep.cards and prep.exercises report alike."""

    @property
    def path(self) -> Path: ...
    @property
    def line(self) -> int | None: ...
    @property
    def message(self) -> str: ...


@click.command("check", short_help="Check cards, exercises and links; file:line of every fault.")
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_context
def check_command(context: click.Context, paths: tuple[Path, ...], as_json: bool) -> None:
    """Check cards, exercises and links; file:line of every fault.

    Without PATHS: the bundled cards and exercises, your own cards, and the translations. With PATHS: what lies there,
    files or folders. Exit status 1 when anything is wrong.
    """
    faults, checked = _check(paths)
    found = sorted({_located(fault) for fault in faults})
    if as_json:
        listed = [{"path": path, "line": line or None, "message": message} for path, line, message in found]
        click.echo(json.dumps({"schema": 1, "checked": checked, "faults": listed}, ensure_ascii=False))
    else:
        for path, line, message in found:
            click.echo(f"{path}:{line or 1}: {message}")
        said = ", ".join(f"{count} {what}" for what, count in checked.items())
        if found:
            files = len({path for path, _, _ in found})
            click.echo(f"prep check: {len(found)} faults in {files} files ({said} checked)", err=True)
        else:
            click.echo(f"{said}: no faults")
    if found:
        context.exit(1)


def _check(wanted: Sequence[Path]) -> tuple[list[_Fault], dict[str, int]]:
    """Every fault, and how much was checked."""
    from prep import paths
    from prep.cards.check import check_cards
    from prep.errors import UsageError
    from prep.exercises import load
    from prep.exercises.relations import one_sided

    targets = [Path(path).resolve() for path in wanted]
    for path, target in zip(wanted, targets, strict=True):
        if not target.exists():
            raise UsageError(
                f"there is no {path}", hint="prep check takes files and folders; without any it checks all"
            )
    cards = check_cards()
    known = cards.known | set(cards.aliases)
    faults: list[_Fault] = list(cards.faults)
    checked = {"cards": cards.files}
    exercises = paths.exercises_dir()
    if exercises.is_dir():
        faults += load.check_exercises(known_cards=known)
        # A user's own card may name an exercise of ours, which cannot know it.
        ours = {path: card for path, card in cards.exercises.items() if _is_below(path, [paths.content_dir()])}
        faults += one_sided(ours, load.readable_exercises(), cards.aliases)
        checked["exercises"] = sum(1 for _ in exercises.glob("*/exercise.yaml"))
    if not targets:
        translations, count = _translations()
        return faults + translations, {**checked, "messages": count}
    faults = [fault for fault in faults if _is_below(fault.path, targets)]
    return faults + _elsewhere(targets, known), {"paths": len(targets)}


def _elsewhere(targets: Iterable[Path], known: set[str]) -> list[_Fault]:
    """Faults of cards outside the bundled and the user's folders."""
    from prep import paths
    from prep.cards.check import check_cards, check_file

    homes = [paths.content_dir().resolve(), paths.user_cards_dir().resolve()]
    places = [*homes, paths.exercises_dir().resolve(), paths.solutions_dir().resolve()]
    faults: list[_Fault] = []
    for target in targets:
        if any(target == place or target.is_relative_to(place) or place.is_relative_to(target) for place in places):
            continue
        if target.is_dir():
            # A folder of areas, or one area's folder.
            files = list(target.glob("*.md"))
            for file in files:
                faults += check_file(file, known | {file.stem for file in files})
            if not files:
                every = check_cards([paths.content_dir(), paths.user_cards_dir(), target]).faults
                faults += [fault for fault in every if _is_below(fault.path, [target])]
        else:
            faults += check_file(target, known | {target.stem})
    return faults


def _translations() -> tuple[list[_Fault], int]:
    """Faults of the interface's catalogues, and the number of messages."""
    from prep.cards import Fault
    from prep.locale.catalogue import check_translations, used_messages

    count = len({use.msgid for use in used_messages()})
    try:
        return list(check_translations()), count
    except OSError as e:
        return [Fault(Path(str(e.filename or "prep/locale")), None, f"cannot be read: {e.strerror}")], count


def _is_below(path: Path, targets: Iterable[Path]) -> bool:
    resolved = path.resolve()
    return any(resolved == target or resolved.is_relative_to(target) for target in targets)


def _located(fault: _Fault) -> tuple[str, int, str]:
    path = fault.path.resolve() if not fault.path.is_symlink() else fault.path.absolute()
    here = Path.cwd()
    shown = path.relative_to(here) if path.is_relative_to(here) else path
    return str(shown), fault.line or 0, " ".join(fault.message.split())
