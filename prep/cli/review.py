"""`prep review`: the app's review screen in a terminal, a plain sitting on stdin and stdout elsewhere."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

import click

from prep.cli.records import Records, nothing_due, open_records
from prep.errors import PrepError, UsageError
from prep.locale import current_language, ngettext, other_language
from prep.locale import gettext as _

if TYPE_CHECKING:
    from prep.cards.card import Card, Face, Lang

# An input method in Chinese mode types full-width digits.
_DIGITS = str.maketrans("１２３４", "1234")


@click.command("review")
@click.option("--area", metavar="AREA", help="Only this area's cards.")
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="At most so many answers in this sitting.")
@click.option("--plain", is_flag=True, help="Questions and answers as lines of text, as without a terminal.")
def review_command(area: str | None, limit: int | None, plain: bool) -> None:
    """Review due cards.

    Without a terminal, or with --plain: one line of input a step. Enter reveals, 1 to 4 grade, u undoes the last
    answer, m shows more of a card, l changes the language, b buries the card until tomorrow, s suspends it, q leaves.
    Everything is saved at once.
    """
    if not plain and sys.stdin.isatty() and sys.stdout.isatty():
        if area is not None:
            _check_area(area)
        from prep.tui.app import run_app

        run_app("review", area=area, limit=limit)
        return
    with open_records() as records:
        if area is not None:
            _known_area(area, records.library.areas())
        PlainSitting(records, area, limit or records.settings.sitting_cards).run()


def _check_area(area: str) -> None:
    from prep.cards.library import Library

    _known_area(area, Library.load().areas())


def _known_area(area: str, areas: list[str]) -> None:
    if area in areas:
        return
    import difflib

    near = difflib.get_close_matches(area.lower(), areas, n=3, cutoff=0.5)
    hint = f"did you mean {' or '.join(near)}?" if near else f"the areas are: {', '.join(areas)}"
    raise UsageError(f"there is no area '{area}'", hint=hint)


def grade_names() -> dict[int, str]:
    """Each grade's meaning; under Hard, what it is not: used as a failure it is the one habit FSRS cannot absorb."""
    return {1: _("again"), 2: _("hard"), 3: _("good"), 4: _("easy")}


