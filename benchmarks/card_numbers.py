"""Measures the numbers that the Triton cards quote. Needs one CUDA GPU: `python benchmarks/card_numbers.py`.

Every time is a median of `triton.testing.do_bench` (which clears L2 before each run) unless the line says otherwise.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time

import torch
import triton
import triton.language as tl
from triton.testing import do_bench

REP_MS = 300


@triton.jit
def matmul(
    a, b, c, M, N, K, BM: tl.constexpr, BN: tl.constexpr, BK: tl.constexpr, GROUP: tl.constexpr, RELU: tl.constexpr
):
    """C = A @ B (row-major, dimensions multiples of the tile), optionally with ReLU while the sum is still fp32."""
    pid = tl.program_id(0)
    width = GROUP * (N // BN)
    pid_m = pid // width * GROUP + (pid % width) % GROUP
    pid_n = (pid % width) // GROUP
    rows = pid_m * BM + tl.arange(0, BM)
    cols = pid_n * BN + tl.arange(0, BN)
    k = tl.arange(0, BK)
    pa = a + rows[:, None] * K + k[None, :]
    pb = b + k[:, None] * N + cols[None, :]
    acc = tl.zeros((BM, BN), tl.float32)
    for _ in range(0, K, BK):
        acc = tl.dot(tl.load(pa), tl.load(pb), acc)
        pa += BK
        pb += BK * N
    if RELU:
        acc = tl.maximum(acc, 0)
    tl.store(c + rows[:, None] * N + cols[None, :], acc.to(tl.float16))


@triton.jit
def strided_copy(x, y, stride, BLOCK: tl.constexpr):
    """y[i] = x[i * stride]: contiguous writes, reads with a step."""
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    tl.store(y + i, tl.load(x + i * stride))


@triton.jit
def add_one(x, n, BLOCK: tl.constexpr):
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    tl.store(x + i, tl.load(x + i, mask=i < n) + 1, mask=i < n)


def median_us(fn) -> float:
    return 1000 * do_bench(fn, rep=REP_MS, return_mode="median")


def relu_epilogue() -> None:
    """fp16, M = N = 8192: the product, then ReLU in place, against one kernel that does both."""
    m = n = 8192
    for k in (8192, 2048, 512, 128, 64):
        a = torch.randn(m, k, device="cuda").half()
        b = torch.randn(k, n, device="cuda").half()
        c = torch.empty(m, n, device="cuda", dtype=torch.float16)

        def launch(relu: bool, a=a, b=b, c=c, k=k) -> None:
            grid = (m // 128 * (n // 256),)
            matmul[grid](a, b, c, m, n, k, 128, 256, 64, 8, relu, num_warps=8, num_stages=3)

        launch(True)
        torch.testing.assert_close(c, torch.relu(a @ b), atol=0.5, rtol=0.02)
        plain = median_us(lambda: launch(False))
        apart = median_us(lambda c=c: (launch(False), torch.relu_(c)))
        fused = median_us(lambda: launch(True))
        cublas = median_us(lambda a=a, b=b, c=c: torch.mm(a, b, out=c))
        print(
            f"relu epilogue K={k}: apart {apart:.1f} us, fused {fused:.1f} us, gain {apart / fused:.2f}x; "
            f"kernel alone {plain:.1f} us = {2 * m * n * k / plain / 1e6:.0f} TFLOPS, cuBLAS {cublas:.1f} us"
        )


def softmax() -> None:
    """fp32, 4096 x 8192: five eager operators against PyTorch's one kernel."""
    x = torch.randn(4096, 8192, device="cuda")

    def naive() -> torch.Tensor:
        e = (x - x.max(1)[0][:, None]).exp()
        return e / e.sum(1)[:, None]

    eager, fused = median_us(naive), median_us(lambda: x.softmax(1))
    print(f"softmax: five operators {eager:.1f} us, one kernel {fused:.1f} us, {eager / fused:.2f}x")


def strides() -> None:
    """fp32, 2^25 elements copied, read with a step."""
    n = 1 << 25
    x = torch.randn(n * 32, device="cuda")
    y = torch.empty(n, device="cuda")
    for stride in (1, 2, 4, 8, 16, 32):
        t = median_us(lambda s=stride: strided_copy[(n // 1024,)](x, y, s, 1024))
        print(f"copy with read stride {stride}: {t:.1f} us")


def host_cost() -> None:
    """Host time to enqueue one tiny kernel (10,000 launches in a row, no synchronisation between)."""
    x = torch.zeros(1024, device="cuda")

    def per_call(fn, count=10_000) -> float:
        for _ in range(100):
            fn()
        torch.cuda.synchronize()
        start = time.perf_counter()
        for _ in range(count):
            fn()
        torch.cuda.synchronize()
        return (time.perf_counter() - start) / count * 1e6

    stream = torch.cuda.Stream()
    with torch.cuda.stream(stream):
        add_one[(1,)](x, 1024, 1024)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph, stream=stream):
        for _ in range(100):
            add_one[(1,)](x, 1024, 1024)
    triton_us = per_call(lambda: add_one[(1,)](x, 1024, 1024))
    torch_us = per_call(lambda: x.add_(1))
    graph_us = per_call(graph.replay, 200) / 100
    print(
        f"enqueue: triton {triton_us:.1f} us, torch add_ {torch_us:.1f} us, in a CUDA graph {graph_us:.2f} us a kernel"
    )


def first_call() -> None:
    """First launch of the matmul above in a fresh process: empty disk cache, then the same cache again."""
    with tempfile.TemporaryDirectory() as cache:
        for state in ("empty", "filled"):
            env = os.environ | {"TRITON_CACHE_DIR": cache}
            out = subprocess.run(
                [sys.executable, __file__, "--first"], env=env, capture_output=True, text=True, check=True
            )
            print(f"first launch, {state} disk cache: {out.stdout.strip()}")


def first_launch() -> None:
    a = torch.randn(256, 256, device="cuda").half()
    c = torch.empty_like(a)
    add_one[(1,)](torch.zeros(1024, device="cuda"), 1024, 1024)  # driver and launcher module are ready
    torch.cuda.synchronize()
    start = time.perf_counter()
    matmul[(2,)](a, a, c, 256, 256, 256, 128, 256, 64, 1, True, num_warps=8, num_stages=3)
    torch.cuda.synchronize()
    print(f"{(time.perf_counter() - start) * 1e3:.1f} ms")


if __name__ == "__main__":
    if "--first" in sys.argv:
        first_launch()
    else:
        print(torch.cuda.get_device_name(), "torch", torch.__version__, "triton", triton.__version__)
        for measure in (relu_epilogue, softmax, strides, host_cost, first_call):
            measure()
