"""Wrong submissions made for any exercise from its parameters: what no judge may let pass.

Each writes every element of the outputs through a kernel of its own, so that only the values give it away.
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

NAMES = (*_BODIES, "previous output")


def source(exercise: Exercise, name: str, solution: str) -> str:
    """The submission; `solution` is the source of a right one, which "previous output" computes with, once."""
    params = ", ".join(p.name for p in exercise.params)
    x, outs = exercise.inputs[0].name, [p.name for p in exercise.outputs]
    if name != "previous output":
        body = "\n".join("    " + _BODIES[name].format(out=out, x=x) for out in outs)
        return _HEAD.format(entry=exercise.entry, params=params) + body + "\n"
    head = _HEAD.format(entry=exercise.entry, params=params)
    renamed = solution.replace(f"def {exercise.entry}(", "def _right(")
    out = outs[0]
    body = f"    if not keep({out}):\n        _right({params})\n        kept[tuple({out}.shape)] = {out}.clone()\n"
    return renamed + head + body
