# mypy: ignore-errors
"""Kernels that test_triton_facts.py compiles; in a file of their own because `@triton.jit` reads the source."""

import triton
import triton.language as tl


@triton.jit
def copy(x, y, n, B: tl.constexpr):
    o = tl.program_id(0) * B + tl.arange(0, B)
    tl.store(y + o, tl.load(x + o, mask=o < n), mask=o < n)


@triton.jit
def copy_off_by_one(x, y, n, B: tl.constexpr):
    o = tl.program_id(0) * B + tl.arange(0, B)
    tl.store(y + o, tl.load(x + o + 1))


@triton.jit
def copy_strided(x, y, s, n, B: tl.constexpr):
    o = tl.program_id(0) * B + tl.arange(0, B)
    tl.store(y + o, tl.load(x + o * s, mask=o < n), mask=o < n)


@triton.jit
def copy_modulo(x, y, n, B: tl.constexpr):
    o = (tl.program_id(0) * B + tl.arange(0, B)) % n
    tl.store(y + tl.arange(0, B), tl.load(x + o))


@triton.jit
def copy_modulo_hinted(x, y, n, B: tl.constexpr):
    o = (tl.program_id(0) * B + tl.arange(0, B)) % n
    o = tl.max_contiguous(tl.multiple_of(o, B), B)
    tl.store(y + tl.arange(0, B), tl.load(x + o))


@triton.jit
def softmax(x, y, s, n, B: tl.constexpr):
    row = tl.program_id(0) * s
    c = tl.arange(0, B)
    v = tl.load(x + row + c, mask=c < n, other=float("-inf"))
    v = tl.exp(v - tl.max(v, 0))
    tl.store(y + row + c, v / tl.sum(v, 0), mask=c < n)


@triton.jit
def matmul(a, b, c, M, N, K, BM: tl.constexpr, BN: tl.constexpr, BK: tl.constexpr):
    rows = tl.program_id(0) * BM + tl.arange(0, BM)
    cols = tl.program_id(1) * BN + tl.arange(0, BN)
    k = tl.arange(0, BK)
    pa = a + rows[:, None] * K + k[None, :]
    pb = b + k[:, None] * N + cols[None, :]
    acc = tl.zeros((BM, BN), tl.float32)
    for _ in range(0, K, BK):
        acc = tl.dot(tl.load(pa), tl.load(pb), acc)
        pa += BK
        pb += BK * N
    tl.store(c + rows[:, None] * N + cols[None, :], acc.to(tl.float16))


@triton.jit
def dot_then_add(a, b, c, B: tl.constexpr):
    i = tl.arange(0, B)[:, None] * B + tl.arange(0, B)[None, :]
    acc = tl.load(c + i)
    acc += tl.dot(tl.load(a + i), tl.load(b + i))
    tl.store(c + i, acc)


@triton.jit
def arange(x, B: tl.constexpr):
    o = tl.arange(0, B)
    tl.store(x + o, o)


@triton.jit
def branch_on_block(x, B: tl.constexpr):
    o = tl.arange(0, B)
    v = tl.load(x + o)
    if v > 0:
        v = v + 1
    tl.store(x + o, v)


@triton.jit
def where(x, B: tl.constexpr):
    o = tl.arange(0, B)
    v = tl.load(x + o)
    tl.store(x + o, tl.where(v > 0, v + 1, v * 3))


@triton.jit
def debug_operators(x, B: tl.constexpr):
    o = tl.arange(0, B)
    v = tl.load(x + o)
    tl.device_assert(v > 0, "not positive")
    tl.device_print("v", v)
    tl.static_assert(B == 128)
    tl.store(x + o, v)


@triton.jit
def wrong_static_assert(x, B: tl.constexpr):
    tl.static_assert(B == 9, "nine")
