"""Matrix transpose. The task: `prep show transpose`; a nudge: `prep hint transpose`; judge it: `prep grade transpose`."""

import torch
import triton
import triton.language as tl


@triton.jit
def transpose_kernel(
    x_ptr, out_ptr, M, N, x_row, x_col, out_row, out_col, BLOCK_M: tl.constexpr, BLOCK_N: tl.constexpr
):
    # One program, one tile: rows m and columns n of x.
    m = tl.program_id(0) * BLOCK_M + tl.arange(0, BLOCK_M)
    n = tl.program_id(1) * BLOCK_N + tl.arange(0, BLOCK_N)

    # TODO: load the tile x[m, n], a block of [BLOCK_M, BLOCK_N]. Which lanes lie outside the matrix?
    # TODO: turn it, and store it where out[n, m] is. What does its mask look like?


def transpose(x: torch.Tensor, out: torch.Tensor) -> None:
    """Write out[n, m] = x[m, n]. x: [M, N], out: [N, M], any strides, one dtype."""
    M, N = x.shape
    grid = (triton.cdiv(M, 32), triton.cdiv(N, 32))
    transpose_kernel[grid](x, out, M, N, x.stride(0), x.stride(1), out.stride(0), out.stride(1), BLOCK_M=32, BLOCK_N=32)
