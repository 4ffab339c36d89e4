# style: out row by row in blocks, each gathered from a column of x; autotuned with restore_value, grid of one dimension
import triton
import triton.language as tl


@triton.autotune(
    configs=[triton.Config({"W": 64, "R": 8}), triton.Config({"W": 256, "R": 4}), triton.Config({"W": 128, "R": 8}, num_warps=8)],
    key=["n", "m"],
    restore_value=["out"],
)
@triton.jit
def gather(x, out, n, m, xs0, xs1, os0, os1, R: tl.constexpr, W: tl.constexpr):
    """out is n x m"""
    per_row = tl.cdiv(m, W)
    group = tl.program_id(0) // per_row
    j = (tl.program_id(0) % per_row) * W + tl.arange(0, W)
    for r in tl.static_range(R):
        i = group * R + r
        if i < n:
            tl.store(out + i * os0 + j * os1, tl.load(x + j * xs0 + i * xs1, mask=j < m), mask=j < m)


def transpose(x, out):
    n, m = out.shape
    gather[lambda c: (triton.cdiv(n, c["R"]) * triton.cdiv(m, c["W"]),)](x, out, n, m, *x.stride(), *out.stride())
