# style: float atomics collect the sum, then the squares about the mean, in zeroed scratch; four launches and no loop
import torch
import triton
import triton.language as tl


@triton.jit
def add_values(x, sums, n, sx, BLOCK: tl.constexpr):
    row = tl.program_id(1)
    c = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    tl.atomic_add(sums + row, tl.sum(tl.load(x + row * sx + c, c < n, 0.0).to(tl.float32), 0))


@triton.jit
def add_squares(x, sums, squares, n, sx, BLOCK: tl.constexpr):
    row = tl.program_id(1)
    c = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    d = tl.load(x + row * sx + c, c < n, 0.0).to(tl.float32) - tl.load(sums + row) / n
    tl.atomic_add(squares + row, tl.sum(tl.where(c < n, d * d, 0.0), 0))


@triton.jit
def to_affine(sums, squares, M, n, eps, BLOCK: tl.constexpr):
    """In place: sum -> mean, squares -> reciprocal of the standard deviation."""
    r = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    tl.store(sums + r, tl.load(sums + r, r < M) / n, r < M)
    tl.store(squares + r, 1 / tl.sqrt(tl.load(squares + r, r < M) / n + eps), r < M)


@triton.jit
def write(x, w, b, mean, rstd, out, n, sx, so, BLOCK: tl.constexpr):
    row = tl.program_id(1)
    c = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    y = (tl.load(x + row * sx + c, c < n).to(tl.float32) - tl.load(mean + row)) * tl.load(rstd + row)
    tl.store(out + row * so + c, y * tl.load(w + c, c < n).to(tl.float32) + tl.load(b + c, c < n).to(tl.float32), c < n)


def layernorm(x, weight, bias, eps, out):
    M, N = x.shape
    a = torch.zeros(M, dtype=torch.float32, device=x.device)
    q = torch.zeros(M, dtype=torch.float32, device=x.device)
    BLOCK = 4096 if N > 1000 else 128
    grid = (triton.cdiv(N, BLOCK), M)
    add_values[grid](x, a, N, x.stride(0), BLOCK)
    add_squares[grid](x, a, q, N, x.stride(0), BLOCK)
    to_affine[(triton.cdiv(M, 128),)](a, q, M, N, eps, 128)
    write[grid](x, weight, bias, a, q, out, N, x.stride(0), out.stride(0), BLOCK)
