# style: tiles of rows, @triton.autotune stacked on @triton.heuristics, invalid configs pruned, keyword arguments only
import triton
import triton.language as tl


def keep_small_tiles(configs, named_args, **kwargs):
    """A tile is rows x the whole padded row: drop those over 32 Ki elements, but never all."""
    width = triton.next_power_of_2({**named_args, **kwargs}["n_cols"])
    kept = [c for c in configs if c.kwargs["ROWS"] * width <= 32768]
    return kept or configs[:1]


@triton.autotune(
    configs=[
        triton.Config({"ROWS": 1}, num_warps=4),
        triton.Config({"ROWS": 2}, num_warps=4),
        triton.Config({"ROWS": 8}, num_warps=4),
        triton.Config({"ROWS": 16}, num_warps=8),
    ],
    key=["n_cols"],
    prune_configs_by={"early_config_prune": keep_small_tiles},
)
@triton.heuristics(
    values={
        "WIDTH": lambda args: triton.next_power_of_2(args["n_cols"]),
        "EVEN": lambda args: args["n_cols"] == triton.next_power_of_2(args["n_cols"]),
    }
)
@triton.jit
def softmax_tile(src, dst, src_pitch, dst_pitch, n_rows, n_cols,
                 ROWS: tl.constexpr, WIDTH: tl.constexpr, EVEN: tl.constexpr):
    rows = tl.program_id(0) * ROWS + tl.arange(0, ROWS)
    cols = tl.arange(0, WIDTH)
    live = (rows < n_rows)[:, None]
    if not EVEN:
        live = live & (cols < n_cols)[None, :]
    tile = tl.load(src + rows[:, None] * src_pitch + cols[None, :], mask=live, other=float("-inf"))
    tile = tile.to(tl.float32)
    # rows past the end are all -inf: their maximum is replaced, so that they stay quietly 0
    top = tl.max(tile, axis=1, keep_dims=True)
    top = tl.where(top == float("-inf"), 0.0, top)
    weights = tl.exp(tile - top)
    total = tl.sum(weights, axis=1, keep_dims=True)
    weights = tl.fdiv(weights, tl.where(total > 0, total, 1.0))
    tl.store(dst + rows[:, None] * dst_pitch + cols[None, :], weights, mask=live)


def softmax(x, out):
    n_rows, n_cols = x.shape
    grid = lambda META: (triton.cdiv(n_rows, META["ROWS"]),)
    softmax_tile[grid](
        src=x, dst=out, src_pitch=x.stride(0), dst_pitch=out.stride(0), n_rows=n_rows, n_cols=n_cols
    )
