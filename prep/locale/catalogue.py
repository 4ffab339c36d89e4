"""Reading, writing and checking the catalogues: what msgfmt and xgettext do, for what prep uses of them."""

from __future__ import annotations

import ast
import re
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from prep.errors import ContentError
from prep.locale import LOCALES, catalogue_path

if TYPE_CHECKING:
    from prep.cards import Fault

PACKAGE = Path(__file__).resolve().parent.parent
SOURCES = ("tui", "cli", "locale")
"""Folders of the package whose texts are translated."""

_CALLS = {"_": 1, "N_": 1, "gettext": 1, "ngettext": 2, "pgettext": 0}
_FIELD = re.compile(r"\{([^{}]*)\}")


@dataclass(slots=True)
class Entry:
    """One message of a .po file."""

    msgid: str
    line: int
    plural: str = ""
    msgstr: list[str] = field(default_factory=list)
    """One string, or one for each plural form."""

    flags: set[str] = field(default_factory=set)

    @property
    def translated(self) -> bool:
        return bool(self.msgstr) and all(self.msgstr)


def parse_po(text: str, path: Path) -> list[Entry]:
    """The entries of a .po file in order, its header (empty msgid) included.

    Raises:
        ContentError: a line that is none of the format's, with its number.
    """
    entries: list[Entry] = []
    flags: set[str] = set()
    current: Entry | None = None
    target = ""

    def add(fragment: str, number: int) -> None:
        try:
            value = ast.literal_eval(fragment)
        except (SyntaxError, ValueError) as e:
            raise ContentError("not a quoted string", where=path, line=number) from e
        assert current is not None
        if target == "msgid":
            current.msgid += value
        elif target == "msgid_plural":
            current.plural += value
        else:
            current.msgstr[-1] += value

    for number, raw in enumerate(text.splitlines(), 1):
        line = raw.strip()
        if not line or line.startswith("#~"):
            continue
        if line.startswith("#"):
            if line.startswith("#,"):
                flags |= {flag.strip() for flag in line[2:].split(",")}
            continue
        if line.startswith('"'):
            if current is None:
                raise ContentError("a string that belongs to no message", where=path, line=number)
            add(line, number)
            continue
        keyword, _, rest = line.partition(" ")
        if keyword == "msgid":
            current = Entry("", number, flags=flags)
            entries.append(current)
            flags = set()
        elif current is None or not re.fullmatch(r"msgid_plural|msgstr(\[\d\])?", keyword):
            raise ContentError(f"'{keyword}' is not expected here", where=path, line=number)
        if keyword.startswith("msgstr"):
            assert current is not None
            current.msgstr.append("")
        target = keyword
        add(rest, number)
    return entries


def compile_mo(entries: Sequence[Entry]) -> bytes:
    """The .mo file of the entries that are translated and not fuzzy: the same bytes for the same messages."""
    messages: dict[bytes, bytes] = {}
    for entry in entries:
        if not entry.translated or "fuzzy" in entry.flags:
            continue
        key = f"{entry.msgid}\0{entry.plural}" if entry.plural else entry.msgid
        messages[key.encode()] = "\0".join(entry.msgstr).encode()
    keys = sorted(messages)
    header_size, row_size = 28, 8
    originals_at = header_size
    translations_at = originals_at + row_size * len(keys)
    offset = translations_at + row_size * len(keys)
    tables: list[bytes] = []
    data = b""
    for strings in (keys, [messages[key] for key in keys]):
        for string in strings:
            tables.append(struct.pack("<II", len(string), offset + len(data)))
            data += string + b"\0"
    header = struct.pack("<7I", 0x950412DE, 0, len(keys), originals_at, translations_at, 0, offset)
    return header + b"".join(tables) + data


@dataclass(frozen=True, slots=True)
class Use:
    """A literal in the source that is to be translated."""

    msgid: str
    plural: str
    path: Path
    line: int


def used_messages(root: Path = PACKAGE) -> Iterator[Use]:
    """Every literal that prep gives to a gettext function."""
    for folder in SOURCES:
        for path in sorted((root / folder).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
                    continue
                count = _CALLS.get(node.func.id, 0)
                texts = [a.value for a in node.args[:count] if isinstance(a, ast.Constant) and isinstance(a.value, str)]
                if count and len(texts) == count and texts[0]:
                    yield Use(texts[0], texts[1] if count == 2 else "", path, node.lineno)


def _fields(text: str) -> set[str]:
    return {name.partition(":")[0].partition("!")[0] for name in _FIELD.findall(text)}


def check_translations(root: Path = PACKAGE) -> list[Fault]:
    """What is wrong with the catalogues: missing, fuzzy or stale messages, lost fields, a .mo older than its .po."""
    from prep.cards import Fault

    uses: dict[str, Use] = {}
    for use in used_messages(root):
        uses.setdefault(use.msgid, use)
    faults: list[Fault] = []
    for lang in LOCALES:
        source, compiled = (root / p.relative_to(PACKAGE) for p in (catalogue_path(lang, ".po"), catalogue_path(lang)))
        try:
            entries = parse_po(source.read_text(encoding="utf-8"), source)
        except ContentError as e:
            faults.append(Fault(source, e.line or 1, e.message))
            continue
        known = {entry.msgid: entry for entry in entries if entry.msgid}
        for msgid, use in uses.items():
            entry = known.get(msgid)
            if entry is None or not entry.translated:
                faults.append(Fault(use.path, use.line, f"no {lang} translation of {msgid!r}"))
            elif use.plural != entry.plural:
                faults.append(Fault(source, entry.line, f"{msgid!r} has another plural in the source"))
        for entry in known.values():
            if "fuzzy" in entry.flags:
                faults.append(Fault(source, entry.line, f"the translation of {entry.msgid!r} is marked fuzzy"))
            if entry.msgid not in uses:
                faults.append(Fault(source, entry.line, f"{entry.msgid!r} is not used any more"))
            for text in entry.msgstr:
                if text and _fields(text) != _fields(entry.plural or entry.msgid):
                    faults.append(
                        Fault(source, entry.line, f"the fields in braces differ from those of {entry.msgid!r}")
                    )
        if not compiled.is_file() or compiled.read_bytes() != compile_mo(entries):
            faults.append(Fault(compiled, 1, "is not what its .po compiles to: run python -m prep.locale.compile"))
    return faults
