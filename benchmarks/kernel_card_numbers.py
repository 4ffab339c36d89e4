"""Measures the ladders that the CUDA cards quote (reduction, histogram, scan, SGEMM), on one CUDA GPU.

Every time is a median of `triton.testing.do_bench` (which clears L2 before each run). Each section is guarded: one that
fails prints why, and the others still run. Names as arguments run only those: `... reduction sgemm`.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable
from typing import Any

import torch
import triton
from triton.testing import do_bench

from benchmarks.sections import run_sections

REP_MS = 60
ELEMENTS = 1 << 26
SIDE = 8192
GEMM = 4096

REDUCTION = """
#define N (1 << 26)
#define T 256
__device__ float block_tree(float* s, int t) {
    for (int half = T / 2; half > 0; half /= 2) {
        __syncthreads();
        if (t < half) s[t] += s[t + half];
    }
    return s[0];
}
__device__ float warp_sum(float v) {
    for (int d = 16; d > 0; d /= 2) v += __shfl_down_sync(0xffffffffu, v, d);
    return v;
}
__device__ float block_sum(float v) {
    __shared__ float part[T / 32];
    v = warp_sum(v);
    if (threadIdx.x % 32 == 0) part[threadIdx.x / 32] = v;
    __syncthreads();
    v = threadIdx.x < T / 32 ? part[threadIdx.x] : 0.0f;
    if (threadIdx.x < 32) v = warp_sum(v);
    return v;
}
extern "C" __global__ void atomic_each(const float* x, float* out) {
    atomicAdd(out, x[blockIdx.x * T + threadIdx.x]);
}
extern "C" __global__ void divergent(const float* x, float* out) {
    __shared__ float s[T];
    int t = threadIdx.x;
    s[t] = x[blockIdx.x * T + t];
    for (int step = 1; step < T; step *= 2) {
        __syncthreads();
        if (t % (2 * step) == 0) s[t] += s[t + step];
    }
    if (t == 0) atomicAdd(out, s[0]);
}
extern "C" __global__ void sequential(const float* x, float* out) {
    __shared__ float s[T];
    int t = threadIdx.x;
    s[t] = x[blockIdx.x * T + t];
    float sum = block_tree(s, t);
    if (t == 0) atomicAdd(out, sum);
}
extern "C" __global__ void two_loads(const float* x, float* out) {
    __shared__ float s[T];
    int t = threadIdx.x, i = blockIdx.x * 2 * T + t;
    s[t] = x[i] + x[i + T];
    float sum = block_tree(s, t);
    if (t == 0) atomicAdd(out, sum);
}
extern "C" __global__ void shuffle(const float* x, float* out) {
    int i = blockIdx.x * 2 * T + threadIdx.x;
    float sum = block_sum(x[i] + x[i + T]);
    if (threadIdx.x == 0) atomicAdd(out, sum);
}
extern "C" __global__ void grid_stride(const float* x, float* out) {
    float sum = 0.0f;
    for (int i = blockIdx.x * T + threadIdx.x; i < N; i += gridDim.x * T) sum += x[i];
    sum = block_sum(sum);
    if (threadIdx.x == 0) atomicAdd(out, sum);
}
extern "C" __global__ void grid_stride_float4(const float4* x, float* out) {
    float sum = 0.0f;
    for (int i = blockIdx.x * T + threadIdx.x; i < N / 4; i += gridDim.x * T) {
        float4 v = x[i];
        sum += v.x + v.y + v.z + v.w;
    }
    sum = block_sum(sum);
    if (threadIdx.x == 0) atomicAdd(out, sum);
}
#define SIDE 8192
extern "C" __global__ void rows_block(const float* x, float* out) {
    float sum = 0.0f;
    for (int c = threadIdx.x; c < SIDE; c += T) sum += x[blockIdx.x * SIDE + c];
    sum = block_sum(sum);
    if (threadIdx.x == 0) out[blockIdx.x] = sum;
}
extern "C" __global__ void rows_thread(const float* x, float* out) {
    int r = blockIdx.x * T + threadIdx.x;
    float sum = 0.0f;
    for (int c = 0; c < SIDE; c++) sum += x[r * SIDE + c];
    out[r] = sum;
}
extern "C" __global__ void columns_block(const float* x, float* out) {
    float sum = 0.0f;
    for (int r = threadIdx.x; r < SIDE; r += T) sum += x[r * SIDE + blockIdx.x];
    sum = block_sum(sum);
    if (threadIdx.x == 0) out[blockIdx.x] = sum;
}
extern "C" __global__ void columns_thread(const float* x, float* out) {
    int c = blockIdx.x * T + threadIdx.x;
    float sum = 0.0f;
    for (int r = 0; r < SIDE; r++) sum += x[r * SIDE + c];
    out[c] = sum;
}
extern "C" __global__ void columns_split(const float* x, float* out) {
    int c = blockIdx.x * T + threadIdx.x, rows = SIDE / gridDim.y;
    float sum = 0.0f;
    for (int r = blockIdx.y * rows; r < (blockIdx.y + 1) * rows; r++) sum += x[r * SIDE + c];
    atomicAdd(&out[c], sum);
}
"""

STORED = REDUCTION.replace("atomicAdd(out, s[0])", "out[blockIdx.x] = s[0]").replace(
    "atomicAdd(out, sum)", "out[blockIdx.x] = sum"
)
"""The same with one partial sum stored a block: without the atomics on one address, which hide the tree."""

HISTOGRAM = """
#define N (1 << 26)
#define T 256
extern "C" __global__ void global_atomics(const unsigned char* x, unsigned* bins) {
    for (int i = blockIdx.x * T + threadIdx.x; i < N; i += gridDim.x * T) atomicAdd(&bins[x[i]], 1u);
}
extern "C" __global__ void shared_per_block(const unsigned char* x, unsigned* bins) {
    __shared__ unsigned s[256];
    s[threadIdx.x] = 0;
    __syncthreads();
    for (int i = blockIdx.x * T + threadIdx.x; i < N; i += gridDim.x * T) atomicAdd(&s[x[i]], 1u);
    __syncthreads();
    atomicAdd(&bins[threadIdx.x], s[threadIdx.x]);
}
extern "C" __global__ void shared_per_warp(const unsigned char* x, unsigned* bins) {
    __shared__ unsigned s[T / 32][257];
    for (int w = 0; w < T / 32; w++) s[w][threadIdx.x] = 0;
    __syncthreads();
    const uchar4* x4 = (const uchar4*)x;
    unsigned* mine = s[threadIdx.x / 32];
    for (int i = blockIdx.x * T + threadIdx.x; i < N / 4; i += gridDim.x * T) {
        uchar4 v = x4[i];
        atomicAdd(&mine[v.x], 1u);
        atomicAdd(&mine[v.y], 1u);
        atomicAdd(&mine[v.z], 1u);
        atomicAdd(&mine[v.w], 1u);
    }
    __syncthreads();
    unsigned sum = 0;
    for (int w = 0; w < T / 32; w++) sum += s[w][threadIdx.x];
    atomicAdd(&bins[threadIdx.x], sum);
}
"""

SGEMM = """
#define N 4096
extern "C" __global__ void naive_strided(const float* a, const float* b, float* c) {
    int row = blockIdx.x * 32 + threadIdx.x, col = blockIdx.y * 32 + threadIdx.y;
    float sum = 0.0f;
    for (int k = 0; k < N; k++) sum += a[row * N + k] * b[k * N + col];
    c[row * N + col] = sum;
}
extern "C" __global__ void naive_coalesced(const float* a, const float* b, float* c) {
    int col = blockIdx.x * 32 + threadIdx.x, row = blockIdx.y * 32 + threadIdx.y;
    float sum = 0.0f;
    for (int k = 0; k < N; k++) sum += a[row * N + k] * b[k * N + col];
    c[row * N + col] = sum;
}
extern "C" __global__ void shared_tile(const float* a, const float* b, float* c) {
    __shared__ float ta[32][32], tb[32][32];
    int x = threadIdx.x, y = threadIdx.y, col = blockIdx.x * 32 + x, row = blockIdx.y * 32 + y;
    float sum = 0.0f;
    for (int k0 = 0; k0 < N; k0 += 32) {
        ta[y][x] = a[row * N + k0 + x];
        tb[y][x] = b[(k0 + y) * N + col];
        __syncthreads();
        for (int k = 0; k < 32; k++) sum += ta[y][k] * tb[k][x];
        __syncthreads();
    }
    c[row * N + col] = sum;
}
#define BM 128
#define BK 8
#define TM 8
extern "C" __global__ void __launch_bounds__(256) register_tile(const float* a, const float* b, float* c) {
    __shared__ float ta[BK][BM], tb[BK][BM];
    int t = threadIdx.x, tx = t % 16, ty = t / 16, row0 = blockIdx.y * BM, col0 = blockIdx.x * BM;
    float acc[TM][TM] = {}, ra[TM], rb[TM];
    for (int k0 = 0; k0 < N; k0 += BK) {
        for (int i = t; i < BM * BK; i += 256) {
            ta[i % BK][i / BK] = a[(row0 + i / BK) * N + k0 + i % BK];
            tb[i / BM][i % BM] = b[(k0 + i / BM) * N + col0 + i % BM];
        }
        __syncthreads();
        for (int k = 0; k < BK; k++) {
            for (int i = 0; i < TM; i++) ra[i] = ta[k][ty * TM + i];
            for (int j = 0; j < TM; j++) rb[j] = tb[k][tx * TM + j];
            for (int i = 0; i < TM; i++)
                for (int j = 0; j < TM; j++) acc[i][j] += ra[i] * rb[j];
        }
        __syncthreads();
    }
    for (int i = 0; i < TM; i++)
        for (int j = 0; j < TM; j++) c[(row0 + ty * TM + i) * N + col0 + tx * TM + j] = acc[i][j];
}
extern "C" __global__ void __launch_bounds__(256) vector_double(const float* a, const float* b, float* c) {
    __shared__ float ta[2][BK][BM], tb[2][BK][BM];
    int t = threadIdx.x, tx = t % 16, ty = t / 16, row0 = blockIdx.y * BM, col0 = blockIdx.x * BM;
    int ar = t / 2, ak = t % 2 * 4, bk = t / 32, bc = t % 32 * 4;
    float acc[TM][TM] = {}, ra[TM], rb[TM];
    float4 va = *(const float4*)&a[(row0 + ar) * N + ak], vb = *(const float4*)&b[bk * N + col0 + bc];
    ta[0][ak][ar] = va.x; ta[0][ak + 1][ar] = va.y; ta[0][ak + 2][ar] = va.z; ta[0][ak + 3][ar] = va.w;
    *(float4*)&tb[0][bk][bc] = vb;
    __syncthreads();
    int now = 0;
    for (int k0 = 0; k0 < N; k0 += BK, now ^= 1) {
        bool more = k0 + BK < N;
        if (more) {
            va = *(const float4*)&a[(row0 + ar) * N + k0 + BK + ak];
            vb = *(const float4*)&b[(k0 + BK + bk) * N + col0 + bc];
        }
        #pragma unroll
        for (int k = 0; k < BK; k++) {
            #pragma unroll
            for (int h = 0; h < 2; h++) {
                *(float4*)&ra[4 * h] = *(float4*)&ta[now][k][ty * 4 + 64 * h];
                *(float4*)&rb[4 * h] = *(float4*)&tb[now][k][tx * 4 + 64 * h];
            }
            #pragma unroll
            for (int i = 0; i < TM; i++)
                #pragma unroll
                for (int j = 0; j < TM; j++) acc[i][j] += ra[i] * rb[j];
        }
        if (more) {
            int o = now ^ 1;
            ta[o][ak][ar] = va.x; ta[o][ak + 1][ar] = va.y; ta[o][ak + 2][ar] = va.z; ta[o][ak + 3][ar] = va.w;
            *(float4*)&tb[o][bk][bc] = vb;
        }
        __syncthreads();
    }
    for (int i = 0; i < TM; i++)
        for (int h = 0; h < 2; h++) {
            int row = row0 + ty * 4 + 64 * (i / 4) + i % 4, col = col0 + tx * 4 + 64 * h;
            *(float4*)&c[row * N + col] = make_float4(acc[i][4 * h], acc[i][4 * h + 1], acc[i][4 * h + 2],
                                                      acc[i][4 * h + 3]);
        }
}
"""


def median_us(fn: Callable[[], Any]) -> float:
    return 1000 * float(do_bench(fn, rep=REP_MS, return_mode="median"))


def kernel(source: str, name: str) -> Any:
    return torch.cuda._compile_kernel(source, name)


def gbps(name: str, us: float, moved: int) -> None:
    print(f"  {name:22}: {us:9.1f} us  {moved / us / 1e3:8.1f} GB/s", flush=True)


def reduction() -> None:
    """fp32 sum of 2^26 elements (268 MB read): the ladder of the card."""
    x = torch.rand(ELEMENTS, device="cuda") - 0.25
    want = float(x.double().sum())
    out = torch.zeros(1, device="cuda")
    sms = torch.cuda.get_device_properties(0).multi_processor_count
    grids = {
        "atomic_each": ELEMENTS // 256,
        "divergent": ELEMENTS // 256,
        "sequential": ELEMENTS // 256,
        "two_loads": ELEMENTS // 512,
        "shuffle": ELEMENTS // 512,
        "grid_stride": sms * 8,
        "grid_stride_float4": sms * 8,
    }
    for name, grid in grids.items():
        run = kernel(REDUCTION, name)

        def launch(run: Any = run, grid: int = grid) -> None:
            run(grid=(grid, 1, 1), block=(256, 1, 1), args=[x, out])

        out.zero_()
        launch()
        torch.cuda.synchronize()
        error = abs(float(out) - want) / want
        gbps(f"{name} (err {error:.0e})", median_us(launch), 4 * ELEMENTS)
    gbps("torch.sum", median_us(lambda: torch.sum(x)), 4 * ELEMENTS)
    y = torch.empty_like(x)
    gbps("copy (reads + writes)", median_us(lambda: y.copy_(x)), 8 * ELEMENTS)


def reduction_stored() -> None:
    """The same ladder with one stored partial sum a block, and the second sum by torch."""
    x = torch.rand(ELEMENTS, device="cuda")
    want = float(x.double().sum())
    sms = torch.cuda.get_device_properties(0).multi_processor_count
    for name, grid in (
        ("divergent", ELEMENTS // 256),
        ("sequential", ELEMENTS // 256),
        ("two_loads", ELEMENTS // 512),
        ("shuffle", ELEMENTS // 512),
        ("grid_stride", sms * 8),
        ("grid_stride_float4", sms * 8),
    ):
        run = kernel(STORED, name)
        out = torch.zeros(grid, device="cuda")

        def launch(run: Any = run, grid: int = grid, out: torch.Tensor = out) -> None:
            run(grid=(grid, 1, 1), block=(256, 1, 1), args=[x, out])

        launch()
        error = abs(float(out.double().sum()) - want) / want
        gbps(f"{name} (err {error:.0e})", median_us(launch), 4 * ELEMENTS)


def reduction_2d() -> None:
    """fp32 8192 x 8192: sums of rows and of columns, with the right and the wrong mapping."""
    x = torch.rand(SIDE, SIDE, device="cuda")
    for name, grid, dim in (
        ("rows_block", (SIDE, 1, 1), 1),
        ("rows_thread", (SIDE // 256, 1, 1), 1),
        ("columns_block", (SIDE, 1, 1), 0),
        ("columns_thread", (SIDE // 256, 1, 1), 0),
        ("columns_split", (SIDE // 256, 64, 1), 0),
    ):
        run = kernel(REDUCTION, name)
        out = torch.zeros(SIDE, device="cuda")
        run(grid=grid, block=(256, 1, 1), args=[x, out])
        torch.testing.assert_close(out, x.sum(dim), rtol=1e-4, atol=1e-2)
        us = median_us(lambda run=run, grid=grid, out=out: run(grid=grid, block=(256, 1, 1), args=[x, out]))  # type: ignore[misc]
        gbps(name, us, 4 * SIDE * SIDE)
    gbps("torch.sum(dim=1)", median_us(lambda: x.sum(1)), 4 * SIDE * SIDE)
    gbps("torch.sum(dim=0)", median_us(lambda: x.sum(0)), 4 * SIDE * SIDE)


def histogram() -> None:
    """256 bins of 2^26 bytes, uniform and with one value everywhere."""
    sms = torch.cuda.get_device_properties(0).multi_processor_count
    inputs = {
        "uniform": torch.randint(0, 256, (ELEMENTS,), device="cuda", dtype=torch.uint8),
        "constant": torch.full((ELEMENTS,), 7, device="cuda", dtype=torch.uint8),
    }
    for label, x in inputs.items():
        want = torch.bincount(x, minlength=256)
        for name in ("global_atomics", "shared_per_block", "shared_per_warp"):
            run = kernel(HISTOGRAM, name)
            bins = torch.zeros(256, device="cuda", dtype=torch.int32)

            def launch(run: Any = run, x: torch.Tensor = x, bins: torch.Tensor = bins) -> None:
                run(grid=(sms * 8, 1, 1), block=(256, 1, 1), args=[x, bins])

            launch()
            torch.testing.assert_close(bins.long(), want)
            gbps(f"{name} {label}", median_us(launch), ELEMENTS)


def scan() -> None:
    """fp32 cumsum of 2^26 elements (a single-pass scan in CUB) beside a copy of the same bytes."""
    x = torch.rand(ELEMENTS, device="cuda")
    y = torch.empty_like(x)
    gbps("torch.cumsum", median_us(lambda: torch.cumsum(x, 0, out=y)), 8 * ELEMENTS)
    gbps("copy", median_us(lambda: y.copy_(x)), 8 * ELEMENTS)


def sgemm() -> None:
    """fp32 4096^3: the ladder, then cuBLAS in fp32, TF32 and bf16."""
    a, b = (torch.randn(GEMM, GEMM, device="cuda") for _ in range(2))
    torch.backends.cuda.matmul.allow_tf32 = False
    want = a @ b
    c = torch.empty_like(a)

    def show(name: str, us: float) -> None:
        print(f"  {name:22}: {us:9.1f} us  {2 * GEMM**3 / us / 1e6:8.2f} TFLOP/s", flush=True)

    tiles = GEMM // 128
    for name, grid, block in (
        ("naive_strided", (GEMM // 32, GEMM // 32, 1), (32, 32, 1)),
        ("naive_coalesced", (GEMM // 32, GEMM // 32, 1), (32, 32, 1)),
        ("shared_tile", (GEMM // 32, GEMM // 32, 1), (32, 32, 1)),
        ("register_tile", (tiles, tiles, 1), (256, 1, 1)),
        ("vector_double", (tiles, tiles, 1), (256, 1, 1)),
    ):
        run = kernel(SGEMM, name)
        c.zero_()
        run(grid=grid, block=block, args=[a, b, c])
        torch.testing.assert_close(c, want, rtol=1e-3, atol=1e-2)
        show(name, median_us(lambda run=run, g=grid, k=block: run(grid=g, block=k, args=[a, b, c])))  # type: ignore[misc]
    show("cuBLAS fp32", median_us(lambda: torch.mm(a, b, out=c)))
    torch.backends.cuda.matmul.allow_tf32 = True
    show("cuBLAS TF32", median_us(lambda: torch.mm(a, b, out=c)))
    torch.backends.cuda.matmul.allow_tf32 = False
    ah, bh = a.bfloat16(), b.bfloat16()
    show("cuBLAS bf16", median_us(lambda: ah @ bh))


def convolution() -> None:
    """bf16 conv2d N=32, C=K=256, 56 x 56, 3 x 3, padding 1: cuDNN against an explicit im2col (unfold) and a GEMM."""
    x = torch.randn(32, 256, 56, 56, device="cuda", dtype=torch.bfloat16)
    w = torch.randn(256, 256, 3, 3, device="cuda", dtype=torch.bfloat16)
    xc, wc = (t.contiguous(memory_format=torch.channels_last) for t in (x, w))
    flat = w.view(256, -1)

    def peak(fn: Callable[[], Any]) -> float:
        torch.cuda.synchronize()
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        fn()
        torch.cuda.synchronize()
        return float(torch.cuda.max_memory_allocated() - before) / 1e6

    flops = 2 * 32 * 56 * 56 * 256 * 256 * 9
    for name, fn in (
        ("conv2d channels_last", lambda: torch.nn.functional.conv2d(xc, wc, padding=1)),
        ("conv2d NCHW", lambda: torch.nn.functional.conv2d(x, w, padding=1)),
        ("unfold only", lambda: torch.nn.functional.unfold(x, 3, padding=1)),
        ("unfold + matmul", lambda: flat @ torch.nn.functional.unfold(x, 3, padding=1)),
    ):
        us = median_us(fn)
        print(f"  {name:22}: {us:9.1f} us  {flops / us / 1e6:8.2f} TFLOP/s  peak extra {peak(fn):8.1f} MB", flush=True)


class LaunchConfig(ctypes.Structure):
    """CUlaunchConfig of cuda.h."""

    _fields_ = (
        *((name, ctypes.c_uint) for name in ("gx", "gy", "gz", "bx", "by", "bz", "shared")),
        ("stream", ctypes.c_void_p),
        ("attributes", ctypes.c_void_p),
        ("count", ctypes.c_uint),
    )


def clusters() -> None:
    """The largest cluster that the driver would place, before and after the opt-in for non-portable sizes."""
    driver = ctypes.CDLL("libcuda.so.1")
    function = kernel('extern "C" __global__ void nothing(float* x) {}', "nothing").func
    config = LaunchConfig(gx=64, gy=1, gz=1, bx=128, by=1, bz=1)
    for allowed in (0, 1):
        if driver.cuFuncSetAttribute(function, 14, allowed):
            raise RuntimeError("cuFuncSetAttribute failed")
        size = ctypes.c_int()
        error = driver.cuOccupancyMaxPotentialClusterSize(ctypes.byref(size), function, ctypes.byref(config))
        print(f"  non-portable sizes allowed {allowed}: at most {size.value} blocks (error {error})")


SECTIONS = (reduction, reduction_stored, reduction_2d, histogram, scan, sgemm, convolution, clusters)


def main(names: list[str]) -> None:
    print(torch.cuda.get_device_name(), f"torch {torch.__version__}, triton {triton.__version__}")
    run_sections(SECTIONS, names)


if __name__ == "__main__":
    main(sys.argv[1:])
