# style: persistent programs, as many as fit the GPU, each striding over the rows with a pipelined tl.range
import torch
import triton
import triton.language as tl
from triton.runtime import driver


@triton.jit
def softmax_kernel(output_ptr, input_ptr, input_row_stride, output_row_stride, n_rows, n_cols,
                   BLOCK_SIZE: tl.constexpr, num_stages: tl.constexpr):
    row_start = tl.program_id(0)
    row_step = tl.num_programs(0)
    for row_idx in tl.range(row_start, n_rows, row_step, num_stages=num_stages):
        row_start_ptr = input_ptr + row_idx * input_row_stride
        col_offsets = tl.arange(0, BLOCK_SIZE)
        input_ptrs = row_start_ptr + col_offsets
        mask = col_offsets < n_cols
        row = tl.load(input_ptrs, mask=mask, other=-float('inf')).to(tl.float32)
        row_minus_max = row - tl.max(row, axis=0)
        numerator = tl.exp(row_minus_max)
        denominator = tl.sum(numerator, axis=0)
        softmax_output = numerator / denominator
        output_row_start_ptr = output_ptr + row_idx * output_row_stride
        output_ptrs = output_row_start_ptr + col_offsets
        tl.store(output_ptrs, softmax_output, mask=mask)


def softmax(x, out):
    n_rows, n_cols = x.shape
    properties = driver.active.utils.get_device_properties(x.device.index or 0)
    NUM_SM = properties["multiprocessor_count"]
    SIZE_SMEM = properties["max_shared_mem"]

    BLOCK_SIZE = triton.next_power_of_2(n_cols)
    num_warps = 8 if BLOCK_SIZE <= 8192 else 16
    num_stages = 4 if SIZE_SMEM > 200000 else 2
    if BLOCK_SIZE > 8192:
        num_stages = 1
    num_programs = min(NUM_SM * 2, n_rows)
    softmax_kernel[(num_programs, 1, 1)](
        out, x, x.stride(0), out.stride(0), n_rows, n_cols, BLOCK_SIZE, num_stages, num_warps=num_warps
    )
