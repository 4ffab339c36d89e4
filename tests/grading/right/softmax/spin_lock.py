# style: programs of one row take turns behind a spin lock (atomic_cas, atomic_xchg) to merge their maximum and sum
import torch
import triton
import triton.language as tl


@triton.jit
def _accumulate(X, Lock, Stats, stride, N, BLOCK: tl.constexpr):
    row = tl.program_id(0)
    offs = tl.program_id(1) * BLOCK + tl.arange(0, BLOCK)
    x = tl.load(X + row * stride + offs, mask=offs < N, other=-float("inf")).to(tl.float32)
    m = tl.maximum(tl.max(x, 0), -3.0e38)
    l = tl.sum(tl.exp(x - m), 0)

    Lock += row
    Stats += row * 2
    while tl.atomic_cas(Lock, 0, 1) == 1:
        pass
    old_m = tl.load(Stats, volatile=True)
    old_l = tl.load(Stats + 1, volatile=True)
    new_m = tl.maximum(old_m, m)
    tl.store(Stats, new_m)
    tl.store(Stats + 1, old_l * tl.exp(old_m - new_m) + l * tl.exp(m - new_m))
    # all threads have stored before the lock opens
    tl.debug_barrier()
    tl.atomic_xchg(Lock, 0)


@triton.jit
def _write(X, Y, Stats, stride_x, stride_y, N, BLOCK: tl.constexpr):
    row = tl.program_id(0)
    offs = tl.program_id(1) * BLOCK + tl.arange(0, BLOCK)
    m = tl.load(Stats + row * 2)
    l = tl.load(Stats + row * 2 + 1)
    x = tl.load(X + row * stride_x + offs, mask=offs < N, other=0.0).to(tl.float32)
    tl.store(Y + row * stride_y + offs, (tl.exp(x - m) / l).to(Y.dtype.element_ty), mask=offs < N)


def softmax(x, out):
    M, N = x.shape
    BLOCK = 2048 if N > 512 else 64
    stats = torch.empty((M, 2), dtype=torch.float32, device=x.device)
    stats[:, 0].fill_(-3.0e38)
    stats[:, 1].fill_(0.0)
    lock = torch.zeros(M, dtype=torch.int32, device=x.device)
    grid = (M, triton.cdiv(N, BLOCK))
    _accumulate[grid](x, lock, stats, x.stride(0), N, BLOCK=BLOCK)
    _write[grid](x, out, stats, x.stride(0), out.stride(0), N, BLOCK=BLOCK)
