"""Matrix multiplication: one output tile a program, grouped program order, float32 accumulator.

Runs on any strides, any sizes, and in the interpreter.
"""

import torch
import triton
import triton.language as tl

# 232,448 B of shared memory is what one block may use on sm_90, 166,912 B on sm_80; sm_86 and sm_89
# stop at 101,376 B.
_CONFIGS = [
    triton.Config({"BLOCK_M": 128, "BLOCK_N": 256, "BLOCK_K": 64, "GROUP_M": 8}, num_warps=8, num_stages=3),
    triton.Config({"BLOCK_M": 256, "BLOCK_N": 128, "BLOCK_K": 64, "GROUP_M": 8}, num_warps=8, num_stages=3),
    triton.Config({"BLOCK_M": 128, "BLOCK_N": 128, "BLOCK_K": 64, "GROUP_M": 8}, num_warps=8, num_stages=3),
    triton.Config({"BLOCK_M": 128, "BLOCK_N": 128, "BLOCK_K": 32, "GROUP_M": 8}, num_warps=4, num_stages=4),
    triton.Config({"BLOCK_M": 64, "BLOCK_N": 128, "BLOCK_K": 64, "GROUP_M": 8}, num_warps=4, num_stages=4),
    triton.Config({"BLOCK_M": 64, "BLOCK_N": 64, "BLOCK_K": 64, "GROUP_M": 8}, num_warps=4, num_stages=4),
    triton.Config({"BLOCK_M": 64, "BLOCK_N": 64, "BLOCK_K": 32, "GROUP_M": 8}, num_warps=4, num_stages=3),
    triton.Config({"BLOCK_M": 16, "BLOCK_N": 128, "BLOCK_K": 128, "GROUP_M": 1}, num_warps=4, num_stages=4),
    triton.Config({"BLOCK_M": 16, "BLOCK_N": 64, "BLOCK_K": 128, "GROUP_M": 1}, num_warps=4, num_stages=5),
    triton.Config({"BLOCK_M": 16, "BLOCK_N": 32, "BLOCK_K": 128, "GROUP_M": 1}, num_warps=4, num_stages=5),
]


def _worth_trying(configs, named_args, **kwargs):
    """Leave out tiles that lie mostly outside the matrix, or need more than the GPU has for float32 operands."""
    itemsize = named_args["a_ptr"].element_size()
    # Below 16 rows tl.dot has no smaller tile; above that a tile of more than twice M wastes half its
    # tensor-core work.
    row_limit = max(16, 2 * triton.next_power_of_2(named_args["M"]))
    kept = []
    for config in configs:
        tile = config.kwargs
        shared = config.num_stages * tile["BLOCK_K"] * (tile["BLOCK_M"] + tile["BLOCK_N"]) * itemsize
        skinny_rows_only = tile["BLOCK_M"] == 16 and named_args["M"] > 64
        # float32 operands are multiplied by ordinary FMAs from registers: above 64 accumulators a
        # thread they spill.
        accumulators = tile["BLOCK_M"] * tile["BLOCK_N"] // (32 * config.num_warps)
        spills = itemsize == 4 and accumulators > 64
        if tile["BLOCK_M"] <= row_limit and shared <= 227 * 1024 and not skinny_rows_only and not spills:
            kept.append(config)
    return kept


@triton.jit
def _known_multiple(value, BY_8: tl.constexpr):
    """The value, in a form that shows the compiler that it is a multiple of 8.

    tl.multiple_of would say so more plainly, but has no effect on an argument of a kernel (triton 3.7.1).
    """
    if BY_8:
        value = value // 8 * 8
    return value


