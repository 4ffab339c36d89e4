"""Measures the numbers that the CUDA and profiling cards quote, on one CUDA GPU.

Every time is a median of `triton.testing.do_bench` (which clears L2 before each run) unless the line says otherwise.
The counters come from the same kernels, each launched once:

    ncu --csv --kernel-name "regex:transpose|strided" --metrics \\
    l1tex__average_t_sectors_per_request_pipe_lsu_mem_global_op_ld.ratio,\\
    l1tex__average_t_sectors_per_request_pipe_lsu_mem_global_op_st.ratio,\\
    l1tex__data_pipe_lsu_wavefronts_mem_shared_op_ld.sum,smsp__inst_executed_op_shared_ld.sum,\\
    sm__warps_active.avg.pct_of_peak_sustained_active,sm__maximum_warps_per_active_cycle_pct,dram__bytes_read.sum \\
    python benchmarks/cuda_card_numbers.py --once
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable
from typing import Any

import torch
import triton
import triton.language as tl
from triton.testing import do_bench

REP_MS = 200
COPY = 1 << 26
SIDE = 8192
TILE = """
#define N 8192
extern "C" __global__ void transpose(const float* in, float* out) {
    __shared__ float tile[32][WIDTH];
    int tx = threadIdx.x, x = blockIdx.x * 32 + tx;
    for (int r = threadIdx.y; r < 32; r += 8)
        tile[r][tx ^ (SWIZZLE ? r : 0)] = in[(blockIdx.y * 32 + r) * N + x];
    __syncthreads();
    x = blockIdx.y * 32 + tx;
    for (int r = threadIdx.y; r < 32; r += 8)
        out[(blockIdx.x * 32 + r) * N + x] = tile[tx][r ^ (SWIZZLE ? tx : 0)];
}
"""
NAIVE = """
#define N 8192
extern "C" __global__ void transpose(const float* in, float* out) {
    int x = blockIdx.x * 32 + threadIdx.x;
    for (int r = threadIdx.y; r < 32; r += 8) {
        int y = blockIdx.y * 32 + r;
        out[x * N + y] = in[y * N + x];
    }
}
"""


@triton.jit
def strided_copy(x, y, offset, stride, BLOCK: tl.constexpr):
    """y[i] = x[offset + i * stride]: contiguous writes, reads with an offset or a step."""
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    tl.store(y + i, tl.load(x + offset + i * stride))


@triton.jit
def softmax(x, y, N: tl.constexpr):
    i = tl.program_id(0) * N + tl.arange(0, N)
    row = tl.load(x + i).to(tl.float32)
    row = tl.exp(row - tl.max(row, 0))
    tl.store(y + i, row / tl.sum(row, 0))


STEPS = ((0, 1), (1, 1), (0, 2), (0, 4), (0, 8), (0, 16), (0, 32))
TRANSPOSES = {
    "naive": NAIVE,
    "tile [32][32]": TILE.replace("WIDTH", "32").replace("SWIZZLE", "0"),
    "tile [32][33]": TILE.replace("WIDTH", "33").replace("SWIZZLE", "0"),
    "tile XOR": TILE.replace("WIDTH", "32").replace("SWIZZLE", "1"),
}


def median_us(fn: Callable[[], Any]) -> float:
    return 1000 * float(do_bench(fn, rep=REP_MS, return_mode="median"))


def copy(x: torch.Tensor, y: torch.Tensor, offset: int, stride: int) -> None:
    strided_copy[(y.numel() // 1024,)](x, y, offset, stride, 1024)


def copies() -> None:
    """fp32, 2^26 elements written; time against offset and stride of the reads."""
    y = torch.empty(COPY, device="cuda")
    for offset, stride in STEPS:
        x = torch.randn(COPY * stride + 1, device="cuda")
        us = median_us(lambda x=x, o=offset, s=stride: copy(x, y, o, s))  # type: ignore[misc]
        torch.testing.assert_close(y, x[offset : offset + COPY * stride : stride])
        print(f"copy offset {offset} stride {stride:2}: {us:8.1f} us, {8 * COPY / us / 1e6:.2f} TB/s useful")
        del x


def transpose(source: str, x: torch.Tensor, y: torch.Tensor) -> Callable[[], Any]:
    kernel = torch.cuda._compile_kernel(source, "transpose")
    return lambda: kernel(grid=(SIDE // 32, SIDE // 32, 1), block=(32, 8, 1), args=[x, y])


def transposes() -> None:
    """fp32 transpose of 8192 x 8192: naive, and by a 32 x 32 tile without and with padding or an XOR swizzle."""
    x = torch.randn(SIDE, SIDE, device="cuda")
    for name, source in TRANSPOSES.items():
        y = torch.empty_like(x)
        us = median_us(transpose(source, x, y))
        torch.testing.assert_close(y, x.t())
        print(f"transpose {name:14}: {us:8.1f} us, {8 * SIDE * SIDE / us / 1e6:.2f} TB/s")


def caches() -> None:
    """fp16 softmax of 4096 x 2048 (33.6 MB moved, fits in L2): with L2 cleared before each run, and without."""
    x = torch.randn(4096, 2048, device="cuda").half()
    y = torch.empty_like(x)

    def launch() -> None:
        softmax[(4096,)](x, y, 2048, num_warps=4)

    launch()
    torch.testing.assert_close(y, torch.softmax(x, -1), atol=1e-4, rtol=1e-2)
    cold = median_us(launch)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        for _ in range(100):
            launch()
    warm = median_us(graph.replay) / 100
    moved = 2 * x.numel() * 2
    print(f"softmax cold: {cold:.1f} us, {moved / cold / 1e6:.2f} TB/s")
    print(f"softmax warm: {warm:.1f} us, {moved / warm / 1e6:.2f} TB/s (100 launches in one graph)")


def l2_fetch_bytes() -> int:
    """The limit cudaLimitMaxL2FetchGranularity as the runtime reports it (5 in driver_types.h)."""
    runtime = ctypes.CDLL(f"libcudart.so.{(torch.version.cuda or '').partition('.')[0]}")
    value = ctypes.c_size_t()
    if runtime.cudaDeviceGetLimit(ctypes.byref(value), 5):
        raise SystemExit("cudaDeviceGetLimit failed")
    return value.value


def once() -> None:
    """Each kernel one time, for ncu."""
    x = torch.randn(SIDE, SIDE, device="cuda")
    for source in TRANSPOSES.values():
        transpose(source, x, torch.empty_like(x))()
    elements = 1 << 22
    wide = torch.randn(elements * 32 + 1, device="cuda")
    for offset, stride in STEPS:
        copy(wide, torch.empty(elements, device="cuda"), offset, stride)
    torch.cuda.synchronize()


if __name__ == "__main__":
    if "--once" in sys.argv[1:]:
        once()
        raise SystemExit
    mib = torch.cuda.get_device_properties(0).L2_cache_size >> 20
    print(torch.cuda.get_device_name(), f"L2 {mib} MiB, fetched {l2_fetch_bytes()} bytes at a time")
    print(f"torch {torch.__version__}, triton {triton.__version__}")
    caches()
    transposes()
    copies()
