"""A card's file -> Card, with the line of everything that is wrong.

Two ways in: `parse_card` is strict and raises; `examine` also returns the card where it can be studied in spite of its
faults (a source without its date, a missing translation), because a typing slip must not take a card out of review.
Links, formulas and everything that needs the other cards is `prep.cards.check`'s.
"""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from typing import Final

from markdown_it import MarkdownIt
from markdown_it.token import Token

from prep.cards import frontmatter
from prep.cards.card import LANGS, MIN_KEY_POINTS, Card, CardFaults, Face, Fault, Lang
from prep.cards.frontmatter import FrontMatter

SECTIONS: Final = ("Key points", "Details", "Pitfalls", "Follow-ups")
MAX_BYTES: Final = 200_000
"""No answer is longer; a larger file is not a card, and must not be parsed on the way to the first screen."""

_NEWLINE: Final = re.compile(r"\r\n?")
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_CHECKBOX: Final = re.compile(r"\[ \](?:\s+|$)")


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a face, as it stands in the file."""

    name: str
    """`Q`, `A`, or a name of SECTIONS."""

    heading_line: int
    first_line: int
    """Line of the file that `text` starts on."""

    text: str


@dataclass(frozen=True, slots=True)
class Examined:
    """What a file turned out to hold."""

    card: Card | None
    """None when it cannot be studied as it is."""

    faults: tuple[Fault, ...]
    sections: Mapping[Lang, tuple[Section, ...]] = field(default_factory=dict)
    lines: Mapping[str, int] = field(default_factory=dict)
    """Front matter: key -> line, `key:item` -> line."""

    depends_on_today: bool = False


def parse_card(text: str, path: Path, *, today: date | None = None) -> Card:
    """The card in `text`, which was read from `path`.

    Raises:
        CardFaults: anything is wrong with it.
    """
    found = examine(text, path, today=today)
    if found.faults or found.card is None:
        raise CardFaults(found.faults)
    return found.card


def read_card(path: Path, *, today: date | None = None) -> Examined:
    """`examine` of a file; that it cannot be read is a fault like any other."""
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as e:
        return Examined(None, (Fault(path, None, f"cannot be read: {e.strerror or e}"),))
    if len(data) > MAX_BYTES:
        return Examined(None, (Fault(path, None, f"larger than {MAX_BYTES:,} bytes: not a card"),))
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as e:
        line = data.count(b"\n", 0, e.start) + 1
        return Examined(None, (Fault(path, line, f"not UTF-8: byte 0x{data[e.start]:02x}; save the file as UTF-8"),))
    return examine(text, path, today=today)


def examine(text: str, path: Path, *, today: date | None = None) -> Examined:
    """Everything that the text of one card says by itself; never raises for any text."""
    faults: list[Fault] = []

    def report(line: int, message: str) -> None:
        faults.append(Fault(path, line, message))

    today = today or datetime.fromtimestamp(time.time(), UTC).date()
    text = _NEWLINE.sub("\n", text.removeprefix("\ufeff"))
    split = _split(text, report)
    if split is None:
        return Examined(None, tuple(faults))
    head, body, body_line = split
    root = frontmatter.build(head, 2, report)
    if root is None:
        if not faults:
            report(2, "the front matter is empty")
        return Examined(None, tuple(faults))
    folder = path.parent.name
    matter = frontmatter.read(root, report, stem=path.stem, folder=folder, today=today)
    sections = _sections(body, body_line, report)
    faces = {
        lang: face
        for lang in LANGS
        if (face := _face(lang, sections.get(lang), matter.status == "draft", report)) is not None
    }
    _missing(sections, body_line, report)
    if (control := _CONTROL.search(body)) is not None:
        line = body_line + body.count("\n", 0, control.start())
        report(line, f"control character U+{ord(control[0]):04X}: a terminal would obey it")
    faults.sort(key=lambda fault: fault.line or 0)
    return Examined(_card(matter, faces, path), tuple(faults), sections, matter.lines, matter.depends_on_today)


def _split(text: str, report: frontmatter.Report) -> tuple[str, str, int] | None:
    """Front matter, body, and the body's first line."""
    if not text.strip():
        report(1, "the file is empty")
        return None
    lines = text.split("\n")
    if lines[0].rstrip() != "---":
        report(1, "a card starts with its front matter: a line of ---")
        return None
    for number, line in enumerate(lines[1:], start=2):
        if line.rstrip() == "---":
            return "\n".join(lines[1 : number - 1]) + "\n", "\n".join(lines[number:]), number + 1
    report(1, "the front matter has no end: a second line of --- is missing")
    return None


