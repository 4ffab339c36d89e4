# expect: race
# Splits K over programs that add into a scratch matrix by load, add and store.
import torch
import triton
import triton.language as tl


@triton.jit
def matmul_kernel(
    a_ptr, b_ptr, out_ptr,
    M, N, K,
    stride_am, stride_ak, stride_bk, stride_bn, stride_om, stride_on,
    BLOCK_M: tl.constexpr, BLOCK_N: tl.constexpr, BLOCK_K: tl.constexpr,
):
    pid_m = tl.program_id(0)
    pid_n = tl.program_id(1)
    k_first = tl.program_id(2) * BLOCK_K
    offs_m = pid_m * BLOCK_M + tl.arange(0, BLOCK_M)
    offs_n = pid_n * BLOCK_N + tl.arange(0, BLOCK_N)
    offs_k = k_first + tl.arange(0, BLOCK_K)
    a_ptrs = a_ptr + offs_m[:, None] * stride_am + offs_k[None, :] * stride_ak
    b_ptrs = b_ptr + offs_k[:, None] * stride_bk + offs_n[None, :] * stride_bn
    a = tl.load(a_ptrs, mask=(offs_m[:, None] < M) & (offs_k[None, :] < K), other=0.0)
    b = tl.load(b_ptrs, mask=(offs_k[:, None] < K) & (offs_n[None, :] < N), other=0.0)
    acc = tl.dot(a, b, input_precision="ieee")
    out_ptrs = out_ptr + offs_m[:, None] * stride_om + offs_n[None, :] * stride_on
    mask = (offs_m[:, None] < M) & (offs_n[None, :] < N)
    so_far = tl.load(out_ptrs, mask=mask, other=0.0)
    tl.store(out_ptrs, so_far + acc, mask=mask)


@triton.jit
def cast_kernel(x_ptr, out_ptr, M, N, stride_om, stride_on, BLOCK: tl.constexpr):
    row = tl.program_id(0)
    cols = tl.arange(0, BLOCK)
    x = tl.load(x_ptr + row * N + cols, mask=cols < N)
    tl.store(out_ptr + row * stride_om + cols * stride_on, x.to(out_ptr.dtype.element_ty), mask=cols < N)


def matmul(a, b, out):
    M, K = a.shape
    N = b.shape[1]
    scratch = torch.zeros(M, N, dtype=torch.float32, device=a.device)
    grid = (triton.cdiv(M, 32), triton.cdiv(N, 32), triton.cdiv(K, 32))
    matmul_kernel[grid](
        a, b, scratch, M, N, K,
        a.stride(0), a.stride(1), b.stride(0), b.stride(1), N, 1,
        BLOCK_M=32, BLOCK_N=32, BLOCK_K=32,
    )
    cast_kernel[(M,)](scratch, out, M, N, out.stride(0), out.stride(1), BLOCK=triton.next_power_of_2(N))
