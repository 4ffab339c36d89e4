# style: two-dimensional tiles, rows x column blocks, two passes with Chan's merge; autotuned over both sides of the tile
import triton
import triton.language as tl

tiles = [
    triton.Config({"TM": 4, "TN": 128}, num_warps=2),
    triton.Config({"TM": 16, "TN": 64}, num_warps=4, num_stages=2),
    triton.Config({"TM": 1, "TN": 4096}, num_warps=8, num_stages=1),
]


def fits(configs, named_args, **kwargs):
    rows, cols = named_args["M"], named_args["N"]
    if cols > 4096 and rows < 16:
        return [c for c in configs if c.kwargs["TM"] == 1]
    return [c for c in configs if c.kwargs["TM"] > 1]


@triton.jit
def add_block(n_a, mean_a, m2_a, block, inside):
    """Chan et al.: (count, mean, sum of squares about the mean) of a and of one more block."""
    n_b = tl.sum(inside.to(tl.float32), axis=1)
    mean_b = tl.sum(tl.where(inside, block, 0.0), axis=1) / n_b
    d = tl.where(inside, block - mean_b[:, None], 0.0)
    m2_b = tl.sum(d * d, axis=1)
    n = n_a + n_b
    delta = mean_b - mean_a
    return n, mean_a + delta * (n_b / n), m2_a + m2_b + delta * delta * (n_a * n_b / n)


@triton.autotune(configs=tiles, key=["M", "N"], prune_configs_by={"early_config_prune": fits})
@triton.jit
def layer_norm(x, w, b, y, M, N, eps, x_pitch, y_pitch, TM: tl.constexpr, TN: tl.constexpr):
    r = tl.program_id(0) * TM + tl.arange(0, TM)
    n = tl.zeros([TM], tl.float32)
    mean = tl.zeros([TM], tl.float32)
    m2 = tl.zeros([TM], tl.float32)
    for start in range(0, N, TN):
        c = start + tl.arange(0, TN)
        # rows past the end take part with what is there, zeros: no row is ever empty
        inside = tl.broadcast_to((c < N)[None, :], (TM, TN))
        block = tl.load(x + r[:, None] * x_pitch + c[None, :], mask=(r < M)[:, None] & inside, other=0.0)
        n, mean, m2 = add_block(n, mean, m2, block.to(tl.float32), inside)
    rstd = 1.0 / tl.sqrt_rn(m2 / n + eps)
    for start in range(0, N, TN):
        c = start + tl.arange(0, TN)
        inside = (r < M)[:, None] & (c < N)[None, :]
        block = tl.load(x + r[:, None] * x_pitch + c[None, :], mask=inside, other=0.0).to(tl.float32)
        scale = tl.load(w + c, mask=c < N, other=0.0).to(tl.float32)[None, :]
        shift = tl.load(b + c, mask=c < N, other=0.0).to(tl.float32)[None, :]
        tl.store(y + r[:, None] * y_pitch + c[None, :], (block - mean[:, None]) * rstd[:, None] * scale + shift, inside)


def layernorm(x, weight, bias, eps, out):
    M, N = x.shape
    layer_norm[lambda meta: (triton.cdiv(M, meta["TM"]),)](
        x, weight, bias, out, M, N, eps, x.stride(0), out.stride(0)
    )
