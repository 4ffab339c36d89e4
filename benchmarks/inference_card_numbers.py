"""Measures the numbers that the inference cards quote, on one CUDA GPU: `python -m benchmarks.inference_card_numbers`.

A model of the shape of Llama-3-8B with random bf16 weights, all 32 layers of them apart, so that each step reads 15 GB
as a served model does. Prints one JSON object. Sections are guarded; name some to run only these.
"""

from __future__ import annotations

import json
import statistics
import sys
from collections.abc import Callable

import torch
import torch.nn.functional as F

LAYERS, HIDDEN, FFN, HEADS, KV_HEADS, DIM, VOCAB = 32, 4096, 14336, 32, 8, 128, 128256
QKV = (HEADS + 2 * KV_HEADS) * DIM
KV_BYTES = 2 * LAYERS * KV_HEADS * DIM * 2


class Model:
    def __init__(self) -> None:
        def weight(out: int, inn: int) -> torch.Tensor:
            return torch.empty(out, inn, device="cuda", dtype=torch.bfloat16).normal_(0, inn**-0.5)

        self.layers = [
            (weight(QKV, HIDDEN), weight(HIDDEN, HEADS * DIM), weight(2 * FFN, HIDDEN), weight(HIDDEN, FFN))
            for _ in range(LAYERS)
        ]
        self.head = weight(VOCAB, HIDDEN)
        self.norm = torch.ones(HIDDEN, device="cuda", dtype=torch.bfloat16)
        self.bytes = 2 * (sum(w.numel() for layer in self.layers for w in layer) + self.head.numel())

    def linear_only(self, x: torch.Tensor) -> torch.Tensor:
        """The matrix products of a step, no attention and no element-wise work."""
        for qkv, out, up, down in self.layers:
            x = F.linear(F.linear(F.linear(x, qkv)[:, :HIDDEN], out), up)[:, :FFN]
            x = F.linear(x, down)
        return F.linear(x[:256], self.head)

    def step(self, x: torch.Tensor) -> torch.Tensor:
        """The same with norms, activation and residuals: what a framework launches, one kernel each, bar attention."""
        for qkv, out, up, down in self.layers:
            h = F.rms_norm(x, (HIDDEN,), self.norm)
            x = x + F.linear(F.linear(h, qkv)[:, :HIDDEN], out)
            h = F.linear(F.rms_norm(x, (HIDDEN,), self.norm), up)
            x = x + F.linear(F.silu(h[:, :FFN]) * h[:, FFN:], down)
        return F.linear(F.rms_norm(x, (HIDDEN,), self.norm), self.head)


def milliseconds(fn: Callable[[], object], runs: int = 10) -> float:
    fn()
    times = []
    for _ in range(runs):
        start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        torch.cuda.synchronize()
        start.record()
        fn()
        end.record()
        end.synchronize()
        times.append(start.elapsed_time(end))
    return statistics.median(times)


def graphed(fn: Callable[[], object]) -> Callable[[], None]:
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        fn()
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        fn()
    return graph.replay


def linear_sweep(model: Model) -> object:
    rows = []
    for tokens in (1, 2, 4, 8, 16, 32, 64, 128, 192, 256, 320, 384, 512, 768, 1024, 2048, 4096, 8192):
        x = torch.randn(tokens, HIDDEN, device="cuda", dtype=torch.bfloat16)
        ms = milliseconds(graphed(lambda x=x: model.linear_only(x)))
        flops = model.bytes * tokens if tokens <= 256 else (model.bytes - 2 * model.head.numel()) * tokens
        rows.append({"tokens": tokens, "ms": round(ms, 3), "tflops": round(flops / ms / 1e9, 1)})
    return {"weight_bytes": model.bytes, "rows": rows, "lm_head_rows": "at most 256"}


def decode_attention() -> object:
    """All layers' decode attention; the four queries of a KV head are packed as rows, so each key is read once."""
    rows = []
    for batch, context in ((1, 2048), (1, 32768), (16, 2048), (64, 2048), (128, 2048), (256, 2048), (64, 8192)):
        k, v = (torch.randn(batch, KV_HEADS, context, DIM, device="cuda", dtype=torch.bfloat16) for _ in range(2))
        q = torch.randn(batch, KV_HEADS, HEADS // KV_HEADS, DIM, device="cuda", dtype=torch.bfloat16)
        ms = LAYERS * milliseconds(graphed(lambda q=q, k=k, v=v: F.scaled_dot_product_attention(q, k, v)))
        moved = KV_BYTES * batch * context
        rows.append(
            {"batch": batch, "context": context, "ms_32_layers": round(ms, 3), "GB_per_s": round(moved / ms / 1e6)}
        )
        del k, v
    return rows


def prefill_attention() -> object:
    rows = []
    for tokens in (512, 2048, 8192, 16384):
        q, k, v = (torch.randn(1, HEADS, tokens, DIM, device="cuda", dtype=torch.bfloat16) for _ in range(3))
        ms = LAYERS * milliseconds(lambda q=q, k=k, v=v: F.scaled_dot_product_attention(q, k, v, is_causal=True), 5)
        rows.append({"tokens": tokens, "ms_32_layers": round(ms, 2)})
    return rows


def eager_against_graph(model: Model) -> object:
    rows = []
    for tokens in (1, 8, 64, 256):
        x = torch.randn(tokens, HIDDEN, device="cuda", dtype=torch.bfloat16)
        rows.append(
            {
                "tokens": tokens,
                "eager_ms": round(milliseconds(lambda x=x: model.step(x)), 3),
                "graph_ms": round(milliseconds(graphed(lambda x=x: model.step(x))), 3),
            }
        )
    return rows


def offload() -> object:
    """Host to device and back, in one piece and in the 32 KiB pieces of a 16-token block of one layer."""
    size, piece = 2**28, 16 * KV_HEADS * DIM * 2
    host = torch.empty(size, dtype=torch.uint8, pin_memory=True)
    device = torch.empty(size, dtype=torch.uint8, device="cuda")
    pieces = 2048

    def in_pieces() -> None:
        for i in range(pieces):
            at = i * piece * 2
            device[at : at + piece].copy_(host[at : at + piece], non_blocking=True)

    load = milliseconds(lambda: device.copy_(host, non_blocking=True), 5)
    store = milliseconds(lambda: host.copy_(device, non_blocking=True), 5)
    small = milliseconds(in_pieces, 5)
    return {
        "load_GB_per_s": round(size / load / 1e6, 1),
        "store_GB_per_s": round(size / store / 1e6, 1),
        "piece_bytes": piece,
        "pieces_GB_per_s": round(pieces * piece / small / 1e6, 1),
    }


def main(wanted: list[str]) -> None:
    model = Model()
    sections: dict[str, Callable[[], object]] = {
        "linear_sweep": lambda: linear_sweep(model),
        "eager_against_graph": lambda: eager_against_graph(model),
        "decode_attention": decode_attention,
        "prefill_attention": prefill_attention,
        "offload": offload,
    }
    done: dict[str, object] = {
        "gpu": torch.cuda.get_device_name(),
        "torch": torch.__version__,
        "cuda": torch.version.cuda,
    }
    with torch.inference_mode():
        for name, section in sections.items():
            if wanted and name not in wanted:
                continue
            try:
                done[name] = section()
            except Exception as error:
                done[name] = f"failed: {type(error).__name__}: {error}"
    print(json.dumps(done, indent=1))


if __name__ == "__main__":
    main(sys.argv[1:])
