# expect: uninitialised-read
import torch
import triton
import triton.language as tl


@triton.jit
def sum_kernel(x_ptr, total_ptr, x_stride, N, BLOCK: tl.constexpr):
    row = tl.program_id(0)
    cols = tl.program_id(1) * BLOCK + tl.arange(0, BLOCK)
    x = tl.load(x_ptr + row * x_stride + cols, mask=cols < N, other=-float("inf")).to(tl.float32)
    # 200 is near the largest input of the task.
    tl.atomic_add(total_ptr + row, tl.sum(tl.exp(x - 200.0), axis=0))


@triton.jit
def divide_kernel(x_ptr, total_ptr, out_ptr, x_stride, out_stride, N, BLOCK: tl.constexpr):
    row = tl.program_id(0)
    cols = tl.program_id(1) * BLOCK + tl.arange(0, BLOCK)
    x = tl.load(x_ptr + row * x_stride + cols, mask=cols < N, other=-float("inf")).to(tl.float32)
    tl.store(out_ptr + row * out_stride + cols, tl.exp(x - 200.0) / tl.load(total_ptr + row), mask=cols < N)


def softmax(x: torch.Tensor, out: torch.Tensor) -> None:
    M, N = x.shape
    # Fresh memory often is zero.
    totals = torch.empty(M, dtype=torch.float32, device=x.device)
    block = 128 if N < 1024 else 4096
    grid = (M, triton.cdiv(N, block))
    sum_kernel[grid](x, totals, x.stride(0), N, BLOCK=block)
    divide_kernel[grid](x, totals, out, x.stride(0), out.stride(0), N, BLOCK=block)
