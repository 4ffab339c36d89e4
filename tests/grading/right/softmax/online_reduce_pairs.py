# style: one loop over column blocks whose (max, sum) pairs are merged by tl.reduce with an own combine function, base 2
import triton
import triton.language as tl

LOG2_E = tl.constexpr(1.4426950408889634)
# finite, so that a block of nothing but -inf merges without inf - inf
LOWEST = tl.constexpr(-1.0e38)


@triton.jit
def merge(m_a, s_a, m_b, s_b):
    m = tl.maximum(m_a, m_b)
    return m, s_a * tl.exp2((m_a - m) * LOG2_E) + s_b * tl.exp2((m_b - m) * LOG2_E)


@triton.jit
def _online_softmax(x_ptr, y_ptr, x_row, y_row, N, COLS: tl.constexpr):
    pid = tl.program_id(axis=0).to(tl.int64)
    x_ptr += pid * x_row
    y_ptr += pid * y_row
    lanes = tl.arange(0, COLS)

    m = tl.full([COLS], LOWEST, tl.float32)
    s = tl.zeros([COLS], tl.float32)
    for start in tl.range(0, N, COLS, num_stages=3):
        j = start + lanes
        z = tl.load(x_ptr + j, mask=j < N, other=-float("inf")).to(tl.float32)
        m_new = tl.maximum(m, z)
        # the difference is scaled, not z: at -300 the rounding of z * log2(e) alone is 2e-5
        s = s * tl.exp2((m - m_new) * LOG2_E) + tl.exp2((z - m_new) * LOG2_E)
        m = m_new
    top, total = tl.reduce((m, s), axis=0, combine_fn=merge)
    inverse = 1.0 / total

    for start in tl.range(0, N, COLS, num_stages=3):
        j = start + lanes
        z = tl.load(x_ptr + j, mask=j < N, other=-float("inf")).to(tl.float32)
        tl.store(y_ptr + j, (tl.exp2((z - top) * LOG2_E) * inverse).to(y_ptr.dtype.element_ty), mask=j < N)


def softmax(x, out):
    M, N = x.shape
    cols = min(512, triton.next_power_of_2(N))
    _online_softmax[(M,)](x, out, x.stride(0), out.stride(0), N, COLS=cols, num_warps=4)
