"""What the card on Triton in PyTorch says, run: in a process of its own, where Triton interprets on the CPU."""

from __future__ import annotations

import inspect
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")
triton = pytest.importorskip("triton")

CARD = Path(__file__).parents[2] / "content" / "pytorch" / "triton-in-pytorch.md"


def run_alone(file: Path, program: str, variables: dict[str, str]) -> dict[str, Any]:
    """The JSON object that `program` prints last, run without a GPU in a fresh interpreter."""
    file.write_text(program)
    environment = os.environ | {"CUDA_VISIBLE_DEVICES": ""} | variables
    done = subprocess.run([sys.executable, file], capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert isinstance(found, dict)
    return found


PROGRAM = """
import json
import torch, triton, triton.language as tl
from torch.library import triton_op, wrap_triton

@triton.jit
def kernel(x, y, out, n, BLOCK: tl.constexpr):
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    m = i < n
    tl.store(out + i, 2 * tl.load(x + i, mask=m) + tl.load(y + i, mask=m), mask=m)

def plain(x, y):
    out = torch.empty_like(x)
    kernel[(triton.cdiv(x.numel(), 64),)](x, y, out, x.numel(), BLOCK=64)
    return out

class Function(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, y):
        return plain(x, y)
    @staticmethod
    def backward(ctx, g):
        return 2 * g, g

@triton_op("prepfacts::axpy", mutates_args={})
def axpy(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    out = torch.empty_like(x)
    wrap_triton(kernel)[(triton.cdiv(x.numel(), 64),)](x, y, out, x.numel(), BLOCK=64)
    return out

said = {}
x, y = torch.randn(100, requires_grad=True), torch.randn(100)
right = (2 * x + y).detach()

out = plain(x, y)
said["plain"] = [torch.equal(out, right), out.requires_grad, out.grad_fn is None]

out = Function.apply(x, y)
out.sum().backward()
said["function"] = [torch.equal(out, right), x.grad.tolist() == [2.0] * 100]

out = axpy(x, y)
try:
    out.sum().backward()
    error = ""
except RuntimeError as e:
    error = str(e)
said["op"] = [torch.equal(out, right), out.grad_fn is not None, error]

axpy.register_autograd(lambda ctx, g: (2 * g, g))
x.grad = None
axpy(x, y).sum().backward()
said["registered"] = x.grad.tolist() == [2.0] * 100
print(json.dumps(said))
"""


GRAPHS = """
import json
import torch, triton, triton.language as tl
from torch._dynamo.backends.common import aot_autograd
from torch.library import custom_op, triton_op, wrap_triton

@triton.jit
def kernel(x, y, out, n, BLOCK: tl.constexpr):
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    m = i < n
    tl.store(out + i, 2 * tl.load(x + i, mask=m) + tl.load(y + i, mask=m), mask=m)

@triton_op("prepfacts::axpy", mutates_args={})
def axpy(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    out = torch.empty_like(x)
    wrap_triton(kernel)[(triton.cdiv(x.numel(), 64),)](x, y, out, x.numel(), BLOCK=64)
    return out

@custom_op("prepfacts::opaque", mutates_args={})
def opaque(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    return axpy(x, y)

@opaque.register_fake
def _(x, y):
    return torch.empty_like(x)

class Model(torch.nn.Module):
    def forward(self, x, y):
        return axpy(x, y)

def calls(graph):
    return [str(node.target) for node in graph.nodes if node.op == "call_function"]

seen = {}
x, y = torch.randn(100), torch.randn(100)
seen["export"] = calls(torch.export.export(Model(), (x, y)).graph)
for name, op in (("triton_op", axpy), ("custom_op", opaque)):
    def capture(module, inputs, name=name):
        seen[name] = calls(module.graph)
        return module
    run = torch.compile(lambda a, b, op=op: op(a, b), backend=aot_autograd(fw_compiler=capture), fullgraph=True)
    try:
        run(x, y)
    except RuntimeError:  # the graph is captured; running it would need a GPU
        pass
print(json.dumps(seen))
"""


@pytest.fixture(scope="module")
def graphs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    found = run_alone(tmp_path_factory.mktemp("graphs") / "graphs.py", GRAPHS, {"TRITON_INTERPRET": "0"})
    return {name: list(calls) for name, calls in found.items()}


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return run_alone(tmp_path_factory.mktemp("facts") / "facts.py", PROGRAM, {"TRITON_INTERPRET": "1"})


def test_plain_launch_drops_the_gradient_without_an_error(said: dict[str, Any]) -> None:
    right, requires_grad, no_grad_fn = said["plain"]
    assert right
    assert not requires_grad
    assert no_grad_fn


def test_autograd_function_gives_the_gradient(said: dict[str, Any]) -> None:
    assert said["function"] == [True, True]


def test_triton_op_without_formula_raises_in_backward(said: dict[str, Any]) -> None:
    right, has_grad_fn, error = said["op"]
    assert right
    assert has_grad_fn
    assert "no autograd formula was registered" in error


def test_registered_formula_gives_the_gradient(said: dict[str, Any]) -> None:
    assert said["registered"]


def test_apis_of_the_card_are_public() -> None:
    import torch.library

    for name in ("triton_op", "wrap_triton", "custom_op"):
        assert name in torch.library.__all__
    assert callable(torch.library.register_autograd)


def test_docstring_calls_custom_op_opaque_and_prefers_no_wrapper() -> None:
    text = " ".join((inspect.getdoc(torch.library.triton_op) or "").split())
    assert "treats custom operators as opaque" in text
    assert "Prefer using triton kernels with no ``torch.library`` custom operator wrappers" in text
    assert "must be wrapped in a call to :func:`torch.library.wrap_triton`" in text


def test_compile_sees_the_kernel_inside_a_triton_op_and_not_inside_a_custom_op(graphs: dict[str, list[str]]) -> None:
    assert "triton_kernel_wrapper_functional" in graphs["triton_op"]
    assert "prepfacts.axpy.default" not in graphs["triton_op"]
    assert graphs["custom_op"] == ["prepfacts.opaque.default"]


def test_export_keeps_a_triton_op_as_one_node(graphs: dict[str, list[str]]) -> None:
    assert graphs["export"] == ["prepfacts.axpy.default"]


def test_autotune_arguments_that_compiled_code_supports() -> None:
    from torch._higher_order_ops import triton_kernel_wrap

    source = inspect.getsource(triton_kernel_wrap)
    assert "Only configs, keys, restore_value, and reset_to_zero are supported for triton.autotune" in source
    assert "pre_hook and post_hook are not supported" in source
    for argument in ("num_warmups", "num_reps", "use_cuda_graph"):
        assert f'defaults_ok("{argument}"' in source


def test_strides_of_the_worked_number() -> None:
    x = torch.arange(24.0).reshape(4, 6).t()
    assert tuple(x.shape) == (6, 4)
    assert x.stride() == (1, 6)
    assert not x.is_contiguous()
    assert torch.empty_like(x).stride() == (1, 6)
    storage = x.flatten().new_tensor(range(24))
    assert x[1, 2] == storage[13]
    assert x[1, 2] != storage[6]
    text = CARD.read_text(encoding="utf-8")
    assert text.count(r"1 \cdot 1 + 2 \cdot 6 = 13") == 2
    assert text.count(r"1 \cdot 4 + 2 = 6") == 2


def test_launch_goes_to_the_current_device_and_stream() -> None:
    from triton.runtime.jit import JITFunction

    source = inspect.getsource(JITFunction.run)
    assert "get_current_device()" in source
    assert "get_current_stream(device)" in source
    assert "data_ptr" not in source
