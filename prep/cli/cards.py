"""`prep cards`: search, show, list, write and edit cards."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click

from prep.cli.card_text import WORDS, card_lines, language, print_hit, summary, whole

if TYPE_CHECKING:
    from prep.cards.card import Card, Lang
    from prep.cards.library import Library


@click.group("cards", short_help="Search, show, write and edit cards.")
def cards_command() -> None:
    """Search, show, write and edit cards."""


@cards_command.command("search")
@click.argument("query", nargs=-1, required=True)
@click.option("--lang", type=click.Choice(["en", "zh"]), help="Look in this language only.")
@click.option("--area", help="Only cards of this area.")
@click.option("--tag", help="Only cards with this tag.")
@click.option("--level", type=click.IntRange(1, 3), help="Only cards of this level.")
@click.option("--origin", help="Only cards from there: notes, or notes:Q1.")
@click.option("--exercise", help="Only cards that name this exercise.")
@click.option("--limit", type=click.IntRange(1), default=20, show_default=True, help="At most so many.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def search_command(query: tuple[str, ...], limit: int, as_json: bool, **filters: Any) -> None:
    """Cards that contain every word of QUERY, in Chinese or English; "double quotes" hold a phrase together."""
    from prep.cards.library import Library
    from prep.cards.search import search

    library = Library.load()
    hits = search(library, " ".join(query), limit=None, **filters)
    shown = hits[:limit]
    if as_json:
        listed = [{**summary(hit.card), "score": hit.score, "snippet": hit.snippet} for hit in shown]
        click.echo(json.dumps({"schema": 1, "total": len(hits), "hits": listed}, ensure_ascii=False))
        return
    words = WORDS[language(filters["lang"])]
    if not hits:
        click.echo(words["none"])
    for hit in shown:
        print_hit(hit)
    if len(hits) > len(shown):
        click.echo(words["more"].format(shown=len(shown), total=len(hits)), err=True)


@cards_command.command("show")
@click.argument("card_id", metavar="ID")
@click.option("--lang", type=click.Choice(["en", "zh", "both"]), help="Language; by default as configured.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def show_command(card_id: str, lang: str | None, as_json: bool) -> None:
    """Print a card: question, answer, key points, details and sources."""
    from prep.cards.card import LANGS
    from prep.cards.library import Library

    card = _find(Library.load(), card_id)
    if as_json:
        click.echo(json.dumps(whole(card), ensure_ascii=False))
        return
    chosen = LANGS if lang == "both" else (cast("Lang", language(lang)),)
    columns = min(shutil.get_terminal_size().columns, 100)
    click.echo("\n".join(line for one in chosen for line in card_lines(card, one, columns)))


@cards_command.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option("--area", help="Print the cards of this area, one a line.")
def list_command(as_json: bool, area: str | None) -> None:
    """How many cards there are by area, level and origin; with --area, its cards."""
    from prep.cards.library import Library

    library = Library.load()
    if area is not None:
        _list_area(library, area, as_json)
        return
    counts = _counts(library)
    if as_json:
        click.echo(json.dumps({"schema": 1, "total": len(library.ids()), **counts}, ensure_ascii=False))
    else:
        words = WORDS[language(None)]
        click.echo(words["cards"].format(count=len(library.ids())))
        for what, numbers in counts.items():
            click.echo(f"\n{what}")
            for name, count in numbers.items():
                click.echo(f"  {count:>5}  {name}")
    _warn(library)


@cards_command.command("new")
@click.option("--area", required=True, help="Its area, the folder it lies in: triton, cuda, serving, ...")
@click.option("--id", "card_id", help="Its id; by default made from the English question.")
@click.option("--question", help="The question in English.")
@click.option("--question-zh", help="The question in Chinese.")
@click.option(
    "--level", type=click.IntRange(1, 3), default=2, show_default=True, help="1 warm-up, 2 expected, 3 senior."
)
@click.option("--tag", "tags", multiple=True, help="A tag; may be given again.")
@click.option("--origin", "origins", multiple=True, help="Where it was asked; may be given again.")
@click.option("--exercise", "exercises", multiple=True, help="An exercise that goes with it; may be given again.")
@click.option("--here", is_flag=True, help="Write into the checkout's content/ instead of your own cards.")
@click.option("--edit", is_flag=True, help="Open it in the editor at once.")
def new_command(
    area: str, card_id: str | None, question: str | None, question_zh: str | None, level: int,
    tags: tuple[str, ...], origins: tuple[str, ...], exercises: tuple[str, ...], here: bool, edit: bool,
) -> None:  # fmt: skip
    """Write a draft with all sections in both languages, and print its path."""
    from prep import paths
    from prep.cards.library import Library
    from prep.cards.write import new_card
    from prep.errors import UsageError

    if here and not paths.is_checkout():
        raise UsageError("--here needs a checkout of prep: this one is installed", hint="without it, your own cards")
    library = Library.load()
    path = new_card(
        area.strip(),
        {"en": question or "", "zh": question_zh or ""},
        card_id=card_id,
        level=level,
        tags=tags,
        origin=origins,
        exercises=exercises,
        root=paths.content_dir() if here else None,
        taken=[*library.ids(), *library.aliases()],
    )
    click.echo(path)
    if edit:
        _edit_and_check(path, Library.load())
    else:
        click.echo(WORDS[language(None)]["next"].format(id=path.stem), err=True)


@cards_command.command("edit")
@click.argument("card_id", metavar="ID")
def edit_command(card_id: str) -> None:
    """Open a card in your editor, then check it. A bundled card of an installed prep becomes your own copy."""
    from prep.cards.library import Library
    from prep.cards.write import editable_path

    library = Library.load()
    path = _path_of_broken(library, card_id) or editable_path(_find(library, card_id))
    _edit_and_check(path, library)


def _edit_and_check(path: Path, library: Library) -> None:
    """The editor, then the card's faults on stdout; exit status 1 when there are any."""
    import shlex
    import subprocess

    from prep.cards.check import check_file
    from prep.errors import UsageError
    from prep.settings import load_settings

    editor = load_settings().editor
    if not editor.strip():
        raise UsageError("no editor is set", hint='set $EDITOR, or `editor = "vim"` in config.toml')
    try:
        command = shlex.split(editor)
        status = subprocess.call([*command, str(path)])
    except (OSError, ValueError) as e:
        raise UsageError(f"the editor {editor!r} cannot be started: {e}", hint="set $EDITOR to one that can") from e
    if status:
        click.echo(f"prep: the editor ended with status {status}", err=True)
    faults = check_file(path, [*library.ids()], library.aliases())
    for fault in faults:
        click.echo(str(fault))
    if faults:
        raise SystemExit(1)
    click.echo(WORDS[language(None)]["whole"].format(path=path), err=True)