@triton.jit
def _matmul_kernel(
    a_ptr,
    b_ptr,
    out_ptr,
    M,
    N,
    K,
    stride_am,
    stride_ak,
    stride_bk,
    stride_bn,
    stride_om,
    stride_on,
    M_CLASS: tl.constexpr,
    SIZES_BY_8: tl.constexpr,
    AM_BY_8: tl.constexpr,
    AK_BY_8: tl.constexpr,
    BK_BY_8: tl.constexpr,
    BN_BY_8: tl.constexpr,
    BLOCK_M: tl.constexpr,
    BLOCK_N: tl.constexpr,
    BLOCK_K: tl.constexpr,
    GROUP_M: tl.constexpr,
):
    # The compiler sees by itself that a size or stride is a multiple of 16, and then copies 16 bytes at
    # a time. 8 elements of 16 bits are 16 bytes too, but it has to be told: 1000^3 in bfloat16 takes
    # 41.5 us without these lines and 11.5 with them.
    N = _known_multiple(N, SIZES_BY_8)
    M = _known_multiple(M, SIZES_BY_8)
    K = _known_multiple(K, SIZES_BY_8)
    stride_am = _known_multiple(stride_am, AM_BY_8)
    stride_ak = _known_multiple(stride_ak, AK_BY_8)
    stride_bk = _known_multiple(stride_bk, BK_BY_8)
    stride_bn = _known_multiple(stride_bn, BN_BY_8)

    # Programs start roughly in order of their id. At 8192^3 with tiles of 128 x 256, a wave of 132 of
    # them in row-major order covers 5 rows of tiles and all 32 columns: 640 rows of a and 8192 columns
    # of b. In groups of 8 rows it covers 8 and 17: 1024 and 4352, 0.6 times as much to bring into L2.
    pid = tl.program_id(0)
    num_pid_m = tl.cdiv(M, BLOCK_M)
    num_pid_n = tl.cdiv(N, BLOCK_N)
    programs_in_group = GROUP_M * num_pid_n
    first_pid_m = (pid // programs_in_group) * GROUP_M
    group_rows = tl.minimum(num_pid_m - first_pid_m, GROUP_M)
    pid_m = first_pid_m + (pid % programs_in_group) % group_rows
    pid_n = (pid % programs_in_group) // group_rows

    offs_m = pid_m * BLOCK_M + tl.arange(0, BLOCK_M)
    offs_n = pid_n * BLOCK_N + tl.arange(0, BLOCK_N)
    offs_k = tl.arange(0, BLOCK_K)

    # Rows past M and columns past N wrap round to rows and columns that exist: what they compute is
    # never stored, and the loop needs no mask for them. 64 bits: M * K passes 2^31 elements at 65536 x
    # 32768.
    rows = (offs_m % M).to(tl.int64)
    columns = (offs_n % N).to(tl.int64)
    a_ptrs = a_ptr + rows[:, None] * stride_am + offs_k[None, :].to(tl.int64) * stride_ak
    b_ptrs = b_ptr + offs_k[:, None].to(tl.int64) * stride_bk + columns[None, :] * stride_bn
    a_step = BLOCK_K * tl.cast(stride_ak, tl.int64)
    b_step = BLOCK_K * tl.cast(stride_bk, tl.int64)

    accumulator = tl.zeros((BLOCK_M, BLOCK_N), dtype=tl.float32)
    for k in range(0, K, BLOCK_K):
        # Past K a zero in either operand would do; in both, because 0 * NaN is NaN.
        a = tl.load(a_ptrs, mask=offs_k[None, :] < K - k, other=0.0)
        b = tl.load(b_ptrs, mask=offs_k[:, None] < K - k, other=0.0)
        # "ieee" only concerns float32 operands, which would else be rounded to tf32.
        accumulator = tl.dot(a, b, accumulator, input_precision="ieee")
        a_ptrs += a_step
        b_ptrs += b_step

    out_rows = offs_m.to(tl.int64)
    out_columns = offs_n.to(tl.int64)
    out_ptrs = out_ptr + out_rows[:, None] * stride_om + out_columns[None, :] * stride_on
    mask = (offs_m[:, None] < M) & (offs_n[None, :] < N)
    tl.store(out_ptrs, accumulator.to(out_ptr.dtype.element_ty), mask=mask)


# M_CLASS, not M: a server meets another number of tokens in each step and must not tune again for each.
_tuned_kernel = triton.autotune(
    configs=_CONFIGS, key=["M_CLASS", "N", "K", "stride_ak", "stride_bn"], prune_configs_by={"early_config_prune": _worth_trying}
)(_matmul_kernel)


def matmul(a: torch.Tensor, b: torch.Tensor, out: torch.Tensor) -> None:
    """Write a @ b into out.

    Args:
        a: [M, K], any strides.
        b: [K, N], any strides.
        out: [M, N], any strides, of the dtype of a and b.
    """
    M, K = a.shape
    N = b.shape[1]
    arguments = (a, b, out, M, N, K, *a.stride(), *b.stride(), *out.stride())
    known = {
        "M_CLASS": triton.next_power_of_2(M),
        "SIZES_BY_8": M % 8 == N % 8 == K % 8 == 0,
        "AM_BY_8": a.stride(0) % 8 == 0,
        "AK_BY_8": a.stride(1) % 8 == 0,
        "BK_BY_8": b.stride(0) % 8 == 0,
        "BN_BY_8": b.stride(1) % 8 == 0,
    }
    if out.is_cuda:

        def grid(meta):
            return (triton.cdiv(M, meta["BLOCK_M"]) * triton.cdiv(N, meta["BLOCK_N"]),)

        _tuned_kernel[grid](*arguments, **known)
    else:
        # Without a GPU there is nothing to time: one small tile, so that small cases have several
        # programs.
        tiles = triton.cdiv(M, 32) * triton.cdiv(N, 32)
        _matmul_kernel[(tiles,)](*arguments, **known, BLOCK_M=32, BLOCK_N=32, BLOCK_K=32, GROUP_M=2)
