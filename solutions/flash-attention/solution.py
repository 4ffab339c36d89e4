"""Flash attention forward: online softmax in float32, causal blocks skipped, any length, any strides.

Runs in the interpreter too. head_dim is 16, 32, 64 or 128; scale is positive.
"""

import torch
import triton
import triton.language as tl

_CONFIGS = [
    triton.Config({"BLOCK_M": 128, "BLOCK_N": 128}, num_warps=8, num_stages=2),
    triton.Config({"BLOCK_M": 128, "BLOCK_N": 64}, num_warps=8, num_stages=3),
    triton.Config({"BLOCK_M": 128, "BLOCK_N": 64}, num_warps=4, num_stages=3),
    triton.Config({"BLOCK_M": 64, "BLOCK_N": 64}, num_warps=4, num_stages=3),
    triton.Config({"BLOCK_M": 64, "BLOCK_N": 32}, num_warps=4, num_stages=3),
    triton.Config({"BLOCK_M": 32, "BLOCK_N": 32}, num_warps=4, num_stages=2),
]


def _worth_trying(configs, named_args, **kwargs):
    """Leave out tiles that are mostly past the end, and those that spill registers."""
    length = max(32, triton.next_power_of_2(named_args["S"]))
    head_dim = named_args.get("HEAD_DIM", kwargs.get("HEAD_DIM"))
    # float32 registers a thread for the accumulator and the scores, of 255: 128 x 64 on 4 warps at
    # head_dim 128 needs 192 and spills 472 B. float32 operands take the FMA path, where a thread holds
    # its operands too.
    limit = 40 if named_args["q_ptr"].element_size() == 4 else 160
    kept = []
    for config in configs:
        tile = config.kwargs
        registers = tile["BLOCK_M"] * (head_dim + tile["BLOCK_N"]) // (32 * config.num_warps)
        if tile["BLOCK_M"] <= length and registers <= limit:
            kept.append(config)
    return kept


@triton.jit
def _attend(
    q,
    k_ptrs,
    v_ptrs,
    stride_ks,
    stride_vs,
    row_max,
    row_sum,
    accumulator,
    scale_log2,
    first_key,
    last_key,
    offs_m,
    S,
    CAUSAL: tl.constexpr,
    MASKED: tl.constexpr,
    BLOCK_N: tl.constexpr,
):
    """One pass of the online softmax over the keys [first_key, last_key); the pointers stand at key first_key."""
    offs_n = tl.arange(0, BLOCK_N)
    for start_n in range(first_key, last_key, BLOCK_N):
        keys = start_n + offs_n
        if MASKED:
            k = tl.load(k_ptrs, mask=keys[None, :] < S, other=0.0)
        else:
            k = tl.load(k_ptrs)
        scores = tl.dot(q, k, input_precision="ieee")
        if MASKED:
            visible = keys[None, :] < S
            if CAUSAL:
                visible = visible & (offs_m[:, None] >= keys[None, :])
            scores = tl.where(visible, scores, float("-inf"))
        # exp(scale * s - m) = exp2(scale * log2(e) * s - m'): the scaling is the multiply of a fused
        # multiply-add, and exp2 is one instruction where exp is a multiplication and that instruction.
        # Key 0 is in the first block and visible to every row, so new_max is finite and no -inf - -inf
        # arises.
        new_max = tl.maximum(row_max, tl.max(scores, axis=1) * scale_log2)
        p = tl.exp2(scores * scale_log2 - new_max[:, None])
        correction = tl.exp2(row_max - new_max)
        row_sum = row_sum * correction + tl.sum(p, axis=1)
        accumulator = accumulator * correction[:, None]
        if MASKED:
            v = tl.load(v_ptrs, mask=keys[:, None] < S, other=0.0)
        else:
            v = tl.load(v_ptrs)
        # The sum above took p in float32; only the operand of the tensor cores is rounded to the dtype
        # of v.
        accumulator = tl.dot(p.to(v.dtype), v, accumulator, input_precision="ieee")
        row_max = new_max
        k_ptrs += BLOCK_N * stride_ks
        v_ptrs += BLOCK_N * stride_vs
    return row_max, row_sum, accumulator


