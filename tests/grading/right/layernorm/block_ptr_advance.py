# style: block pointers advanced along the row, one-dimensional ones for weight and bias; the sums about the first column
# triton: <3.9
import triton
import triton.language as tl


@triton.jit
def kernel(x, w, b, o, M, N, eps, x_row, o_row, BR: tl.constexpr, BC: tl.constexpr):
    top = tl.program_id(0) * BR
    xp = tl.make_block_ptr(base=x, shape=(M, N), strides=(x_row, 1), offsets=(top, 0), block_shape=(BR, BC), order=(1, 0))
    op = tl.make_block_ptr(base=o, shape=(M, N), strides=(o_row, 1), offsets=(top, 0), block_shape=(BR, BC), order=(1, 0))
    wp = tl.make_block_ptr(base=w, shape=(N,), strides=(1,), offsets=(0,), block_shape=(BC,), order=(0,))
    bp = tl.make_block_ptr(base=b, shape=(N,), strides=(1,), offsets=(0,), block_shape=(BC,), order=(0,))
    rows = top + tl.arange(0, BR)
    origin = tl.load(x + rows * x_row, mask=rows < M, other=0.0).to(tl.float32)[:, None]

    first = tl.zeros((BR, BC), tl.float32)
    second = tl.zeros((BR, BC), tl.float32)
    reader = xp
    for at in range(0, N, BC):
        d = tl.load(reader, boundary_check=(0, 1), padding_option="zero").to(tl.float32) - origin
        d = tl.where((at + tl.arange(0, BC))[None, :] < N, d, 0.0)
        first += d
        second += d * d
        reader = tl.advance(reader, (0, BC))
    m = tl.sum(first, 1)[:, None] / N
    v = tl.sum(second, 1)[:, None] / N - m * m
    scale = tl.rsqrt(tl.maximum(v, 0.0) + eps)

    for at in range(0, N, BC):
        d = tl.load(xp, boundary_check=(0, 1), padding_option="zero").to(tl.float32) - origin
        weight = tl.load(wp, boundary_check=(0,), padding_option="zero").to(tl.float32)[None, :]
        bias = tl.load(bp, boundary_check=(0,), padding_option="zero").to(tl.float32)[None, :]
        tl.store(op, ((d - m) * scale * weight + bias).to(o.dtype.element_ty), boundary_check=(0, 1))
        xp = tl.advance(xp, (0, BC))
        op = tl.advance(op, (0, BC))
        wp = tl.advance(wp, (BC,))
        bp = tl.advance(bp, (BC,))


def layernorm(x, weight, bias, eps, out):
    M, N = x.shape
    BC = 64 if N < 1024 else 1024
    BR = 8 if N < 1024 else 1
    kernel[(triton.cdiv(M, BR),)](x, weight, bias, out, M, N, eps, x.stride(0), out.stride(0), BR, BC)
