"""LaTeX formulas as Unicode, for terminals: `QK^T/\\sqrt{d_k}` is shown as `QKᵀ/√dₖ`.

No library serves: pylatexenc loses the grouping of a fraction, which changes the meaning; unicodeit turns `\\log` into
`łog`; flatlatex raises on malformed input. This converter never raises, and keeps what it does not know as it was
written, so that `prep check` can find it by its backslash.
"""

from __future__ import annotations

import re
from typing import Final

from prep.cards import symbols as table
from prep.cards.atoms import Atom, Kind, factor, fraction, join, script

FORMULA: Final = re.compile(r"(?<![\\$])\$\$?([^$\s](?:[^$]*?[^$\s\\])?)\$\$?(?!\$)")
"""A formula in Markdown text, well enough for an index; what is shown goes by tokens."""

_MAX_DEPTH: Final = 50
ROW: Final = "\ue000"
"""Between the rows of a formula, until the caller says how rows are shown (private use: no formula contains it)."""

_TOKEN: Final = re.compile(r"\\(?:[A-Za-z]+\*?|.|\n|$)|[{}^_&~']|\s+|\d+(?:\.\d+)?|.", re.S)
_SIGNS: Final = frozenset("+-*/=<>")
_BRACKETS: Final = {
    "pmatrix": "()", "bmatrix": "[]", "Bmatrix": "{}", "vmatrix": "||", "Vmatrix": "‖‖", "matrix": "[]",
    "smallmatrix": "[]", "array": "[]", "cases": "{}", "dcases": "{}",
}  # fmt: skip
_WITH_COLUMNS: Final = frozenset({"array", "alignedat", "alignat", "tabular"})


def to_unicode(latex: str) -> str:
    """`latex`, without its dollars, as one line of Unicode (rows of an environment are joined by `; `).

    Never raises. An unknown command stays as it is, with its backslash; braces group and vanish.
    """
    return "; ".join(to_lines(latex))


def to_lines(latex: str) -> list[str]:
    """`latex` as Unicode, one line for each of its rows; see `to_unicode`."""
    parser = _Parser(_TOKEN.findall(latex.strip()))
    atoms: list[Atom] = []
    while parser.peek() is not None:
        atoms += parser.sequence(frozenset(), 0)
        if (stray := parser.next()) is not None:  # a closing brace that nothing opened
            atoms.append(Atom(stray, "close"))
    rows = join(atoms).split(ROW)
    return [row for text in rows if (row := " ".join(text.split()))]


