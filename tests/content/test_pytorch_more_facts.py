"""What the cards on views, numerics and operators of PyTorch claim, executed with the installed packages."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from prep.cards.card import Lang
from tests.content.reading import code, details, face, numbers, table

torch = pytest.importorskip("torch")
np = pytest.importorskip("numpy")

LANGS: tuple[Lang, Lang] = ("en", "zh")
both = pytest.mark.parametrize("lang", LANGS)
VIEWS = "pytorch/permute-views-contiguous"
NUMERICS = "pytorch/numerical-stability"
OPERATORS = "pytorch/triton-op-vs-custom-op"


def worked(card: str, lang: Lang) -> str:
    return next(p for p in details(card, lang).split("\n\n") if p.startswith("**")).replace("$", " ")


def strides(text: str) -> list[tuple[int, ...]]:
    return [tuple(map(int, found.split(","))) for found in re.findall(r"\((\d+(?:, ?\d+){3})\)", text)]


# --- permute-views-contiguous ---------------------------------------------------------------------------------------


@both
def test_strides_of_the_transposed_view(lang: Lang) -> None:
    x = torch.arange(2 * 5 * 3 * 4).reshape(2, 5, 3, 4)
    q = x.transpose(1, 2)
    drawn = strides(code(VIEWS, lang, "text"))
    assert [x.stride(), tuple(q.shape), q.stride()] == [s for s in drawn if s != tuple(x.shape)]
    rows = {row[0]: row[1] for row in table(VIEWS, lang, "q")}
    assert not q.is_contiguous()
    assert q.data_ptr() == x.data_ptr()
    with pytest.raises(RuntimeError, match="view size is not compatible"):
        q.view(2, 15, 4)
    assert "RuntimeError" in rows["q.view(2, 15, 4)"]
    assert q.reshape(2, 15, 4).data_ptr() != q.data_ptr()
    assert strides(rows["q.contiguous()"]) == [q.contiguous().stride()]
    assert strides(rows["torch.empty_like(q)"]) == [torch.empty_like(q).stride()]
    assert x.contiguous().data_ptr() == x.data_ptr()
    right = sum(i * s for i, s in zip((1, 2, 3, 0), q.stride(), strict=True))
    wrong = sum(i * s for i, s in zip((1, 2, 3, 0), q.contiguous().stride(), strict=True))
    assert x.flatten()[right] == q[1, 2, 3, 0] != x.flatten()[wrong]
    assert {right, wrong} <= set(numbers(worked(VIEWS, lang)))


@both
def test_bandwidth_of_the_measured_copies(lang: Lang) -> None:
    size = 8 * 4096 * 32 * 128 * 2
    text = details(VIEWS, lang)
    assert {round(size / 1e6, 1), round(2 * size / 1e6, 1)} <= set(numbers(text))
    rows = table(VIEWS, lang, "GB/s")
    for row, moved in zip(rows, (size, size, size, 64 * 256 * 56 * 56 * 2), strict=False):
        assert 2 * moved / numbers(row[1])[0] / 1e3 == pytest.approx(float(row[2]), rel=0.002)
    assert round(numbers(rows[2][1])[0] / numbers(rows[0][1])[0], 1) in numbers(text)


def test_channels_last_keeps_the_shape() -> None:
    x = torch.empty(2, 3, 4, 5)
    y = x.to(memory_format=torch.channels_last)
    assert y.shape == x.shape
    assert y.stride() == (60, 1, 15, 3)
    assert not y.is_contiguous()
    assert y.is_contiguous(memory_format=torch.channels_last)
    assert torch.empty(3, 1).expand(3, 4).stride() == (1, 0)


# --- numerical-stability --------------------------------------------------------------------------------------------


def count_up(dtype: Any, start: int) -> float:
    total = torch.tensor(float(start), dtype=dtype)
    while total + 1 != total:
        total = total + 1
    return float(total)


@both
def test_where_counting_stops(lang: Lang) -> None:
    rows = {row[0]: row[1:] for row in table(NUMERICS, lang, "bf16")}
    stops = [count_up(torch.bfloat16, 0), count_up(torch.float16, 0), count_up(torch.float32, 2**24 - 5)]
    assert [float(cell) for cell in rows["last count" if lang == "en" else "数到多少为止"]] == stops
    limits = next(cells for name, cells in rows.items() if "exp(x)" in name)
    for cell, dtype in zip(limits, (torch.bfloat16, torch.float16, torch.float32), strict=True):
        x = torch.tensor(float(cell), dtype=torch.float64)
        assert float(x.exp()) <= torch.finfo(dtype).max * 1.001
        assert float((x + 0.1).exp()) > torch.finfo(dtype).max
    bits = rows["mantissa bits" if lang == "en" else "尾数位"]
    types = (torch.bfloat16, torch.float16, torch.float32)
    assert [2.0 ** -int(cell) for cell in bits] == [torch.finfo(t).eps for t in types]


@both
def test_a_million_times_a_tenth(lang: Lang) -> None:
    scope: dict[str, Any] = {"np": np}
    exec(code(NUMERICS, lang, "python"), scope)
    x = np.full(1_000_000, 0.1, np.float32)
    exact = float(x.astype(np.float64).sum())
    sequential = float(np.cumsum(x)[-1])  # numpy's cumsum adds one after the other
    results = [sequential, float(np.sum(x)), float(scope["kahan"](x))]
    u, n = 2.0**-24, len(x)
    rows = table(NUMERICS, lang, "method" if lang == "en" else "方法")
    for row, result, bound in zip(rows, results, (n * u, 20 * u, 2 * u), strict=True):
        assert float(row[1]) == pytest.approx(result, abs=0.005)
        assert float(row[2]) == pytest.approx(abs(result - exact), rel=0.1, abs=0.001)
        assert abs(result - exact) <= 1.01 * bound * exact
    assert round(exact, 4) in numbers(worked(NUMERICS, lang))


@both
def test_addition_is_not_associative(lang: Lang) -> None:
    f = np.float32
    assert (f(1e8) + f(-1e8)) + f(1) == 1
    assert f(1e8) + (f(-1e8) + f(1)) == 0
    assert np.spacing(f(1e8)) == 8
    x = torch.tensor([1000.0, 1000.0])
    assert x.exp().sum().log() == float("inf")
    assert round(float(torch.logsumexp(x, 0)), 3) in numbers(details(NUMERICS, lang).replace("$", " "))
    assert torch.tensor(-8 + 1e-5).sqrt().isnan()


def test_welford_parts_merge() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal(30) + 5, rng.standard_normal(70)
    d, n = b.mean() - a.mean(), 100
    m2 = a.var() * 30 + b.var() * 70 + d * d * 30 * 70 / n
    assert m2 / n == pytest.approx(np.concatenate([a, b]).var())
    header = Path(str(torch.__file__)).parent / "include" / "ATen" / "native" / "SharedReduceOps.h"
    assert "a.m2 + b.m2 + delta * delta * a.nf * nb_over_n" in header.read_text(encoding="utf-8")


# --- triton-op-vs-custom-op -----------------------------------------------------------------------------------------

PROBE = """
import json, sys
import torch, triton, triton.language as tl
from torch._dynamo.backends.common import aot_autograd
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.library import custom_op, triton_op, wrap_triton

