"""Wrong submissions made for any exercise from its parameters: what no judge may let pass.

Most write every element of the outputs through a kernel of their own, so that only the values give it away; those that
start from the right answer let a right submission write into scratch memory first.
"""

from __future__ import annotations

from prep.exercises.spec import Exercise

_HEAD = """
import torch
import triton
import triton.language as tl

kept = {{}}


@triton.jit
def _address(at, n1, n2, n3, s0, s1, s2, s3):
    return at // (n1 * n2 * n3) * s0 + at // (n2 * n3) % n1 * s1 + at // n3 % n2 * s2 + at % n3 * s3


@triton.jit
def _fill(o, n, n1, n2, n3, s0, s1, s2, s3, value, BLOCK: tl.constexpr):
    at = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    to = _address(at, n1, n2, n3, s0, s1, s2, s3)
    tl.store(o + to, tl.zeros([BLOCK], tl.float32) + value, mask=at < n)


@triton.jit
def _copy(o, n, n1, n2, n3, s0, s1, s2, s3, x, size, m1, m2, m3, t0, t1, t2, t3, BLOCK: tl.constexpr):
    at = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    to = _address(at, n1, n2, n3, s0, s1, s2, s3)
    of = _address(at % size, m1, m2, m3, t0, t1, t2, t3)
    tl.store(o + to, tl.load(x + of, mask=at < n), mask=at < n)


@triton.jit
def _mean(
    o, n, n1, n2, n3, s0, s1, s2, s3, x, size, m1, m2, m3, t0, t1, t2, t3, BLOCK: tl.constexpr, WHOLE: tl.constexpr
):
    at = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    to = _address(at, n1, n2, n3, s0, s1, s2, s3)
    every = tl.arange(0, WHOLE)
    of = _address(every, m1, m2, m3, t0, t1, t2, t3)
    mean = tl.sum(tl.load(x + of, mask=every < size, other=0.0).to(tl.float32), 0) / size
    tl.store(o + to, tl.zeros([BLOCK], tl.float32) + mean, mask=at < n)


@triton.jit
def _short(o, n, n1, n2, n3, s0, s1, s2, s3, x, size, m1, m2, m3, t0, t1, t2, t3, BLOCK: tl.constexpr):
    # A copy with 10 bits of mantissa for float32 and 7 for float16; integers as they are.
    at = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    to = _address(at, n1, n2, n3, s0, s1, s2, s3)
    value = tl.load(x + _address(at, m1, m2, m3, t0, t1, t2, t3), mask=at < n)
    if x.dtype.element_ty == tl.float32:
        value = (value.to(tl.int32, bitcast=True) & -8192).to(tl.float32, bitcast=True)
    elif x.dtype.element_ty == tl.float16:
        value = (value.to(tl.int16, bitcast=True) & -8).to(tl.float16, bitcast=True)
    tl.store(o + to, value, mask=at < n)


@triton.jit
def _nothing(o, BLOCK: tl.constexpr):
    pass


def place(t):
    shape = (1,) * (4 - t.dim()) + tuple(t.shape)
    strides = (0,) * (4 - t.dim()) + tuple(t.stride())
    return (t, t.numel(), *shape[1:], *strides)


def grid(t):
    return (triton.cdiv(t.numel(), 4096),)


def fill(out, value):
    _fill[grid(out)](*place(out), value, BLOCK=4096)


def copy(out, x):
    _copy[grid(out)](*place(out), *place(x), BLOCK=4096)


def mean(out, x):
    _mean[grid(out)](*place(out), *place(x), BLOCK=4096, WHOLE=triton.next_power_of_2(x.numel()))


def short(out, x):
    _short[grid(out)](*place(out), *place(x), BLOCK=4096)


def copy_first(out, x, count):
    if count > 0:
        _copy[grid(out)](out, count, *place(out)[2:], *place(x), BLOCK=4096)


def keep(out):
    old = kept.get(tuple(out.shape))
    if old is not None:
        copy(out, old)
    return old is not None


def {entry}({params}):
"""

_BODIES = {
    "zeros": "fill({out}, 0.0)",
    "ones": "fill({out}, 1.0)",
    "mean": "mean({out}, {x})",
    "copy of the input": "copy({out}, {x})",
    "NaN": "fill({out}, float('nan'))",
    "nothing written": "_nothing[(1,)]({out}, BLOCK=1)",
}

# `made` holds the right answer.
_SPOILT = {
    "last element dropped": "copy_first({out}, made, made.numel() - 1)",
    "last element of its neighbour": "copy({out}, made)\n"
    "    if made.dim() and made.shape[-1] > 1:\n"
    "        copy({out}[..., -1:], made[..., -2:-1])",
    "turned": "copy({out}, made.mT)",
    "one precision lower": "short({out}, made)",
    "first column everywhere": "copy({out}, made[..., :1].expand(made.shape))",
    "first row everywhere": "copy({out}, made[..., :1, :].expand(made.shape))",
    "rows in reverse": "for i in range(made.shape[-2]):\n"
    "        copy({out}[..., i : i + 1, :], made[..., made.shape[-2] - 1 - i : made.shape[-2] - i, :])",
    "shape of another case": "first = kept.setdefault('shape', tuple(made.shape))\n"
    "    part = tuple(slice(min(a, b)) for a, b in zip(first, made.shape))\n"
    "    copy({out}[part], made[part])",
}
_SWAPPED = "inputs swapped"

NAMES = (*_BODIES, "previous output", *_SPOILT, _SWAPPED)


def applies(exercise: Exercise, name: str) -> bool:
    """Is there such a mutant? Inputs are swapped only where two have one shape."""
    return name != _SWAPPED or _alike(exercise) is not None


def _alike(exercise: Exercise) -> tuple[str, str] | None:
    tensors = [p for p in exercise.inputs if p.shape]
    return next(((p.name, q.name) for p in tensors for q in tensors if p is not q and p.shape == q.shape), None)


def source(exercise: Exercise, name: str, solution: str) -> str:
    """The submission; `solution` is the source of a right one, which "previous output" computes with, once."""
    params = ", ".join(p.name for p in exercise.params)
    x, outs = exercise.inputs[0].name, [p.name for p in exercise.outputs]
    if name in _BODIES:
        body = "\n".join("    " + _BODIES[name].format(out=out, x=x) for out in outs)
        return _HEAD.format(entry=exercise.entry, params=params) + body + "\n"
    head = _HEAD.format(entry=exercise.entry, params=params)
    if name == _SWAPPED:
        pair = _alike(exercise)
        assert pair is not None
        swap = dict([pair, pair[::-1]])
        given = ", ".join(swap.get(p.name, p.name) for p in exercise.params)
        return solution.replace(f"def {exercise.entry}(", "def _right(") + head + f"    _right({given})\n"
    if name in _SPOILT:
        out = outs[0]
        given = ", ".join("made" if p.name == out else p.name for p in exercise.params)
        body = f"    made = torch.empty({out}.shape, dtype={out}.dtype, device={out}.device)\n    _right({given})\n"
        body += f"    {_SPOILT[name].format(out=out)}\n"
        return solution.replace(f"def {exercise.entry}(", "def _right(") + head + body
    renamed = solution.replace(f"def {exercise.entry}(", "def _right(")
    out = outs[0]
    body = f"    if not keep({out}):\n        _right({params})\n        kept[tuple({out}.shape)] = {out}.clone()\n"
    return renamed + head + body
