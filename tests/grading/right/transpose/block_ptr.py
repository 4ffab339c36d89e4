# style: block pointers with boundary checks on both sides
# triton: <3.9
import triton
import triton.language as tl


@triton.jit
def k(x, o, M, N, a, b, c, d, B: tl.constexpr):
    i = tl.program_id(0) * B
    j = tl.program_id(1) * B
    p = tl.make_block_ptr(x, (M, N), (a, b), (i, j), (B, B), (1, 0))
    q = tl.make_block_ptr(o, (N, M), (c, d), (j, i), (B, B), (1, 0))
    tl.store(q, tl.trans(tl.load(p, boundary_check=(0, 1))), boundary_check=(0, 1))


def transpose(x, out):
    M, N = x.shape
    k[(triton.cdiv(M, 16), triton.cdiv(N, 16))](x, out, M, N, *x.stride(), *out.stride(), B=16)
