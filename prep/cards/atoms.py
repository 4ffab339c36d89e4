"""The pieces of a formula as they are shown, and the spaces and brackets that keep them apart.

In two dimensions a fraction's bar groups; on one line brackets must, and only where the meaning would change without.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal

_WORD: Final = re.compile(r"[A-Za-z0-9]+")

Kind = Literal["ord", "num", "op", "big", "func", "open", "close", "punct", "space", "frac", "root"]


@dataclass(slots=True)
class Atom:
    text: str
    kind: Kind
    spaced: bool = False
    """An operator that has a space before it in the source gets one on both sides."""


def script(text: str, alphabet: dict[str, str], sign: str, adjacent: bool = False) -> str:
    """`text` as a script: in small characters if all of it can be, behind `sign` if not.

    Args:
        adjacent: a letter or digit follows at once, which an unbracketed word would swallow.
    """
    text = text.strip()
    plain = text.replace("−", "-")
    if plain and all(c in alphabet for c in plain):
        return "".join(alphabet[c] for c in plain)
    if plain in ("*", "∗"):
        return "*" if sign == "^" else "_*"
    if not adjacent and (len(text) <= 1 or _WORD.fullmatch(text)):
        return sign + text
    return f"{sign}({text})"


def fraction(numerator: list[Atom], denominator: list[Atom]) -> str:
    top = join(numerator).strip()
    if any(a.kind in ("op", "frac", "space", "punct", "big") for a in _outside_brackets(numerator)):
        # A product needs no brackets above the line: ab/c is read as (ab)/c.
        top = f"({top})"
    return f"{top}/{factor(denominator)}"


def factor(atoms: list[Atom]) -> str:
    """The text of `atoms`, bracketed unless it is one factor."""
    text = join(atoms).strip()
    solid = [atom for atom in atoms if atom.kind != "space"]
    one = not solid or (len(solid) == 1 and solid[0].kind in ("ord", "num", "root"))
    if one or _is_bracketed(text):
        return text
    return f"({text})"


def _outside_brackets(atoms: list[Atom]) -> list[Atom]:
    found: list[Atom] = []
    depth = 0
    for atom in atoms:
        depth -= atom.kind == "close"
        if depth <= 0:
            found.append(atom)
        depth += atom.kind == "open"
    while found and found[0].kind == "space":
        found.pop(0)
    while found and found[-1].kind == "space":
        found.pop()
    return found


def _is_bracketed(text: str) -> bool:
    """Whether one pair of brackets holds all of `text`."""
    if len(text) < 2 or text[0] + text[-1] not in ("()", "[]", "⌈⌉", "⌊⌋", "⟨⟩"):
        return False
    depth = 0
    for i, c in enumerate(text):
        depth += (c in "([⌈⌊⟨") - (c in ")]⌉⌋⟩")
        if depth == 0 and i < len(text) - 1:
            return False
    return depth == 0


def join(atoms: list[Atom]) -> str:
    """The text of `atoms`, with the spaces that keep neighbours apart."""
    out = ""
    previous: Atom | None = None
    for i, atom in enumerate(atoms):
        following = next((a for a in atoms[i + 1 :] if a.kind != "space"), None)
        text = atom.text
        if atom.kind == "space":
            if (previous is None or previous.kind != "open") and (following is None or following.kind != "close"):
                out += text
            continue
        before_factor = following is not None and following.kind in ("ord", "num", "root", "big", "func", "open")
        if atom.kind == "frac" and (before_factor or (previous is not None and previous.text in ("/", "÷"))):
            text = f"({text})"  # 1/2 x would read as 1/(2x), and a/(b/c) as (a/b)/c
        if previous is not None and not out.endswith(" ") and _apart(previous, atom):
            out += "·" if previous.kind == "root" else " "
        if atom.kind == "op" and atom.spaced and i and not out.endswith(" "):
            out += " "
        out += text
        if atom.kind == "op" and atom.spaced and following is not None and atoms[i + 1].kind != "space":
            out += " "
        previous = atom
    return out


def _apart(left: Atom, right: Atom) -> bool:
    """Whether two neighbours would run into each other."""
    if right.kind == "func":
        return left.kind in ("ord", "num", "close", "func", "frac", "root", "big")
    if left.kind in ("func", "big"):
        return right.kind in ("ord", "num", "root", "frac", "big") or (left.kind == "big" and right.kind == "open")
    if left.kind == "frac":
        return right.kind in ("ord", "num", "root", "frac", "big")
    return left.kind == "root" and right.kind in ("ord", "num")