@triton.jit
def _attention_kernel(
    q_ptr,
    k_ptr,
    v_ptr,
    out_ptr,
    H,
    S,
    scale_log2,
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
    S_CLASS: tl.constexpr,
    CAUSAL: tl.constexpr,
    HEAD_DIM: tl.constexpr,
    BLOCK_M: tl.constexpr,
    BLOCK_N: tl.constexpr,
):
    tile = tl.program_id(0)
    if CAUSAL:
        # The last queries see the most keys. Started last they would leave the GPU waiting for a few
        # long programs.
        tile = tl.num_programs(0) - 1 - tile
    batch = (tl.program_id(1) // H).to(tl.int64)
    head = (tl.program_id(1) % H).to(tl.int64)
    first_query = tile * BLOCK_M
    offs_m = first_query + tl.arange(0, BLOCK_M)
    offs_n = tl.arange(0, BLOCK_N)
    offs_d = tl.arange(0, HEAD_DIM)
    # 64 bits: one tensor of B * H * S * D elements passes 2^31 at, say, 4 x 32 x 131072 x 128.
    rows = offs_m.to(tl.int64)
    keys = offs_n.to(tl.int64)

    q_ptrs = q_ptr + batch * stride_qb + head * stride_qh + rows[:, None] * stride_qs + offs_d[None, :] * stride_qd
    k_ptrs = k_ptr + batch * stride_kb + head * stride_kh + keys[None, :] * stride_ks + offs_d[:, None] * stride_kd
    v_ptrs = v_ptr + batch * stride_vb + head * stride_vh + keys[:, None] * stride_vs + offs_d[None, :] * stride_vd
    q = tl.load(q_ptrs, mask=offs_m[:, None] < S, other=0.0)

    row_max = tl.full((BLOCK_M,), float("-inf"), dtype=tl.float32)
    row_sum = tl.zeros((BLOCK_M,), dtype=tl.float32)
    accumulator = tl.zeros((BLOCK_M, HEAD_DIM), dtype=tl.float32)

    # Keys below `unmasked` are visible to every query of the tile: no mask, no comparison. At S = 4096
    # and tiles of 128 that is 31 of 32 blocks for the last tile. From there to `end` each block is
    # masked; past `end` nothing is visible.
    if CAUSAL:
        end = tl.minimum(S, first_query + BLOCK_M)
        unmasked = (tl.minimum(S, first_query + 1) // BLOCK_N) * BLOCK_N
    else:
        end = S
        unmasked = (S // BLOCK_N) * BLOCK_N
    row_max, row_sum, accumulator = _attend(
        q, k_ptrs, v_ptrs, stride_ks, stride_vs, row_max, row_sum, accumulator, scale_log2,
        0, unmasked, offs_m, S, CAUSAL, False, BLOCK_N,
    )  # fmt: skip
    k_ptrs += unmasked.to(tl.int64) * stride_ks
    v_ptrs += unmasked.to(tl.int64) * stride_vs
    row_max, row_sum, accumulator = _attend(
        q, k_ptrs, v_ptrs, stride_ks, stride_vs, row_max, row_sum, accumulator, scale_log2,
        unmasked, end, offs_m, S, CAUSAL, True, BLOCK_N,
    )  # fmt: skip

    # One division a row at the end, not one a block.
    accumulator = accumulator / row_sum[:, None]
    out_ptrs = out_ptr + batch * stride_ob + head * stride_oh + rows[:, None] * stride_os + offs_d[None, :] * stride_od
    tl.store(out_ptrs, accumulator.to(out_ptr.dtype.element_ty), mask=offs_m[:, None] < S)


# S_CLASS, not S: prompts have all lengths, and each must not tune again.
_tuned_kernel = triton.autotune(
    configs=_CONFIGS, key=["S_CLASS", "HEAD_DIM", "CAUSAL"], prune_configs_by={"early_config_prune": _worth_trying}
)(_attention_kernel)


def flash_attention(
    q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, causal: bool, scale: float, out: torch.Tensor
) -> None:
    """Write softmax(scale * q k^T) v into out.

    Args:
        q, k, v: [B, H, S, D], any strides; D is 16, 32, 64 or 128.
        causal: query i sees the keys 0 to i.
        scale: positive; 1 / sqrt(D) as a rule.
        out: [B, H, S, D], any strides, of the dtype of q.
    """
    B, H, S, D = q.shape
    arguments = (q, k, v, out, H, S, scale * 1.4426950408889634)
    arguments += (*q.stride(), *k.stride(), *v.stride(), *out.stride())
    s_class = triton.next_power_of_2(S)
    if out.is_cuda:

        def grid(meta):
            return (triton.cdiv(S, meta["BLOCK_M"]), B * H)

        _tuned_kernel[grid](*arguments, S_CLASS=s_class, CAUSAL=causal, HEAD_DIM=D)
    else:
        # Without a GPU there is nothing to time: small tiles, so that small cases have several blocks.
        grid = (triton.cdiv(S, 32), B * H)
        _attention_kernel[grid](*arguments, S_CLASS=s_class, CAUSAL=causal, HEAD_DIM=D, BLOCK_M=32, BLOCK_N=32)
