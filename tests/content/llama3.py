"""Llama-3-8B on an H100 SXM, by arithmetic: what the checks of the inference cards compute with."""

from __future__ import annotations

from typing import Any

from prep.cards.card import Lang
from tests.content.reading import code, numbers

LAYERS, HIDDEN, FFN, HEADS, KV_HEADS, DIM, VOCAB = 32, 4096, 14336, 32, 8, 128, 128256
PEAK, BANDWIDTH = 989.5e12, 3.35e12
LINEAR = LAYERS * ((HEADS + 2 * KV_HEADS) * DIM * HIDDEN + HIDDEN * HIDDEN + 3 * HIDDEN * FFN)
LM_HEAD = VOCAB * HIDDEN
PARAMETERS = LINEAR + 2 * LM_HEAD + (2 * LAYERS + 1) * HIDDEN
STEP_BYTES = 2 * (LINEAR + LM_HEAD)
KV = 2 * LAYERS * KV_HEADS * DIM * 2
KV_70B = 2 * 80 * 8 * 128 * 2
WEIGHTS_MS = 1e3 * STEP_BYTES / BANDWIDTH


def decode_step(batch: int, context: int) -> tuple[float, float, float]:
    """Milliseconds of compute, of KV reads and of the whole step, by the roofline."""
    compute = 1e3 * 2 * (LINEAR + LM_HEAD) * batch / PEAK
    kv = 1e3 * batch * context * KV / BANDWIDTH
    return compute, kv, max(WEIGHTS_MS, compute) + kv


def prefill_flop(tokens: int) -> float:
    """The layers' products, one row of logits, causal attention."""
    return 2 * LINEAR * tokens + 2 * LM_HEAD + 2 * LAYERS * HIDDEN * tokens**2


def number(cell: str) -> float:
    """The first number of a table's cell."""
    return numbers(cell)[0]


def run(card: str, lang: Lang, **names: object) -> dict[str, Any]:
    """The definitions of a card's first Python fence, which may use `names`."""
    scope: dict[str, Any] = dict(names)
    exec(compile(code(card, lang, "python"), card, "exec"), scope)
    return scope
