"""Everything `prep check` says about cards: each file by itself, and the cards against each other."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from prep import paths
from prep.cards import prose, shape
from prep.cards.card import Card, Fault, Lang
from prep.cards.parse import Examined, Section, read_card
from prep.cards.scan import scan


@dataclass(slots=True)
class CheckedCards:
    """The result of looking at every card file."""

    faults: list[Fault] = field(default_factory=list)
    """Sorted by path and line."""

    files: int = 0
    ids: set[str] = field(default_factory=set)
    known: set[str] = field(default_factory=set)
    """What may be linked to: `ids`, and those of broken cards, so that one fault does not make others."""

    aliases: dict[str, str] = field(default_factory=dict)
    exercises: dict[Path, tuple[Card, int | None]] = field(default_factory=dict)
    """By file: the card that can be studied, and the line of its `exercises`."""


def check_library(
    roots: Sequence[Path] | None = None, *, exercises: Collection[str] | None = None, today: date | None = None
) -> list[Fault]:
    """Every fault in the cards below `roots`; see `check_cards`."""
    return check_cards(roots, exercises=exercises, today=today).faults


def check_cards(
    roots: Sequence[Path] | None = None, *, exercises: Collection[str] | None = None, today: date | None = None
) -> CheckedCards:
    """Read every card file below `roots` and check it, without any cache.

    Args:
        roots: the bundled content and the user's cards by default; a later one shadows an earlier one.
        exercises: ids that a card's `exercises` may name; those of the bundled exercises by default, and none is
            checked where there is no such folder.
        today: a source cannot have been checked after it.
    """
    if roots is None:
        roots = (paths.content_dir(), paths.user_cards_dir())
    if exercises is None:
        exercises = exercise_ids(paths.exercises_dir())
    result = CheckedCards()
    visible: dict[str, tuple[Card, Examined]] = {}
    everything: list[tuple[Path, Examined]] = []
    for root in roots:
        files, faults = scan(root)
        result.faults += faults
        taken: dict[str, tuple[Card, Examined]] = {}
        for file in files:
            found = read_card(Path(file.path), today=today)
            everything.append((Path(file.path), found))
            result.faults += found.faults
            card = found.card
            if card is None:
                continue
            if card.id in taken:
                other = taken[card.id][0].path
                result.faults.append(
                    Fault(card.path, found.lines.get("id", 1), f"the id {card.id} is taken by {other}")
                )
            else:
                taken[card.id] = (card, found)
        result.files += len(files)
        visible.update(taken)
        result.exercises.update({card.path: (card, found.lines.get("exercises")) for card, found in taken.values()})
    result.ids = set(visible)
    known = result.known = result.ids | {path.stem for path, _ in everything}
    result.aliases = _aliases(visible, result.faults)
    for path, found in everything:
        result.faults += text_faults(path, found.sections, known, result.aliases)
        result.faults += _exercise_faults(path, found, exercises) + _length_faults(path, found)
    result.faults = sorted(set(result.faults), key=lambda fault: (str(fault.path), fault.line or 0, fault.message))
    return result


def check_file(path: Path, known: Collection[str], aliases: Mapping[str, str] | None = None) -> list[Fault]:
    """Every fault in one card's file; `known` are the ids that it may link to."""
    found = read_card(path)
    faults = [*found.faults, *text_faults(path, found.sections, {*known, path.stem}, aliases or {})]
    faults += _exercise_faults(path, found, exercise_ids(paths.exercises_dir())) + _length_faults(path, found)
    return sorted(faults, key=lambda fault: fault.line or 0)


def exercise_ids(folder: Path) -> Collection[str] | None:
    """The ids of the exercises in `folder`; None where there are none to compare with."""
    try:
        ids = {entry.name for entry in folder.iterdir() if (entry / "exercise.yaml").is_file()}
    except OSError:
        return None
    return ids or None


def text_faults(
    path: Path,
    sections: Mapping[Lang, Iterable[Section]],
    known: Collection[str],
    aliases: Mapping[str, str],
) -> list[Fault]:
    """Formulas that cannot be shown, dollars that are no formula, pictures that break, links to no card."""
    faults: list[Fault] = []
    for section in (section for of_lang in sections.values() for section in of_lang):
        first = section.first_line
        found = prose.faults(section.text) + shape.faults(section.text)
        faults += [Fault(path, first + line, message) for line, message in found]
        for line, target in prose.links(section.text):
            if target in known:
                if target == path.stem:
                    faults.append(Fault(path, first + line, f"[[{target}]] links to the card itself"))
            elif target in aliases:
                faults.append(Fault(path, first + line, f"[[{target}]] is a former id: write [[{aliases[target]}]]"))
            else:
                faults.append(Fault(path, first + line, f"[[{target}]] links to no card{_near(target, known)}"))
    return faults


def _exercise_faults(path: Path, found: Examined, exercises: Collection[str] | None) -> list[Fault]:
    if found.card is None or exercises is None:
        return []
    return [
        Fault(path, found.lines.get(f"exercises:{name}"), f"there is no exercise {name}{_near(name, exercises)}")
        for name in found.card.exercises
        if name not in exercises
    ]


def _length_faults(path: Path, found: Examined) -> list[Fault]:
    if found.card is None:
        return []
    faults: list[Fault] = []
    for lang, sections in found.sections.items():
        face = found.card.faces[lang]
        most = shape.SCREENS * shape.ROWS
        if sections and face.lang == lang and (rows := shape.rows(face)) > most:
            size = f"{shape.COLUMNS}x{shape.ROWS}"
            text = f"the {lang} face takes {rows} rows, more than {shape.SCREENS} screens of {size}: make it two cards"
            faults.append(Fault(path, sections[0].heading_line, text))
    return faults


def _aliases(visible: Mapping[str, tuple[Card, Examined]], faults: list[Fault]) -> dict[str, str]:
    aliases: dict[str, str] = {}
    for card, found in visible.values():
        for alias in card.aliases:
            line = found.lines.get(f"aliases:{alias}")
            if alias in visible and alias != card.id:
                faults.append(Fault(card.path, line, f"the alias {alias} is the id of {visible[alias][0].path}"))
            elif alias in aliases:
                faults.append(Fault(card.path, line, f"the alias {alias} is also claimed by the card {aliases[alias]}"))
            else:
                aliases[alias] = card.id
    return aliases


def _near(name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, list(known), 1, 0.7)
    return f": is {near[0]} meant?" if near else ""
