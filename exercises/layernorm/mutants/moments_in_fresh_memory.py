# expect: uninitialised-read
import torch
import triton
import triton.language as tl


@triton.jit
def moments_kernel(x_ptr, moments_ptr, x_stride, N, BLOCK: tl.constexpr):
    row = tl.program_id(0)
    cols = tl.program_id(1) * BLOCK + tl.arange(0, BLOCK)
    x = tl.load(x_ptr + row * x_stride + cols, mask=cols < N, other=0.0).to(tl.float32)
    tl.atomic_add(moments_ptr + 2 * row, tl.sum(x, axis=0))


@triton.jit
def squares_kernel(x_ptr, moments_ptr, x_stride, N, BLOCK: tl.constexpr):
    row = tl.program_id(0)
    cols = tl.program_id(1) * BLOCK + tl.arange(0, BLOCK)
    x = tl.load(x_ptr + row * x_stride + cols, mask=cols < N, other=0.0).to(tl.float32)
    centred = tl.where(cols < N, x - tl.load(moments_ptr + 2 * row) / N, 0.0)
    tl.atomic_add(moments_ptr + 2 * row + 1, tl.sum(centred * centred, axis=0))


@triton.jit
def normalise_kernel(x_ptr, moments_ptr, w_ptr, b_ptr, eps, out_ptr, x_stride, out_stride, N, BLOCK: tl.constexpr):
    row = tl.program_id(0)
    cols = tl.program_id(1) * BLOCK + tl.arange(0, BLOCK)
    mask = cols < N
    x = tl.load(x_ptr + row * x_stride + cols, mask=mask, other=0.0).to(tl.float32)
    mean = tl.load(moments_ptr + 2 * row) / N
    rstd = 1.0 / tl.sqrt(tl.load(moments_ptr + 2 * row + 1) / N + eps)
    w = tl.load(w_ptr + cols, mask=mask).to(tl.float32)
    b = tl.load(b_ptr + cols, mask=mask).to(tl.float32)
    tl.store(out_ptr + row * out_stride + cols, (x - mean) * rstd * w + b, mask=mask)


def layernorm(x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor, eps: float, out: torch.Tensor) -> None:
    M, N = x.shape
    moments = torch.empty(M, 2, dtype=torch.float32, device=x.device)
    block = 64 if N < 1024 else 4096
    grid = (M, triton.cdiv(N, block))
    moments_kernel[grid](x, moments, x.stride(0), N, BLOCK=block)
    squares_kernel[grid](x, moments, x.stride(0), N, BLOCK=block)
    normalise_kernel[grid](
        x, moments, weight, bias, eps, out, x.stride(0), out.stride(0), N, BLOCK=block
    )
