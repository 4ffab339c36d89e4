# expect: order-dependent
import torch
import triton
import triton.language as tl


@triton.jit
def softmax_kernel(x_ptr, ticket_ptr, out_ptr, x_stride, out_stride, N, BLOCK: tl.constexpr):
    row = tl.program_id(0)
    # The ticket says who came how early; that row 0 comes first is a hope.
    ticket = tl.atomic_add(ticket_ptr, 1)
    cols = tl.arange(0, BLOCK)
    mask = cols < N
    x = tl.load(x_ptr + row * x_stride + cols, mask=mask, other=-float("inf")).to(tl.float32)
    e = tl.exp(x - tl.max(x, axis=0))
    tl.store(out_ptr + ticket * out_stride + cols, e / tl.sum(e, axis=0), mask=mask)


def softmax(x: torch.Tensor, out: torch.Tensor) -> None:
    M, N = x.shape
    ticket = torch.zeros(1, dtype=torch.int32, device=x.device)
    softmax_kernel[(M,)](x, ticket, out, x.stride(0), out.stride(0), N, BLOCK=triton.next_power_of_2(N))
