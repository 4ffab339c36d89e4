# style: the language's own tl.softmax over one row
import triton
import triton.language as tl


@triton.jit
def k(o, x, so, sx, n, B: tl.constexpr):
    r = tl.program_id(0)
    c = tl.arange(0, B)
    v = tl.load(x + r * sx + c, mask=c < n, other=-float("inf")).to(tl.float32)
    tl.store(o + r * so + c, tl.softmax(v), mask=c < n)


def softmax(x, out):
    k[(x.shape[0],)](out, x, out.stride(0), x.stride(0), x.shape[1], B=triton.next_power_of_2(x.shape[1]))
