"""flash_attention(q, k, v, causal, scale, out), all tensors [B, H, S, D]: out = softmax(scale * q k^T) v.

Fill in the places marked TODO. The file runs as it is, and fails: every query gets a row of zeros.
"""

import torch
import triton
import triton.language as tl


@triton.jit
def _attention_kernel(
    q_ptr,
    k_ptr,
    v_ptr,
    out_ptr,
    H,
    S,
    scale,
    stride_qb,
    stride_qh,
    stride_qs,
    stride_qd,
    stride_kb,
    stride_kh,
    stride_ks,
    stride_kd,
    stride_vb,
    stride_vh,
    stride_vs,
    stride_vd,
    stride_ob,
    stride_oh,
    stride_os,
    stride_od,
    CAUSAL: tl.constexpr,
    HEAD_DIM: tl.constexpr,
    BLOCK_M: tl.constexpr,
    BLOCK_N: tl.constexpr,
):
    # One program: BLOCK_M queries of one head of one batch entry.
    pid_m = tl.program_id(0)
    batch = tl.program_id(1) // H
    head = tl.program_id(1) % H
    offs_m = pid_m * BLOCK_M + tl.arange(0, BLOCK_M)
    offs_d = tl.arange(0, HEAD_DIM)

    # TODO: load the tile of q; rows past S must not be read.

    # The state of the online softmax: running maximum, running sum of exponentials, unnormalised output.
    row_max = tl.full((BLOCK_M,), float("-inf"), dtype=tl.float32)
    row_sum = tl.zeros((BLOCK_M,), dtype=tl.float32)
    accumulator = tl.zeros((BLOCK_M, HEAD_DIM), dtype=tl.float32)

    for start_n in range(0, S, BLOCK_N):
        # TODO: scores of this block of keys (tl.dot of q and the transposed tile of k), scaled and masked.
        # TODO: the new maximum, the exponentials, and the rescaling of row_sum and accumulator.
        # TODO: add this block's exponentials to row_sum, and their product with the tile of v to accumulator.
        pass

    # TODO: divide the accumulator by the sum of the row.
    out_ptrs = out_ptr + batch * stride_ob + head * stride_oh + offs_m[:, None] * stride_os + offs_d[None, :] * stride_od
    tl.store(out_ptrs, accumulator.to(out_ptr.dtype.element_ty), mask=offs_m[:, None] < S)


def flash_attention(
    q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, causal: bool, scale: float, out: torch.Tensor
) -> None:
    B, H, S, D = q.shape
    BLOCK_M, BLOCK_N = 32, 32
    grid = (triton.cdiv(S, BLOCK_M), B * H)
    _attention_kernel[grid](
        q, k, v, out,
        H, S, scale,
        *q.stride(), *k.stride(), *v.stride(), *out.stride(),
        CAUSAL=causal, HEAD_DIM=D, BLOCK_M=BLOCK_M, BLOCK_N=BLOCK_N,
    )
