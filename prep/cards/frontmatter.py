"""The YAML front matter of a card, read with the line of every fault.

The tree is built from libyaml's events rather than by `yaml.load`: each value keeps its line, no scalar is converted
behind our back (`on` stays a tag, not a boolean), and depth is bounded, because composing 100,000 nested brackets
overflows the C stack and kills the process.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, Final

import yaml

from prep.cards.card import ID_PATTERN, LEVELS, STATUSES, Source, Status

# CSafeLoader: 0.18 ms a card against 1.65 ms for the pure-Python SafeLoader, 1.65 s for a thousand cards.
_LOADER: Final[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_MAX_DEPTH: Final = 16
_NULLS: Final = frozenset({"", "~", "null", "Null", "NULL"})

KEYS: Final = ("id", "area", "tags", "level", "origin", "exercises", "aliases", "sources", "status")
SOURCE_KEYS: Final = ("title", "url", "locator", "checked")

_ID = re.compile(ID_PATTERN)
_AREA = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
_URL = re.compile(r"https?://[^\s/]+\S*")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")

Report = Callable[[int, str], None]
"""Takes a line of the file, from 1, and what is wrong there."""


@dataclass(slots=True)
class Node:
    """A YAML value and its line in the card's file."""

    line: int
    text: str | None = None
    """A scalar as it was typed."""

    quoted: bool = False
    items: list[Node] | None = None
    pairs: list[tuple[Node, Node]] | None = None

    @property
    def is_null(self) -> bool:
        return self.text is not None and not self.quoted and self.text in _NULLS

    def kind(self) -> str:
        if self.items is not None:
            return "a list"
        if self.pairs is not None:
            return "a mapping"
        return "empty" if self.is_null else "text"


@dataclass(slots=True)
class FrontMatter:
    """The values that could be read; None where a fault was reported instead."""

    id: str | None = None
    area: str | None = None
    level: int | None = None
    tags: tuple[str, ...] = ()
    origin: tuple[str, ...] = ()
    exercises: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    sources: tuple[Source, ...] = ()
    status: Status = "active"
    lines: dict[str, int] = field(default_factory=dict)
    """Key -> line; for a list's items `key:value` -> line."""

    depends_on_today: bool = False
    """True when a fault would go away by waiting: a source checked in the future."""


def build(text: str, first_line: int, report: Report) -> Node | None:
    """The node tree of the YAML document `text`, whose first line is `first_line` of the file; None after a fault."""
    try:
        return _build(yaml.parse(text, Loader=_LOADER), first_line, report)
    except yaml.MarkedYAMLError as e:
        mark = e.problem_mark or e.context_mark
        reason = " ".join(filter(None, (e.problem, e.context))) or "not YAML"
        report(first_line + (mark.line if mark else 0), f"the front matter is not YAML: {reason}")
    except (yaml.YAMLError, UnicodeError) as e:
        # The reader's errors (control characters, lone surrogates) carry an offset, not a line.
        at = getattr(e, "position", None) or getattr(e, "start", 0)
        reason = str(getattr(e, "reason", e)).splitlines()[0]
        report(first_line + text.count("\n", 0, at), f"the front matter is not YAML: {reason}")
    return None


def _build(events: Iterator[yaml.Event], first_line: int, report: Report) -> Node | None:
    root: Node | None = None
    stack: list[Node] = []
    keys: list[Node | None] = []  # per open collection: the mapping key that waits for its value

    def place(node: Node) -> None:
        nonlocal root
        if not stack:
            root = node
            return
        parent = stack[-1]
        if parent.items is not None:
            parent.items.append(node)
        elif parent.pairs is not None:
            key = keys[-1]
            if key is None:
                keys[-1] = node
            else:
                parent.pairs.append((key, node))
                keys[-1] = None

    for event in events:
        line = first_line + (event.start_mark.line if event.start_mark else 0)
        if isinstance(event, yaml.ScalarEvent):
            place(Node(line, text=event.value, quoted=bool(event.style)))
        elif isinstance(event, (yaml.MappingStartEvent, yaml.SequenceStartEvent)):
            node = Node(line)
            if isinstance(event, yaml.MappingStartEvent):
                node.pairs = []
            else:
                node.items = []
            place(node)
            stack.append(node)
            keys.append(None)
            if len(stack) > _MAX_DEPTH:
                report(node.line, f"the front matter is nested more than {_MAX_DEPTH} levels deep")
                return None
        elif isinstance(event, (yaml.MappingEndEvent, yaml.SequenceEndEvent)):
            stack.pop()
            keys.pop()
        elif isinstance(event, yaml.AliasEvent):
            report(line, f"YAML aliases (*{event.anchor}) are not used in cards")
            return None
    return root


