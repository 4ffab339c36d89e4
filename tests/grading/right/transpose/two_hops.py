# style: tiles turned one by one into scratch, then laid where they belong by a second kernel; a class holds the scratch's shape
import torch
import triton
import triton.language as tl


@triton.jit
def into_tiles(x, box, M, N, s0, s1, SIDE: tl.constexpr):
    tile_m, tile_n = tl.program_id(0), tl.program_id(1)
    # scratch: [tiles of N][tiles of M][SIDE][SIDE], each tile already transposed
    box += (tile_n * tl.num_programs(0) + tile_m) * SIDE * SIDE
    a = tl.arange(0, SIDE)
    m = tile_m * SIDE + a
    n = tile_n * SIDE + a
    v = tl.load(x + m[None, :] * s0 + n[:, None] * s1, mask=(m < M)[None, :] & (n < N)[:, None], other=0)
    tl.store(box + a[:, None] * SIDE + a[None, :], v)


@triton.jit
def out_of_tiles(box, y, M, N, tiles_m, s0, s1, SIDE: tl.constexpr, WIDTH: tl.constexpr):
    n = tl.program_id(0) * 16 + tl.arange(0, 16)[:, None]
    for start in range(0, M, WIDTH):
        m = start + tl.arange(0, WIDTH)[None, :]
        at = ((n // SIDE) * tiles_m + m // SIDE) * SIDE * SIDE + (n % SIDE) * SIDE + m % SIDE
        inside = (n < N) & (m < M)
        tl.store(y + n * s0 + m * s1, tl.load(box + at, mask=inside), mask=inside)


class Plan:
    def __init__(self, x, side=32):
        self.side = side
        self.tiles = [triton.cdiv(extent, side) for extent in x.shape]
        self.box = torch.empty((self.tiles[1], self.tiles[0], side, side), dtype=x.dtype, device=x.device)

    def run(self, x, out):
        M, N = x.shape
        into_tiles[tuple(self.tiles)](x, self.box, M, N, *x.stride(), SIDE=self.side)
        out_of_tiles[(triton.cdiv(N, 16),)](self.box, out, M, N, self.tiles[0], *out.stride(), SIDE=self.side, WIDTH=256)


def transpose(x, out):
    Plan(x).run(x, out)
