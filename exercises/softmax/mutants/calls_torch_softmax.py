# expect: uses-library-op
import torch
import triton
import triton.language as tl


@triton.jit
def copy_kernel(y_ptr, out_ptr, y_stride, out_stride, N, BLOCK: tl.constexpr):
    row = tl.program_id(0)
    cols = tl.arange(0, BLOCK)
    y = tl.load(y_ptr + row * y_stride + cols, mask=cols < N)
    tl.store(out_ptr + row * out_stride + cols, y, mask=cols < N)


def softmax(x: torch.Tensor, out: torch.Tensor) -> None:
    M, N = x.shape
    y = torch.softmax(x, dim=1)
    copy_kernel[(M,)](y, out, y.stride(0), out.stride(0), N, BLOCK=triton.next_power_of_2(N))
