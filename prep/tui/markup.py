"""A card's parts as they are shown: heading, folded line, and the Markdown of everything behind the answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.content import Content

from prep.locale import gettext as _
from prep.tui.text import two_ends

if TYPE_CHECKING:
    from prep.cards import Card, Face


def card_heading(card: Card) -> Content:
    """`triton · compiler · level 2`."""
    parts = [Content.styled(card.area, "bold"), *(Content(tag) for tag in card.tags[:2])]
    parts.append(Content(_("level {n}").format(n=card.level)))
    return Content.styled(" · ", "$text-muted").join(parts)


def checked_on(card: Card) -> str:
    """The oldest day on which one of the card's sources was checked: no fact is fresher than that."""
    days = [source.checked for source in card.sources if source.checked is not None]
    return min(days).isoformat() if days else ""


def folded_line(card: Card, face: Face, is_unfolded: bool, width: int) -> list[Content]:
    """`Details · Pitfalls · Sources (2, checked 2026-11-22)`: what `v` unfolds."""
    parts = []
    if face.details:
        parts.append(_("Details"))
    if face.pitfalls:
        parts.append(_("Pitfalls"))
    if face.follow_ups:
        parts.append(_("Follow-ups"))
    if card.sources:
        day = checked_on(card)
        count = len(card.sources)
        parts.append(
            _("Sources ({n}, checked {day})").format(n=count, day=day) if day else _("Sources ({n})").format(n=count)
        )
    if not parts:
        return []
    key = Content.assemble(("v", "bold $accent"), " ", _("fold") if is_unfolded else _("unfold"))
    return [two_ends(" · ".join(parts), key, width)]


def more_markdown(card: Card, face: Face) -> str:
    """Details, pitfalls, follow-ups and sources, each under its heading."""
    parts = []
    for title, text in (
        (_("Details"), face.details),
        (_("Pitfalls"), face.pitfalls),
        (_("Follow-ups"), face.follow_ups),
    ):
        if text:
            parts.append(f"### {title}\n\n{text}")
    if card.sources:
        rows = []
        for source in card.sources:
            row = f"- [{source.title}]({source.url})" if source.url else f"- {source.title}"
            if source.locator:
                row += f": {source.locator}"
            if source.checked is not None:
                row += " · " + _("checked {day}").format(day=source.checked.isoformat())
            rows.append(row)
        parts.append(f"### {_('Sources')}\n\n" + "\n".join(rows))
    return "\n\n".join(parts)


def full_markdown(card: Card, face: Face) -> str:
    """The whole card as one document: question, answer, key points and the rest."""
    points = "\n".join(f"- {point}" for point in face.key_points)
    parts = [face.question, "---", face.answer or _("*There is no answer yet.*")]
    if points:
        parts.append(f"### {_('Key points')}\n\n{points}")
    return "\n\n".join([*parts, more_markdown(card, face)])
