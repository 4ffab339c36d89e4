# style: tl.gather with a computed index turns a tile held as a vector; launched through kernel.run with keyword arguments
import triton
import triton.language as tl


@triton.jit
def turn(x, y, rows, cols, x_row, x_col, y_row, y_col, SIDE: tl.constexpr):
    top, left = tl.program_id(0) * SIDE, tl.program_id(1) * SIDE
    lane = tl.arange(0, SIDE * SIDE)
    fast, slow = lane % SIDE, lane // SIDE
    tile = tl.load(
        x + (top + slow) * x_row + (left + fast) * x_col, mask=(top + slow < rows) & (left + fast < cols), other=0
    )
    # element (slow, fast) of the answer is element (fast, slow) of the tile
    tile = tl.gather(tile, fast * SIDE + slow, axis=0)
    tl.store(y + (left + slow) * y_row + (top + fast) * y_col, tile, mask=(left + slow < cols) & (top + fast < rows))


def transpose(x, out):
    rows, cols = x.shape
    turn.run(
        x=x, y=out, rows=rows, cols=cols,
        x_row=x.stride(0), x_col=x.stride(1), y_row=out.stride(0), y_col=out.stride(1),
        SIDE=32, grid=(triton.cdiv(rows, 32), triton.cdiv(cols, 32)), warmup=False,
    )
