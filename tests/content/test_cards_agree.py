"""What stands on several cards is the same on all of them, in both languages.

A figure is listed with the cards that print it; changing it on one card means changing it on the others as well."""

import re

import pytest

from prep.cards.card import LANGS, Lang
from tests.content.reading import everything

AGREED: list[tuple[str, str, str]] = [
    # what it is, how it is printed (a regular expression), where
    ("ridge of an A100 with 80 GB, bf16", r"\b153\b", "cuda/roofline-ridge-points quantization/marlin-kernel"),
    (
        "ridge of an H100, bf16",
        r"\b295\b",
        "cuda/roofline-ridge-points cuda/profiling-metrics inference/batch-size-limits inference/capacity-planning "
        "inference/prefill-and-decode attention/mha-mqa-gqa attention/cascade-attention models/moe-decode-arithmetic "
        "quantization/quant-gemm-and-gemv career/transpose-metric-honesty",
    ),
    ("the same with the sparse peak, or fp8", r"\b591\b", "cuda/roofline-ridge-points cuda/profiling-metrics"),
    ("ridge of an H200, bf16", r"\b206\b", "cuda/roofline-ridge-points models/moe-decode-arithmetic"),
    ("FlashAttention-4 on a B200", r"\b1613\b", "cuda/b200-asymmetric-scaling attention/flash-attention-4"),
    ("its polynomial", r"8\.8(e-5| \\cdot 10\^\{-5\})", "cuda/b200-asymmetric-scaling attention/flash-attention-4"),
    ("DRAM latency of an idle H200", r"\b360 ns\b", "cuda/async-copy-evolution triton/triton-num-stages"),
    ("L2 of an H200", r"\b60 MiB\b", "cuda/cuda-memory-hierarchy triton/triton-profiling triton/triton-do-bench"),
    (
        "buffer that do_bench clears",
        r"\b256 MiB\b",
        "triton/triton-do-bench triton/triton-profiling triton/triton-autotune",
    ),
    ("calls of do_bench, 50 us kernel", r"\b192\b.*\b769\b.*\b967\b", "triton/triton-do-bench triton/triton-autotune"),
    (
        "Triton, first launch",
        r"\b692 ms\b",
        "triton/triton-compile-pipeline triton/triton-launch-path triton/triton-limits",
    ),
    ("Triton, a launch", r"\b15\.1 us\b", "triton/triton-launch-path triton/triton-limits"),
    (
        "transpose and copy",
        r"\b1102\b.*\b156\b",
        "cuda/transpose-kernel cuda/memory-coalescing career/transpose-metric-honesty",
    ),
    (
        "NVLink 4 by NCCL",
        r"\b370\.8\b",
        "parallelism/interconnects parallelism/collective-costs parallelism/megatron-tp-math",
    ),
    (
        "cache beside the weights of the 8B",
        r"\b55(\.0)? GB\b",
        "inference/batch-size-limits inference/capacity-planning",
    ),
    ("the same, elsewhere", r"\b55 GB\b", "inference/paged-vs-max-len-kv inference/multi-lora-serving"),
    (
        "bytes a step of the 8B reads",
        r"\b15\.0\b",
        "inference/batch-size-limits inference/prefill-and-decode career/motivation",
    ),
    ("prefill of one token, at peak", r"\b14\.1 (us|µs)", "inference/serving-scheduler inference/prefix-caching"),
    (
        "products of a one-row step on an H200",
        r"\b4\.03 ms\b",
        "inference/batch-size-limits inference/draft-methods inference/prefill-and-decode "
        "inference/serving-metrics-and-deployment inference/cuda-graphs-in-serving",
    ),
    (
        "KV of the 70B",
        r"\b320 KiB\b",
        "inference/batch-size-limits parallelism/interconnects models/multimodal-serving",
    ),
    ("weights of the 70B", r"\b141\.1 GB\b", "parallelism/dp-pp-tp parallelism/distributed-inference-methods"),
    ("MLA cache of V3", r"\b70,?272\b", "models/mla parallelism/context-parallel parallelism/ep-and-dp-attention"),
    ("FLOP per byte of MLA decode", r"\b242\b", "models/mla attention/flashmla-absorbed-decode"),
    ("decode of V3", r"\bEP144\b", "models/moe-decode-arithmetic parallelism/moe-expert-parallel"),
    ("experts that 64 tokens touch", r"\b222\b", "models/moe-decode-arithmetic triton/grouped-gemm-fused-moe"),
    ("bits of MXFP4", r"\b4\.25\b", "quantization/mx-and-nvfp4 models/eplb-and-shared-experts"),
    ("bits of INT4, group 128, with zero", r"\b4\.156\b", "quantization/awq quantization/per-channel-vs-per-group"),
    ("Adam for Llama-2-7B", r"\b107\.8\b", "parallelism/zero-and-fsdp training/lora"),
    ("YaRN in V3", r"\b1\.874\b", "models/mla models/rope-context-extension"),
]
PLACES = [(what, form, card) for what, form, cards in AGREED for card in cards.split()]


@pytest.mark.parametrize("lang", LANGS)
@pytest.mark.parametrize(("what", "form", "card"), PLACES)
def test_the_figure_stands_on_every_card_that_uses_it(what: str, form: str, card: str, lang: Lang) -> None:
    assert re.search(form, everything(card, lang), re.DOTALL | re.ASCII), what


def test_each_figure_is_shared() -> None:
    assert all(len(cards.split()) > 1 for _, _, cards in AGREED)
