# style: a program owns some columns of v and out, and computes the scores for itself; an unmasked and a masked loop, a kernel for each kind
import triton
import triton.language as tl


@triton.jit
def _update(q, k_ptrs, v_ptrs, n, rows, S, scale2, m, l, acc, DIAGONAL: tl.constexpr, TAIL: tl.constexpr):
    if TAIL:
        k = tl.load(k_ptrs, mask=n[None, :] < S, other=0.0)
        v = tl.load(v_ptrs, mask=n[:, None] < S, other=0.0)
    else:
        k = tl.load(k_ptrs)
        v = tl.load(v_ptrs)
    x = tl.dot(q, k, input_precision="ieee")
    if TAIL:
        x = tl.where(n[None, :] < S, x, float("-inf"))
    if DIAGONAL:
        x = tl.where(n[None, :] <= rows[:, None], x, float("-inf"))
    # scale2 holds log2(e) too: the rounding of m is the same for every key and cancels
    new = tl.maximum(m, tl.max(x, 1) * scale2)
    p = tl.exp2(tl.fma(x, tl.full(x.shape, 1.0, tl.float32) * scale2, -new[:, None]))
    fade = tl.exp2(m - new)
    return new, l * fade + tl.sum(p, 1), tl.dot(p.to(v.dtype), v, acc * fade[:, None], input_precision="ieee")


@triton.jit
def full(q, k, v, o, H, S, scale2, q0, q1, q2, q3, k0, k1, k2, k3, v0, v1, v2, v3, o0, o1, o2, o3,
         D: tl.constexpr, DV: tl.constexpr, BM: tl.constexpr, BN: tl.constexpr):
    b, h = tl.program_id(0) // H, tl.program_id(0) % H
    rows = tl.program_id(1) * BM + tl.arange(0, BM)
    d = tl.arange(0, D)
    dv = tl.program_id(2) * DV + tl.arange(0, DV)
    n = tl.arange(0, BN)
    tile = tl.load(q + b * q0 + h * q1 + rows[:, None] * q2 + d[None, :] * q3, mask=rows[:, None] < S, other=0.0)
    k += b * k0 + h * k1 + d[:, None] * k3
    v += b * v0 + h * v1 + dv[None, :] * v3
    m = tl.full((BM,), float("-inf"), tl.float32)
    l = tl.zeros((BM,), tl.float32)
    acc = tl.zeros((BM, DV), tl.float32)
    whole = S // BN * BN
    for at in range(0, whole, BN):
        m, l, acc = _update(tile, k + (at + n)[None, :] * k2, v + (at + n)[:, None] * v2, at + n, rows, S, scale2,
                            m, l, acc, False, False)
    if whole < S:
        m, l, acc = _update(tile, k + (whole + n)[None, :] * k2, v + (whole + n)[:, None] * v2, whole + n, rows, S,
                            scale2, m, l, acc, False, True)
    tl.store(o + b * o0 + h * o1 + rows[:, None] * o2 + dv[None, :] * o3, acc / l[:, None], mask=rows[:, None] < S)


@triton.jit
def causal_only(q, k, v, o, H, S, scale2, q0, q1, q2, q3, k0, k1, k2, k3, v0, v1, v2, v3, o0, o1, o2, o3,
                D: tl.constexpr, DV: tl.constexpr, BM: tl.constexpr, BN: tl.constexpr):
    b, h = tl.program_id(0) // H, tl.program_id(0) % H
    first = tl.program_id(1) * BM
    rows = first + tl.arange(0, BM)
    d = tl.arange(0, D)
    dv = tl.program_id(2) * DV + tl.arange(0, DV)
    n = tl.arange(0, BN)
    tile = tl.load(q + b * q0 + h * q1 + rows[:, None] * q2 + d[None, :] * q3, mask=rows[:, None] < S, other=0.0)
    k += b * k0 + h * k1 + d[:, None] * k3
    v += b * v0 + h * v1 + dv[None, :] * v3
    m = tl.full((BM,), float("-inf"), tl.float32)
    l = tl.zeros((BM,), tl.float32)
    acc = tl.zeros((BM, DV), tl.float32)
    for at in range(0, first, BN):
        m, l, acc = _update(tile, k + (at + n)[None, :] * k2, v + (at + n)[:, None] * v2, at + n, rows, S, scale2,
                            m, l, acc, False, False)
    for at in range(first, tl.minimum(first + BM, S), BN):
        m, l, acc = _update(tile, k + (at + n)[None, :] * k2, v + (at + n)[:, None] * v2, at + n, rows, S, scale2,
                            m, l, acc, True, True)
    tl.store(o + b * o0 + h * o1 + rows[:, None] * o2 + dv[None, :] * o3, acc / l[:, None], mask=rows[:, None] < S)


def flash_attention(q, k, v, causal, scale, out):
    B, H, S, D = q.shape
    dv = min(D, 64)
    kernel = causal_only if causal else full
    kernel[(B * H, triton.cdiv(S, 64), D // dv)](
        q, k, v, out, H, S, scale * 1.4426950408889634, *q.stride(), *k.stride(), *v.stride(), *out.stride(),
        D=D, DV=dv, BM=64, BN=32,
    )
