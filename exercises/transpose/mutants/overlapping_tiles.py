# expect: race
import torch
import triton
import triton.language as tl


@triton.jit
def transpose_kernel(x_ptr, out_ptr, M, N, x_row, x_col, out_row, out_col, BLOCK: tl.constexpr):
    # Tiles start every half block; what belongs to the neighbour is set to zero, and the neighbour comes later.
    m = tl.program_id(0) * (BLOCK // 2) + tl.arange(0, BLOCK)
    n = tl.program_id(1) * BLOCK + tl.arange(0, BLOCK)
    mask = (m[:, None] < M) & (n[None, :] < N)
    own = mask & (m < (tl.program_id(0) + 1) * (BLOCK // 2))[:, None]
    tile = tl.load(x_ptr + m[:, None] * x_row + n[None, :] * x_col, mask=own, other=0)
    turned = (n[:, None] < N) & (m[None, :] < M)
    tl.store(out_ptr + n[:, None] * out_row + m[None, :] * out_col, tl.trans(tile), mask=turned)


def transpose(x: torch.Tensor, out: torch.Tensor) -> None:
    M, N = x.shape
    grid = (triton.cdiv(M, 16), triton.cdiv(N, 32))
    transpose_kernel[grid](x, out, M, N, x.stride(0), x.stride(1), out.stride(0), out.stride(1), BLOCK=32)
