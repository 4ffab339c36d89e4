"""LaTeX to Unicode: what each formula is shown as."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prep.cards.tex import to_lines, to_unicode

TABLE = [
    # The cases that ruled the libraries out.
    (r"T\in(0.2,0.6)", "T∈(0.2,0.6)"),
    (r"\frac{e^{x_i/T}}{\sum_j e^{x_j/T}}", "e^(xᵢ/T)/(∑ⱼ e^(xⱼ/T))"),
    (r"QK^T/\sqrt{d_k}", "QKᵀ/√dₖ"),
    (r"O(N\log N)", "O(N log N)"),
    (r"\mathrm{softmax}(x)_i", "softmax(x)ᵢ"),
    (r"\mathbb{E}_{\tau\sim\pi_\theta}", "𝔼_(τ∼π_θ)"),
    (r"\begin{bmatrix}1 & 2\\3 & 4\end{bmatrix}", "[1 2; 3 4]"),
    (r"\text{显存}", "显存"),
    # Fractions keep their grouping, whatever stands around them.
    (r"\frac{1}{2}", "1/2"),
    (r"\frac{1}{2}x", "(1/2) x"),
    (r"a/\frac{b}{c}", "a/(b/c)"),
    (r"\frac{a+b}{c+d}", "(a+b)/(c+d)"),
    (r"\frac{1}{2n}", "1/(2n)"),
    (r"\frac{\frac{a}{b}}{c}", "(a/b)/c"),
    (r"\frac{a}{\frac{b}{c}}", "a/(b/c)"),
    (r"\frac{\max(a, b)}{c}", "max(a, b)/c"),
    (r"\frac{(a+b)}{(c)}", "(a+b)/(c)"),
    (r"\frac{(a)+(b)}{c}", "((a)+(b))/c"),
    (r"\frac ab", "a/b"),
    (r"\left(\frac{a}{b}\right)^2", "(a/b)²"),
    (r"\frac{a}{b}^2", "(a/b)²"),
    (r"\frac{\partial L}{\partial x_i}", "∂L/(∂xᵢ)"),
    # Scripts.
    (r"x^{2n+1}", "x²ⁿ⁺¹"),
    (r"10^{-6}", "10⁻⁶"),
    (r"x^10", "x¹0"),
    (r"S_{ij}", "Sᵢⱼ"),
    (r"x_i^2", "xᵢ²"),
    (r"x^2_i", "xᵢ²"),
    (r"n_{layer}", "n_layer"),
    (r"n_{layer}x", "n_(layer)x"),
    (r"d_{\mathrm{model}}", "d_model"),
    (r"x_{i,j}", "x_(i,j)"),
    (r"a^{b^c}", "a^(bᶜ)"),
    (r"\theta^*", "θ*"),
    (r"f''(x)", "f′′(x)"),
    (r"90^\circ", "90°"),
    (r"QK^\top", "QKᵀ"),
    (r"{a+b}^2", "(a+b)²"),
    # Roots.
    (r"\sqrt{2}x", "√2·x"),
    (r"\sqrt{x+1}", "√(x+1)"),
    (r"\sqrt[3]{x}", "∛x"),
    (r"\sqrt[n]{x}", "ⁿ√x"),
    (r"\sqrt{x}^2", "(√x)²"),
    # Operators and functions, with and without spaces in the source.
    (r"a \le b", "a ≤ b"),
    (r"a\le b", "a≤b"),
    (r"2 \times 10", "2 × 10"),
    (r"x - y", "x − y"),
    (r"x-y", "x−y"),
    (r"-x", "−x"),
    (r"a \cdot -b", "a · −b"),
    (r"i \bmod 32", "i mod 32"),
    (r"x \not\in S", "x ∉ S"),
    (r"2\alpha x", "2αx"),
    (r"\pi / \beta", "π / β"),
    (r"\alpha + \beta", "α + β"),
    (r"\beta \cdot I", "β · I"),
    (r"\alpha\beta", "αβ"),
    (r"\theta \not= 0", "θ ≠ 0"),
    (r"\log_2 N", "log₂ N"),
    (r"N\log_2N", "N log₂ N"),
    (r"\max_i x_i", "maxᵢ xᵢ"),
    (r"\arg\max_i x", "arg maxᵢ x"),
    (r"\sum_{i=1}^{n}x_i", "∑ᵢ₌₁ⁿ xᵢ"),
    (r"\prod_{t=1}^T p(x_t \mid x_{t-1})", "∏ₜ₌₁ᵀ p(xₜ | xₜ₋₁)"),
    (r"\operatorname{softmax}(x)", "softmax(x)"),
    (r"\lceil N / B \rceil", "⌈N / B⌉"),
    (r"\lfloor x\rfloor", "⌊x⌋"),
    (r"\|x\|_2", "‖x‖₂"),
    # Letters, text, spaces.
    (r"\mathcal{L} + \mathbb{R}^n", "ℒ + ℝⁿ"),
    (r"\hat{x}", "x\u0302"),
    (r"\hat{xy}", "hat(xy)"),
    (r"1.5\,\text{TB/s}", "1.5 TB/s"),
    (r"80\% \, \$5 \# \&", "80% $5 # &"),
    (r"\{a,b\}", "{a,b}"),
    (r"a\quad b", "a b"),
    (r"a~b", "a b"),
    (r"\text{if } x", "if x"),
    (r"\texttt{num\_warps}", "num_warps"),
    # Environments.
    (r"\begin{cases} 1 & x > 0 \\ 0 & \text{otherwise} \end{cases}", "{1 x > 0; 0 otherwise}"),
    (r"\begin{array}{cc} a & b \\ c & d \end{array}", "[a b; c d]"),
    (r"\begin{aligned} a &= b \\ &= c \end{aligned}", "a = b; = c"),
    (r"\underbrace{a+b}_{n}", "(a+b)ₙ"),
    (r"a \xrightarrow{f} b", "a ─f→ b"),
    (r"\binom{n}{k}", "C(n, k)"),
    (r"\tag{3}", "(3)"),
    # Kept as written, so that the check finds the backslash.
    (r"\foo{bar} x", r"\foo{bar} x"),
    (r"\foo", r"\foo"),
    (r"\frac", r"\frac"),
    (r"\sqrt", r"\sqrt"),
    ("\\", "\\"),
    (r"\begin{bmatrix} 1", r"\begin{bmatrix} 1"),
    # Malformed, but nothing is lost.
    ("{{x", "{{x"),
    ("x}}", "x}}"),
    ("x^", "x^"),
    ("_", "_"),
    ("", ""),
]


@pytest.mark.parametrize(("latex", "shown"), TABLE)
def test_table(latex: str, shown: str) -> None:
    assert to_unicode(latex) == shown


def test_rows_of_a_block() -> None:
    assert to_lines("\\begin{aligned}\n a &= b \\\\\n c &= d\n\\end{aligned}") == ["a = b", "c = d"]
    assert to_lines("x \\\\ y") == ["x", "y"]
    assert to_lines("") == []


SNIPPETS = st.sampled_from([
    "\\frac", "\\sqrt", "{", "}", "^", "_", "'", "\\begin{cases}", "\\end{cases}", "\\\\", "&", "[", "]", "\\left",
    ".", "\\text", "\\not", "\\hat", "x", "12", " ", "\\sum", "\\mathbb", "(", ")", "\\underbrace", "\\", "\\begin",
    "\\foo",
])  # fmt: skip


@settings(max_examples=500, deadline=None)
@given(st.one_of(st.text(), st.lists(SNIPPETS).map("".join)))
def test_never_raises(latex: str) -> None:
    assert "\n" not in to_unicode(latex)


@given(st.text(alphabet="abcxyz0123456789 αβ中文", max_size=30))
def test_letters_and_digits_all_stay(text: str) -> None:
    assert to_unicode(text).replace(" ", "") == text.replace(" ", "")


@pytest.mark.parametrize("part", ["{", "\\frac", "x^{", "\\sqrt{", "\\begin{cases}", "\\left(", "\\foo{", "\\text{"])
def test_depth_costs_neither_the_stack_nor_the_afternoon(part: str) -> None:
    start = time.process_time()
    to_unicode(part * 5_000)
    assert time.process_time() - start < 5