class _Parser:
    def __init__(self, tokens: list[str]) -> None:
        self._tokens = tokens
        self._at = 0

    def peek(self) -> str | None:
        return self._tokens[self._at] if self._at < len(self._tokens) else None

    def next(self) -> str | None:
        token = self.peek()
        self._at += token is not None
        return token

    def sequence(self, stop: frozenset[str], depth: int) -> list[Atom]:
        """Atoms up to a closing brace or a token of `stop`, which is left."""
        atoms: list[Atom] = []
        while (token := self.peek()) is not None and token != "}" and token not in stop:
            if token in ("^", "_", "'"):
                self._scripts(atoms, depth)
                continue
            self._at += 1
            atoms += self._atom(token, atoms, depth)
        return atoms

    def _atom(self, token: str, before: list[Atom], depth: int) -> list[Atom]:
        if token.isspace() or token == "~":
            return [Atom(" ", "space")]
        if token == "{":
            return self._group(depth)
        if token.startswith("\\"):
            return self._command(token, before, depth)
        if token == "&":
            return [Atom(" ", "space")]
        if token[0].isdigit():
            return [Atom(token, "num")]
        if token in _SIGNS:
            left = next((atom.kind for atom in reversed(before) if atom.kind != "space"), "open")
            is_sign = token in "+-" and left in ("op", "open", "punct")
            spaced = bool(before) and before[-1].kind == "space" and not is_sign and token != "/"
            return [Atom("−" if token == "-" else token, "op", spaced)]
        kind: Kind = "open" if token in "([" else "close" if token in ")]" else "punct" if token in ",;:!?." else "ord"
        return [Atom(token, kind)]

    def _group(self, depth: int) -> list[Atom]:
        """What follows an opening brace, up to and with its closing one."""
        if depth >= _MAX_DEPTH:
            return [Atom("{", "open")]
        inner = self.sequence(frozenset(), depth + 1)
        if self.peek() != "}":
            return [Atom("{", "open"), *inner]
        self._at += 1
        if self.peek() in ("^", "_") and len([a for a in inner if a.kind != "space"]) > 1:
            return [Atom(f"({join(inner).strip()})", "ord")]
        return inner

    def _argument(self, depth: int) -> list[Atom]:
        """One argument: a group, a command with its own arguments, or a single character."""
        while (token := self.peek()) is not None and token.isspace():
            self._at += 1
        if token is None or token in ("}", "&", "^", "_") or depth >= _MAX_DEPTH:
            return []
        self._at += 1
        if token == "{":
            inner = self.sequence(frozenset(), depth + 1)
            if self.peek() == "}":
                self._at += 1
            return inner
        if len(token) > 1 and token[0].isdigit():  # x^10 raises to 1, as in TeX
            self._at -= 1
            self._tokens[self._at] = token[1:]
            return [Atom(token[0], "num")]
        return self._atom(token, [], depth + 1)

    def _optional(self, depth: int) -> str:
        """The text of a bracketed optional argument, if there is one."""
        if self.peek() != "[":
            return ""
        self._at += 1
        inner = self.sequence(frozenset({"]"}), depth + 1)
        if self.peek() == "]":
            self._at += 1
        return join(inner)

    def _literal(self) -> str:
        """The text of a braced argument with its spaces, commands in it left alone."""
        if self.peek() != "{":
            return self.next() or ""
        self._at += 1
        depth, text = 1, ""
        while (token := self.next()) is not None:
            depth += (token == "{") - (token == "}")
            if depth == 0:
                break
            if token in ("{", "}"):
                continue
            name = token[1:]
            text += table.ORDINARY.get(name, table.SPACES.get(name, token)) if token.startswith("\\") else token
        return text.replace("~", " ")

    def _command(self, token: str, before: list[Atom], depth: int) -> list[Atom]:
        name = token[1:].rstrip("*") or token[1:]
        if name in table.OPERATORS:
            return [Atom(table.OPERATORS[name], "op", self._spaced(before) or name == "bmod")]
        if name in table.ORDINARY:
            self._swallow([] if name in ("partial", "nabla", "neg") else before)
            return [Atom(table.ORDINARY[name], "ord")]
        if name in table.BIG:
            return [Atom(table.BIG[name], "big")]
        if name in table.FUNCTIONS:
            return [Atom({"argmax": "arg max", "argmin": "arg min"}.get(name, name), "func")]
        if name in table.OPENING:
            return [Atom(table.OPENING[name], "open")]
        if name in table.CLOSING:
            return [Atom(table.CLOSING[name], "close")]
        if name in table.SPACES:
            return [Atom(table.SPACES[name], "space")] if table.SPACES[name] else []
        if name == "\\":
            self._optional(depth)
            return [Atom(ROW, "punct")]
        if name in table.IGNORED:
            return self._ignored(name)
        return self._with_arguments(name, token, before, depth)

    def _with_arguments(self, name: str, token: str, before: list[Atom], depth: int) -> list[Atom]:
        if name in table.TEXT:
            if name == "operatorname":
                return [Atom(self._literal().strip(), "func")]
            if name in table.LITERAL:
                return [Atom(self._literal(), "ord")]
            inner = self._argument(depth)
            text = join(inner)
            return [Atom(text, "func")] if name == "mathrm" and len(text) > 1 and text.isalpha() else inner
        if name in ("frac", "dfrac", "tfrac", "cfrac"):
            numerator, denominator = self._argument(depth), self._argument(depth)
            if not numerator or not denominator:
                return [Atom(token, "ord"), *numerator]
            return [Atom(fraction(numerator, denominator), "frac")]
        if name in ("binom", "dbinom", "tbinom"):
            return [Atom(f"C({join(self._argument(depth))}, {join(self._argument(depth))})", "ord")]
        if name == "sqrt":
            index = self._optional(depth)
            sign = {"": "√", "2": "√", "3": "∛", "4": "∜"}.get(index) or f"{script(index, table.SUPERSCRIPT, '^')}√"
            radicand = self._argument(depth)
            return [Atom(sign + factor(radicand), "root")] if radicand else [Atom(token, "ord")]
        if name in table.ACCENTS:
            text = join(self._argument(depth))
            mark = table.ACCENTS[name]
            if len(text) == 1 or mark in ("\u0305", "\u0332"):
                return [Atom("".join(c + mark for c in text), "ord")]
            return [Atom(f"{name.removeprefix('wide')}({text})" if text else token, "ord")]
        if name in table.ALPHABETS:
            first, elsewhere = table.ALPHABETS[name]
            letters = "".join(
                elsewhere.get(c) or (chr(first + ord(c) - 65) if "A" <= c <= "Z" else c)
                for c in join(self._argument(depth))
            )
            return [Atom(letters, "ord")]
        if name in ("overset", "underset", "stackrel"):
            mark_text, base = join(self._argument(depth)), self._argument(depth)
            sign = "_" if name == "underset" else "^"
            alphabet = table.SUBSCRIPT if name == "underset" else table.SUPERSCRIPT
            return [Atom(join(base) + script(mark_text, alphabet, sign), base[0].kind if base else "ord")]
        if name in ("underbrace", "overbrace"):
            return [Atom(f"({join(self._argument(depth))})", "ord")]
        if name in ("xrightarrow", "xleftarrow"):
            self._optional(depth)
            label = join(self._argument(depth))
            arrow = "→" if name == "xrightarrow" else "←"
            return [Atom(f"─{label}{arrow}" if label else arrow, "op", True)]
        if name == "pmod":
            return [Atom(" ", "space"), Atom(f"(mod {join(self._argument(depth))})", "ord")]
        if name == "not":
            inner = self._argument(depth)
            text = join(inner)
            negated = table.NEGATED.get(text, text[:1] + "\u0338" + text[1:])
            return [Atom(negated, inner[0].kind if inner else "ord", self._spaced(before))]
        if name in ("tag", "label", "color", "hspace", "vspace"):
            text = self._literal()
            return [Atom(f"  ({text})", "ord")] if name == "tag" else []
        if name == "begin":
            return self._environment(depth)
        kept = [Atom(token, "ord")]
        while self.peek() == "{" and depth < _MAX_DEPTH:  # its arguments, for they are no groups of ours
            kept += [Atom("{", "open"), *self._argument(depth), Atom("}", "close")]
        return kept

    def _environment(self, depth: int) -> list[Atom]:
        name = self._literal().strip()
        plain = name.rstrip("*")
        if plain in _WITH_COLUMNS:
            self._optional(depth)
            if self.peek() == "{":
                self._literal()
        if depth >= _MAX_DEPTH:
            return [Atom(f"\\begin{{{name}}}", "ord")]
        inner: list[Atom] = []
        while (token := self.peek()) is not None and token != "\\end":
            inner += self.sequence(frozenset({"\\end"}), depth + 1)
            if self.peek() == "}":
                self._at += 1
        if self.next() is None:
            return [Atom(f"\\begin{{{name}}}", "ord"), *inner]
        self._literal()
        rows = [row for part in join(inner).split(ROW) if (row := " ".join(part.split()))]
        if brackets := _BRACKETS.get(plain):
            return [Atom(brackets[0] + "; ".join(rows) + brackets[1], "ord")]
        return [Atom(ROW + ROW.join(rows) + ROW, "ord")]

    def _scripts(self, atoms: list[Atom], depth: int) -> None:
        """Sub- and superscripts of the last atom, the lower one first whatever their order."""
        lower = upper = primes = ""
        while (token := self.peek()) in ("^", "_", "'"):
            self._at += 1
            if token == "'":
                primes += "′"
                continue
            text = join(self._argument(depth)).strip()
            if not text:
                atoms.append(Atom(token, "ord"))
                continue
            if token == "^" and set(text) <= {"′", "∘"}:
                primes += text.replace("∘", "°")
            elif token == "^":
                upper += text
            else:
                lower += text
        if not primes + lower + upper:
            return
        while atoms and atoms[-1].kind == "space":
            atoms.pop()
        follower = self.peek() or ""
        adjacent = bool(follower) and (follower[0].isalnum())
        text = primes
        if lower:
            text += script(lower, table.SUBSCRIPT, "_", adjacent and not upper)
        if upper:
            text += script(upper, table.SUPERSCRIPT, "^", adjacent)
        if not atoms:
            atoms.append(Atom(text, "ord"))
            return
        base = atoms[-1]
        if base.kind in ("frac", "root"):
            base.text, base.kind = f"({base.text})", "ord"
        base.text += text

    def _spaced(self, before: list[Atom]) -> bool:
        """Whether an operator command has a space before it; the one after it only ends its name."""
        spaced = bool(before) and before[-1].kind == "space"
        if not spaced and (self.peek() or "x").isspace():
            self._at += 1
        return spaced

    def _swallow(self, before: list[Atom]) -> None:
        """Drop the space that only ends a letter's name, as in `2\\alpha x`.

        It is meant where there is one before the letter too, or an operator after it: `\\alpha + \\beta`.
        """
        if (before and before[-1].kind == "space") or not (self.peek() or "x").isspace():
            return
        after = self._tokens[self._at + 1] if self._at + 1 < len(self._tokens) else ""
        if after not in _SIGNS and after[1:] not in table.OPERATORS and after != "\\not":
            self._at += 1

    def _ignored(self, name: str) -> list[Atom]:
        if (self.peek() or "x").isspace():
            self._at += 1
        if name in ("left", "right", "middle") and self.peek() == ".":  # an invisible delimiter
            self._at += 1
        return []
