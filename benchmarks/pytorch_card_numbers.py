"""Measures what the cards on PyTorch's memory, on streams and on CUDA graphs quote, on one CUDA GPU.

Each section is guarded: one that fails prints why, and the others still run. Names as arguments run only those.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import torch

from benchmarks.sections import run_sections

MIB = 1 << 20
SIZES = (1, 513, MIB, MIB + 1, 5 * MIB, 10 * MIB - 512, 10 * MIB, 10 * MIB + 1, 100 * MIB + 1)
GROWING = """
import torch
MIB = 1 << 20
for step in range(20):
    a = torch.empty((64 + 4 * step) * MIB, dtype=torch.uint8, device="cuda")
    b = torch.empty((128 + 8 * step) * MIB, dtype=torch.uint8, device="cuda")
    largest = torch.cuda.memory_allocated()
    del a, b
stats = torch.cuda.memory_stats()
print(largest // MIB, torch.cuda.memory_reserved() // MIB, stats["segment.all.current"], stats["num_device_alloc"])
"""


def bytes_of(n: int) -> torch.Tensor:
    return torch.empty(n, dtype=torch.uint8, device="cuda")


def median(values: list[float]) -> float:
    return statistics.median(values)


def wall_us(fn: Callable[[], Any], repeat: int = 15) -> float:
    """CPU time of one call, the GPU idle before and not awaited after."""
    times = []
    for _ in range(repeat):
        torch.cuda.synchronize()
        start = time.perf_counter()
        fn()
        times.append(1e6 * (time.perf_counter() - start))
    torch.cuda.synchronize()
    return median(times)


def gpu_us(fn: Callable[[], Any], repeat: int = 15) -> float:
    times = []
    for _ in range(repeat):
        start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        torch.cuda.synchronize()
        start.record()
        fn()
        end.record()
        torch.cuda.synchronize()
        times.append(1000 * start.elapsed_time(end))
    return median(times)


def context() -> None:
    """What nvidia-smi shows beyond the allocator: CUDA context and modules."""
    x = bytes_of(1)
    torch.cuda.synchronize()
    free, total = torch.cuda.mem_get_info()
    print(f"  used on the device {(total - free) / MIB:.0f} MiB, reserved {torch.cuda.memory_reserved() / MIB:.0f} MiB")
    y = torch.randn(1024, 1024, device="cuda")
    _ = y @ y
    torch.cuda.synchronize()
    free, total = torch.cuda.mem_get_info()
    reserved, allocated = torch.cuda.memory_reserved(), torch.cuda.memory_allocated()
    print(
        f"  after a matmul: used {(total - free) / MIB:.0f} MiB, reserved {reserved / MIB:.0f}, "
        f"allocated {allocated / MIB:.1f} MiB"
    )
    del x, y


def sizes() -> None:
    """One request each on an empty cache: bytes allocated and reserved."""
    for n in SIZES:
        torch.cuda.empty_cache()
        allocated, reserved = torch.cuda.memory_allocated(), torch.cuda.memory_reserved()
        x = bytes_of(n)
        got = torch.cuda.memory_allocated() - allocated, torch.cuda.memory_reserved() - reserved
        print(f"  request {n:>10}: allocated {got[0]:>10}, reserved {got[1]:>10} = {got[1] / MIB:g} MiB")
        del x


def split_segment() -> None:
    """Two 6 MiB tensors share a 20 MiB segment: empty_cache cannot return it while one lives."""
    torch.cuda.empty_cache()
    base = torch.cuda.memory_reserved()
    a, b = bytes_of(6 * MIB), bytes_of(6 * MIB)
    print(f"  both: reserved {(torch.cuda.memory_reserved() - base) / MIB:g} MiB")
    del a
    torch.cuda.empty_cache()
    stats = torch.cuda.memory_stats()
    print(
        f"  one freed, empty_cache: reserved {(torch.cuda.memory_reserved() - base) / MIB:g} MiB, "
        f"inactive_split_bytes {stats['inactive_split_bytes.all.current'] / MIB:g} MiB"
    )
    del b
    torch.cuda.empty_cache()
    print(f"  both freed, empty_cache: reserved {(torch.cuda.memory_reserved() - base) / MIB:g} MiB")


def malloc_cost() -> None:
    """A cached allocation against cudaMalloc and cudaFree of 64 MiB."""
    torch.cuda.empty_cache()
    bytes_of(64 * MIB)

    def cached() -> None:
        bytes_of(64 * MIB)

    def raw() -> None:
        torch.cuda.empty_cache()
        bytes_of(64 * MIB)

    print(f"  from the cache {wall_us(cached):.1f} us; empty_cache + cudaMalloc {wall_us(raw):.1f} us")


def growing() -> None:
    """Two tensors that grow by 4 and 8 MiB a step, freed each step: MiB needed, reserved, segments, device allocs."""
    for setting in ("expandable_segments:False", "expandable_segments:True"):
        for name in ("PYTORCH_CUDA_ALLOC_CONF", "PYTORCH_ALLOC_CONF"):
            rest = {k: v for k, v in os.environ.items() if not k.endswith("ALLOC_CONF")}
            done = subprocess.run(
                [sys.executable, "-c", GROWING], env=rest | {name: setting}, capture_output=True, text=True
            )
            print(f"  {name}={setting}: {done.stdout.strip() or done.stderr.strip()[-300:]}", flush=True)


def record_stream() -> None:
    """Freed while a side stream still reads it: is the address handed out again?"""
    for mark in (False, True):
        side = torch.cuda.Stream()
        x = bytes_of(32 * MIB)
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            torch.cuda._sleep(500_000_000)
            x.add_(1)
        if mark:
            x.record_stream(side)
        address = x.data_ptr()
        del x
        y = bytes_of(32 * MIB)
        early = y.data_ptr() == address
        torch.cuda.synchronize()
        z = bytes_of(32 * MIB)
        late = z.data_ptr() == address
        print(f"  record_stream {mark!s:5}: reused at once {early}, after synchronize {late}")
        del y, z
        torch.cuda.empty_cache()


def copies() -> None:
    """256 MiB host to device: pageable and pinned, with and without non_blocking; CPU time of the call, GPU time."""
    n = 256 * MIB
    pageable, device = torch.ones(n, dtype=torch.uint8), bytes_of(n)
    start = time.perf_counter()
    pinned = pageable.pin_memory()
    print(f"  pin_memory() itself: {1000 * (time.perf_counter() - start):.1f} ms")
    for name, source in (("pageable", pageable), ("pinned", pinned)):
        for non_blocking in (False, True):

            def call(source: torch.Tensor = source, nb: bool = non_blocking) -> None:
                device.copy_(source, non_blocking=nb)

            cpu, gpu = wall_us(call, 5), gpu_us(call, 5)
            print(
                f"  {name:8} non_blocking={non_blocking!s:5}: CPU {cpu:9.0f} us, GPU {gpu:9.0f} us, "
                f"{n / gpu / 1e3:.1f} GB/s"
            )
    back = torch.empty(n, dtype=torch.uint8, pin_memory=True)
    device.fill_(7)
    torch.cuda.synchronize()
    back.zero_()
    back.copy_(device, non_blocking=True)
    stale = int((back[-4096:] != 7).sum())
    torch.cuda.synchronize()
    print(
        f"  device to pinned host, non_blocking, read without a synchronize: {stale} of the last 4096 bytes are stale"
    )


def overlap() -> None:
    """64 MiB copies and matmuls, one stream against two."""
    pinned = torch.ones(64 * MIB, dtype=torch.uint8).pin_memory()
    device = bytes_of(64 * MIB)
    a = torch.randn(4096, 4096, device="cuda", dtype=torch.bfloat16)
    side = torch.cuda.Stream()

    def copy() -> None:
        device.copy_(pinned, non_blocking=True)

    def work() -> None:
        for _ in range(6):
            a @ a

    def one() -> None:
        copy()
        work()

    def two() -> None:
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            copy()
        work()
        torch.cuda.current_stream().wait_stream(side)

    work()
    print(
        f"  copy {gpu_us(copy):.0f} us, 6 matmuls {gpu_us(work):.0f} us, one stream {gpu_us(one):.0f} us, "
        f"two streams {gpu_us(two):.0f} us"
    )


def launches() -> None:
    """1000 tiny in-place additions: eager, and as one CUDA graph."""
    x = torch.zeros(16, device="cuda")

    def eager() -> None:
        for _ in range(1000):
            x.add_(1)

    eager()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        eager()
    graph.replay()
    print(
        f"  a kernel, eager: CPU {wall_us(eager) / 1000:.2f} us, GPU {gpu_us(eager) / 1000:.2f} us; "
        f"in a graph: CPU {wall_us(graph.replay) / 1000:.3f} us, GPU {gpu_us(graph.replay) / 1000:.2f} us"
    )
    from benchmarks.kernel_card_numbers import kernel

    source = 'extern "C" __global__ void nothing(float* x) {}'
    run = kernel(source, "nothing")

    def empty() -> None:
        for _ in range(1000):
            run(grid=(1, 1, 1), block=(32, 1, 1), args=[x])

    empty()
    graph2 = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph2):
        empty()
    graph2.replay()
    print(
        f"  an empty kernel by ctypes: CPU {wall_us(empty) / 1000:.2f} us, GPU {gpu_us(empty) / 1000:.2f} us; "
        f"in a graph: CPU {wall_us(graph2.replay) / 1000:.3f} us, GPU {gpu_us(graph2.replay) / 1000:.2f} us"
    )


def graph_pools() -> None:
    """Reserved memory of three captures: own pools, then one shared pool; and after the graphs are gone."""

    def body(x: torch.Tensor) -> torch.Tensor:
        for _ in range(4):
            x = x * 2 + 1
        return x

    for shared in (False, True):
        torch.cuda.synchronize()
        torch.cuda.empty_cache()
        base = torch.cuda.memory_reserved()
        x = torch.zeros(16 * MIB, device="cuda")
        start = torch.cuda.memory_reserved()
        pool = torch.cuda.graph_pool_handle() if shared else None
        graphs, outs, steps = [], [], []
        for _ in range(3):
            graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(graph, pool=pool):
                out = body(x)
            graphs.append(graph)
            outs.append(out.data_ptr())
            del out
            steps.append((torch.cuda.memory_reserved() - start) // MIB)
        same = len(set(outs)) == 1
        torch.cuda.empty_cache()
        idle = (torch.cuda.memory_reserved() - start) // MIB
        allocated = torch.cuda.memory_allocated() // MIB
        del graphs, graph
        torch.cuda.empty_cache()
        gone = (torch.cuda.memory_reserved() - start) // MIB
        print(
            f"  shared pool {shared!s:5}: reserved after each capture {steps} MiB (x is 64), one address {same}; "
            f"idle after empty_cache {idle} MiB (allocated {allocated}); graphs deleted {gone} MiB"
        )
        del x
        torch.cuda.empty_cache()
        assert torch.cuda.memory_reserved() - base >= 0


SECTIONS = (context, sizes, split_segment, malloc_cost, growing, record_stream, copies, overlap, launches, graph_pools)


def main(names: list[str]) -> None:
    print(torch.cuda.get_device_name(), f"torch {torch.__version__}, allocator {torch.cuda.get_allocator_backend()}")
    run_sections(SECTIONS, names)


if __name__ == "__main__":
    main(sys.argv[1:])
