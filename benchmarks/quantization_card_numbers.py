"""Measures the numbers that the quantization cards quote. Needs one CUDA GPU.

Run `python -m benchmarks.quantization_card_numbers`. How fast is W8A8 INT8 against bf16, with and without quantising
the activations, and against fp32 and TF32, which is where "INT8 is twice as fast" usually comes from? Every time is a
median of `triton.testing.do_bench` (which clears L2 before each run).
"""

from __future__ import annotations

import json
from collections.abc import Callable

import torch
import triton
import triton.language as tl
from triton.testing import do_bench

REP_MS = 150
SQUARE = (2048, 4096, 8192)
TOKENS = (32, 64, 256, 1024)  # torch._int_mm wants more than 16 rows
LINEAR = (4096, 14336)  # K, N: Llama-3-8B, one FFN projection


@triton.jit
def quantize_rows(x, q, scale, K, BLOCK: tl.constexpr):
    """One program a row: absmax, scale = absmax / 127, round to nearest, clamp."""
    row = tl.program_id(0)
    k = tl.arange(0, BLOCK)
    inside = k < K
    v = tl.load(x + row * K + k, mask=inside, other=0.0).to(tl.float32)
    s = tl.maximum(tl.max(tl.abs(v), 0), 1e-8) / 127.0
    r = v / s
    r = tl.where(r >= 0, tl.floor(r + 0.5), tl.ceil(r - 0.5))
    tl.store(q + row * K + k, tl.minimum(tl.maximum(r, -127.0), 127.0).to(tl.int8), mask=inside)
    tl.store(scale + row, s)


@triton.jit
def scale_back(acc, sx, sw, out, N, BLOCK: tl.constexpr):
    """out[i, j] = acc[i, j] * sx[i] * sw[j] as bf16; in a real kernel this is the epilogue of the GEMM."""
    row = tl.program_id(0)
    col = tl.program_id(1) * BLOCK + tl.arange(0, BLOCK)
    inside = col < N
    a = tl.load(acc + row * N + col, mask=inside, other=0).to(tl.float32)
    v = a * tl.load(sx + row) * tl.load(sw + col, mask=inside, other=0.0)
    tl.store(out + row * N + col, v.to(tl.bfloat16), mask=inside)


def median_us(fn: Callable[[], object]) -> float:
    return 1000 * do_bench(fn, rep=REP_MS, return_mode="median")


def eager_quantize(x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    v = x.float()
    s = v.abs().amax(1, keepdim=True).clamp(min=1e-8) / 127
    return (v / s).round().clamp(-127, 127).to(torch.int8), s


def one_shape(m: int, n: int, k: int, slow: bool) -> dict[str, object]:
    torch.manual_seed(0)
    x = torch.randn(m, k, device="cuda", dtype=torch.bfloat16)
    w = torch.randn(n, k, device="cuda", dtype=torch.bfloat16) / k**0.5  # W[out, in], as in nn.Linear
    qw, sw = eager_quantize(w)
    sw = sw.flatten().contiguous()
    qx = torch.empty(m, k, device="cuda", dtype=torch.int8)
    sx = torch.empty(m, device="cuda")
    out = torch.empty(m, n, device="cuda", dtype=torch.bfloat16)
    block = triton.next_power_of_2(k)

    def quantize() -> None:
        quantize_rows[(m,)](x, qx, sx, k, BLOCK=block, num_warps=8)

    def int_mm() -> torch.Tensor:
        return torch._int_mm(qx, qw.t())

    def dequantize(acc: torch.Tensor) -> None:
        scale_back[(m, triton.cdiv(n, 2048))](acc, sx, sw, out, n, BLOCK=2048, num_warps=8)

    def whole() -> None:
        quantize()
        dequantize(int_mm())

    def eager() -> torch.Tensor:
        q, s = eager_quantize(x)
        return (torch._int_mm(q, qw.t()).float() * s * sw).to(torch.bfloat16)

    whole()
    acc = int_mm()
    exact = x.float() @ w.float().t()
    times: dict[str, object] = {
        "bf16": median_us(lambda: x @ w.t()),
        "int8_gemm_only": median_us(int_mm),
        "quantize_activations": median_us(quantize),
        "scale_back": median_us(lambda: dequantize(acc)),
        "int8_whole": median_us(whole),
        "int8_whole_eager_torch": median_us(eager),
        "relative_error_int8": ((out.float() - exact).norm() / exact.norm()).item(),
        "relative_error_bf16": (((x @ w.t()).float() - exact).norm() / exact.norm()).item(),
        "flop": 2 * m * n * k,
    }
    if hasattr(torch, "_scaled_mm") and torch.cuda.get_device_capability() >= (8, 9):
        f8 = torch.float8_e4m3fn
        ax = x.float().abs().amax(1, keepdim=True) / 448
        aw = w.float().abs().amax(1, keepdim=True) / 448
        x8, w8 = (x.float() / ax).to(f8), (w.float() / aw).to(f8)
        try:
            y = torch._scaled_mm(x8, w8.t(), scale_a=ax, scale_b=aw.t(), out_dtype=torch.bfloat16)
            times["relative_error_fp8"] = ((y.float() - exact).norm() / exact.norm()).item()
            times["fp8_rowwise_gemm_only"] = median_us(
                lambda: torch._scaled_mm(x8, w8.t(), scale_a=ax, scale_b=aw.t(), out_dtype=torch.bfloat16)
            )
        except RuntimeError as why:
            times["fp8_rowwise_gemm_only"] = str(why)[:100]
    if slow:
        xf, wf = x.float(), w.float()
        torch.backends.cuda.matmul.allow_tf32 = False
        times["fp32"] = median_us(lambda: xf @ wf.t())
        torch.backends.cuda.matmul.allow_tf32 = True
        times["tf32"] = median_us(lambda: xf @ wf.t())
        torch.backends.cuda.matmul.allow_tf32 = False
    return times


def main() -> None:
    result: dict[str, object] = {
        "environment": {
            "gpu": torch.cuda.get_device_name(),
            "torch": torch.__version__,
            "triton": triton.__version__,
            "cuda": torch.version.cuda,
            "fp32_matmul_default_allows_tf32": torch.backends.cuda.matmul.allow_tf32,
        },
        "unit": "us, median of do_bench",
    }
    for size in SQUARE:
        result[f"{size} x {size} x {size}"] = one_shape(size, size, size, slow=size == 4096)
    k, n = LINEAR
    for m in TOKENS:
        result[f"M = {m}, N = {n}, K = {k}"] = one_shape(m, n, k, slow=False)
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
