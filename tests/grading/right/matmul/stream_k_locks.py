# style: stream-K: programs share the K tiles evenly, and those that share an output tile add to it behind a spin lock
import torch
import triton
import triton.language as tl


@triton.jit
def _load(ptr, r, c, stride_r, stride_c, rows, cols):
    return tl.load(ptr + r[:, None] * stride_r + c[None, :] * stride_c,
                   mask=(r[:, None] < rows) & (c[None, :] < cols), other=0.0)


@triton.jit
def stream_k(A, B, W, locks, M, N, K, sam, sak, sbk, sbn, k_tiles, n_tiles, total,
             BM: tl.constexpr, BN: tl.constexpr, BK: tl.constexpr):
    workers = tl.num_programs(0)
    share = tl.cdiv(total, workers)
    it = tl.program_id(0) * share
    end = tl.minimum(it + share, total)
    while it < end:
        tile = it // k_tiles
        stop = tl.minimum(end, (tile + 1) * k_tiles)
        rm = (tile // n_tiles) * BM + tl.arange(0, BM)
        rn = (tile % n_tiles) * BN + tl.arange(0, BN)
        acc = tl.zeros((BM, BN), tl.float32)
        k = it - tile * k_tiles
        while it < stop:
            rk = k * BK + tl.arange(0, BK)
            acc = tl.dot(_load(A, rm, rk, sam, sak, M, K), _load(B, rk, rn, sbk, sbn, K, N), acc,
                         input_precision="ieee")
            it += 1
            k += 1
        where = W + rm[:, None] * N + rn[None, :]
        mask = (rm[:, None] < M) & (rn[None, :] < N)
        while tl.atomic_cas(locks + tile, 0, 1, sem="acquire") != 0:
            pass
        acc += tl.load(where, mask=mask, other=0.0, cache_modifier=".cg")
        tl.store(where, acc, mask=mask, cache_modifier=".cg")
        tl.debug_barrier()
        tl.atomic_xchg(locks + tile, 0, sem="release")


def matmul(a, b, out):
    M, K = a.shape
    N = b.shape[1]
    BM, BN, BK = 32, 32, 32
    k_tiles, n_tiles = triton.cdiv(K, BK), triton.cdiv(N, BN)
    tiles = triton.cdiv(M, BM) * n_tiles
    work = torch.zeros((M, N), dtype=torch.float32, device=a.device)
    locks = torch.zeros(tiles, dtype=torch.int32, device=a.device)
    stream_k[(5,)](
        a, b, work, locks, M, N, K, a.stride(0), a.stride(1), b.stride(0), b.stride(1),
        k_tiles, n_tiles, tiles * k_tiles, BM=BM, BN=BN, BK=BK,
    )
    out.copy_(work)
