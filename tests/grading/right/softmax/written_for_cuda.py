# style: written for one GPU and no other place: asserts on the device, device="cuda" scratch, torch.cuda calls around two launches
import torch
import triton
import triton.language as tl

DEVICE = torch.device("cuda")


@triton.jit
def log_sum_exp(x_ptr, lse_ptr, stride, n, BLOCK: tl.constexpr):
    row = tl.program_id(0)
    m = tl.full([BLOCK], float("-inf"), tl.float32)
    for k in range(0, n, BLOCK):
        j = k + tl.arange(0, BLOCK)
        m = tl.maximum(m, tl.load(x_ptr + row * stride + j, mask=j < n, other=float("-inf")).to(tl.float32))
    top = tl.max(m, 0)
    s = tl.zeros([BLOCK], tl.float32)
    for k in range(0, n, BLOCK):
        j = k + tl.arange(0, BLOCK)
        s += tl.exp(tl.load(x_ptr + row * stride + j, mask=j < n, other=float("-inf")).to(tl.float32) - top)
    # not top + log(sum), in which a large top would swallow the digits of the sum
    tl.store(lse_ptr + 2 * row, top)
    tl.store(lse_ptr + 2 * row + 1, tl.log(tl.sum(s, 0)))


@triton.jit
def exp_minus(x_ptr, y_ptr, lse_ptr, x_stride, y_stride, n, BLOCK: tl.constexpr):
    row = tl.program_id(1)
    j = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    x = tl.load(x_ptr + row * x_stride + j, mask=j < n).to(tl.float32)
    y = tl.exp((x - tl.load(lse_ptr + 2 * row)) - tl.load(lse_ptr + 2 * row + 1))
    tl.store(y_ptr + row * y_stride + j, y.to(y_ptr.dtype.element_ty), mask=j < n)


@torch.no_grad()
def softmax(x: torch.Tensor, out: torch.Tensor) -> None:
    assert x.is_cuda and out.is_cuda, "tensors must be on the GPU"
    assert x.device.type == "cuda"
    if not out.is_cuda:
        raise ValueError("out is not on the GPU")
    rows, n = x.shape
    lse = torch.empty((rows, 2), dtype=torch.float32, device="cuda")
    with torch.cuda.device(x.device):
        block = min(1024, triton.next_power_of_2(n))
        log_sum_exp[(rows,)](x, lse, x.stride(0), n, BLOCK=block)
        exp_minus[(triton.cdiv(n, block), rows)](x, out, lse.to(DEVICE), x.stride(0), out.stride(0), n, BLOCK=block)
    torch.cuda.synchronize()
