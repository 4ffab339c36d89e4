"""Where the wrong elements are: a code, and a line in both languages such as "800 of 33,000, all in columns 976..999".

Rows and columns are the last two axes, as in the error map; an axis before them is called by its number. What the trace
knows, which program stored an element, is used where it is given, and nothing is inferred in its place.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from prep.grading.diagnosis.words import Text
from prep.grading.dtypes import Array

BAND = 0.25
"""Share of the shorter axis up to which wrong elements beside the diagonal are a band and not a triangle."""

WIDE = 0.7
"""Share of an axis that a triangle or a diagonal reaches over at least."""


class Pattern(NamedTuple):
    code: str
    text: Text


def find(wrong: Array, owners: Array | None = None, programs: list[list[int]] | None = None) -> Pattern:
    """The pattern of `wrong`, which has at least one True.

    Args:
        owners: in wrong's shape, the position in `programs` of the program that stored the element last, or -1.
        programs: their indices in the grid, [x, y, z].
    """
    count, size = int(wrong.sum()), wrong.size
    told = Text(f"{count:,} of {size:,}", f"{size:,} 个元素中 {count:,} 个")

    def pattern(code: str, en: str, zh: str) -> Pattern:
        return Pattern(code, Text(f"{told.en}, {en}", f"{told.zh}，{zh}"))

    if count == size:
        return pattern("everything", "everything", "全部出错")
    if count == 1:
        at = ", ".join(str(int(i)) for i in np.argwhere(wrong)[0])
        return pattern("one-element", f"[{at}] alone", f"只有 [{at}]")
    by_program = _programs(wrong, owners, programs or [])
    if by_program is not None:
        return pattern(*by_program)
    spans = [s for s in (_span(wrong, axis) for axis in range(wrong.ndim)) if s is not None]
    # A triangle misses one row and one column of the whole: that is no tail.
    wide = all(s.last - s.first + 1 > WIDE * s.extent for s in spans)
    diagonal = _diagonal(wrong) if wide else None
    if diagonal is not None:
        return pattern(*diagonal)
    if spans:
        return pattern(*_confined(wrong, spans))
    return pattern("scattered", "scattered over all rows and columns", "散布在各行各列")


# Programs


def _programs(wrong: Array, owners: Array | None, programs: list[list[int]]) -> tuple[str, str, str] | None:
    """Wrong elements that are those of some programs, all of them, while other programs are right throughout."""
    if owners is None or owners.shape != wrong.shape:
        return None
    guilty = np.unique(owners[wrong])
    everybody = np.unique(owners[owners >= 0])
    if (guilty < 0).any() or len(everybody) < 2 or len(guilty) == len(everybody):
        return None
    named = f"({', '.join(map(str, programs[int(guilty[0])]))})" if int(guilty[0]) < len(programs) else "?"
    if len(guilty) == 1:
        return "one-program", f"all stored by program {named}", f"都由 program {named} 写入"
    if np.array_equal(np.isin(owners, guilty), wrong):
        words = f"{len(guilty)} of {len(everybody)} programs"
        return (
            "tiles",
            f"everything that {words} stored, the first being {named}",
            f"{len(everybody)} 个 program 中有 {len(guilty)} 个写入的内容全错，第一个是 {named}",
        )
    return None


# Axes


class Span(NamedTuple):
    """The indices of one axis that any wrong element has, where they are not all."""

    axis: int
    extent: int
    first: int
    last: int
    step: int
    """1 where they follow each other, p where they are every p-th of the whole axis, 0 for any others."""


def _span(wrong: Array, axis: int) -> Span | None:
    extent = wrong.shape[axis]
    at = np.flatnonzero(wrong.any(axis=tuple(a for a in range(wrong.ndim) if a != axis)))
    if len(at) == extent:
        return None
    step = 0
    gaps = np.unique(np.diff(at))
    if len(at) == 1 or (len(gaps) == 1 and gaps[0] == 1):
        step = 1
    elif len(at) > 2 and len(gaps) == 1 and at[0] < gaps[0] and at[-1] + gaps[0] >= extent:
        step = int(gaps[0])
    return Span(axis, extent, int(at[0]), int(at[-1]), step)


def _confined(wrong: Array, spans: list[Span]) -> tuple[str, str, str]:
    clear = [s for s in spans if s.step]
    if not clear:
        return "scattered", *_listed(wrong, spans[0])
    if len(clear) > 1 and all(s.step == 1 for s in clear):
        told = [_place(wrong, s) for s in clear]
        return "block", "all in " + ", ".join(t.en for t in told), "都在" + "、".join(t.zh for t in told)
    # The narrowest says most.
    span = min(clear, key=lambda s: (s.last - s.first + 1) / s.extent / max(s.step, 1))
    name = _axis(wrong, span.axis)
    where = _place(wrong, span)
    en, zh = f"all in {where.en}", f"都在{where.zh}"
    if span.step > 1:
        return f"{name.en}-stripes", en, zh
    if span.last == span.extent - 1 and span.first < span.last + (span.first > 0):
        return f"tail-{name.en}s", en, zh
    if span.first == span.last:
        return f"one-{name.en}", en, zh
    return (f"head-{name.en}s" if span.first == 0 else f"{name.en}s"), en, zh


def _axis(wrong: Array, axis: int) -> Text:
    if axis == wrong.ndim - 1:
        return Text("column", "列")
    return Text("row", "行") if axis == wrong.ndim - 2 else Text("slice", f"轴 {axis} 的下标")


def _place(wrong: Array, span: Span) -> Text:
    name = _axis(wrong, span.axis)
    plural = f"indices of axis {span.axis}" if name.en == "slice" else f"{name.en}s"
    if span.step > 1:
        words = "second" if span.step == 2 else "third" if span.step == 3 else f"{span.step}th"
        single = plural if name.en == "slice" else name.en
        return Text(
            f"every {words} {single}, from {span.first}", f"每 {span.step} {name.zh}中的一{name.zh}，从 {span.first} 起"
        )
    if span.first == span.last:
        one = f"index {span.first} of axis {span.axis}" if name.en == "slice" else f"{name.en} {span.first}"
        return Text(one, f"{name.zh} {span.first}" if name.en == "slice" else f"第 {span.first} {name.zh}")
    between = f"{span.first}..{span.last}"
    return Text(f"{plural} {between}", f"{name.zh} {between}" if name.en == "slice" else f"第 {between} {name.zh}")


def _listed(wrong: Array, span: Span) -> tuple[str, str]:
    at = np.flatnonzero(wrong.any(axis=tuple(a for a in range(wrong.ndim) if a != span.axis)))
    name = _axis(wrong, span.axis)
    plural = f"indices of axis {span.axis}" if name.en == "slice" else f"{name.en}s"
    some = ", ".join(map(str, at[:4])) + (", ..." if len(at) > 4 else "")
    return f"in {len(at)} of {span.extent} {plural}: {some}", f"{span.extent} {name.zh}中有 {len(at)} {name.zh}：{some}"


# Diagonals


def _diagonal(wrong: Array) -> tuple[str, str, str] | None:
    """Along, above or below the diagonal of the last two axes."""
    if wrong.ndim < 2 or min(wrong.shape[-2:]) < 4:
        return None
    rows, columns = np.nonzero(wrong.reshape(-1, *wrong.shape[-2:]).any(axis=0))
    away = columns - rows
    if (away == 0).all():
        return "diagonal", "all on the diagonal", "都在对角线上"
    if np.abs(away).max() <= max(1, BAND * min(wrong.shape[-2:])):
        wide = int(np.abs(away).max())
        return "band", f"all within {wide} of the diagonal", f"都在对角线两侧 {wide} 格之内"
    if (away > 0).all():
        return "above-diagonal", "all above the diagonal", "都在对角线上方"
    if (away < 0).all():
        return "below-diagonal", "all below the diagonal", "都在对角线下方"
    return None


def tile(owners: Array, programs: list[list[int]], index: list[int]) -> dict[str, Any] | None:
    """The program that stored the element, and the element's place in what that program stored."""
    owner = int(owners[tuple(index)])
    if owner < 0 or owner >= len(programs):
        return None
    own = np.argwhere(owners == owner).min(axis=0)
    return {"program": list(programs[owner]), "index": [int(i - first) for i, first in zip(index, own, strict=True)]}
