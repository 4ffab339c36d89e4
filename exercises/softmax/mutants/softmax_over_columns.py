# expect: wrong-axis
import torch
import triton
import triton.language as tl


@triton.jit
def softmax_kernel(x_ptr, out_ptr, x_stride, out_stride, M, N, BLOCK_M: tl.constexpr, BLOCK_N: tl.constexpr):
    rows = tl.arange(0, BLOCK_M)[:, None]
    cols = tl.program_id(0) * BLOCK_N + tl.arange(0, BLOCK_N)[None, :]
    mask = (rows < M) & (cols < N)
    x = tl.load(x_ptr + rows * x_stride + cols, mask=mask, other=-float("inf")).to(tl.float32)
    # Axis 0 runs down the column.
    e = tl.exp(x - tl.max(x, axis=0)[None, :])
    tl.store(out_ptr + rows * out_stride + cols, e / tl.sum(e, axis=0)[None, :], mask=mask)


def softmax(x: torch.Tensor, out: torch.Tensor) -> None:
    M, N = x.shape
    block_n = min(1024, triton.next_power_of_2(N))
    grid = (triton.cdiv(N, block_n),)
    softmax_kernel[grid](x, out, x.stride(0), out.stride(0), M, N, BLOCK_M=triton.next_power_of_2(M), BLOCK_N=block_n)
