# expect: uses-library-op
# The product comes from torch; the kernel only copies it into out.
import torch
import triton
import triton.language as tl


@triton.jit
def copy_kernel(src_ptr, out_ptr, M, N, stride_om, stride_on, BLOCK: tl.constexpr):
    row = tl.program_id(0)
    columns = tl.program_id(1) * BLOCK + tl.arange(0, BLOCK)
    values = tl.load(src_ptr + row * N + columns, mask=columns < N)
    tl.store(out_ptr + row * stride_om + columns * stride_on, values, mask=columns < N)


def matmul(a, b, out):
    M, N = out.shape
    product = torch.matmul(a.float(), b.float()).to(out.dtype).contiguous()
    copy_kernel[(M, triton.cdiv(N, 256))](product, out, M, N, out.stride(0), out.stride(1), BLOCK=256)
