# style: a row is split over programs; an atomic counter finds the one that comes last, which merges and writes the row's statistics
import torch
import triton
import triton.language as tl


@triton.jit
def partial_then_last(x, part_max, part_sum, count, row_max, row_sum, x_stride, n, CHUNKS, CHUNK: tl.constexpr,
                      PARTS: tl.constexpr):
    row = tl.program_id(1)
    chunk = tl.program_id(0)
    cols = chunk * CHUNK + tl.arange(0, CHUNK)
    v = tl.load(x + row * x_stride + cols, mask=cols < n, other=float("-inf")).to(tl.float32)
    mx = tl.max(v, axis=0)
    # a chunk that is masked out altogether counts for nothing
    safe = tl.where(mx > float("-inf"), mx, 0.0)
    tl.store(part_max + row * CHUNKS + chunk, mx)
    tl.store(part_sum + row * CHUNKS + chunk, tl.sum(tl.exp(v - safe), axis=0))
    tl.debug_barrier()
    # acquire and release: whoever draws the last number sees what all the others stored
    ticket = tl.atomic_add(count + row, 1, sem="acq_rel")
    if ticket == CHUNKS - 1:
        i = tl.arange(0, PARTS)
        ms = tl.load(part_max + row * CHUNKS + i, mask=i < CHUNKS, other=float("-inf"), cache_modifier=".cg")
        ss = tl.load(part_sum + row * CHUNKS + i, mask=i < CHUNKS, other=0.0, cache_modifier=".cg")
        top = tl.max(ms, axis=0)
        tl.store(row_max + row, top)
        tl.store(row_sum + row, tl.sum(ss * tl.exp(ms - top), axis=0))


@triton.jit
def normalise(x, out, row_max, row_sum, x_stride, o_stride, n, BLOCK: tl.constexpr):
    row = tl.program_id(1)
    cols = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    keep = cols < n
    v = tl.load(x + row * x_stride + cols, mask=keep).to(tl.float32)
    p = tl.exp(v - tl.load(row_max + row)) / tl.load(row_sum + row)
    tl.store(out + row * o_stride + cols, p, mask=keep)


def softmax(x, out):
    m, n = x.shape
    chunk = 4096 if n > 4096 else max(32, triton.next_power_of_2(triton.cdiv(n, 2)))
    chunks = triton.cdiv(n, chunk)
    new = dict(dtype=torch.float32, device=x.device)
    part_max, part_sum = torch.empty((m, chunks), **new), torch.empty((m, chunks), **new)
    row_max, row_sum = torch.empty(m, **new), torch.empty(m, **new)
    count = torch.zeros(m, dtype=torch.int32, device=x.device)
    partial_then_last[(chunks, m)](
        x, part_max, part_sum, count, row_max, row_sum, x.stride(0), n, chunks,
        CHUNK=chunk, PARTS=triton.next_power_of_2(chunks),
    )
    normalise[(chunks, m)](x, out, row_max, row_sum, x.stride(0), out.stride(0), n, BLOCK=chunk)
