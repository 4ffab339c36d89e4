"""Softmax over rows at the speed of memory: one read and one write while a row fits registers, online beyond that."""

import torch
import triton
import triton.language as tl

# The longest row that one program holds in registers: 16,384 float32 over 16 warps are 32 registers a thread for the
# row itself, which leaves room for the pointers and the exponentials without spilling.
LONGEST_BLOCK = 16384

LOG2E = tl.constexpr(1.4426950408889634)


@triton.jit
def softmax_in_registers(x_ptr, out_ptr, M, N, x_stride, out_stride, ROWS: tl.constexpr, BLOCK: tl.constexpr):
    """ROWS whole rows a program: x is read once, out is written once."""
    rows = tl.program_id(0) * ROWS + tl.arange(0, ROWS)
    cols = tl.arange(0, BLOCK)
    mask = (rows < M)[:, None] & (cols < N)[None, :]
    # The product of row and stride passes 2^31 long before memory is full.
    start = rows.to(tl.int64)[:, None]

    x = tl.load(x_ptr + start * x_stride + cols[None, :], mask=mask, other=-float("inf")).to(tl.float32)
    # Rows past M hold nothing but -inf, and -inf minus -inf would be NaN.
    top = tl.where(rows < M, tl.max(x, axis=1), 0.0)
    # exp2 is the hardware's own instruction; exp would multiply by log2(e) as well.
    e = tl.exp2((x - top[:, None]) * LOG2E)
    total = tl.where(rows < M, tl.sum(e, axis=1), 1.0)
    # One reciprocal a row, a multiplication an element.
    y = e * (1.0 / total)[:, None]
    tl.store(out_ptr + start * out_stride + cols[None, :], y.to(out_ptr.dtype.element_ty), mask=mask)


@triton.jit
def softmax_online(x_ptr, out_ptr, N, x_stride, out_stride, BLOCK: tl.constexpr):
    """One row a program, in two passes: maximum and sum together, then the quotients."""
    row = tl.program_id(0).to(tl.int64)
    x_ptr += row * x_stride
    out_ptr += row * out_stride
    cols = tl.arange(0, BLOCK)

    top = -float("inf")
    total = 0.0
    for start in range(0, N, BLOCK):
        inside = start + cols < N
        # The second pass reads the row again: ask the cache to keep it.
        x = tl.load(x_ptr + start + cols, mask=inside, other=-float("inf"), eviction_policy="evict_last")
        x = x.to(tl.float32)
        higher = tl.maximum(top, tl.max(x, axis=0))
        # All -inf so far: any finite number in place of the maximum gives exp2(-inf) = 0, where -inf gives NaN.
        base = tl.where(higher == -float("inf"), 0.0, higher)
        total = total * tl.exp2((top - base) * LOG2E) + tl.sum(tl.exp2((x - base) * LOG2E), axis=0)
        top = higher

    scale = 1.0 / total
    for start in range(0, N, BLOCK):
        inside = start + cols < N
        x = tl.load(x_ptr + start + cols, mask=inside, other=-float("inf"), eviction_policy="evict_first")
        y = tl.exp2((x.to(tl.float32) - top) * LOG2E) * scale
        tl.store(out_ptr + start + cols, y.to(out_ptr.dtype.element_ty), mask=inside)


def softmax(x: torch.Tensor, out: torch.Tensor) -> None:
    """Write softmax(x, dim=1) into out. x, out: [M, N], each row contiguous, rows may be padded."""
    M, N = x.shape
    block = triton.next_power_of_2(N)
    if block > LONGEST_BLOCK:
        softmax_online[(M,)](x, out, N, x.stride(0), out.stride(0), BLOCK=16384, num_warps=16)
        return
    # About 4,096 elements a program keep enough loads in flight; short rows share a program for that.
    rows = min(max(1, 4096 // block), triton.next_power_of_2(M))
    warps = min(max(rows * block // 1024, 1), 16)
    grid = (triton.cdiv(M, rows),)
    softmax_in_registers[grid](x, out, M, N, x.stride(0), out.stride(0), ROWS=rows, BLOCK=block, num_warps=warps)
