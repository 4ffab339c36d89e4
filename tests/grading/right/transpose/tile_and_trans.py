# style: square tiles, tl.trans between a row-wise load and a row-wise store, columns of tiles first, programs beyond the edge return
import triton
import triton.language as tl


@triton.jit
def transpose_kernel(x_ptr, out_ptr, M, N, stride_xm, stride_xn, stride_on, stride_om, BLOCK: tl.constexpr):
    pid_n = tl.program_id(0)
    pid_m = tl.program_id(1)
    if pid_n * BLOCK >= N or pid_m * BLOCK >= M:
        return
    offs_m = pid_m * BLOCK + tl.arange(0, BLOCK)
    offs_n = pid_n * BLOCK + tl.arange(0, BLOCK)
    x = tl.load(
        x_ptr + offs_m[:, None] * stride_xm + offs_n[None, :] * stride_xn,
        mask=(offs_m[:, None] < M) & (offs_n[None, :] < N),
        other=0,
    )
    tl.store(
        out_ptr + offs_n[:, None] * stride_on + offs_m[None, :] * stride_om,
        tl.trans(x),
        mask=(offs_n[:, None] < N) & (offs_m[None, :] < M),
    )


def transpose(x, out):
    M, N = x.shape
    BLOCK = 32
    side = triton.next_power_of_2(triton.cdiv(max(M, N), BLOCK))
    transpose_kernel[(side, side)](
        x, out, M, N, x.stride(0), x.stride(1), out.stride(0), out.stride(1), BLOCK=BLOCK
    )