class PlainSitting:
    """Questions and answers through a pipe, or for a screen reader."""

    def __init__(self, records: Records, area: str | None, limit: int) -> None:
        from prep.store.ids import uuid7

        self.records = records
        self.reviewer = records.reviewer
        self.area = area
        self.limit = limit
        self.lang: Lang = current_language()
        self.session_id = uuid7()
        self.ratings: list[int] = []
        self.started = time.monotonic()
        self._broken: set[str] = set()
        self._again: str | None = None
        """A card that an undo has brought back: it is asked next, wherever it stands in the queue."""

    def run(self) -> None:
        while len(self.ratings) < self.limit:
            card_id = self._next()
            if card_id is None:
                break
            try:
                card = self.records.library.cards[card_id]
                card.face(self.lang)
            except PrepError as e:
                click.echo(f"prep: {e}", err=True)
                self._broken.add(card_id)
                continue
            if not self._ask(card):
                break
        self._end()

    def _next(self) -> str | None:
        if self._again is not None:
            card_id, self._again = self._again, None
            return card_id
        following = self.reviewer.next_card(self.area)
        if following in self._broken:
            return next((i for i in self.reviewer.queue(self.area) if i not in self._broken), None)
        return following

    def _read(self, prompt: str) -> str | None:
        """A line without its end, or None at the end of the input."""
        click.echo(prompt, nl=False)
        line = sys.stdin.readline()
        if not sys.stdin.isatty():
            click.echo()  # nobody typed the Enter that would end the prompt's line
        return line.strip().lower() if line else None

    def _ask(self, card: Card) -> bool:
        """One card from question to grade; False to leave."""
        shown = time.monotonic()
        self._question(card)
        revealed = False
        while True:
            key = self._read(self._prompt(card) if revealed else _("[Enter reveal · u undo · q leave] "))
            if key is None or key == "q":
                return False
            if key == "u":
                if self._undo():
                    return True
            elif key == "l":
                self.lang = other_language(self.lang)
                self._question(card)
                if revealed:
                    self._answer(card)
            elif key == "b":
                self.reviewer.bury(card.id)
                return True
            elif key == "s":
                self.reviewer.suspend(card.id)
                return True
            elif not revealed:
                if key:
                    click.echo(_("First the answer: press Enter."))
                else:
                    revealed = True
                    self._answer(card)
            elif key == "m":
                self._more(card.face(self.lang))
            elif key.translate(_DIGITS) in self._keys():
                self._grade(card, int(key.translate(_DIGITS)), time.monotonic() - shown)
                return True
            else:
                click.echo(_("One of: {keys}.").format(keys=" ".join([*self._keys(), "m", "l", "u", "b", "s", "q"])))

    def _keys(self) -> list[str]:
        return ["1", "2", "3", "4"] if self.records.settings.grades == 4 else ["1", "3"]

    def _prompt(self, card: Card) -> str:
        previews = self.reviewer.previews(card.id)
        names = grade_names()
        grades = [f"{int(r)} {names[r]} {previews[r].interval_text}" for r in previews if str(int(r)) in self._keys()]
        return f"[{' · '.join(grades)} · m {_('more')}] "

    def _question(self, card: Card) -> None:
        face = card.face(self.lang)
        counts = self.reviewer.counts(self.area)
        left = min(counts.total, self.limit - len(self.ratings))
        click.echo(f"\n{card.area} · {_('level {n}').format(n=card.level)} · {_('{n} left').format(n=left)}")
        if face.lang != self.lang:
            click.echo(_("(this card is not written in your language yet)"))
        click.echo(f"\n{face.question}\n")

    def _answer(self, card: Card) -> None:
        face = card.face(self.lang)
        if self.reviewer.answer_changed(card.id, face.lang, face.sha):
            click.echo(_("(the text has changed since you last saw it)"))
        click.echo(f"\n{face.answer}\n")
        for point in face.key_points:
            click.echo(f"  - {point}")
        for source in card.sources:
            click.echo(f"  {_('source')}: {source.title} {source.locator}".rstrip())
        if self.reviewer.is_leech(card.id):
            click.echo(_("You have failed this card often: rewriting it may help more than seeing it again."))
        click.echo()

    def _more(self, face: Face) -> None:
        sections = ((_("Details"), face.details), (_("Pitfalls"), face.pitfalls), (_("Follow-ups"), face.follow_ups))
        for title, text in sections:
            if text:
                click.echo(f"\n{title}\n\n{text}")

    def _grade(self, card: Card, rating: int, seconds: float) -> None:
        from prep.review.model import AlreadyAnswered

        face = card.face(self.lang)
        try:
            self.reviewer.grade(
                card.id,
                rating,
                face=face.lang,
                duration_ms=round(seconds * 1000),
                session_id=self.session_id,
                content_sha=face.sha,
            )
        except AlreadyAnswered as e:
            click.echo(f"prep: {e}", err=True)
            return
        self.ratings.append(rating)

    def _undo(self) -> bool:
        undone = self.reviewer.undo()
        if undone is None:
            click.echo(_("There is nothing to undo."))
            return False
        if self.ratings:
            self.ratings.pop()
        grade = "" if undone.rating is None else f" ({grade_names()[undone.rating]})"
        click.echo(_("Undone: {card}{grade}.").format(card=undone.card_id, grade=grade))
        if undone.card_id in self.records.library.cards:
            self._again = undone.card_id
        return True

    def _end(self) -> None:
        answered = len(self.ratings)
        if answered:
            recalled = sum(rating > 1 for rating in self.ratings)
            minutes = max(1, round((time.monotonic() - self.started) / 60))
            text = ngettext(
                "{n} answer, {recalled} recalled, {minutes} min.",
                "{n} answers, {recalled} recalled, {minutes} min.",
                answered,
            )
            click.echo("\n" + text.format(n=answered, recalled=recalled, minutes=minutes))
        if self.reviewer.next_card(self.area) is None:
            click.echo(nothing_due(self.reviewer.next_due_ms(self.area)))
        else:
            left = self.reviewer.counts(self.area).total
            click.echo(ngettext("{n} card left today.", "{n} cards left today.", left).format(n=left))