@triton.jit
def kernel(x, y, n, B: tl.constexpr):
    i = tl.program_id(0) * B + tl.arange(0, B)
    tl.store(y + i, tl.load(x + i, mask=i < n) * 2, mask=i < n)

CARD

@custom_op("mylib::opaque", mutates_args={})
def opaque(x: torch.Tensor) -> torch.Tensor:
    return x * 2

@triton_op("mylib::seen", mutates_args={})
def seen(x: torch.Tensor) -> torch.Tensor:
    y = torch.empty_like(x)
    wrap_triton(kernel)[(1,)](x, y, x.numel(), 128)
    return y

@custom_op("mylib::alias", mutates_args={})
def alias(x: torch.Tensor) -> torch.Tensor:
    return x

class Stop(Exception):
    pass

def error(call):
    try:
        call()
    except Exception as e:
        return str(e)
    return ""

def graph(op):
    names = []
    def keep(module, inputs):
        names.extend(str(node.target) for node in module.graph.nodes if node.op == "call_function")
        raise Stop
    backend = aot_autograd(fw_compiler=keep)
    error(lambda: torch.compile(lambda x: op(x) + 1, backend=backend, fullgraph=True)(torch.ones(9)))
    return names

def fake(op):
    with FakeTensorMode() as mode:
        x = mode.from_tensor(torch.ones(9))
        return error(lambda: op(x))

compiled = torch.compile(lambda x: opaque(x) + 1, backend="aot_eager", fullgraph=True)
found = {"no fake": error(lambda: compiled(torch.ones(9)))}
found["fake seen"] = fake(seen)
opaque.register_fake(torch.empty_like)
found["opaque"], found["seen"] = graph(opaque), graph(seen)
found["alias"] = error(lambda: alias(torch.ones(3)))
x = torch.randn(5, requires_grad=True)
y = double(x)
y.sum().backward()
found["double"] = [float((y - 2 * x).abs().max()), x.grad.tolist()]
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def operators(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    pytest.importorskip("triton")
    file = tmp_path_factory.mktemp("operators") / "operators_probe.py"
    file.write_text(PROBE.replace("CARD", code(OPERATORS, "en", "python")), encoding="utf-8")
    environment = {k: v for k, v in os.environ.items() if not k.startswith("TRITON_")}
    command = [sys.executable, str(file)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def test_the_compiler_sees_into_a_triton_op_only(operators: dict[str, Any]) -> None:
    assert operators["opaque"] == ["mylib.opaque.default", "aten.add.Tensor"]
    assert "triton_kernel_wrapper_functional" in operators["seen"]
    assert "aten.empty_like.default" in operators["seen"]
    assert not any("mylib" in name for name in operators["seen"])
    for lang in LANGS:
        row = table(OPERATORS, lang, "triton_op")[0]
        assert re.findall(r"\w+", row[2]) == ["empty_like", "triton_kernel_wrapper_functional"]


def test_fake_implementations_and_aliases(operators: dict[str, Any]) -> None:
    assert "no fake impl registered" in operators["no fake"]
    assert operators["fake seen"] == ""
    assert "must not also be" in operators["alias"]
    for lang in LANGS:
        assert "no fake impl registered" in face(OPERATORS, lang).answer


def test_the_operator_of_the_card_works_on_the_cpu_with_a_gradient(operators: dict[str, Any]) -> None:
    assert operators["double"] == [0.0, [2.0] * 5]
    assert code(OPERATORS, "en", "python") == code(OPERATORS, "zh", "python")


@both
def test_what_an_opaque_operator_moves(lang: Lang) -> None:
    size = 8192**2 * 2 / 1e6
    assert {round(size, 1), round(2 * size), round(4 * size)} <= set(numbers(worked(OPERATORS, lang)))
