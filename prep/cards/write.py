"""Writing card files: new ones, front-matter keys, and the copy of a bundled card that its user may edit.

Every write is whole or not at all, and changes nothing it was not asked to: keys that prep does not know, comments and
line ends stay as they are.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from prep import paths
from prep.cards import frontmatter
from prep.cards.card import ID_PATTERN, LEVELS, Card, Fault
from prep.cards.parse import SECTIONS
from prep.errors import ContentError, HomeNotWritable, UsageError

_ID: Final = re.compile(ID_PATTERN)
# Plain in YAML whatever reads it: not a number, a date or a key.
_PLAIN: Final = re.compile(r"[A-Za-z][A-Za-z0-9_./-]*(?::[A-Za-z0-9_./-]+)*")
_WORDS_OF_YAML: Final = frozenset({"null", "true", "false", "yes", "no", "on", "off", "y", "n"})
_WORD: Final = re.compile(r"[a-z0-9]+")


def write_atomically(path: Path, text: str) -> None:
    """Replace `path` by `text` (UTF-8): after a crash the old content is there, or the new, never a part.

    Raises:
        HomeNotWritable: the folder cannot be written, or is full.
    """
    paths.ensure_dir(path.parent)
    # Through a link: the file that it names is replaced, not the link.
    target = Path(os.path.realpath(path))
    temporary: str | None = None
    try:
        handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.", suffix=".tmp")
        with os.fdopen(handle, "wb") as file:
            file.write(text.encode("utf-8"))
            file.flush()
            os.fsync(file.fileno())
        mode = target.stat().st_mode & 0o777 if target.exists() else 0o666 & ~_umask()
        os.chmod(temporary, mode)
        os.replace(temporary, target)
    except OSError as e:
        if temporary is not None:
            with suppress(OSError):
                os.unlink(temporary)
        raise HomeNotWritable(
            f"cannot be written: {e.strerror}", where=path, hint="make its folder writable, or free some space"
        ) from e
    with suppress(OSError):  # the rename itself; some file systems cannot sync a folder
        folder = os.open(target.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def editable_path(card: Card, *, user_dir: Path | None = None) -> Path:
    """The file to open in an editor for `card`.

    A card that lies in an installed package, or where its user cannot write, is copied to the user's cards first, where
    the copy shadows it: an upgrade then loses nothing.

    Raises:
        HomeNotWritable: the copy cannot be made.
        ContentError: the card's file is gone.
    """
    user_dir = user_dir or paths.user_cards_dir()
    if card.path.is_relative_to(user_dir):
        return card.path
    bundled = card.path.is_relative_to(paths.content_dir())
    if (not bundled or paths.is_checkout()) and os.access(card.path, os.W_OK):
        return card.path
    copy = user_dir / card.area / f"{card.id}.md"
    if not copy.exists():
        try:
            text = card.path.read_bytes().decode("utf-8", "replace")
        except OSError as e:
            raise ContentError(f"cannot be read: {e.strerror}", where=card.path) from e
        write_atomically(copy, text)
    return copy


def new_card(
    area: str,
    question: Mapping[str, str],
    *,
    card_id: str | None = None,
    level: int = 2,
    tags: Sequence[str] = (),
    origin: Sequence[str] = (),
    exercises: Sequence[str] = (),
    root: Path | None = None,
    taken: Sequence[str] = (),
) -> Path:
    """Write a draft in both languages, and return its path.

    Args:
        question: language -> the question, in one language or both.
        card_id: made from the English question where it is None.
        root: folder of `<area>/<id>.md`; the user's cards by default.
        taken: ids and aliases that are in use.

    Raises:
        UsageError: the area, id or level is not one, or the id is taken.
        HomeNotWritable: the folder cannot be written.
    """
    if not frontmatter.is_area(area):
        raise UsageError(f"{area!r} is not an area: a-z, 0-9 and -")
    if level not in LEVELS:
        raise UsageError(f"level must be 1, 2 or 3, not {level}")
    card_id = card_id or slug(question.get("en", ""))
    if not card_id:
        raise UsageError("this question gives no id: pass one", hint="--id kv-cache-paging, for example")
    if not _ID.fullmatch(card_id):
        raise UsageError(f"{card_id!r} is not an id: 3 to 64 of a-z, 0-9 and -, not starting with -")
    path = (root or paths.user_cards_dir()) / area / f"{card_id}.md"
    if card_id in taken or path.exists():
        raise UsageError(f"the id {card_id} is taken", hint=f"prep cards show {card_id}; ids are never used again")
    values = {
        "id": card_id,
        "area": area,
        "tags": _flow(tags),
        "level": str(level),
        "origin": _flow(origin),
        "exercises": _flow(exercises),
        "aliases": "[]",
        "sources": "[]",
        "status": "draft",
    }
    head = "\n".join(f"{key}: {value}" for key, value in values.items())
    faces = "\n".join(_face(lang, question.get(lang, "").strip()) for lang in ("en", "zh"))
    write_atomically(path, f"---\n{head}\n---\n{faces}")
    return path


def slug(question: str) -> str:
    """An id from the first words of an English question; empty when it has none."""
    small = frozenset({"a", "an", "the", "is", "are", "do", "does", "of", "to", "in", "and", "what", "how", "why"})
    words = [word for word in _WORD.findall(question.lower()) if word not in small]
    text = ""
    for word in words[:6]:
        if len(text) + len(word) > 48:
            break
        text = f"{text}-{word}" if text else word
    return text if _ID.fullmatch(text) else ""


def set_keys(text: str, changes: Mapping[str, str | int | Sequence[str]], path: Path) -> str:
    """`text` of a card with some keys of its front matter set; every other byte stays.

    Raises:
        ContentError: the front matter cannot be read.
    """
    newline = "\r\n" if "\r\n" in text else "\n"
    lines = text.split("\n")
    end = next((i for i, line in enumerate(lines) if i and line.rstrip() == "---"), None)
    if end is None or lines[0].removeprefix("\ufeff").rstrip() != "---":
        raise ContentError("a card starts with its front matter", where=path, line=1)
    faults: list[Fault] = []
    head = "\n".join(line.rstrip("\r") for line in lines[1:end]) + "\n"
    root = frontmatter.build(head, 1, lambda line, message: faults.append(Fault(path, line + 1, message)))
    if root is None or root.pairs is None:
        line = faults[0].line if faults else 1
        raise ContentError(faults[0].message if faults else "no front matter", where=path, line=line)
    starts = [key.line for key, _ in root.pairs]
    spans = {key.text: (key.line, _end_of(lines, key.line, starts, end)) for key, _ in root.pairs}
    for key in sorted(changes, key=lambda name: spans.get(name, (end, end)), reverse=True):
        value = changes[key]
        shown = str(value) if isinstance(value, int) else _flow(value) if not isinstance(value, str) else _scalar(value)
        start, stop = spans.get(key, (end, end))
        lines[start:stop] = [f"{key}: {shown}" + newline.removesuffix("\n")]
    return "\n".join(lines)


def _end_of(lines: Sequence[str], start: int, starts: Sequence[int], end: int) -> int:
    """The line after a key's value: comments and empty lines before the next key stay with that one."""
    stop = min([other for other in starts if other > start], default=end)
    while stop - 1 > start and (not lines[stop - 1].strip() or lines[stop - 1].lstrip().startswith("#")):
        stop -= 1
    return stop


def _flow(values: Sequence[str]) -> str:
    return f"[{', '.join(_scalar(value) for value in values)}]"


def _scalar(value: str) -> str:
    if _PLAIN.fullmatch(value) and value.lower() not in _WORDS_OF_YAML:
        return value
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\t", "\\t")
    return f'"{escaped}"'


def _face(lang: str, question: str) -> str:
    points = "\n".join("- [ ] " for _ in range(3))
    sections = "\n\n".join(f"### {name}" + (f"\n{points}" if name == "Key points" else "") for name in SECTIONS)
    return f"# {lang}\n## Q\n{question}\n\n## A\n\n{sections}\n"


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
