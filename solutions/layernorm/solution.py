"""Layer norm over rows: moments of a row in registers in two passes, block moments merged for rows that do not fit."""

import torch
import triton
import triton.language as tl

# 16,384 float32 over 16 warps are 32 registers a thread for the row; twice that spills (the centred row lives beside it).
LONGEST_BLOCK = 16384


@triton.jit
def layernorm_in_registers(
    x_ptr, weight_ptr, bias_ptr, eps, out_ptr, M, N, x_stride, out_stride, ROWS: tl.constexpr, BLOCK: tl.constexpr
):
    """ROWS whole rows a program: x is read once, out is written once."""
    rows = tl.program_id(0) * ROWS + tl.arange(0, ROWS)
    cols = tl.arange(0, BLOCK)
    inside = cols < N
    mask = (rows < M)[:, None] & inside[None, :]
    # The product of row and stride passes 2^31 long before memory is full.
    start = rows.to(tl.int64)[:, None]

    x = tl.load(x_ptr + start * x_stride + cols[None, :], mask=mask, other=0.0).to(tl.float32)
    mean = tl.sum(x, axis=1) / N
    # Lanes past the row hold 0, which is not the mean: they must not enter the variance.
    centred = tl.where(mask, x - mean[:, None], 0.0)
    variance = tl.sum(centred * centred, axis=1) / N
    rstd = 1.0 / tl.sqrt(variance + eps)

    weight = tl.load(weight_ptr + cols, mask=inside, other=0.0).to(tl.float32)
    bias = tl.load(bias_ptr + cols, mask=inside, other=0.0).to(tl.float32)
    y = centred * rstd[:, None] * weight[None, :] + bias[None, :]
    tl.store(out_ptr + start * out_stride + cols[None, :], y.to(out_ptr.dtype.element_ty), mask=mask)


@triton.jit
def layernorm_by_blocks(x_ptr, weight_ptr, bias_ptr, eps, out_ptr, N, x_stride, out_stride, BLOCK: tl.constexpr):
    """One row a program: moments of each block, merged as Chan, Golub and LeVeque do, then a pass that writes."""
    row = tl.program_id(0).to(tl.int64)
    x_ptr += row * x_stride
    out_ptr += row * out_stride
    cols = tl.arange(0, BLOCK)

    count = 0.0
    mean = 0.0
    squares = 0.0  # sum of squared distances from the mean so far
    for start in range(0, N, BLOCK):
        inside = start + cols < N
        # The second pass reads the row again: ask the cache to keep it.
        x = tl.load(x_ptr + start + cols, mask=inside, other=0.0, eviction_policy="evict_last").to(tl.float32)
        size = tl.sum(inside.to(tl.float32), axis=0)
        block_mean = tl.sum(x, axis=0) / size
        centred = tl.where(inside, x - block_mean, 0.0)
        total = count + size
        shift = block_mean - mean
        mean += shift * (size / total)
        squares += tl.sum(centred * centred, axis=0) + shift * shift * (count * size / total)
        count = total

    rstd = 1.0 / tl.sqrt(squares / N + eps)
    for start in range(0, N, BLOCK):
        inside = start + cols < N
        x = tl.load(x_ptr + start + cols, mask=inside, other=0.0, eviction_policy="evict_first").to(tl.float32)
        # Every row needs weight and bias again: they stay in the cache, x does not.
        weight = tl.load(weight_ptr + start + cols, mask=inside, other=0.0, eviction_policy="evict_last")
        bias = tl.load(bias_ptr + start + cols, mask=inside, other=0.0, eviction_policy="evict_last")
        y = (x - mean) * rstd * weight.to(tl.float32) + bias.to(tl.float32)
        tl.store(out_ptr + start + cols, y.to(out_ptr.dtype.element_ty), mask=inside)


def layernorm(x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor, eps: float, out: torch.Tensor) -> None:
    """Write the layer norm of x's rows into out. x, out: [M, N], rows may be padded; weight, bias: [N]."""
    M, N = x.shape
    block = triton.next_power_of_2(N)
    if block > LONGEST_BLOCK:
        layernorm_by_blocks[(M,)](x, weight, bias, eps, out, N, x.stride(0), out.stride(0), BLOCK=16384, num_warps=16)
        return
    # About 4,096 elements a program keep enough loads in flight; short rows share a program for that.
    rows = min(max(1, 4096 // block), triton.next_power_of_2(M))
    warps = min(max(rows * block // 1024, 1), 16)
    layernorm_in_registers[(triton.cdiv(M, rows),)](
        x, weight, bias, eps, out, M, N, x.stride(0), out.stride(0), ROWS=rows, BLOCK=block, num_warps=warps
    )
