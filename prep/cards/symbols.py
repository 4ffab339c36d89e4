"""LaTeX commands and the characters that a terminal shows for them."""

from __future__ import annotations

from typing import Final

ORDINARY: Final[dict[str, str]] = {
    # Greek
    "alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "epsilon": "ϵ", "varepsilon": "ε", "zeta": "ζ", "eta": "η",
    "theta": "θ", "vartheta": "ϑ", "iota": "ι", "kappa": "κ", "lambda": "λ", "mu": "μ", "nu": "ν", "xi": "ξ",
    "pi": "π",
    "rho": "ρ", "varrho": "ϱ", "sigma": "σ", "varsigma": "ς", "tau": "τ", "upsilon": "υ", "phi": "ϕ", "varphi": "φ",
    "chi": "χ", "psi": "ψ", "omega": "ω", "Gamma": "Γ", "Delta": "Δ", "Theta": "Θ", "Lambda": "Λ", "Xi": "Ξ",
    "Pi": "Π",
    "Sigma": "Σ", "Upsilon": "Υ", "Phi": "Φ", "Psi": "Ψ", "Omega": "Ω",
    # Letter-like
    "infty": "∞", "partial": "∂", "nabla": "∇", "ell": "ℓ", "hbar": "ℏ", "emptyset": "∅", "varnothing": "∅",
    "aleph": "ℵ",
    "forall": "∀", "exists": "∃", "nexists": "∄", "top": "⊤", "bot": "⊥", "prime": "′", "degree": "°", "circ": "∘",
    "Re": "ℜ", "Im": "ℑ", "imath": "ı", "jmath": "ȷ", "angle": "∠", "checkmark": "✓", "square": "□", "Box": "□",
    "ldots": "…", "dots": "…", "dotsc": "…", "dotsb": "⋯", "cdots": "⋯", "vdots": "⋮", "ddots": "⋱",
    "neg": "¬", "lnot": "¬", "dagger": "†", "ddagger": "‡", "star": "⋆", "ast": "∗", "bullet": "•", "S": "§",
    "backslash": "＼", "vert": "|", "Vert": "‖", "lvert": "|", "rvert": "|", "lVert": "‖", "rVert": "‖",
    "lbrace": "{", "rbrace": "}", "lbrack": "[", "rbrack": "]",
    "{": "{", "}": "}", "%": "%", "$": "$", "#": "#", "&": "&", "_": "_", "|": "‖",
}  # fmt: skip
"""Stand where they stand, without spaces of their own."""

OPERATORS: Final[dict[str, str]] = {
    "in": "∈", "notin": "∉", "ni": "∋", "subset": "⊂", "subseteq": "⊆", "supset": "⊃", "supseteq": "⊇",
    "subsetneq": "⊊",
    "le": "≤", "leq": "≤", "leqslant": "≤", "ge": "≥", "geq": "≥", "geqslant": "≥", "ne": "≠", "neq": "≠", "ll": "≪",
    "gg": "≫", "lt": "<", "gt": ">", "approx": "≈", "sim": "∼", "simeq": "≃", "cong": "≅", "equiv": "≡", "propto": "∝",
    "prec": "≺", "succ": "≻", "preceq": "⪯", "succeq": "⪰", "perp": "⊥", "parallel": "∥", "mid": "|", "nmid": "∤",
    "triangleq": "≜", "coloneqq": "≔", "doteq": "≐", "asymp": "≍", "models": "⊨", "vdash": "⊢",
    "times": "×", "cdot": "·", "div": "÷", "pm": "±", "mp": "∓", "oplus": "⊕", "ominus": "⊖", "otimes": "⊗",
    "odot": "⊙",
    "cup": "∪", "cap": "∩", "setminus": "∖", "wedge": "∧", "land": "∧", "vee": "∨", "lor": "∨", "bmod": "mod",
    "to": "→", "rightarrow": "→", "longrightarrow": "⟶", "leftarrow": "←", "gets": "←", "leftrightarrow": "↔",
    "Rightarrow": "⇒", "Leftarrow": "⇐", "Leftrightarrow": "⇔", "implies": "⟹", "iff": "⟺", "Longrightarrow": "⟹",
    "mapsto": "↦", "longmapsto": "⟼", "uparrow": "↑", "downarrow": "↓", "updownarrow": "↕", "hookrightarrow": "↪",
    "rightharpoonup": "⇀", "nearrow": "↗", "searrow": "↘", "rightsquigarrow": "⇝", "because": "∵", "therefore": "∴",
    "leftrightarrows": "⇆", "rightleftharpoons": "⇌", "lhd": "◁", "rhd": "▷", "bowtie": "⋈", "diamond": "⋄",
}  # fmt: skip
"""Binary operators and relations: a space on both sides, or on neither, as the source has it before them."""

BIG: Final[dict[str, str]] = {
    "sum": "∑", "prod": "∏", "coprod": "∐", "int": "∫", "iint": "∬", "iiint": "∭", "oint": "∮",
    "bigcup": "⋃", "bigcap": "⋂", "bigoplus": "⨁", "bigotimes": "⨂", "bigodot": "⨀", "bigvee": "⋁", "bigwedge": "⋀",
}  # fmt: skip
"""Take limits, and a space after them."""

FUNCTIONS: Final = frozenset({
    "Pr", "arccos", "arcsin", "arctan", "arg", "argmax", "argmin", "cos", "cosh", "cot", "coth", "csc", "deg", "det",
    "dim", "exp", "gcd", "hom", "inf", "ker", "lg", "lim", "liminf", "limsup", "ln", "log", "max", "min", "sec",
    "sin", "sinh", "sup", "tan", "tanh",
})  # fmt: skip
"""Upright names that LaTeX sets off from their neighbours."""

