"""A card as `prep cards` prints it: text for a person, a dictionary for --json."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from prep.cards.card import Card, Face, Lang
    from prep.cards.search import Hit

# Both languages of what the commands say around a card's own text.
WORDS = {
    "en": {
        "Key points": "Key points",
        "Details": "Details",
        "Pitfalls": "Pitfalls",
        "Follow-ups": "Follow-ups",
        "Sources": "Sources",
        "checked": "checked {day}",
        "unchecked": "not checked yet",
        "level": "level {level}",
        "draft": "draft",
        "retired": "retired",
        "exercises": "exercises: {ids}",
        "missing": "(no {lang} text yet)",
        "none": "no card matches",
        "more": "{shown} of {total}; --limit shows more",
        "cards": "{count} cards",
        "next": "next: prep cards edit {id}; when it is whole, take out `status: draft`",
        "whole": "{path}: no faults",
        "faulty": "{files} card files have faults; `prep check` lists them",
    },
    "zh": {
        "Key points": "要点",
        "Details": "细节",
        "Pitfalls": "误区",
        "Follow-ups": "追问",
        "Sources": "出处",
        "checked": "{day} 核对",
        "unchecked": "尚未核对",
        "level": "级别 {level}",
        "draft": "草稿",
        "retired": "已停用",
        "exercises": "练习：{ids}",
        "missing": "（还没有 {lang} 文本）",
        "none": "没有匹配的卡片",
        "more": "{total} 条中的 {shown} 条；用 --limit 看更多",
        "cards": "{count} 张卡片",
        "next": "下一步：prep cards edit {id}；写完整之后删掉 `status: draft` 一行",
        "whole": "{path}：没有问题",
        "faulty": "{files} 个卡片文件有问题；`prep check` 会逐条列出",
    },
}


def language(lang: str | None) -> str:
    if lang is not None:
        return lang
    from prep.settings import load_settings

    return load_settings().lang


def print_hit(hit: Hit) -> None:
    from prep.cards.text import one_line
    from prep.cells import cut

    columns = shutil.get_terminal_size().columns
    card = hit.card
    level = WORDS[hit.face.lang]["level"].format(level=card.level)
    click.echo(f"{card.id}  ({card.area}, {level})")
    question, snippet = one_line(hit.face.question), one_line(hit.snippet)
    click.echo(cut(f"  {question}", columns))
    if snippet and snippet.strip("…") not in question:
        click.echo(cut(f"    {snippet}", columns))


def card_lines(card: Card, lang: Lang, columns: int) -> list[str]:
    from prep.cards.text import render, wrap

    words = WORDS[lang]
    face = card.faces[lang]
    facts = [card.area, *card.tags, words["level"].format(level=card.level)]
    if card.status != "active":
        facts.append(words[card.status])
    lines = [f"{card.id}", " · ".join(facts)]
    if card.exercises:
        lines.append(words["exercises"].format(ids=", ".join(card.exercises)))
    if face.lang != lang:
        lines.append(words["missing"].format(lang=lang))
    lines += ["", render(face.question, columns), "─" * min(columns, 72), render(face.answer, columns)]
    for name, text in _parts(face).items():
        if text:
            lines += ["", words[name].upper(), render(text, columns)]
    if card.sources:
        lines += ["", words["Sources"].upper()]
        for source in card.sources:
            day = words["checked"].format(day=source.checked) if source.checked else words["unchecked"]
            about = ", ".join(part for part in (source.title, source.locator) if part)
            first, *rest = wrap(f"{about} ({day})", columns - 2)
            lines += [f"- {first}", *(f"  {line}" for line in rest)]
            if source.url:
                lines.append(f"  {source.url}")
    return [*lines, ""]


def _parts(face: Face) -> dict[str, str]:
    return {
        "Key points": "\n".join("- [ ] " + point.replace("\n", "\n  ") for point in face.key_points),
        "Details": face.details,
        "Pitfalls": face.pitfalls,
        "Follow-ups": face.follow_ups,
    }


def summary(card: Card) -> dict[str, Any]:
    return {
        "id": card.id,
        "area": card.area,
        "level": card.level,
        "tags": list(card.tags),
        "origin": list(card.origin),
        "exercises": list(card.exercises),
        "status": card.status,
        "question": {lang: face.question for lang, face in card.faces.items()},
    }


def whole(card: Card) -> dict[str, Any]:
    faces = {
        lang: {
            "lang": face.lang,
            "question": face.question,
            "answer": face.answer,
            "key_points": list(face.key_points),
            "details": face.details,
            "pitfalls": face.pitfalls,
            "follow_ups": face.follow_ups,
            "sha": face.sha,
        }
        for lang, face in card.faces.items()
    }
    sources = [
        {"title": s.title, "url": s.url, "locator": s.locator, "checked": s.checked and s.checked.isoformat()}
        for s in card.sources
    ]
    known = summary(card)
    del known["question"]
    return {
        "schema": 1, **known, "aliases": list(card.aliases), "sources": sources, "faces": faces,
        "path": str(card.path),
    }  # fmt: skip
