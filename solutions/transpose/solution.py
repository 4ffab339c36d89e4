"""Transpose by tiles: each tile is read along the rows of x and written along the rows of out, turned in shared memory."""

import torch
import triton
import triton.language as tl


@triton.jit
def transpose_tile(x_ptr, out_ptr, M, N, x_row, x_col, out_row, out_col, BLOCK_M: tl.constexpr, BLOCK_N: tl.constexpr):
    """One tile a program. The four strides are in elements."""
    # One axis of programs only: the second axis of a CUDA grid ends at 65,535.
    tiles_n = tl.cdiv(N, BLOCK_N)
    m = (tl.program_id(0) // tiles_n) * BLOCK_M + tl.arange(0, BLOCK_M)
    n = (tl.program_id(0) % tiles_n) * BLOCK_N + tl.arange(0, BLOCK_N)
    inside_m = m < M
    inside_n = n < N
    # Index times stride passes 2^31 long before memory is full.
    m = m.to(tl.int64)
    n = n.to(tl.int64)

    tile = tl.load(x_ptr + m[:, None] * x_row + n[None, :] * x_col, mask=inside_m[:, None] & inside_n[None, :])
    # Storing `tile` to transposed addresses would be right too, but with neighbouring threads out_row elements apart.
    tl.store(
        out_ptr + n[:, None] * out_row + m[None, :] * out_col,
        tl.trans(tile),
        mask=inside_n[:, None] & inside_m[None, :],
    )


def transpose(x: torch.Tensor, out: torch.Tensor) -> None:
    """Write out[n, m] = x[m, n]. x: [M, N], out: [N, M], any strides, one dtype."""
    M, N = x.shape
    # 64 neighbours are 128 bytes of 16-bit elements, a full line of the cache, in both directions.
    block_m = min(64, triton.next_power_of_2(M))
    block_n = min(64, triton.next_power_of_2(N))
    grid = (triton.cdiv(M, block_m) * triton.cdiv(N, block_n),)
    transpose_tile[grid](
        x, out, M, N, x.stride(0), x.stride(1), out.stride(0), out.stride(1), BLOCK_M=block_m, BLOCK_N=block_n
    )