def _card(matter: FrontMatter, faces: dict[Lang, Face], path: Path) -> Card | None:
    if matter.id is None or matter.area is None or matter.level is None or not faces:
        return None
    if matter.status == "draft":
        # A stub in one language shows that language whichever is asked for.
        faces = {lang: face for lang, face in faces.items() if face.question} or faces
    only = next(iter(faces.values()))
    return Card(
        id=matter.id,
        area=matter.area,
        tags=matter.tags,
        level=matter.level,
        origin=matter.origin,
        exercises=matter.exercises,
        aliases=matter.aliases,
        sources=matter.sources,
        faces={lang: faces.get(lang, only) for lang in LANGS},
        path=path,
        status=matter.status,
    )


@cache
def _block_parser() -> MarkdownIt:
    """Blocks only: where a heading stands, and that it is not inside a fence, a list or a formula."""
    from mdit_py_plugins.dollarmath import dollarmath_plugin

    # Without inline parsing, tables, references and raw HTML: none of them can hold a heading, and the parse takes
    # half the time.
    parser = MarkdownIt("commonmark", {"html": False}).disable(["html_block", "reference"])
    dollarmath_plugin(parser, allow_space=False, allow_labels=False)
    parser.core.ruler.enableOnly(["normalize", "block"])
    return parser


def block_tokens(text: str) -> list[Token]:
    """The block tokens of Markdown `text`; lines count from 0."""
    return _block_parser().parse(text)


def _sections(body: str, body_line: int, report: frontmatter.Report) -> dict[Lang, tuple[Section, ...]]:
    """The sections of each language, in the order of the file; wrong structure is reported."""
    lines = body.split("\n")
    tokens = block_tokens(body)
    headings: list[tuple[int, int, int, str]] = []  # depth, first line, line after, title; the last one ends the file
    for i, token in enumerate(tokens):
        if token.type != "heading_open" or token.level != 0 or token.map is None:
            continue
        depth, (start, end) = int(token.tag[1]), token.map
        if token.markup in ("-", "="):
            if depth <= 2:
                report(
                    body_line + end - 1, f"a line of {token.markup} under text makes it a heading: leave a line empty"
                )
        elif depth <= 3:
            headings.append((depth, start, end, tokens[i + 1].content.strip()))
    found: dict[Lang, dict[str, Section]] = {}
    lang: Lang | None = None
    part = ""
    first = headings[0][1] if headings else len(lines)
    _stray(lines, 0, first, body_line, "before `# en` or `# zh`", report)
    for index, (depth, start, end, title) in enumerate(headings):
        line = body_line + start
        stop = headings[index + 1][1] if index + 1 < len(headings) else len(lines)
        if depth == 1:
            lang, part = next((known for known in LANGS if known == title.lower()), None), ""
            if lang is None:
                report(line, f"unknown language heading `# {title}`: `# en` or `# zh`")
            elif lang in found:
                report(line, f"`# {lang}` is there twice")
                lang = None
            else:
                found[lang] = {}
                _stray(lines, end, stop, body_line, f"between `# {lang}` and `## Q`", report)
            continue
        if lang is None:
            if not any(known == 1 for known, *_ in headings[:index]):
                report(line, f"`{'#' * depth} {title}` stands before `# en` or `# zh`")
            continue
        name = _known(depth, title)
        if name is None:
            allowed = "`## Q` or `## A`" if depth == 2 else "`### " + "`, `### ".join(SECTIONS) + "`"
            report(line, f"unknown section `{'#' * depth} {title}`: {allowed}; inside a section use ####")
        elif name in found[lang]:
            first_time = found[lang][name].heading_line
            report(line, f"`{'#' * depth} {name}` is there twice in {lang} (first on line {first_time})")
        elif depth == 3 and part != "A":
            report(line, f"`### {name}` belongs under `## A`")
        else:
            if name == "A" and "Q" not in found[lang]:
                report(line, f"`## A` stands before `## Q` in {lang}")
            part = name if depth == 2 else part
            text_start = next((k for k in range(end, stop) if lines[k].strip()), end)
            text = "\n".join(lines[text_start:stop]).rstrip()
            found[lang][name] = Section(name, line, body_line + text_start, text)
    return {known: tuple(sections.values()) for known, sections in found.items()}


