# expect: nan-or-inf
import torch
import triton
import triton.language as tl


@triton.jit
def softmax_kernel(x_ptr, out_ptr, x_stride, out_stride, N, BLOCK: tl.constexpr):
    row = tl.program_id(0)
    cols = tl.arange(0, BLOCK)
    # No row is below zero, "is it".
    top = 0.0
    total = 0.0
    for start in range(0, N, BLOCK):
        mask = start + cols < N
        x = tl.load(x_ptr + row * x_stride + start + cols, mask=mask, other=-float("inf")).to(tl.float32)
        higher = tl.maximum(top, tl.max(x, axis=0))
        base = tl.where(higher == -float("inf"), 0.0, higher)
        total = total * tl.exp(top - base) + tl.sum(tl.exp(x - base), axis=0)
        top = higher
    for start in range(0, N, BLOCK):
        mask = start + cols < N
        x = tl.load(x_ptr + row * x_stride + start + cols, mask=mask, other=-float("inf")).to(tl.float32)
        tl.store(out_ptr + row * out_stride + start + cols, tl.exp(x - top) / total, mask=mask)


def softmax(x: torch.Tensor, out: torch.Tensor) -> None:
    M, N = x.shape
    softmax_kernel[(M,)](
        x, out, x.stride(0), out.stride(0), N, BLOCK=min(32 if N < 1024 else 2048, triton.next_power_of_2(N))
    )
