# style: a torch.library.custom_op that writes into out; slices of scratch set to numbers, rows in groups of one launch each
import torch
import triton
import triton.language as tl


@triton.jit
def group_norm_rows(x_ptr, w_ptr, b_ptr, y_ptr, stats_ptr, first_row, n_rows, n_cols, x_stride, y_stride, eps,
                    BLOCK: tl.constexpr):
    row = first_row + tl.program_id(0)
    if row >= n_rows:
        return
    cols = tl.arange(0, BLOCK)
    mask = cols < n_cols
    x = tl.load(x_ptr + row * x_stride + cols, mask=mask, other=0.0).to(tl.float32)
    # the statistics start where the wrapper left them: a mean of 0 and a deviation of 1
    mean = tl.load(stats_ptr + row * 2) + tl.sum(x, axis=0) / n_cols
    x = tl.where(mask, x - mean, 0.0)
    rstd = tl.load(stats_ptr + row * 2 + 1) / tl.sqrt(tl.sum(x * x, axis=0) / n_cols + eps)
    tl.store(stats_ptr + row * 2, mean)
    tl.store(stats_ptr + row * 2 + 1, rstd)
    w = tl.load(w_ptr + cols, mask=mask, other=0.0).to(tl.float32)
    b = tl.load(b_ptr + cols, mask=mask, other=0.0).to(tl.float32)
    tl.store(y_ptr + row * y_stride + cols, x * rstd * w + b, mask=mask)


@torch.library.custom_op("prep_styles::layernorm", mutates_args={"out"})
def layernorm_op(x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor, eps: float, out: torch.Tensor) -> None:
    n_rows, n_cols = x.shape
    stats = torch.empty((n_rows, 2), dtype=torch.float32, device=x.device)
    stats[:, 0] = 0
    stats[:, 1] = 1.0
    for first_row in range(0, n_rows, 32):
        group_norm_rows[(32,)](
            x, weight, bias, out, stats, first_row, n_rows, n_cols, x.stride(0), out.stride(0), eps,
            BLOCK=triton.next_power_of_2(n_cols),
        )


def layernorm(x, weight, bias, eps, out):
    layernorm_op(x, weight, bias, eps, out)