def _known(depth: int, title: str) -> str | None:
    names: Sequence[str] = ("Q", "A") if depth == 2 else SECTIONS
    return next((name for name in names if name.lower() == title.lower()), None)


def _stray(lines: Sequence[str], start: int, stop: int, body_line: int, where: str, report: frontmatter.Report) -> None:
    for k in range(start, stop):
        if lines[k].strip():
            report(body_line + k, f"text {where} belongs to no section")
            return


def _missing(sections: Mapping[Lang, tuple[Section, ...]], body_line: int, report: frontmatter.Report) -> None:
    """Languages that are not there, and sections that only one of them has."""
    for lang in LANGS:
        if lang not in sections:
            report(body_line, f"the language {lang} is missing: add `# {lang}` with its sections")
    if len(sections) < len(LANGS):
        return
    for name in SECTIONS:
        having = {lang: section for lang in LANGS for section in sections[lang] if section.name == name}
        if len(having) == 1:
            (lang, section), *_ = having.items()
            other = next(known for known in LANGS if known != lang)
            report(section.heading_line, f"`### {name}` is in {lang} but not in {other}")


def _face(lang: Lang, sections: Sequence[Section] | None, draft: bool, report: frontmatter.Report) -> Face | None:
    """The face in `lang`; None where it has no question, or no answer and is no draft."""
    if not sections:
        if sections is not None:
            report(1, f"`# {lang}` has no sections")
        return None
    by_name = {section.name: section for section in sections}
    for name in ("Q", "A"):
        if name not in by_name:
            report(sections[0].heading_line, f"`## {name}` is missing in {lang}")
    if not draft:
        for section in sections:
            if not section.text:
                report(section.heading_line, f"`{section.name}` is empty in {lang}")
    points = _key_points(by_name.get("Key points"), draft, report)
    if "A" in by_name and not draft:
        if "Key points" not in by_name:
            report(by_name["A"].heading_line, f"`### Key points` is missing in {lang}")
        elif len(points) < MIN_KEY_POINTS and by_name["Key points"].text:
            line = by_name["Key points"].heading_line
            report(line, f"{len(points)} key points in {lang}: at least {MIN_KEY_POINTS} are needed")

    def text(name: str) -> str:
        return by_name[name].text if name in by_name else ""

    if not draft and not (text("Q") and text("A")):
        return None
    face = Face(lang, text("Q"), text("A"), points, text("Details"), text("Pitfalls"), text("Follow-ups"), "")
    return replace(face, sha=_sha(face))


def _sha(face: Face) -> str:
    parts = (face.question, face.answer, *face.key_points, face.details, face.pitfalls, face.follow_ups)
    # Spaces at line ends and the length of a line are no change of wording.
    words = "\0".join(" ".join(part.split()) for part in parts)
    return hashlib.sha256(words.encode("utf-8", "surrogatepass")).hexdigest()


def _key_points(section: Section | None, draft: bool, report: frontmatter.Report) -> tuple[str, ...]:
    """The text of each `- [ ]` item; anything else in the section is reported."""
    if section is None or not section.text:
        return ()
    lines = section.text.split("\n")
    points: list[str] = []
    for token in block_tokens(section.text):
        if token.map is None:
            continue
        start, end = token.map
        line = section.first_line + start
        if token.level == 0 and token.type != "bullet_list_open":
            report(line, "only `- [ ]` items belong in Key points")
        if token.type != "list_item_open" or token.level != 1:
            continue
        item = lines[start:end]
        # The marker and the spaces after it, which continuation lines are indented by.
        indent = len(item[0]) - len(item[0].lstrip(" -*+\t"))
        content = "\n".join([item[0][indent:], *(_dedent(other, indent) for other in item[1:])]).strip()
        box = _CHECKBOX.match(content)
        if box is None:
            report(line, "a key point starts with an empty box: `- [ ] ...`")
        elif content[box.end() :].strip():
            points.append(content[box.end() :])
        elif not draft:
            report(line, "a key point is empty")
    return tuple(points)


def _dedent(line: str, indent: int) -> str:
    return line[min(indent, len(line) - len(line.lstrip())) :]
