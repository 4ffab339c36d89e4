# mypy: ignore-errors
"""Kernels that test_compilers_facts.py compiles; in a file of their own because `@triton.jit` reads the source."""

import triton
import triton.language as tl


@triton.jit
def scale_add(x, y, n, a, BLOCK: tl.constexpr):
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    live = i < n
    v = tl.load(x + i, mask=live)
    w = tl.load(y + i, mask=live)
    tl.store(y + i, v * a + w, mask=live)


@triton.jit
def unused_load(x, y, n, a, BLOCK: tl.constexpr):
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    tl.load(x + i, mask=i < n)
    tl.store(y + i, tl.load(y + i, mask=i < n) * a, mask=i < n)


@triton.jit
def product(a, b, c, K, T: tl.constexpr, BK: tl.constexpr):
    rows, k = tl.arange(0, T), tl.arange(0, BK)
    acc = tl.zeros((T, T), tl.float32)
    for at in range(0, K, BK):
        x = tl.load(a + rows[:, None] * K + (at + k)[None, :])
        y = tl.load(b + (at + k)[:, None] * T + rows[None, :])
        acc = tl.dot(x, y, acc)
    tl.store(c + rows[:, None] * T + rows[None, :], acc)
