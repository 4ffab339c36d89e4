# mypy: ignore-errors
"""Kernels that the Triton fact files compile; in a file of their own because `@triton.jit` reads the source."""

import triton
import triton.language as tl
from triton.experimental import gluon
from triton.experimental.gluon import language as gl


@triton.jit
def matmul(
    a, b, c, M, N, K, BM: tl.constexpr, BN: tl.constexpr, BK: tl.constexpr, PREC: tl.constexpr, B_ALONG_K: tl.constexpr
):
    rows = tl.program_id(0) * BM + tl.arange(0, BM)
    cols = tl.program_id(1) * BN + tl.arange(0, BN)
    k = tl.arange(0, BK)
    pa = a + rows[:, None] * K + k[None, :]
    step_k, step_n = (1, K) if B_ALONG_K else (N, 1)
    pb = b + k[:, None] * step_k + cols[None, :] * step_n
    acc = tl.zeros((BM, BN), tl.float32)
    for _ in range(0, K, BK):
        acc = tl.dot(tl.load(pa), tl.load(pb), acc, input_precision=PREC)
        pa += BK
        pb += BK * step_k
    tl.store(c + rows[:, None] * N + cols[None, :], acc.to(c.dtype.element_ty))


@triton.jit
def matmul_tma(a, b, c, M, N, K, BM: tl.constexpr, BN: tl.constexpr, BK: tl.constexpr, WS: tl.constexpr):
    m, n = tl.program_id(0) * BM, tl.program_id(1) * BN
    acc = tl.zeros((BM, BN), tl.float32)
    for k in tl.range(0, K, BK, warp_specialize=WS):
        acc = tl.dot(a.load([m, k]), b.load([k, n]), acc)
    c.store([m, n], acc.to(tl.bfloat16))


@triton.jit
def small_dot(a, b, c, M: tl.constexpr, N: tl.constexpr, K: tl.constexpr):
    rows, cols, k = tl.arange(0, M)[:, None], tl.arange(0, N)[None, :], tl.arange(0, K)
    x = tl.load(a + rows * K + k[None, :])
    y = tl.load(b + k[:, None] * N + cols)
    tl.store(c + rows * N + cols, tl.dot(x, y))


@triton.jit
def rows_to_columns(x, y, B: tl.constexpr):
    i = tl.arange(0, B)
    tl.store(y + i[:, None] + i[None, :] * B, tl.load(x + i[:, None] * B + i[None, :]))


@triton.jit
def stream(x, out, n, BLOCK: tl.constexpr):
    i, acc = tl.arange(0, BLOCK), tl.zeros((BLOCK,), tl.float32)
    for at in range(0, n, BLOCK):
        acc += tl.load(x + at + i)
    tl.store(out, tl.sum(acc, 0))


@triton.jit
def stream_range(x, out, n, BLOCK: tl.constexpr, STAGES: tl.constexpr):
    i, acc = tl.arange(0, BLOCK), tl.zeros((BLOCK,), tl.float32)
    for at in tl.range(0, n, BLOCK, num_stages=STAGES):
        acc += tl.load(x + at + i)
    tl.store(out, tl.sum(acc, 0))


@triton.jit
def block_sum(x, out, B: tl.constexpr):
    tl.store(out, tl.sum(tl.load(x + tl.arange(0, B)), 0))


@triton.jit
def add_atomically(x, out, B: tl.constexpr):
    i = tl.arange(0, B)
    tl.atomic_add(out + i, tl.load(x + tl.program_id(0) * B + i), sem="relaxed")


@triton.jit
def add_by_default(x, out, B: tl.constexpr):
    tl.atomic_add(out, tl.sum(tl.load(x + tl.program_id(0) * B + tl.arange(0, B)), 0))


@triton.jit
def offset_product(x, stride, B: tl.constexpr):
    i = tl.program_id(0) * stride + tl.arange(0, B)
    tl.store(x + i, 0)


@triton.jit
def offset_cast_late(x, stride, B: tl.constexpr):
    i = (tl.program_id(0) * stride).to(tl.int64) + tl.arange(0, B)
    tl.store(x + i, 0)


@triton.jit
def offset_cast_first(x, stride, B: tl.constexpr):
    i = tl.program_id(0).to(tl.int64) * stride + tl.arange(0, B)
    tl.store(x + i, 0)


@triton.jit
def masked(x, out, n, B: tl.constexpr):
    i = tl.arange(0, B)
    tl.store(out + i, tl.load(x + i, mask=i < n))


@triton.jit
def masked_other(x, out, n, B: tl.constexpr):
    i = tl.arange(0, B)
    tl.store(out + i, tl.load(x + i, mask=i < n, other=3.0))


@triton.jit
def plain(x, y, n, B: tl.constexpr):
    pass


@triton.jit(do_not_specialize=["n"])
def unspecialized(x, y, n, B: tl.constexpr):
    pass


@triton.jit(do_not_specialize_on_alignment=["n"])
def unaligned(x, y, n, B: tl.constexpr):
    pass


@triton.jit
def constant(x, y, n: tl.constexpr, B: tl.constexpr):
    pass


@gluon.jit
def show_layout(out, L: gl.constexpr, ROWS: gl.constexpr, COLUMNS: gl.constexpr):
    gl.static_print(gl.to_linear_layout(L, [ROWS, COLUMNS]))


@gluon.jit
def gluon_copy(x, y, n, B: gl.constexpr, L: gl.constexpr):
    i = gl.program_id(0) * B + gl.arange(0, B, layout=L)
    gl.store(y + i, gl.load(x + i, mask=i < n), mask=i < n)


@gluon.jit
def gluon_mixed(x, y, B: gl.constexpr, L: gl.constexpr, OTHER: gl.constexpr):
    a = gl.load(x + gl.arange(0, B, layout=L))
    b = gl.load(x + gl.arange(0, B, layout=OTHER))
    gl.store(y + gl.arange(0, B, layout=L), a + b)


@triton.jit
def load_part(a, out, K, SPLIT: tl.constexpr, HINT: tl.constexpr, B: tl.constexpr):
    part = K // SPLIT
    if HINT:
        part = tl.multiple_of(part, 64)
    i = tl.program_id(0) * part + tl.arange(0, B)
    tl.store(out + tl.arange(0, B), tl.load(a + i))


@triton.jit
def mask_with_and(x, n, m, B: tl.constexpr):
    i = tl.arange(0, B)
    tl.store(x + i, 0.0, mask=(i < n) and (i < m))
