"""Layer norm over rows. The task: `prep show layernorm`; a nudge: `prep hint layernorm`; judge it: `prep grade layernorm`."""

import torch
import triton
import triton.language as tl


@triton.jit
def layernorm_kernel(x_ptr, weight_ptr, bias_ptr, eps, out_ptr, x_stride, out_stride, N, BLOCK: tl.constexpr):
    # One program, one row.
    row = tl.program_id(0)
    cols = tl.arange(0, BLOCK)

    # TODO: load the row with a mask, in float32. What must the surplus lanes hold for the sum?
    # TODO: mean, then variance. What do the surplus lanes hold after the mean is taken off?
    # TODO: normalise, scale by weight, add bias, store. Both vectors have N elements too: mask them as well.


def layernorm(x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor, eps: float, out: torch.Tensor) -> None:
    """Write the layer norm of x's rows into out. x, out: [M, N], rows may be padded; weight, bias: [N]."""
    M, N = x.shape
    layernorm_kernel[(M,)](x, weight, bias, eps, out, x.stride(0), out.stride(0), N, BLOCK=triton.next_power_of_2(N))
