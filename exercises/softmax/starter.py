"""Softmax over rows. The task: `prep show softmax`; a nudge: `prep hint softmax`; judge it: `prep grade softmax`."""

import torch
import triton
import triton.language as tl


@triton.jit
def softmax_kernel(x_ptr, out_ptr, x_row_stride, out_row_stride, N, BLOCK: tl.constexpr):
    # One program, one row.
    row = tl.program_id(0)
    cols = tl.arange(0, BLOCK)

    # TODO: load the row. BLOCK is a power of two, N need not be: what must lanes with cols >= N hold,
    #       so that they change neither the maximum nor the sum?
    # TODO: subtract the row's maximum, exponentiate, divide by the sum (in float32).
    # TODO: store the row, and nothing beyond it.


def softmax(x: torch.Tensor, out: torch.Tensor) -> None:
    """Write softmax(x, dim=1) into out. x, out: [M, N], each row contiguous, rows may be padded."""
    M, N = x.shape
    softmax_kernel[(M,)](x, out, x.stride(0), out.stride(0), N, BLOCK=triton.next_power_of_2(N))
