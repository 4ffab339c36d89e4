# mypy: ignore-errors
"""Run by test_kernel_card_facts.py with TRITON_INTERPRET=1 and a module made of the cards' code: prints JSON."""

import importlib.util
import json
import sys

import torch

spec = importlib.util.spec_from_file_location("card_code", sys.argv[1])
card = importlib.util.module_from_spec(spec)
spec.loader.exec_module(card)
torch.manual_seed(0)


def off(got, want):
    return float((got.double() - want.double()).abs().max())


x = torch.randn(3, 37)
x[1, :20] = -float("inf")
y = torch.empty_like(x)
card.softmax[(3,)](x, y, 37, 16)
softmax = off(y, x.double().softmax(1))

masked = torch.full((1, 5), -float("inf"))
card.softmax[(1,)](masked, masked, 5, 8)

x, residual, w, y = torch.randn(3, 37), torch.randn(3, 37), torch.randn(37), torch.empty(3, 37)
h = x + residual
card.add_rmsnorm[(3,)](x, residual, w, y, 37, 1e-6, 64)
norm = off(y, torch.nn.functional.rms_norm(h.double(), (37,), w.double(), 1e-6)) + off(residual, h)

rows = torch.randn(5, 50)[:, :33]
sums = off(card.launch(rows), rows.double().sum(1))

x, y = torch.randn(4, 40), torch.zeros(4, 40)
card.scale_rows[(4,)](x, y, 40, 33, 64)
scaled = off(y[:, :33], 2 * x[:, :33]) + off(y[:, 33:], torch.zeros(4, 7))

out = torch.zeros(2, dtype=torch.int64)
card.products[(1,)](out, 70000, 40000)
print(
    json.dumps(
        {
            "softmax": softmax,
            "all masked": bool(masked.isnan().all()),
            "norm": norm,
            "sums": sums,
            "scaled": scaled,
            "products": out.tolist(),
        }
    )
)
