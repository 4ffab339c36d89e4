"""Measures what the cards on collectives quote, on two or more CUDA GPUs of one host.

    torchrun --nproc_per_node=2 -m benchmarks.parallelism_card_numbers

For each size of a bf16 tensor it times NCCL's all-reduce, reduce-scatter and all-gather (the size is that of the whole
tensor, as in nccl-tests), replayed from a CUDA graph so that launches do not count, and prints time, algorithm and bus
bandwidth. Then the same all-reduce called eagerly, torch's one-shot and two-shot all-reduce over symmetric memory where
they run (NVLink multicast is not used), and one product with its all-reduce, in turn and in two halves.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
import torch.distributed as dist

SIZES = tuple(1 << power for power in (10, 13, 14, 16, 17, 18, 20, 22, 24, 26, 28, 30))
SMALL = 1 << 20
ROUNDS = 20


def factor(name: str, ranks: int) -> float:
    """busbw / algbw, as nccl-tests defines it."""
    return (2 if name == "all_reduce" else 1) * (ranks - 1) / ranks


def timed_us(run: Callable[[], Any], calls: int) -> float:
    """Microseconds of one call, the best of three rounds; every rank starts together."""
    best = float("inf")
    for _ in range(3):
        dist.barrier()
        torch.cuda.synchronize()
        start, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        start.record()
        run()
        end.record()
        torch.cuda.synchronize()
        best = min(best, 1000 * start.elapsed_time(end) / calls)
    slowest = torch.tensor(best, device="cuda")
    dist.all_reduce(slowest, op=dist.ReduceOp.MAX)
    return float(slowest)


def graphed_us(call: Callable[[], Any], calls: int) -> float:
    """As timed_us, `calls` calls captured in one CUDA graph."""
    for _ in range(3):
        call()
    torch.cuda.synchronize()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        for _ in range(calls):
            call()
    graph.replay()
    return timed_us(graph.replay, calls)


def eager_us(call: Callable[[], Any], calls: int) -> float:
    def run() -> None:
        for _ in range(calls):
            call()

    run()
    return timed_us(run, calls)


def collectives(nbytes: int, ranks: int) -> dict[str, Callable[[], Any]]:
    whole = torch.zeros(nbytes // 2, dtype=torch.bfloat16, device="cuda")
    part = torch.zeros(nbytes // 2 // ranks, dtype=torch.bfloat16, device="cuda")
    return {
        "all_reduce": lambda: dist.all_reduce(whole),
        "reduce_scatter": lambda: dist.reduce_scatter_tensor(part, whole),
        "all_gather": lambda: dist.all_gather_into_tensor(whole, part),
    }


def sweep(say: Callable[[str], None], ranks: int) -> None:
    say(f"{'collective':<16}{'bytes':>12}{'us':>11}{'algbw GB/s':>12}{'busbw GB/s':>12}")
    for nbytes in SIZES:
        for name, call in collectives(nbytes, ranks).items():
            us = graphed_us(call, ROUNDS if nbytes <= 1 << 26 else 5)
            algorithm = nbytes / us / 1000
            say(f"{name:<16}{nbytes:>12}{us:>11.1f}{algorithm:>12.1f}{algorithm * factor(name, ranks):>12.1f}")


def small_messages(say: Callable[[str], None]) -> None:
    """NCCL, eager and replayed, against one-shot and two-shot kernels over symmetric memory."""
    import torch.distributed._symmetric_memory as symmetric

    group = dist.group.WORLD
    assert group is not None
    say(f"\n{'all-reduce':<24}{'bytes':>10}{'us':>10}")
    for nbytes in (size for size in SIZES if size <= SMALL):
        plain = torch.zeros(nbytes // 2, dtype=torch.bfloat16, device="cuda")
        say(f"{'nccl, eager':<24}{nbytes:>10}{eager_us(partial(dist.all_reduce, plain), 50):>10.1f}")
        say(f"{'nccl, graph':<24}{nbytes:>10}{graphed_us(partial(dist.all_reduce, plain), 50):>10.1f}")
        shared = symmetric.empty(nbytes // 2, dtype=torch.bfloat16, device="cuda")
        symmetric.rendezvous(shared, group.group_name)
        shared.zero_()
        for name in ("one_shot_all_reduce", "two_shot_all_reduce_"):
            op = getattr(torch.ops.symm_mem, name)
            try:
                us = graphed_us(partial(op, shared, "sum", group.group_name), 50)
                say(f"{name:<24}{nbytes:>10}{us:>10.1f}")
            except Exception as error:
                say(f"{name:<24}{nbytes:>10}  {type(error).__name__}: {str(error).splitlines()[0]}")


def overlap(say: Callable[[str], None], ranks: int) -> None:
    """The row-parallel product of Llama-3-70B's MLP, 8192 tokens: y = x W, then an all-reduce of y."""
    tokens, hidden, inner = 8192, 8192, 28672 // ranks
    x = torch.randn(tokens, inner, device="cuda", dtype=torch.bfloat16)
    w = torch.randn(inner, hidden, device="cuda", dtype=torch.bfloat16)
    y = torch.empty(tokens, hidden, device="cuda", dtype=torch.bfloat16)
    half = tokens // 2

    def in_turn() -> None:
        torch.mm(x, w, out=y)
        dist.all_reduce(y)

    def in_halves() -> None:
        works = []
        for part in (slice(0, half), slice(half, tokens)):
            torch.mm(x[part], w, out=y[part])
            works.append(dist.all_reduce(y[part], async_op=True))
        for work in works:
            work.wait()

    say("\nrow-parallel product, 8192 x 28672/n x 8192, bf16")
    say(f"  product alone     {eager_us(lambda: torch.mm(x, w, out=y), 10):>9.0f} us")
    say(f"  all-reduce alone  {eager_us(lambda: dist.all_reduce(y), 10):>9.0f} us")
    say(f"  one after another {eager_us(in_turn, 10):>9.0f} us")
    say(f"  two halves        {eager_us(in_halves, 10):>9.0f} us")


def main() -> int:
    if "RANK" not in os.environ or torch.cuda.device_count() < 2:
        print("needs two GPUs: torchrun --nproc_per_node=2 -m benchmarks.parallelism_card_numbers")
        return 1
    rank = int(os.environ["RANK"])
    torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    dist.init_process_group("nccl", device_id=torch.device("cuda", int(os.environ["LOCAL_RANK"])))
    ranks = dist.get_world_size()

    def say(line: str) -> None:
        if rank == 0:
            print(line, flush=True)

    nccl: Any = torch.cuda.nccl.version()
    say(f"{ranks} x {torch.cuda.get_device_name()}, torch {torch.__version__}, NCCL {'.'.join(map(str, nccl))}")
    say(f"NCCL_NVLS_ENABLE={os.environ.get('NCCL_NVLS_ENABLE', 'unset')}\n")
    sweep(say, ranks)
    overlap(say, ranks)
    try:
        small_messages(say)
    except Exception as error:
        say(f"symmetric memory: {type(error).__name__}: {error}")
    dist.destroy_process_group()
    return 0


if __name__ == "__main__":
    sys.exit(main())
