# expect: wrong-axis
import torch
import triton
import triton.language as tl


@triton.jit
def layernorm_kernel(
    x_ptr, w_ptr, b_ptr, eps, out_ptr, x_stride, out_stride, M, N, BLOCK_M: tl.constexpr, BLOCK_N: tl.constexpr
):
    rows = tl.arange(0, BLOCK_M)[:, None]
    cols = tl.program_id(0) * BLOCK_N + tl.arange(0, BLOCK_N)[None, :]
    mask = (rows < M) & (cols < N)
    x = tl.load(x_ptr + rows * x_stride + cols, mask=mask, other=0.0).to(tl.float32)
    # Axis 0 runs over the batch: this is batch norm.
    mean = tl.sum(x, axis=0)[None, :] / M
    centred = tl.where(mask, x - mean, 0.0)
    rstd = 1.0 / tl.sqrt(tl.sum(centred * centred, axis=0)[None, :] / M + eps)
    w = tl.load(w_ptr + cols, mask=cols < N).to(tl.float32)
    b = tl.load(b_ptr + cols, mask=cols < N).to(tl.float32)
    tl.store(out_ptr + rows * out_stride + cols, centred * rstd * w + b, mask=mask)


def layernorm(x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor, eps: float, out: torch.Tensor) -> None:
    M, N = x.shape
    block_m, block_n = triton.next_power_of_2(M), min(1024, triton.next_power_of_2(N))
    grid = (triton.cdiv(N, block_n),)
    layernorm_kernel[grid](
        x, weight, bias, eps, out, x.stride(0), out.stride(0), M, N, BLOCK_M=block_m, BLOCK_N=block_n
    )
