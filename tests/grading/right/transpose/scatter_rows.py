# style: one row of x a program, a loop over its columns, scattered down a column of out; int64 offsets
import triton
import triton.language as tl


@triton.jit
def scatter(src, dst, cols, src_r, src_c, dst_r, dst_c, CHUNK: tl.constexpr):
    row = tl.program_id(0).to(tl.int64)
    lane = tl.arange(0, CHUNK).to(tl.int64)
    from_ = src + row * src_r
    to = dst + row * dst_c
    for start in range(0, cols, CHUNK):
        c = start + lane
        value = tl.load(from_ + c * src_c, mask=c < cols)
        tl.store(to + c * dst_r, value, mask=c < cols)


def transpose(x, out):
    rows, cols = x.size()
    scatter[(rows,)](x, out, cols, x.stride(0), x.stride(1), out.stride(0), out.stride(1), CHUNK=256, num_warps=2)
