# expect: tail-wrong
import torch
import triton
import triton.language as tl


@triton.jit
def layernorm_kernel(
    x_ptr, w_ptr, b_ptr, eps, out_ptr, x_stride, out_stride, M, N, ROWS: tl.constexpr, BLOCK: tl.constexpr
):
    rows = tl.program_id(0) * ROWS + tl.arange(0, ROWS)[:, None]
    cols = tl.arange(0, BLOCK)[None, :]
    mask = (rows < M) & (cols < N)
    x = tl.load(x_ptr + rows * x_stride + cols, mask=mask, other=0.0).to(tl.float32)
    mean = tl.sum(x, axis=1)[:, None] / N
    centred = tl.where(mask, x - mean, 0.0)
    rstd = 1.0 / tl.sqrt(tl.sum(centred * centred, axis=1)[:, None] / N + eps)
    w = tl.load(w_ptr + cols, mask=cols < N).to(tl.float32)
    b = tl.load(b_ptr + cols, mask=cols < N).to(tl.float32)
    tl.store(out_ptr + rows * out_stride + cols, centred * rstd * w + b, mask=mask)


def layernorm(x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor, eps: float, out: torch.Tensor) -> None:
    M, N = x.shape
    block = triton.next_power_of_2(N)
    grid = (max(M // 4, 1),)
    layernorm_kernel[grid](x, weight, bias, eps, out, x.stride(0), out.stride(0), M, N, ROWS=4, BLOCK=block)
