"""Measures the numbers that the model and compiler cards quote, on one CUDA GPU.

    python -m benchmarks.models_card_numbers

Every time is the median of `triton.testing.do_bench` in microseconds, which clears L2 before each run.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from functools import partial

import torch
import torch.nn.functional as F
import triton
from triton.testing import do_bench

REP_MS = 100
TOKENS, WIDTH = 4096, 14336


def median_us(fn: Callable[[], object]) -> float:
    return round(1000 * float(do_bench(fn, rep=REP_MS, return_mode="median")), 1)


def silu_and_mul() -> dict[str, object]:
    """Gate and up of 4096 tokens, as two operators and as one kernel."""
    x = torch.randn(TOKENS, 2 * WIDTH, device="cuda", dtype=torch.bfloat16)

    def eager() -> torch.Tensor:
        gate, up = x.chunk(2, -1)
        return F.silu(gate) * up

    fused = torch.compile(eager)
    moved = 3 * TOKENS * WIDTH * 2
    one = median_us(fused)
    return {
        "eager_us": median_us(eager),
        "compiled_us": one,
        "compiled_TB_per_s": round(moved / one / 1e6, 2),
    }


def adamw() -> dict[str, object]:
    """One step over 200 tensors of 500,000 fp32 parameters: loop, foreach, fused."""
    found: dict[str, object] = {}
    for name, flags in (("loop", {"foreach": False}), ("foreach", {"foreach": True}), ("fused", {"fused": True})):
        weights = [torch.randn(500_000, device="cuda", requires_grad=True) for _ in range(200)]
        for w in weights:
            w.grad = torch.randn_like(w)
        step = torch.optim.AdamW(weights, **flags).step
        found[f"{name}_us"] = median_us(step)
    return found


def expert_rows() -> dict[str, object]:
    """32 experts of 7168 x 4096 in bf16, the same number of rows each: time against rows."""
    weight = torch.randn(32, 7168, 4096, device="cuda", dtype=torch.bfloat16)
    found: dict[str, object] = {"weights_GB": round(weight.numel() * 2 / 1e9, 2)}
    for rows in (1, 4, 16, 64, 128, 256, 512, 1024):
        x = torch.randn(32, rows, 7168, device="cuda", dtype=torch.bfloat16)
        found[f"rows_{rows}_us"] = median_us(partial(torch.bmm, x, weight))
    return found


def norm_chain() -> dict[str, object]:
    """Residual add, RMSNorm, scale and cast, 4096 x 8192: eager operators against torch.compile."""
    x = torch.randn(TOKENS, 8192, device="cuda", dtype=torch.bfloat16)
    residual, weight = torch.randn_like(x), torch.randn(8192, device="cuda", dtype=torch.bfloat16)

    def chain(x: torch.Tensor, residual: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        h = (x + residual).float()
        return (h * torch.rsqrt(h.square().mean(-1, keepdim=True) + 1e-6)).to(x.dtype) * weight

    found: dict[str, object] = {
        "eager_us": median_us(lambda: chain(x, residual, weight)),
    }
    start = time.perf_counter()
    fused = torch.compile(chain)
    fused(x, residual, weight)
    torch.cuda.synchronize()
    found["first_call_s"] = round(time.perf_counter() - start, 2)
    found["compiled_us"] = median_us(lambda: fused(x, residual, weight))
    return found


def launch_bound() -> dict[str, object]:
    """40 small layers, where the launches cost more than the work: eager, compiled, compiled with CUDA graphs."""
    layers = [torch.randn(256, 256, device="cuda", dtype=torch.bfloat16) for _ in range(40)]
    x = torch.randn(8, 256, device="cuda", dtype=torch.bfloat16)

    def net(x: torch.Tensor) -> torch.Tensor:
        for w in layers:
            x = F.gelu(x @ w).mul(0.1).add(x)
        return x

    found: dict[str, object] = {}
    for name, fn in (
        ("eager", net),
        ("compiled", torch.compile(net)),
        ("reduce_overhead", torch.compile(net, mode="reduce-overhead")),
    ):
        with torch.inference_mode():
            for _ in range(3):
                fn(x)
            torch.cuda.synchronize()
            start = time.perf_counter()
            for _ in range(50):
                fn(x)
            torch.cuda.synchronize()
            found[f"{name}_us"] = round(1e6 * (time.perf_counter() - start) / 50, 1)
    return found


def main() -> int:
    if not torch.cuda.is_available():
        print("needs a CUDA GPU", file=sys.stderr)
        return 1
    report: dict[str, object] = {
        "gpu": torch.cuda.get_device_name(),
        "torch": torch.__version__,
        "triton": triton.__version__,
    }
    for part in (silu_and_mul, adamw, expert_rows, norm_chain, launch_bound):
        try:
            report[part.__name__] = part()
        except Exception as problem:
            report[part.__name__] = f"failed: {problem}"
        torch.cuda.empty_cache()
        torch.compiler.reset()
    print(json.dumps(report, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
