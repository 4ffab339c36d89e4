# expect: race
import torch
import triton
import triton.language as tl


@triton.jit
def sum_kernel(x_ptr, total_ptr, x_stride, N, BLOCK: tl.constexpr):
    row = tl.program_id(0)
    cols = tl.program_id(1) * BLOCK + tl.arange(0, BLOCK)
    x = tl.load(x_ptr + row * x_stride + cols, mask=cols < N, other=-float("inf")).to(tl.float32)
    top = tl.max(x, axis=0)
    top = tl.where(top == -float("inf"), 0.0, top)
    part = tl.sum(tl.exp(x - top), axis=0)
    # Every block of a row adds to one pair of numbers: load, rescale, store.
    old_top, old_total = tl.load(total_ptr + 2 * row), tl.load(total_ptr + 2 * row + 1)
    new_top = tl.maximum(old_top, top)
    tl.store(total_ptr + 2 * row, new_top)
    tl.store(total_ptr + 2 * row + 1, old_total * tl.exp(old_top - new_top) + part * tl.exp(top - new_top))


@triton.jit
def divide_kernel(x_ptr, total_ptr, out_ptr, x_stride, out_stride, N, BLOCK: tl.constexpr):
    row = tl.program_id(0)
    cols = tl.program_id(1) * BLOCK + tl.arange(0, BLOCK)
    x = tl.load(x_ptr + row * x_stride + cols, mask=cols < N, other=-float("inf")).to(tl.float32)
    top, total = tl.load(total_ptr + 2 * row), tl.load(total_ptr + 2 * row + 1)
    tl.store(out_ptr + row * out_stride + cols, tl.exp(x - top) / total, mask=cols < N)


def softmax(x: torch.Tensor, out: torch.Tensor) -> None:
    M, N = x.shape
    totals = torch.zeros(M, 2, dtype=torch.float32, device=x.device)
    totals[:, 0].fill_(-1e30)
    block = 64 if N < 1024 else 4096
    grid = (M, triton.cdiv(N, block))
    sum_kernel[grid](x, totals, x.stride(0), N, BLOCK=block)
    divide_kernel[grid](x, totals, out, x.stride(0), out.stride(0), N, BLOCK=block)
