# style: an nn.Module whose forward launches a persistent grid; tl.range flattened, tl.assume, sums in float64
import torch
import triton
import triton.language as tl


@triton.jit
def _norm_rows(x, weight, bias, y, rows, cols, x_row, y_row, eps, BLOCK: tl.constexpr):
    tl.assume(rows > 0)
    tl.assume(cols > 0)
    lane = tl.max_contiguous(tl.multiple_of(tl.arange(0, BLOCK), BLOCK), BLOCK)
    for row in tl.range(tl.program_id(0), rows, tl.num_programs(0), flatten=False, num_stages=1):
        acc = tl.zeros([BLOCK], tl.float64)
        acc2 = tl.zeros([BLOCK], tl.float64)
        for k in range(tl.cdiv(cols, BLOCK)):
            c = k * BLOCK + lane
            v = tl.load(x + row * x_row + c, mask=c < cols, other=0.0).to(tl.float64)
            acc += v
            # 53 bits: 1e4 ** 2 with a spread of 1 leaves nine digits of the variance
            acc2 += v * v
        mean = tl.sum(acc, 0) / cols
        variance = tl.sum(acc2, 0) / cols - mean * mean
        rstd = (1.0 / tl.sqrt(tl.maximum(variance, 0.0) + eps)).to(tl.float32)
        centre = mean.to(tl.float32)
        # what float32 drops of the mean
        rest = (mean - centre.to(tl.float64)).to(tl.float32)
        for k in range(tl.cdiv(cols, BLOCK)):
            c = k * BLOCK + lane
            keep = c < cols
            v = tl.load(x + row * x_row + c, mask=keep).to(tl.float32)
            v = ((v - centre) - rest) * rstd
            v = v * tl.load(weight + c, mask=keep).to(tl.float32) + tl.load(bias + c, mask=keep).to(tl.float32)
            tl.store(y + row * y_row + c, v, mask=keep)


class LayerNorm(torch.nn.Module):
    def __init__(self, block: int = 512):
        super().__init__()
        self.block = block

    def forward(self, x, weight, bias, eps, out):
        rows, cols = x.shape
        sms = torch.cuda.get_device_properties(x.device).multi_processor_count
        block = min(4 * self.block if cols > 4096 else self.block, max(32, triton.next_power_of_2(cols)))
        _norm_rows[(min(rows, sms),)](
            x, weight, bias, out, rows, cols, x.stride(0), out.stride(0), eps, BLOCK=block, num_warps=4
        )


_module = LayerNorm()


def layernorm(x, weight, bias, eps, out):
    _module(x, weight, bias, eps, out)
