# expect: uses-library-op
# The attention comes from torch; the kernel only copies it into out.
import torch
import triton
import triton.language as tl


@triton.jit
def copy_kernel(src_ptr, out_ptr, H, S, stride_ob, stride_oh, stride_os, stride_od, D: tl.constexpr):
    row = tl.program_id(0)
    batch = row // (H * S)
    head = row // S % H
    token = row % S
    offs_d = tl.arange(0, D)
    values = tl.load(src_ptr + row * D + offs_d)
    tl.store(out_ptr + batch * stride_ob + head * stride_oh + token * stride_os + offs_d * stride_od, values)


def flash_attention(q, k, v, causal, scale, out):
    B, H, S, D = q.shape
    attended = torch.nn.functional.scaled_dot_product_attention(q, k, v, is_causal=causal, scale=scale).contiguous()
    copy_kernel[(B * H * S,)](attended, out, H, S, *out.stride(), D=D)