def read(root: Node, report: Report, *, stem: str, folder: str, today: date) -> FrontMatter:
    """Type-check the keys of a card.

    Args:
        root: from `build`.
        report: takes each fault.
        stem: the file's name without `.md`: the id must equal it.
        folder: the name of the file's folder, which the area must equal; empty where it is not known.
        today: a source cannot have been checked after it.
    """
    matter = FrontMatter()
    if root.pairs is None:
        report(root.line, f"the front matter must be a mapping of keys, not {root.kind()}")
        return matter
    values: dict[str, Node] = {}
    for key, value in root.pairs:
        name = key.text or ""
        if name in values:
            report(key.line, f"the key {name} is there twice (first on line {matter.lines[name]})")
            continue
        values[name] = value
        matter.lines[name] = key.line
        if name not in KEYS and (near := difflib.get_close_matches(name.lower(), KEYS, 1, 0.75)):
            report(key.line, f"unknown key {name}: is {near[0]} meant?")
    for name in ("id", "area", "level", "sources"):
        if name not in values:
            report(root.line, f"the key {name} is missing")

    if (node := values.get("id")) is not None:
        matter.id = _id(node, stem, report)
    if (node := values.get("area")) is not None:
        matter.area = _area(node, folder, report)
    if (node := values.get("level")) is not None:
        if node.text in {str(level) for level in LEVELS} and not node.quoted:
            matter.level = int(node.text)
        else:
            report(node.line, f"level must be 1, 2 or 3, not {_shown(node)}")
    if (node := values.get("status")) is not None:
        found = [status for status in STATUSES if status == node.text]
        if found:
            matter.status = found[0]
        else:
            report(node.line, f"status must be {', '.join(STATUSES)}, not {_shown(node)}")
    for name in ("tags", "origin", "exercises", "aliases"):
        if (node := values.get(name)) is not None:
            setattr(matter, name, _texts(name, node, matter, report))
    for alias in matter.aliases:
        line = matter.lines[f"aliases:{alias}"]
        if not _ID.fullmatch(alias):
            report(line, f"the alias {alias!r} is not an id (a-z, 0-9 and -, 3 to 64 characters)")
        elif alias == matter.id:
            report(line, f"the alias {alias} is the card's own id")
    if (node := values.get("sources")) is not None:
        matter.sources = _sources(node, matter, report, today)
        if not matter.sources and matter.status != "draft" and (node.is_null or node.items == []):
            report(node.line, "a card needs at least one source (or `status: draft`)")
    return matter


def is_area(name: str) -> bool:
    return _AREA.fullmatch(name) is not None


def _shown(node: Node) -> str:
    return repr(node.text) if node.text is not None and not node.is_null else node.kind()


def _id(node: Node, stem: str, report: Report) -> str | None:
    if node.text is None or not _ID.fullmatch(node.text):
        report(node.line, f"id must be 3 to 64 of a-z, 0-9 and -, not starting with -; it is {_shown(node)}")
        return None
    if node.text != stem:
        report(node.line, f"the id {node.text} is not the file's name: call the file {node.text}.md")
        return None
    return node.text


def _area(node: Node, folder: str, report: Report) -> str | None:
    if node.text is None or not _AREA.fullmatch(node.text):
        report(node.line, f"area must be a name of a-z, 0-9 and -; it is {_shown(node)}")
        return None
    if folder and node.text != folder:
        report(node.line, f"the area {node.text} is not the file's folder, {folder}")
    return node.text


def _texts(name: str, node: Node, matter: FrontMatter, report: Report) -> tuple[str, ...]:
    if node.is_null:
        return ()
    if node.items is None:
        report(node.line, f"{name} must be a list, not {node.kind()}: {name}: [a, b]")
        return ()
    found: dict[str, None] = {}
    for item in node.items:
        text = (item.text or "").strip()
        if not text or item.is_null:
            report(item.line, f"each item of {name} must be text, not {item.kind() if not item.text else 'empty'}")
        elif text in found:
            report(item.line, f"{name} names {text} twice")
        else:
            found[text] = None
            matter.lines[f"{name}:{text}"] = item.line
    return tuple(found)


def _sources(node: Node, matter: FrontMatter, report: Report, today: date) -> tuple[Source, ...]:
    if node.is_null:
        return ()
    if node.items is None:
        report(node.line, f"sources must be a list, not {node.kind()}")
        return ()
    return tuple(s for item in node.items if (s := _source(item, matter, report, today)) is not None)


def _source(node: Node, matter: FrontMatter, report: Report, today: date) -> Source | None:
    if node.pairs is None:
        report(node.line, f"a source is a mapping (title, url, locator, checked), not {node.kind()}")
        return None
    values: dict[str, Node] = {}
    for key, value in node.pairs:
        name = key.text or ""
        if name in values:
            report(key.line, f"the source's key {name} is there twice")
        elif name not in SOURCE_KEYS and (near := difflib.get_close_matches(name.lower(), SOURCE_KEYS, 1, 0.75)):
            report(key.line, f"unknown key {name} in a source: is {near[0]} meant?")
        values[name] = value

    def text(name: str) -> str:
        value = values.get(name)
        if value is None or value.is_null:
            return ""
        if value.text is None:
            report(value.line, f"the source's {name} must be text, not {value.kind()}")
            return ""
        return value.text.strip()

    title, url, locator = text("title"), text("url"), text("locator")
    label = title or url or "without a title"
    if not title:
        report(node.line, "a source has no title")
    if not url and not locator:
        report(node.line, f"the source {label!r} has neither url nor locator: nobody could find it")
    if url and not _URL.fullmatch(url):
        report(values["url"].line, f"the source's url must start with http:// or https://, not {url!r}")
    return Source(title, url, locator, _checked(values.get("checked"), node, label, matter, report, today))


def _checked(
    node: Node | None, source: Node, label: str, matter: FrontMatter, report: Report, today: date
) -> date | None:
    if node is None or node.is_null:
        line = node.line if node is not None else source.line
        report(line, f"the source {label!r} has no checked date: open it, then write the day")
        return None
    try:
        if node.text is None or not _DATE.fullmatch(node.text):
            raise ValueError
        day = date.fromisoformat(node.text)
    except ValueError:
        report(node.line, f"checked must be a day like 2026-11-22, not {_shown(node)}")
        return None
    # One day of grace: an author in Shanghai writes tomorrow's date as a machine in UTC sees it.
    if day > today + timedelta(days=1):
        matter.depends_on_today = True
        report(node.line, f"the source {label!r} was checked on {day}, which is in the future")
    return day
