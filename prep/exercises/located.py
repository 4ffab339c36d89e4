"""YAML that remembers where each value stands, and a list of what is wrong with it.

PyYAML's loaders drop the lines; composing nodes keeps them at the price of building the values here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(slots=True)
class Faults:
    """What is wrong with one file, as (line, message); line 0 stands for the file as a whole."""

    path: Path
    found: list[tuple[int, str]] = field(default_factory=list)

    def add(self, line: int, message: str) -> None:
        self.found.append((line, message))


@dataclass(frozen=True, slots=True)
class Value:
    """A YAML value with its line. Mappings hold Values by key, sequences are tuples of Values."""

    data: Any
    line: int

    def plain(self) -> Any:
        """The value without lines, as yaml.safe_load gives it."""
        if isinstance(self.data, dict):
            return {key: item.plain() for key, item in self.data.items()}
        if isinstance(self.data, tuple):
            return [item.plain() for item in self.data]
        return self.data


def read_yaml(text: str, faults: Faults) -> Value | None:
    """The only document of `text`, or None where it is not YAML (then `faults` says so). A repeated key is a fault."""
    try:
        loader = _Loader(text)
    except yaml.YAMLError as e:
        faults.add(_line_of(e), f"not YAML: {_problem(e)}")
        return None
    try:
        node = loader.get_single_node()
        if node is None:
            faults.add(1, "the file is empty")
            return None
        return _convert(loader, node, faults)
    except (yaml.YAMLError, ValueError) as e:
        faults.add(_line_of(e), f"not YAML: {_problem(e)}")
        return None
    finally:
        loader.dispose()


def _convert(loader: Any, node: yaml.Node, faults: Faults) -> Value:
    line = node.start_mark.line + 1
    if isinstance(node, yaml.MappingNode):
        items: dict[Any, Value] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                faults.add(key_node.start_mark.line + 1, "a key must be a plain word")
                continue
            key = loader.construct_object(key_node)
            if key in items:
                faults.add(key_node.start_mark.line + 1, f"'{key}' stands twice")
            items[key] = _convert(loader, value_node, faults)
        return Value(items, line)
    if isinstance(node, yaml.SequenceNode):
        return Value(tuple(_convert(loader, item, faults) for item in node.value), line)
    return Value(loader.construct_object(node), line)


def _line_of(error: Exception) -> int:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    return mark.line + 1 if mark is not None else 1


def _problem(error: Exception) -> str:
    return str(getattr(error, "problem", None) or getattr(error, "reason", None) or str(error).splitlines()[0])


class Table:
    """A mapping being read: each getter takes a key, notes a fault where the value is not what it must be, and returns
    a harmless stand-in so that one reading finds all faults. `close` notes the keys that nobody asked for."""

    def __init__(self, value: Value, what: str, faults: Faults) -> None:
        self.line = value.line
        self.what = what
        self.prefix = f"{what}: " if what else ""
        self.faults = faults
        self._asked: set[str] = set()
        if isinstance(value.data, dict):
            self.items: dict[Any, Value] = value.data
        else:
            self.items = {}
            self._asked.add("*")
            faults.add(value.line, f"{what or 'the file'} must be a mapping, not {_kind(value.data)}")

    def close(self) -> None:
        for key, value in self.items.items():
            if key not in self._asked:
                self.faults.add(value.line, f"{self.prefix}unknown key '{key}'")

    def get(self, key: str, *, required: bool = True) -> Value | None:
        self._asked.add(key)
        value = self.items.get(key)
        if value is None and required and "*" not in self._asked:
            self.faults.add(self.line, f"{self.prefix}'{key}' is missing")
        return value

    def line_of(self, key: str) -> int:
        return self.items[key].line if key in self.items else self.line

    def text(self, key: str, *, required: bool = True, default: str = "") -> str:
        value = self.get(key, required=required)
        if value is None:
            return default
        if not isinstance(value.data, str) or not value.data.strip():
            self.faults.add(value.line, f"{self.prefix}'{key}' must be text, not {_kind(value.data)}")
            return default
        return value.data

    def choice(self, key: str, allowed: Sequence[str], *, default: str | None = None) -> str:
        text = self.text(key, required=default is None, default=default or "")
        if text and text not in allowed:
            self.faults.add(self.line_of(key), f"{self.prefix}{key} '{text}' is none of {', '.join(allowed)}")
        return text

    def whole(self, key: str, low: int, high: int) -> int:
        value = self.get(key)
        if value is None:
            return low
        if isinstance(value.data, bool) or not isinstance(value.data, int) or not low <= value.data <= high:
            self.faults.add(value.line, f"{self.prefix}'{key}' must be a whole number from {low} to {high}")
            return low
        return value.data

    def number(self, key: str, *, default: float) -> float:
        value = self.get(key, required=False)
        if value is None:
            return default
        if isinstance(value.data, bool) or not isinstance(value.data, int | float):
            # YAML 1.1 reads 1e-5 as a word: the fault must say how to write it.
            self.faults.add(value.line, f"{self.prefix}'{key}' must be a number (write 1.0e-5, not 1e-5)")
            return default
        return float(value.data)

    def flag(self, key: str) -> bool:
        value = self.get(key, required=False)
        if value is None:
            return False
        if not isinstance(value.data, bool):
            self.faults.add(value.line, f"{self.prefix}'{key}' must be true or false")
            return False
        return value.data

    def words(self, key: str, *, required: bool = True) -> tuple[str, ...]:
        """A list of texts."""
        words = []
        for value in self.sequence(key, required=required):
            if isinstance(value.data, str) and value.data.strip():
                words.append(value.data)
            else:
                self.faults.add(value.line, f"{self.prefix}an entry of '{key}' must be text, not {_kind(value.data)}")
        return tuple(words)

    def sequence(self, key: str, *, required: bool = True) -> tuple[Value, ...]:
        value = self.get(key, required=required)
        if value is None:
            return ()
        if not isinstance(value.data, tuple):
            self.faults.add(value.line, f"{self.prefix}'{key}' must be a list, not {_kind(value.data)}")
            return ()
        return value.data

    def table(self, key: str, *, required: bool = True) -> Table | None:
        value = self.get(key, required=required)
        return None if value is None else Table(value, f"{self.what}.{key}" if self.what else key, self.faults)

    def entries(self) -> Iterator[tuple[Any, Value]]:
        """All pairs, where the keys are names of the author's own."""
        self._asked.update(self.items)
        yield from self.items.items()


def _kind(data: object) -> str:
    match data:
        case None:
            return "nothing"
        case bool():
            return "true/false"
        case int() | float():
            return "a number"
        case str():
            return "text" if data.strip() else "empty text"
        case tuple():
            return "a list"
        case dict():
            return "a mapping"
    return f"a {type(data).__name__}"
