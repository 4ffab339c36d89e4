# style: block pointers with boundary checks instead of masks
# triton: <3.9
import triton
import triton.language as tl


@triton.jit
def matmul_kernel(a, b, c, M, N, K, am, ak, bk, bn, cm, cn, BM: tl.constexpr, BN: tl.constexpr, BK: tl.constexpr):
    row, col = tl.program_id(0) * BM, tl.program_id(1) * BN
    a_tile = tl.make_block_ptr(a, (M, K), (am, ak), (row, 0), (BM, BK), (1, 0))
    b_tile = tl.make_block_ptr(b, (K, N), (bk, bn), (0, col), (BK, BN), (1, 0))
    acc = tl.zeros((BM, BN), tl.float32)
    for _ in range(0, K, BK):
        x = tl.load(a_tile, boundary_check=(0, 1), padding_option="zero")
        y = tl.load(b_tile, boundary_check=(0, 1), padding_option="zero")
        acc += tl.dot(x, y, input_precision="ieee")
        a_tile = tl.advance(a_tile, (0, BK))
        b_tile = tl.advance(b_tile, (BK, 0))
    c_tile = tl.make_block_ptr(c, (M, N), (cm, cn), (row, col), (BM, BN), (1, 0))
    tl.store(c_tile, acc.to(c.dtype.element_ty), boundary_check=(0, 1))


def matmul(a, b, out):
    M, N = out.shape
    grid = (triton.cdiv(M, 32), triton.cdiv(N, 16))
    matmul_kernel[grid](a, b, out, M, N, a.shape[1], *a.stride(), *b.stride(), *out.stride(), BM=32, BN=16, BK=64)
