# mypy: ignore-errors
# ruff: noqa: B023
"""Measures the numbers that the second half of the Triton cards quotes, on one CUDA GPU.

    python -m benchmarks.triton_card_numbers            every measurement, about a minute
    python -m benchmarks.triton_card_numbers order ...  only these

Every time is a median of `triton.testing.do_bench` (which clears L2 before each run) unless the line says otherwise.
The L2 hit rate comes from the same kernel, launched once for each group size (1, 4, 8, 16, 64):

    ncu --csv --kernel-name regex:matmul --metrics \\
    lts__t_sector_hit_rate.pct,lts__t_sectors_op_read.sum,dram__bytes_read.sum,gpu__time_duration.sum \\
    python -m benchmarks.triton_card_numbers --once
"""

from __future__ import annotations

import sys
import time
import traceback
from collections.abc import Callable
from typing import Any

import torch
import triton
import triton.language as tl
from triton.experimental import gluon
from triton.experimental.gluon import language as gl
from triton.experimental.gluon.language.nvidia.hopper import fence_async_shared, mbarrier, tma
from triton.testing import do_bench, do_bench_cudagraph

REP_MS = 60
GROUPS = (1, 4, 8, 16, 64)


@triton.jit
def matmul(
    a, b, c, M, N, K, BM: tl.constexpr, BN: tl.constexpr, BK: tl.constexpr, GROUP: tl.constexpr, PREC: tl.constexpr
):
    """C = A @ B, row-major, dimensions multiples of the tile; programs ordered in groups of GROUP rows of tiles."""
    pid = tl.program_id(0)
    width = GROUP * (N // BN)
    first = pid // width * GROUP
    rows_here = tl.minimum(M // BM - first, GROUP)
    pid_m = first + (pid % width) % rows_here
    pid_n = (pid % width) // rows_here
    rows = pid_m * BM + tl.arange(0, BM)
    cols = pid_n * BN + tl.arange(0, BN)
    k = tl.arange(0, BK)
    pa = a + rows[:, None] * K + k[None, :]
    pb = b + k[:, None] * N + cols[None, :]
    acc = tl.zeros((BM, BN), tl.float32)
    for _ in range(0, K, BK):
        acc = tl.dot(tl.load(pa), tl.load(pb), acc, input_precision=PREC)
        pa += BK
        pb += BK * N
    tl.store(c + rows[:, None] * N + cols[None, :], acc.to(c.dtype.element_ty))


@triton.jit
def matmul_kmajor(a, b, c, M, N, K, BM: tl.constexpr, BN: tl.constexpr, BK: tl.constexpr, PREC: tl.constexpr):
    """The same with B stored as N x K, so that both operands are contiguous along K."""
    pid_m, pid_n = tl.program_id(0), tl.program_id(1)
    rows = pid_m * BM + tl.arange(0, BM)
    cols = pid_n * BN + tl.arange(0, BN)
    k = tl.arange(0, BK)
    pa = a + rows[:, None] * K + k[None, :]
    pb = b + k[:, None] + cols[None, :] * K
    acc = tl.zeros((BM, BN), tl.float32)
    for _ in range(0, K, BK):
        acc = tl.dot(tl.load(pa), tl.load(pb), acc, input_precision=PREC)
        pa += BK
        pb += BK
    tl.store(c + rows[:, None] * N + cols[None, :], acc)


@triton.jit
def matmul_tma(a, b, c, M, N, K, BM: tl.constexpr, BN: tl.constexpr, BK: tl.constexpr, GROUP: tl.constexpr):
    """The same with tensor descriptors."""
    pid = tl.program_id(0)
    width = GROUP * (N // BN)
    first = pid // width * GROUP
    pid_m = first + (pid % width) % GROUP
    pid_n = (pid % width) // GROUP
    acc = tl.zeros((BM, BN), tl.float32)
    for k in range(0, K, BK):
        acc = tl.dot(a.load([pid_m * BM, k]), b.load([k, pid_n * BN]), acc)
    c.store([pid_m * BM, pid_n * BN], acc.to(tl.bfloat16))


@triton.jit
def matmul_persistent(
    a, b, c, M, N, K, BM: tl.constexpr, BN: tl.constexpr, BK: tl.constexpr, GROUP: tl.constexpr, FLATTEN: tl.constexpr
):
    """As many programs as SMs; each walks over tiles. Tensor descriptors."""
    tiles = (M // BM) * (N // BN)
    width = GROUP * (N // BN)
    for tile in tl.range(tl.program_id(0), tiles, tl.num_programs(0), flatten=FLATTEN):
        first = tile // width * GROUP
        pid_m = first + (tile % width) % GROUP
        pid_n = (tile % width) // GROUP
        acc = tl.zeros((BM, BN), tl.float32)
        for k in range(0, K, BK):
            acc = tl.dot(a.load([pid_m * BM, k]), b.load([k, pid_n * BN]), acc)
        c.store([pid_m * BM, pid_n * BN], acc.to(tl.bfloat16))


@triton.jit
def matmul_split_k(a, b, c, M, N, K, BM: tl.constexpr, BN: tl.constexpr, BK: tl.constexpr, SPLIT: tl.constexpr):
    """Program (tile, slice of K); partial tiles are added into fp32 C with atomics."""
    pid = tl.program_id(0)
    rows = pid // (N // BN) * BM + tl.arange(0, BM)
    cols = pid % (N // BN) * BN + tl.arange(0, BN)
    part = tl.multiple_of(K // SPLIT, BK)  # without the hint K // 16 is not known to be divisible: loads of 2 bytes
    k = tl.program_id(1) * part + tl.arange(0, BK)
    pa = a + rows[:, None] * K + k[None, :]
    pb = b + k[:, None] * N + cols[None, :]
    acc = tl.zeros((BM, BN), tl.float32)
    for _ in range(0, part, BK):
        acc = tl.dot(tl.load(pa), tl.load(pb), acc)
        pa += BK
        pb += BK * N
    at = c + rows[:, None] * N + cols[None, :]
    if SPLIT == 1:
        tl.store(at, acc)
    else:
        tl.atomic_add(at, acc, sem="relaxed")


@triton.jit
def matmul_parts(a, b, c, M, N, K, BM: tl.constexpr, BN: tl.constexpr, BK: tl.constexpr, SPLIT: tl.constexpr):
    """The same, but each slice of K is stored apart: C has SPLIT x M x N elements and is summed afterwards."""
    pid = tl.program_id(0)
    rows = pid // (N // BN) * BM + tl.arange(0, BM)
    cols = pid % (N // BN) * BN + tl.arange(0, BN)
    part = tl.multiple_of(K // SPLIT, BK)
    k = tl.program_id(1) * part + tl.arange(0, BK)
    pa = a + rows[:, None] * K + k[None, :]
    pb = b + k[:, None] * N + cols[None, :]
    acc = tl.zeros((BM, BN), tl.float32)
    for _ in range(0, part, BK):
        acc = tl.dot(tl.load(pa), tl.load(pb), acc)
        pa += BK
        pb += BK * N
    tl.store(c + tl.program_id(1) * M * N + rows[:, None] * N + cols[None, :], acc)


@triton.jit
def add(x, y, out, n, BLOCK: tl.constexpr):
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    tl.store(out + i, tl.load(x + i, mask=i < n) + tl.load(y + i, mask=i < n), mask=i < n)


@triton.jit
def twelve(a, b, c, d, e, f, n1, n2, n3, n4, n5, n, BLOCK: tl.constexpr):
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    tl.store(a + i, tl.load(a + i, mask=i < n) + 1, mask=i < n)


@triton.jit
def sum_atomic(x, out, BLOCK: tl.constexpr):
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    tl.atomic_add(out, tl.sum(tl.load(x + i), 0), sem="relaxed")


@triton.jit
def sum_partials(x, out, BLOCK: tl.constexpr):
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    tl.store(out + tl.program_id(0), tl.sum(tl.load(x + i), 0))


@triton.jit
def softmax_row(x, y, n, BLOCK: tl.constexpr):
    row = tl.program_id(0).to(tl.int64) * n
    i = tl.arange(0, BLOCK)
    v = tl.load(x + row + i, mask=i < n, other=-float("inf"))
    e = tl.exp(v - tl.max(v, 0))
    tl.store(y + row + i, e / tl.sum(e, 0), mask=i < n)


@triton.jit
def softmax_online(x, y, n, BLOCK: tl.constexpr):
    """One program a row, a loop with running maximum and sum per lane, then a second pass that writes."""
    row = tl.program_id(0).to(tl.int64) * n
    i = tl.arange(0, BLOCK)
    m = tl.full((BLOCK,), -float("inf"), tl.float32)
    s = tl.zeros((BLOCK,), tl.float32)
    for at in range(0, n, BLOCK):
        v = tl.load(x + row + at + i, mask=at + i < n, other=-float("inf"))
        new = tl.maximum(m, v)
        s = s * tl.exp(m - new) + tl.exp(v - new)
        m = new
    top = tl.max(m, 0)
    total = tl.sum(s * tl.exp(m - top), 0)
    for at in range(0, n, BLOCK):
        v = tl.load(x + row + at + i, mask=at + i < n)
        tl.store(y + row + at + i, tl.exp(v - top) / total, mask=at + i < n)


@triton.jit
def softmax_parts(x, part_m, part_s, n, PER: tl.constexpr, BLOCK: tl.constexpr):
    """Program (row, part): maximum and sum of a part of a row."""
    row = tl.program_id(0).to(tl.int64) * n + tl.program_id(1) * PER
    i = tl.arange(0, BLOCK)
    m = tl.full((BLOCK,), -float("inf"), tl.float32)
    s = tl.zeros((BLOCK,), tl.float32)
    for at in range(0, PER, BLOCK):
        v = tl.load(x + row + at + i)
        new = tl.maximum(m, v)
        s = s * tl.exp(m - new) + tl.exp(v - new)
        m = new
    top = tl.max(m, 0)
    out = tl.program_id(0) * tl.num_programs(1) + tl.program_id(1)
    tl.store(part_m + out, top)
    tl.store(part_s + out, tl.sum(s * tl.exp(m - top), 0))


@triton.jit
def softmax_merge(x, y, part_m, part_s, n, PER: tl.constexpr, PARTS: tl.constexpr, BLOCK: tl.constexpr):
    """Every program merges the parts of its row again (a few numbers), then writes its part."""
    p = tl.arange(0, PARTS)
    m = tl.load(part_m + tl.program_id(0) * PARTS + p)
    s = tl.load(part_s + tl.program_id(0) * PARTS + p)
    top = tl.max(m, 0)
    total = tl.sum(s * tl.exp(m - top), 0)
    row = tl.program_id(0).to(tl.int64) * n + tl.program_id(1) * PER
    i = tl.arange(0, BLOCK)
    for at in range(0, PER, BLOCK):
        v = tl.load(x + row + at + i)
        tl.store(y + row + at + i, tl.exp(v - top) / total)


@triton.jit
def add_rmsnorm(x, res, w, out, n, eps, BLOCK: tl.constexpr, ADD: tl.constexpr):
    row = tl.program_id(0).to(tl.int64) * n
    i = tl.arange(0, BLOCK)
    v = tl.load(x + row + i, mask=i < n, other=0.0).to(tl.float32)
    if ADD:
        v += tl.load(res + row + i, mask=i < n, other=0.0).to(tl.float32)
        tl.store(res + row + i, v.to(tl.bfloat16), mask=i < n)
    scale = tl.rsqrt(tl.sum(v * v, 0) / n + eps)
    g = tl.load(w + i, mask=i < n).to(tl.float32)
    tl.store(out + row + i, (v * scale * g).to(tl.bfloat16), mask=i < n)


@triton.jit
def row_sum(x, out, n, BLOCK: tl.constexpr, STAGES: tl.constexpr):
    """A loop of loads without a dot: pipelined only when tl.range says so."""
    row = tl.program_id(0).to(tl.int64) * n
    i = tl.arange(0, BLOCK)
    acc = tl.zeros((BLOCK,), tl.float32)
    for at in tl.range(0, n, BLOCK, num_stages=STAGES):
        acc += tl.load(x + row + at + i)
    tl.store(out + tl.program_id(0), tl.sum(acc, 0))


@triton.jit
def row_sum_narrow(x, out, stride, n, BLOCK: tl.constexpr, WIDE: tl.constexpr):
    row = tl.program_id(0).to(tl.int64) if WIDE else tl.program_id(0)
    i = tl.arange(0, BLOCK)
    v = tl.load(x + row * stride + i, mask=i < n, other=0)
    tl.store(out + tl.program_id(0), tl.sum(v.to(tl.float32), 0))


@gluon.jit
def gluon_double(src, dst, B: gl.constexpr, L: gl.constexpr, DOUBLE: gl.constexpr, FENCE: gl.constexpr):
    """A tile in and out by TMA; doubled through registers on the way, with or without the fence between the proxies."""
    smem = gl.allocate_shared_memory(src.dtype, [B, B], src.layout)
    bar = gl.allocate_shared_memory(gl.int64, [1], mbarrier.MBarrierLayout())
    mbarrier.init(bar, count=1)
    at = [gl.program_id(0) * B, gl.program_id(1) * B]
    mbarrier.expect(bar, src.block_type.nbytes)
    tma.async_copy_global_to_shared(src, at, bar, smem)
    mbarrier.wait(bar, phase=0)
    if DOUBLE:
        v = smem.load(L)
        smem.store(v + v)
        if FENCE:
            fence_async_shared()
    tma.async_copy_shared_to_global(dst, at, smem)
    tma.store_wait(pendings=0)


@gluon.jit
def gluon_copy(x, y, B: gl.constexpr, L: gl.constexpr):
    i = gl.program_id(0) * B + gl.arange(0, B, layout=L)
    gl.store(y + i, gl.load(x + i))


def us(fn: Callable[[], Any], rep: int = REP_MS) -> float:
    return 1000 * float(do_bench(fn, warmup=15, rep=rep, return_mode="median"))


def tflops(m: int, n: int, k: int, micros: float) -> float:
    return 2 * m * n * k / micros / 1e6


def bf16(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, device="cuda").to(torch.bfloat16)


def order() -> None:
    """bf16, 8192 cubed: the size of a group of tile rows, in eight rounds through all (the clock falls as it heats)."""
    side = 8192
    a, b = bf16(side, side), bf16(side, side)
    c = torch.empty(side, side, device="cuda", dtype=torch.bfloat16)
    times: dict[str, list[float]] = {}
    for _ in range(8):
        for bm, bn, warps in ((128, 256, 8), (128, 128, 4)):
            for group in GROUPS:
                grid = (side // bm * (side // bn),)

                def run(group: int = group, bm: int = bm, bn: int = bn, warps: int = warps, grid: Any = grid) -> None:
                    matmul[grid](a, b, c, side, side, side, bm, bn, 64, group, "tf32", num_warps=warps, num_stages=3)

                times.setdefault(f"{bm}x{bn} GROUP={group}", []).append(us(run, 30))
        times.setdefault("cuBLAS", []).append(us(lambda: torch.mm(a, b, out=c), 30))
    for name, rounds in times.items():
        t = sorted(rounds)[len(rounds) // 2]
        print(
            f"order {name}: median {t:.0f} us, {tflops(side, side, side, t):.0f} TFLOPS "
            f"({min(rounds):.0f} to {max(rounds):.0f} us)"
        )


def order_once() -> None:
    side = 8192
    a, b = bf16(side, side), bf16(side, side)
    c = torch.empty(side, side, device="cuda", dtype=torch.bfloat16)
    for bm, bn, warps in ((128, 256, 8), (128, 128, 4)):
        for group in GROUPS:
            grid = (side // bm * (side // bn),)
            matmul[grid](a, b, c, side, side, side, bm, bn, 64, group, "tf32", num_warps=warps, num_stages=3)
    torch.cuda.synchronize()


def precision() -> None:
    """fp32, 2048 cubed: error against fp64 of each input_precision, and the mean signed error of positive inputs."""
    side = 2048
    grid = (side // 64 * (side // 64),)
    c = torch.empty(side, side, device="cuda")
    for name, make in (("normal", torch.randn), ("uniform", torch.rand)):
        torch.manual_seed(0)
        a, b = make(side, side, device="cuda"), make(side, side, device="cuda")
        exact = a.double() @ b.double()
        for prec in ("tf32", "tf32x3", "ieee", "bf16x3", "bf16x6"):

            def run(a: Any = a, b: Any = b, prec: str = prec) -> None:
                matmul[grid](a, b, c, side, side, side, 64, 64, 32, 8, prec, num_warps=4, num_stages=2)

            try:
                run()
            except Exception as error:
                print(f"precision {name} {prec}: {type(error).__name__} {str(error).splitlines()[:1]}")
                continue
            d = c.double() - exact
            rel = float(d.norm() / exact.norm())
            bias = float((d / exact).mean()) if name == "uniform" else float("nan")
            t = us(run)
            print(
                f"precision {name} {prec}: relative error {rel:.2e}, mean signed {bias:+.2e}, {t:.0f} us, "
                f"{tflops(side, side, side, t):.1f} TFLOPS"
            )
        bt = b.t().contiguous()
        for prec in ("tf32", "tf32x3", "ieee"):

            def run_kmajor(a: Any = a, bt: Any = bt, prec: str = prec) -> None:
                matmul_kmajor[(side // 64, side // 64)](
                    a, bt, c, side, side, side, 64, 64, 32, prec, num_warps=4, num_stages=3
                )

            t = us(run_kmajor)
            rel = float((c.double() - exact).norm() / exact.norm())
            print(f"precision {name} {prec}, B along K: relative error {rel:.2e}, {t:.0f} us")
        for allow in (False, True):
            torch.backends.cuda.matmul.allow_tf32 = allow
            out = a @ b
            d = out.double() - exact
            bias = float((d / exact).mean()) if name == "uniform" else float("nan")
            t = us(lambda a=a, b=b: torch.mm(a, b, out=c))
            print(
                f"precision {name} torch allow_tf32={allow}: relative error {float(d.norm() / exact.norm()):.2e}, "
                f"mean signed {bias:+.2e}, {t:.0f} us"
            )
        torch.backends.cuda.matmul.allow_tf32 = False


def stages() -> None:
    """bf16, 4096 cubed, tile 128 x 128 x 64, 4 warps, by num_stages; and a loop without dot by tl.range(num_stages)."""
    side = 4096
    a, b = bf16(side, side), bf16(side, side)
    c = torch.empty(side, side, device="cuda", dtype=torch.bfloat16)
    for n in range(1, 8):

        def run(n: int = n) -> Any:
            return matmul[(1024,)](a, b, c, side, side, side, 128, 128, 64, 8, "tf32", num_warps=4, num_stages=n)

        try:
            kernel = run()
        except Exception as error:
            print(f"stages {n}: {type(error).__name__} {str(error).splitlines()[:1]}")
            continue
        t = us(run)
        print(
            f"stages {n}: {t:.0f} us, {tflops(side, side, side, t):.0f} TFLOPS, {kernel.metadata.shared} bytes shared"
        )
    x = torch.randn(132, 1 << 20, device="cuda")
    out = torch.empty(132, device="cuda")
    for n in range(1, 7):
        t = us(lambda n=n: row_sum[(132,)](x, out, 1 << 20, 4096, n, num_warps=4))
        print(f"stages of tl.range without dot {n}: {t:.0f} us, {x.numel() * 4 / t / 1e3:.0f} GB/s")


def launch() -> None:
    """Host time to enqueue a tiny kernel (5,000 in a row): by number of arguments and by way of launching."""
    x = torch.zeros(1024, device="cuda")

    def per_call(fn: Callable[[], Any], count: int = 5000) -> float:
        for _ in range(100):
            fn()
        torch.cuda.synchronize()
        start = time.perf_counter()
        for _ in range(count):
            fn()
        torch.cuda.synchronize()
        return (time.perf_counter() - start) / count * 1e6

    four = per_call(lambda: add[(1,)](x, x, x, 1024, 1024))
    thirteen = per_call(lambda: twelve[(1,)](x, x, x, x, x, x, 1, 2, 3, 4, 5, 1024, 1024))
    kernel = add[(1,)](x, x, x, 1024, 1024)
    print(f"launch: {four:.1f} us with 5 arguments, {thirteen:.1f} us with 13")
    try:
        direct = per_call(lambda: kernel[(1, 1, 1)](x, x, x, 1024, 1024))
        print(f"launch: {direct:.1f} us through the CompiledKernel, without specialisation")
    except Exception as error:
        print(f"launch of the CompiledKernel: {type(error).__name__} {str(error).splitlines()[:1]}")
    print(f"launch: torch add_ {per_call(lambda: x.add_(1)):.1f} us")
    stream = torch.cuda.Stream()
    with torch.cuda.stream(stream):
        add[(1,)](x, x, x, 1024, 1024)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph, stream=stream):
        for _ in range(100):
            add[(1,)](x, x, x, 1024, 1024)
    print(f"launch: {per_call(graph.replay, 200) / 100:.2f} us a kernel in a CUDA graph of 100")
    for value in (1, 2, 16):
        start = time.perf_counter()
        add[(1,)](x, x, x, value, 512)
        print(f"launch: first call with n={value} {(time.perf_counter() - start) * 1e3:.1f} ms")


def bench() -> None:
    """One kernel of 3 x 8 MB (fits L2) and one of 4 KB, timed in four ways."""
    for n in (2 << 20, 1 << 10):
        x, y, out = (torch.randn(n, device="cuda") for _ in range(3))
        grid = (triton.cdiv(n, 1024),)

        def run(x: Any = x, y: Any = y, out: Any = out, n: int = n, grid: Any = grid) -> None:
            add[grid](x, y, out, n, 1024)

        cold = us(run)
        warm = 1000 * float(do_bench_cudagraph(run, rep=20, return_mode="median"))
        torch.cuda.synchronize()
        start = time.perf_counter()
        run()
        wrong = (time.perf_counter() - start) * 1e6
        torch.cuda.synchronize()
        start = time.perf_counter()
        for _ in range(1000):
            run()
        torch.cuda.synchronize()
        loop = (time.perf_counter() - start) * 1e3
        print(
            f"bench {n * 12} bytes moved: do_bench {cold:.1f} us ({n * 12 / cold / 1e3:.0f} GB/s), "
            f"cudagraph {warm:.2f} us ({n * 12 / warm / 1e3:.0f} GB/s), host clock without sync {wrong:.1f} us, "
            f"loop of 1000 {loop:.1f} us each"
        )


def waves() -> None:
    """bf16, tile 128 x 256, K = 8192: one tile more than SMs; then a small product split over K."""
    sms = torch.cuda.get_device_properties(0).multi_processor_count
    print(f"waves: {sms} SMs")
    for m, n in ((12, 11), (7, 19), (12, 22)):
        a, b = bf16(m * 128, 8192), bf16(8192, n * 256)
        c = torch.empty(m * 128, n * 256, device="cuda", dtype=torch.bfloat16)

        def run(a: Any = a, b: Any = b, c: Any = c, m: int = m, n: int = n) -> None:
            matmul[(m * n,)](a, b, c, m * 128, n * 256, 8192, 128, 256, 64, 1, "tf32", num_warps=8, num_stages=3)

        t = us(run)
        print(f"waves: {m * n} tiles {t:.0f} us, {tflops(m * 128, n * 256, 8192, t):.0f} TFLOPS")
    a, b = bf16(7 * 128, 8192), bf16(8192, 19 * 256)
    c = torch.empty(7 * 128, 19 * 256, device="cuda", dtype=torch.bfloat16)
    for tiles, bn, warps in ((133, 256, 8), (266, 128, 4)):
        t = us(
            lambda tiles=tiles, bn=bn, warps=warps: matmul[(tiles,)](
                a, b, c, 7 * 128, 19 * 256, 8192, 128, bn, 64, 1, "tf32", num_warps=warps, num_stages=3
            )
        )
        print(f"waves: the same matrix in {tiles} tiles of 128 x {bn}: {t:.0f} us")
    a, b = bf16(128, 16384), bf16(16384, 2048)
    c = torch.zeros(128, 2048, device="cuda")
    for split in (1, 2, 4, 8, 16, 32):
        parts = torch.empty(split, 128, 2048, device="cuda")

        def split_run(split: int = split) -> None:
            if split > 1:
                c.zero_()
            matmul_split_k[(16, split)](a, b, c, 128, 2048, 16384, 128, 128, 64, split, num_warps=4, num_stages=4)

        t = us(split_run)

        def apart(split: int = split, parts: torch.Tensor = parts) -> torch.Tensor:
            matmul_parts[(16, split)](a, b, parts, 128, 2048, 16384, 128, 128, 64, split, num_warps=4, num_stages=4)
            return parts.sum(0)

        print(
            f"waves: 128 x 2048 x 16384, split-K {split}: {t:.1f} us, {tflops(128, 2048, 16384, t):.0f} TFLOPS; "
            f"stored apart, then summed: {us(apart):.1f} us"
        )
    torch.testing.assert_close(c, (a.float() @ b.float()), atol=1.0, rtol=0.05)


def descriptors() -> None:
    """bf16, 8192 cubed and 8192 x 8192 x 512, tile 128 x 256 x 64: pointers, descriptors, persistent."""
    from triton.tools.tensor_descriptor import TensorDescriptor

    sms = torch.cuda.get_device_properties(0).multi_processor_count
    side = 8192
    for k in (8192, 512):
        a, b = bf16(side, k), bf16(k, side)
        c = torch.empty(side, side, device="cuda", dtype=torch.bfloat16)
        da = TensorDescriptor.from_tensor(a, [128, 64])
        db = TensorDescriptor.from_tensor(b, [64, 256])
        dc = TensorDescriptor.from_tensor(c, [128, 256])
        tile, o = (128, 256, 64, 8), {"num_warps": 8, "num_stages": 3}
        ways: dict[str, Callable[[], Any]] = {
            "pointers": lambda a=a, b=b, c=c, k=k: matmul[(2048,)](a, b, c, side, side, k, *tile, "tf32", **o),
            "descriptors": lambda da=da, db=db, dc=dc, k=k: matmul_tma[(2048,)](da, db, dc, side, side, k, *tile, **o),
            "persistent": lambda da=da, db=db, dc=dc, k=k: matmul_persistent[(sms,)](
                da, db, dc, side, side, k, *tile, False, **o
            ),
            "persistent, flattened": lambda da=da, db=db, dc=dc, k=k: matmul_persistent[(sms,)](
                da, db, dc, side, side, k, *tile, True, **o
            ),
            "cuBLAS": lambda a=a, b=b, c=c: torch.mm(a, b, out=c),
        }
        for name, run in ways.items():
            try:
                c.zero_()
                run()
                torch.testing.assert_close(c[:512], a[:512] @ b, atol=2.0, rtol=0.05)
                t = us(run, 100)
            except Exception as error:
                print(f"descriptors K={k} {name}: {type(error).__name__} {str(error).splitlines()[:1]}")
                continue
            print(f"descriptors K={k} {name}: {t:.0f} us, {tflops(side, side, k, t):.0f} TFLOPS")


def atomics() -> None:
    """Sum of 2^24 fp32: one atomic a program into one address, against partial sums; results of 50 runs."""
    n, block = 1 << 24, 1024
    torch.manual_seed(0)
    x = torch.randn(n, device="cuda")
    out, parts = torch.zeros(1, device="cuda"), torch.empty(n // block, device="cuda")

    def by_atomics() -> torch.Tensor:
        out.zero_()
        sum_atomic[(n // block,)](x, out, block)
        return out

    def by_partials() -> torch.Tensor:
        sum_partials[(n // block,)](x, parts, block)
        return parts.sum()

    exact = float(x.double().sum())
    for name, fn in (("atomics", by_atomics), ("partials", by_partials)):
        results = [float(fn()) for _ in range(50)]
        print(
            f"atomics {name}: {len(set(results))} different sums in 50 runs, {min(results)!r} to {max(results)!r}, "
            f"exact {exact!r}, {us(fn):.1f} us"
        )


def softmax() -> None:
    """fp32: a row in one block against the online loop, and few long rows split over programs."""
    for rows, n in ((4096, 8192), (4096, 32768), (8, 1 << 20)):
        x = torch.randn(rows, n, device="cuda")
        y = torch.empty_like(x)
        want = x.softmax(1)
        ways: dict[str, Callable[[], Any]] = {
            "one block": lambda x=x, y=y, n=n, r=rows: softmax_row[(r,)](
                x, y, n, triton.next_power_of_2(n), num_warps=16
            ),
            "online loop": lambda x=x, y=y, n=n, r=rows: softmax_online[(r,)](x, y, n, 4096, num_warps=8),
            "torch": lambda x=x: x.softmax(1),
        }
        if rows == 8:
            del ways["one block"]
            parts = 64
            m = torch.empty(rows, parts, device="cuda")
            s = torch.empty_like(m)

            def split(x: Any = x, y: Any = y, n: int = n) -> None:
                softmax_parts[(8, 64)](x, m, s, n, n // 64, 4096, num_warps=8)
                softmax_merge[(8, 64)](x, y, m, s, n, n // 64, 64, 4096, num_warps=8)

            ways["split in 64 and merged"] = split
        for name, run in ways.items():
            y.zero_()
            try:
                run()
                if name != "torch":
                    torch.testing.assert_close(y, want, atol=1e-6, rtol=1e-4)
                t = us(run)
            except Exception as error:
                print(f"softmax {rows} x {n} {name}: {type(error).__name__} {str(error).splitlines()[:1]}")
                continue
            print(f"softmax {rows} x {n} {name}: {t:.1f} us, {2 * x.numel() * 4 / t / 1e3:.0f} GB/s of 2MN")


def norms() -> None:
    """bf16, 8192 rows of 4096: residual add and RMSNorm apart and in one kernel; LayerNorm and RMSNorm of torch."""
    rows, n = 8192, 4096
    x, res, out, w = bf16(rows, n), bf16(rows, n), bf16(rows, n), bf16(n)

    def fused() -> None:
        add_rmsnorm[(rows,)](x, res, w, out, n, 1e-6, 4096, True, num_warps=8)

    def norm() -> None:
        add_rmsnorm[(rows,)](x, res, w, out, n, 1e-6, 4096, False, num_warps=8)

    def apart() -> None:
        torch.add(x, res, out=res)
        add_rmsnorm[(rows,)](res, res, w, out, n, 1e-6, 4096, False, num_warps=8)

    norm()
    torch.testing.assert_close(out, torch.nn.functional.rms_norm(x, (n,), w, 1e-6), atol=0.06, rtol=0.05)

    def five() -> torch.Tensor:
        v = x.float()
        return (v * torch.rsqrt(v.pow(2).mean(-1, keepdim=True) + 1e-6)).to(torch.bfloat16) * w

    ways: dict[str, Callable[[], Any]] = {
        "RMSNorm kernel": norm,
        "add, then kernel": apart,
        "add fused": fused,
        "RMSNorm as operators": five,
        "F.rms_norm": lambda: torch.nn.functional.rms_norm(x, (n,), w, 1e-6),
        "F.layer_norm": lambda: torch.nn.functional.layer_norm(x, (n,), w, w),
    }
    for name, run in ways.items():
        print(f"norms {name}: {us(run):.1f} us (one pass over x is {rows * n * 2 / 1e6:.0f} MB)")


def views() -> None:
    """bf16 (8, 4096, 32, 128): what contiguous() of a transpose costs next to a copy."""
    x = bf16(8, 4096, 32, 128)
    size = 2 * x.numel() * x.element_size()
    image = bf16(64, 256, 56, 56)
    ways: dict[str, tuple[Callable[[], Any], int]] = {
        "clone": (x.clone, size),
        "transpose(1, 2).contiguous()": (lambda: x.transpose(1, 2).contiguous(), size),
        "permute(0, 2, 3, 1).contiguous()": (lambda: x.permute(0, 2, 3, 1).contiguous(), size),
        "NCHW to channels_last": (
            lambda: image.contiguous(memory_format=torch.channels_last),
            2 * image.numel() * image.element_size(),
        ),
    }
    for name, (run, moved) in ways.items():
        t = us(run)
        print(f"views {name}: {t:.1f} us, {moved / t / 1e3:.0f} GB/s")
    start = time.perf_counter()
    for _ in range(10000):
        x.transpose(1, 2)
    print(f"views transpose alone: {(time.perf_counter() - start) * 100:.2f} us of host time")


def gluon_kernels() -> None:
    """TMA through shared memory with a ragged edge, the missing fence, and the width of a layout (gluon card)."""
    from triton.experimental.gluon.nvidia.hopper import TensorDescriptor

    x = torch.randn(1000, 1032, device="cuda").half()
    y = torch.empty_like(x)
    shared = gl.NVMMASharedLayout.get_default_for([64, 64], gl.float16)
    src, dst = (TensorDescriptor.from_tensor(t, [64, 64], shared) for t in (x, y))
    layout = gl.BlockedLayout([1, 8], [4, 8], [4, 1], [1, 0])
    for double, fence in ((False, False), (True, True), (True, False)):
        wrong = 0
        for _ in range(200):
            y.fill_(7)
            gluon_double[(16, 17)](src, dst, 64, layout, double, fence, num_warps=4)
            wrong += not torch.equal(x + x if double else x, y)
        print(f"gluon {'double' if double else 'copy'}, fence {fence}: {wrong} of 200 runs wrong")
    a = torch.randn(1 << 26, device="cuda")
    b = torch.empty_like(a)
    for r in (1, 2, 4, 8):
        t = us(lambda r=r: gluon_copy[(a.numel() // 2048,)](a, b, 2048, gl.BlockedLayout([r], [32], [4], [0])))
        print(f"gluon copy of 2^26 floats, {r} a thread in a row: {t:.0f} us, {a.numel() * 8 / t / 1e3:.0f} GB/s")


def offsets() -> None:
    """70000 rows of 40000 bytes with an int32 row offset; the 2.2 GB below the tensor are ours, so no fault."""
    pool = torch.zeros(2_200_000_000 + 70_000 * 40_000, dtype=torch.int8, device="cuda")
    x = pool[2_200_000_000:]
    x.fill_(1)
    out = torch.empty(70_000, device="cuda")
    for wide in (True, False):
        row_sum_narrow[(70_000,)](x, out, 40_000, 40_000, 65_536, wide, num_warps=8)
        wrong = (out != 40_000).nonzero()
        first = int(wrong[0]) if len(wrong) else None
        print(f"offsets int{64 if wide else 32}: {len(wrong)} rows of 70000 wrong, the first {first}")


ALL = (
    order,
    precision,
    stages,
    launch,
    bench,
    waves,
    descriptors,
    atomics,
    softmax,
    norms,
    views,
    gluon_kernels,
    offsets,
)

if __name__ == "__main__":
    if "--once" in sys.argv:
        order_once()
    else:
        print(torch.cuda.get_device_name(), "torch", torch.__version__, "triton", triton.__version__)
        for measure in ALL:
            if len(sys.argv) == 1 or measure.__name__ in sys.argv:
                begin = time.perf_counter()
                try:
                    measure()
                except Exception:
                    traceback.print_exc(limit=2)
                print(f"# {measure.__name__}: {time.perf_counter() - begin:.1f} s", flush=True)
