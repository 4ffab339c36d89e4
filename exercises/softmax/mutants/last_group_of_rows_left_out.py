# expect: tail-wrong
import torch
import triton
import triton.language as tl


@triton.jit
def softmax_kernel(x_ptr, out_ptr, x_stride, out_stride, M, N, ROWS: tl.constexpr, BLOCK: tl.constexpr):
    row = tl.program_id(0) * ROWS + tl.arange(0, ROWS)[:, None]
    cols = tl.arange(0, BLOCK)[None, :]
    mask = (row < M) & (cols < N)
    x = tl.load(x_ptr + row * x_stride + cols, mask=mask, other=-float("inf")).to(tl.float32)
    e = tl.exp(x - tl.where(row < M, tl.max(x, axis=1)[:, None], 0.0))
    total = tl.where(row < M, tl.sum(e, axis=1)[:, None], 1.0)
    tl.store(out_ptr + row * out_stride + cols, e / total, mask=mask)


def softmax(x: torch.Tensor, out: torch.Tensor) -> None:
    M, N = x.shape
    softmax_kernel[(max(M // 4, 1),)](
        x, out, x.stride(0), out.stride(0), M, N, ROWS=4, BLOCK=triton.next_power_of_2(N)
    )
