# expect: race
import torch
import triton
import triton.language as tl


@triton.jit
def softmax_kernel(x_ptr, top_ptr, out_ptr, x_stride, out_stride, N, BLOCK: tl.constexpr):
    # Program (0, row) finds maximum and sum for all programs of the row, "for it runs first".
    part = tl.program_id(0)
    row = tl.program_id(1)
    if part == 0:
        cols = tl.arange(0, 16 * BLOCK)
        x = tl.load(x_ptr + row * x_stride + cols, mask=cols < N, other=-float("inf")).to(tl.float32)
        top = tl.max(x, axis=0)
        tl.store(top_ptr + 2 * row, top)
        tl.store(top_ptr + 2 * row + 1, tl.sum(tl.exp(x - top), axis=0))
    cols = part * BLOCK + tl.arange(0, BLOCK)
    x = tl.load(x_ptr + row * x_stride + cols, mask=cols < N, other=-float("inf")).to(tl.float32)
    top, total = tl.load(top_ptr + 2 * row), tl.load(top_ptr + 2 * row + 1)
    tl.store(out_ptr + row * out_stride + cols, tl.exp(x - top) / total, mask=cols < N)


def softmax(x: torch.Tensor, out: torch.Tensor) -> None:
    M, N = x.shape
    tops = torch.zeros(M, 2, dtype=torch.float32, device=x.device)
    block = 64 if N <= 1024 else 2048
    softmax_kernel[(triton.cdiv(N, block), M)](x, tops, out, x.stride(0), out.stride(0), N, BLOCK=block)
