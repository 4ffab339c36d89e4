# expect: does-not-compile
# class: 46
# exercise: matmul
"""A dot over 4 elements: tensor cores take 16 in triton 3.6 and 3.7, 8 of float32 in 3.9, and none takes 4."""

import triton
import triton.language as tl


@triton.jit
def _matmul(a, b, out, m, n, k, am, ak, bk, bn, om, on, M: tl.constexpr, N: tl.constexpr, K: tl.constexpr):
    rows, columns = tl.program_id(0) * M + tl.arange(0, M), tl.program_id(1) * N + tl.arange(0, N)
    total = tl.zeros((M, N), tl.float32)
    for first in range(0, k, K):
        inner = first + tl.arange(0, K)
        left = tl.load(
            a + rows[:, None] * am + inner[None, :] * ak, mask=(rows[:, None] < m) & (inner[None, :] < k), other=0.0
        )
        right = tl.load(
            b + inner[:, None] * bk + columns[None, :] * bn,
            mask=(inner[:, None] < k) & (columns[None, :] < n),
            other=0.0,
        )
        left, right = left.to(tl.float32), right.to(tl.float32)
        total += tl.dot(left, right)
    tl.store(out + rows[:, None] * om + columns[None, :] * on, total, mask=(rows[:, None] < m) & (columns[None, :] < n))


def matmul(a, b, out):
    (m, k), n = a.shape, b.shape[1]
    grid = (triton.cdiv(m, 32), triton.cdiv(n, 32))
    _matmul[grid](a, b, out, m, n, k, *a.stride(), *b.stride(), *out.stride(), M=32, N=32, K=4)
