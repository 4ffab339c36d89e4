# style: some rows a program through block pointers, their padding masked by hand
# triton: <3.9
import triton
import triton.language as tl


@triton.jit
def k(x, o, M, N, sx, so, R: tl.constexpr, B: tl.constexpr):
    xb = tl.make_block_ptr(x, (M, N), (sx, 1), (tl.program_id(0) * R, 0), (R, B), (1, 0))
    ob = tl.make_block_ptr(o, (M, N), (so, 1), (tl.program_id(0) * R, 0), (R, B), (1, 0))
    v = tl.load(xb, boundary_check=(0, 1), padding_option="zero").to(tl.float32)
    v = tl.where(tl.arange(0, B)[None, :] < N, v, -float("inf"))
    e = tl.exp(v - tl.max(v, 1)[:, None])
    tl.store(ob, (e / tl.sum(e, 1)[:, None]).to(o.dtype.element_ty), boundary_check=(0, 1))


def softmax(x, out):
    M, N = x.shape
    rows = 4 if N <= 2048 else 1
    k[(triton.cdiv(M, rows),)](x, out, M, N, x.stride(0), out.stride(0), R=rows, B=triton.next_power_of_2(N))
