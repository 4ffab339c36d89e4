# expect: not-written
import torch
import triton
import triton.language as tl


@triton.jit
def softmax_kernel(x_ptr, out_ptr, x_stride, out_stride, M, N, PROGRAMS: tl.constexpr, BLOCK: tl.constexpr):
    cols = tl.arange(0, BLOCK)
    mask = cols < N
    # A persistent kernel whose step is twice what it should be.
    for step in range(0, M, 2 * PROGRAMS):
        row = step + tl.program_id(0)
        inside = mask & (row < M)
        x = tl.load(x_ptr + row * x_stride + cols, mask=inside, other=-float("inf")).to(tl.float32)
        top = tl.max(x, axis=0)
        e = tl.exp(x - tl.where(top == -float("inf"), 0.0, top))
        total = tl.sum(e, axis=0)
        tl.store(out_ptr + row * out_stride + cols, e / tl.where(total == 0.0, 1.0, total), mask=inside)


def softmax(x: torch.Tensor, out: torch.Tensor) -> None:
    M, N = x.shape
    programs = min(M, 2)
    block = triton.next_power_of_2(N)
    softmax_kernel[(programs,)](x, out, x.stride(0), out.stride(0), M, N, PROGRAMS=programs, BLOCK=block)