OPENING: Final[dict[str, str]] = {"lfloor": "⌊", "lceil": "⌈", "langle": "⟨", "ulcorner": "⌜"}
CLOSING: Final[dict[str, str]] = {"rfloor": "⌋", "rceil": "⌉", "rangle": "⟩", "urcorner": "⌝"}

SPACES: Final[dict[str, str]] = {
    ",": " ", ":": " ", ";": " ", ">": " ", " ": " ", "quad": "  ", "qquad": "    ", "enspace": " ", "thinspace": " ",
    "medspace": " ", "thickspace": " ", "!": "", "/": "", "negthinspace": "", "hfill": " ", "\n": " ",
}  # fmt: skip

# Say how something is set, which a terminal cannot show: dropped.
IGNORED: Final = frozenset({
    "Big", "Bigg", "Biggl", "Biggr", "Bigl", "Bigm", "Bigr", "allowbreak", "bf", "big", "bigg", "biggl", "biggr",
    "bigl", "bigm", "bigr", "boldmath", "cal", "centering", "displaystyle", "hline", "it", "left", "limits",
    "mathstrut", "middle", "nobreak", "nolimits", "nonumber", "notag", "protect", "relax", "right", "rm",
    "scriptscriptstyle", "scriptstyle", "sf", "strut", "textstyle", "tt",
})  # fmt: skip

TEXT: Final = frozenset({
    "bm", "bold", "boldsymbol", "boxed", "cancel", "emph", "ensuremath", "fbox", "hbox", "mathbf", "mathbin",
    "mathclose", "mathit", "mathnormal", "mathop", "mathopen", "mathord", "mathrel", "mathrm", "mathsf", "mathstrut",
    "mathtt", "mbox", "operatorname", "phantom", "pmb", "text", "textbf", "textit", "textnormal", "textrm", "textsc",
    "textsf", "texttt", "textup",
})  # fmt: skip
"""Take one argument, of which the upright or bold form is lost and the content stays."""

LITERAL: Final = frozenset({
    "emph", "fbox", "hbox", "mbox", "text", "textbf", "textit", "textnormal", "textrm", "textsc", "textsf", "texttt",
    "textup",
})  # fmt: skip
"""Of TEXT, those whose argument is text and not mathematics: its spaces count."""

ACCENTS: Final[dict[str, str]] = {
    "hat": "\u0302", "widehat": "\u0302", "bar": "\u0304", "overline": "\u0305", "tilde": "\u0303",
    "widetilde": "\u0303",
    "vec": "\u20d7", "overrightarrow": "\u20d7", "dot": "\u0307", "ddot": "\u0308", "check": "\u030c",
    "breve": "\u0306",
    "acute": "\u0301", "grave": "\u0300", "underline": "\u0332", "mathring": "\u030a",
}  # fmt: skip

ALPHABETS: Final[dict[str, tuple[int, dict[str, str]]]] = {
    # First capital, and the letters that Unicode keeps elsewhere.
    "mathbb": (0x1D538, {"C": "ℂ", "H": "ℍ", "N": "ℕ", "P": "ℙ", "Q": "ℚ", "R": "ℝ", "Z": "ℤ", "1": "𝟙"}),
    "mathcal": (
        0x1D49C,
        {"B": "ℬ", "E": "ℰ", "F": "ℱ", "H": "ℋ", "I": "ℐ", "L": "ℒ", "M": "ℳ", "R": "ℛ"},
    ),
    "mathscr": (
        0x1D49C,
        {"B": "ℬ", "E": "ℰ", "F": "ℱ", "H": "ℋ", "I": "ℐ", "L": "ℒ", "M": "ℳ", "R": "ℛ"},
    ),
    "mathfrak": (0x1D504, {"C": "ℭ", "H": "ℌ", "I": "ℑ", "R": "ℜ", "Z": "ℨ"}),
}

NEGATED: Final[dict[str, str]] = {
    "=": "≠", "∈": "∉", "⊂": "⊄", "⊆": "⊈", "≡": "≢", "<": "≮", ">": "≯", "≤": "≰", "≥": "≱", "∼": "≁", "|": "∤",
    "∥": "∦", "∃": "∄", "→": "↛", "⇒": "⇏",
}  # fmt: skip

SUPERSCRIPT: Final = dict(
    zip(
        "0123456789+-=()abcdefghijklmnoprstuvwxyzABDEGHIJKLMNOPRTUVWβγδθϕφχ⊤′∘°″‴",
        "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼⁽⁾ᵃᵇᶜᵈᵉᶠᵍʰⁱʲᵏˡᵐⁿᵒᵖʳˢᵗᵘᵛʷˣʸᶻᴬᴮᴰᴱᴳᴴᴵᴶᴷᴸᴹᴺᴼᴾᴿᵀᵁⱽᵂᵝᵞᵟᶿᵠᵠᵡᵀ′°°″‴",
        strict=True,
    )
)
SUBSCRIPT: Final = dict(
    zip("0123456789+-=()aehijklmnoprstuvxβγρφϕχ", "₀₁₂₃₄₅₆₇₈₉₊₋₌₍₎ₐₑₕᵢⱼₖₗₘₙₒₚᵣₛₜᵤᵥₓᵦᵧᵨᵩᵩᵪ", strict=True)
)
