# mypy: ignore-errors
"""Run by test_triton_facts.py with TRITON_INTERPRET=1: prints as JSON what the interpreter does."""

import json
import os

os.environ.pop("TRITON_INTERPRET", None)
import torch
import triton
import triton.language as tl


@triton.jit
def decorated_before(x):
    tl.store(x, 1)


os.environ["TRITON_INTERPRET"] = "1"


@triton.jit
def decorated_after(x):
    tl.store(x, 1)


@triton.jit
def add(x, y, out, B: tl.constexpr):
    o = tl.arange(0, B)
    tl.store(out + o, tl.load(x + o) + tl.load(y + o))


@triton.jit
def add_in_fp32(x, y, out, B: tl.constexpr):
    o = tl.arange(0, B)
    s = tl.load(x + o).to(tl.float32) + tl.load(y + o).to(tl.float32)
    tl.store(out + o, s.to(tl.bfloat16))


@triton.jit
def ticket(counter, out):
    tl.atomic_add(counter, 1)
    tl.store(out + tl.program_id(0), tl.load(counter))


@triton.jit
def device_assert(x, B: tl.constexpr):
    tl.device_assert(tl.load(x + tl.arange(0, B)) > 0, "not positive")


@triton.jit
def python_assert(x, B: tl.constexpr):
    assert tl.min(tl.load(x + tl.arange(0, B)), 0) > 0, "not positive"


@triton.jit
def branch_on_block(x, B: tl.constexpr):
    o = tl.arange(0, B)
    if tl.load(x + o) > 0:
        tl.store(x + o, 5.0)


def raises(kernel, *args, **kwargs):
    try:
        kernel[(1,)](*args, **kwargs)
    except Exception:
        return True
    return False


def bf16_sum(kernel):
    x = torch.full((4,), 1.5, dtype=torch.bfloat16)
    y = torch.full((4,), 2.0, dtype=torch.bfloat16)
    out = torch.zeros(4, dtype=torch.bfloat16)
    kernel[(1,)](x, y, out, 4)
    return [str(v) for v in out.tolist()]


tickets = torch.zeros(8, dtype=torch.int32)
ticket[(8,)](torch.zeros(1, dtype=torch.int32), tickets)
mixed = torch.tensor([1.0, 1.0, 0.0, 0.0])
branch_on_block[(1,)](mixed, 4)
os.environ["TRITON_DEBUG"] = "1"
print(
    json.dumps(
        {
            "before": type(decorated_before).__name__,
            "after": type(decorated_after).__name__,
            "bf16": bf16_sum(add),
            "bf16 in fp32": bf16_sum(add_in_fp32),
            "tickets": tickets.tolist(),
            "device_assert": raises(device_assert, torch.zeros(4), 4, debug=True),
            "python assert": raises(python_assert, torch.zeros(4), 4),
            "branch": mixed.tolist(),
            "debug knob set after import": bool(triton.knobs.runtime.debug),
        }
    )
)
