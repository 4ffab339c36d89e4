# style: a torch.autograd.Function that saves the log-sum-exp; host TensorDescriptors over 2-D views of contiguous heads; heuristics
import torch
import triton
import triton.language as tl
from triton.tools.tensor_descriptor import TensorDescriptor


@triton.heuristics({"DIVISIBLE": lambda args: args["S"] % args["BN"] == 0})
@triton.jit
def fwd(q_desc, k_desc, v_desc, o_ptr, lse_ptr, S, scale, BM: tl.constexpr, BN: tl.constexpr, D: tl.constexpr,
        CAUSAL: tl.constexpr, DIVISIBLE: tl.constexpr):
    head = tl.program_id(1)
    row0 = tl.program_id(0) * BM
    rows = row0 + tl.arange(0, BM)
    # rows past the end of a head are those of the next one: never stored
    q = q_desc.load([head * S + row0, 0])
    # everything relative to a running bound, not normalised until the end
    bound = tl.zeros((BM,), tl.float32) - float("inf")
    weight = tl.zeros((BM,), tl.float32)
    acc = tl.zeros((BM, D), tl.float32)
    stop = S
    if CAUSAL:
        stop = tl.minimum(row0 + BM, S)
    for col0 in tl.range(0, stop, BN):
        cols = col0 + tl.arange(0, BN)
        scores = tl.dot(q, tl.trans(k_desc.load([head * S + col0, 0])), input_precision="ieee") * scale
        if CAUSAL:
            scores = tl.where(rows[:, None] >= cols[None, :], scores, float("-inf"))
        if not DIVISIBLE:
            scores += tl.where(cols < S, 0.0, float("-inf"))[None, :]
        raised = tl.maximum(bound, tl.max(scores, 1))
        p = tl.exp(scores - raised[:, None])
        factor = tl.exp(bound - raised)
        weight = weight * factor + tl.sum(p, 1)
        v = v_desc.load([head * S + col0, 0])
        if not DIVISIBLE:
            # keys of the next head, or beyond the last one: weight 0, but 0 * nan is nan
            v = tl.where((cols < S)[:, None], v, 0.0)
        acc = tl.dot(p.to(v.dtype), v, acc * factor[:, None], input_precision="ieee")
        bound = raised
    lse = bound + tl.log(weight)
    at = head * S + rows
    tl.store(lse_ptr + at, lse, mask=rows < S)
    o = o_ptr + at[:, None] * D + tl.arange(0, D)[None, :]
    tl.store(o, (acc / weight[:, None]).to(o_ptr.dtype.element_ty), mask=rows[:, None] < S)


class Attention(torch.autograd.Function):
    @staticmethod
    def forward(ctx, q, k, v, causal, scale):
        B, H, S, D = q.shape
        q, k, v = (t.contiguous().view(B * H * S, D) for t in (q, k, v))
        o = torch.empty((B, H, S, D), dtype=q.dtype, device=q.device)
        lse = torch.empty((B, H, S), dtype=torch.float32, device=q.device)
        BM, BN = 32, 32
        fwd[(triton.cdiv(S, BM), B * H)](
            TensorDescriptor.from_tensor(q, [BM, D]),
            TensorDescriptor.from_tensor(k, [BN, D]),
            TensorDescriptor.from_tensor(v, [BN, D]),
            o, lse, S, scale, BM=BM, BN=BN, D=D, CAUSAL=causal,
        )
        ctx.save_for_backward(q, k, v, o, lse)
        return o


def flash_attention(q, k, v, causal, scale, out):
    out.copy_(Attention.apply(q, k, v, causal, scale))