def _find(library: Library, card_id: str) -> Card:
    """The card with this id or former id; a UsageError with near ones otherwise."""
    card = library.get(card_id)
    if card is not None:
        return card
    from difflib import get_close_matches

    from prep.errors import UsageError

    names = [*library.ids(), *library.aliases()]
    near = get_close_matches(card_id.lower(), names, 3, 0.5)
    near += [name for name in names if card_id and card_id.lower() in name and name not in near][: 3 - len(near)]
    broken = _path_of_broken(library, card_id)
    if broken is not None:
        fault = next(fault for fault in library.faults if fault.path == broken)
        raise UsageError(
            f"the card {card_id} is broken: {fault.message}", where=broken, line=fault.line,
            hint=f"prep cards edit {card_id}",
        )  # fmt: skip
    hint = f"did you mean {' or '.join(near)}?" if near else f"prep cards search {card_id}"
    raise UsageError(f"there is no card {card_id!r}", hint=hint)


def _path_of_broken(library: Library, card_id: str) -> Path | None:
    """The file of this id when it holds no card that can be studied."""
    if card_id in library.ids():
        return None
    return next((f.path for f in library.faults if f.path.stem == card_id and f.path.is_file()), None)


def _counts(library: Library) -> dict[str, dict[str, int]]:
    from collections import Counter

    areas: Counter[str] = Counter()
    levels: Counter[str] = Counter()
    origins: Counter[str] = Counter()
    for card_id in library.ids():
        row = library.row(card_id)
        areas[row.area] += 1
        levels[str(row.level)] += 1
        origins.update({origin.partition(":")[0] for origin in row.list_of("origin")} or {"-"})
    return {
        "area": dict(sorted(areas.items())),
        "level": dict(sorted(levels.items())),
        "origin": dict(sorted(origins.items())),
    }


def _list_area(library: Library, area: str, as_json: bool) -> None:
    from prep.cards.text import one_line
    from prep.cells import cut
    from prep.errors import UsageError

    cards = [library.cards[i] for i in library.ids() if library.row(i).area == area]
    if not cards:
        raise UsageError(f"there is no area {area!r}", hint=f"there are: {', '.join(library.areas())}")
    if as_json:
        click.echo(json.dumps({"schema": 1, "cards": [summary(card) for card in cards]}, ensure_ascii=False))
        return
    lang = cast("Lang", language(None))
    columns = shutil.get_terminal_size().columns
    for card in cards:
        click.echo(cut(f"{card.level}  {card.id}  {one_line(card.faces[lang].question)}", columns))


def _warn(library: Library) -> None:
    if library.faults:
        files = len({fault.path for fault in library.faults})
        click.echo(WORDS[language(None)]["faulty"].format(files=files), err=True)
