# style: entry wraps a torch.autograd.Function; type-annotated kernel, while loops, clamped offsets instead of masks on loads
import torch
import triton
import triton.language as tl


@triton.jit
def softmax_fwd(x_ptr: tl.pointer_type, y_ptr: tl.pointer_type, x_pitch: tl.int32, y_pitch: tl.int32, n: tl.int32,
                BLOCK: tl.constexpr = 1024):
    row = tl.program_id(0)
    x_ptr += row * x_pitch
    y_ptr += row * y_pitch
    lane = tl.arange(0, BLOCK)

    # Reading the last element several times does not change a maximum ...
    top = tl.full((BLOCK,), float("-inf"), tl.float32)
    at = 0
    while at < n:
        cols = tl.minimum(at + lane, n - 1)
        top = tl.maximum(top, tl.load(x_ptr + cols).to(tl.float32))
        at += BLOCK
    m = tl.max(top, 0)

    # ... but it would change a sum.
    acc = tl.zeros((BLOCK,), tl.float32)
    at = 0
    while at < n:
        cols = tl.minimum(at + lane, n - 1)
        e = tl.exp(tl.load(x_ptr + cols).to(tl.float32) - m)
        acc += tl.where(at + lane < n, e, 0.0)
        at += BLOCK
    total = tl.sum(acc, 0)

    at = 0
    while at < n:
        cols = tl.minimum(at + lane, n - 1)
        y = tl.exp(tl.load(x_ptr + cols).to(tl.float32) - m) / total
        tl.store(y_ptr + at + lane, y.to(y_ptr.type.element_ty), mask=at + lane < n)
        at += BLOCK


class Softmax(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, out):
        rows, n = x.shape
        block = max(16, min(1024, triton.next_power_of_2(n)))
        softmax_fwd[(rows,)](x, out, x.stride(0), out.stride(0), n, BLOCK=block)
        ctx.mark_dirty(out)
        ctx.save_for_backward(out)
        return out

    @staticmethod
    def backward(ctx, grad):
        raise NotImplementedError("forward only")


def softmax(x: torch.Tensor, out: torch.Tensor) -> None:
    Softmax.apply(x, out)
