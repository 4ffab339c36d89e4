"""What the cards of content/compilers say of torch.compile and Inductor, run on the installed torch."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from prep.cards.card import LANGS, Lang  # noqa: E402
from tests.content.reading import everything, numbers, table  # noqa: E402

both = pytest.mark.parametrize("lang", LANGS)
TORCH = pytest.mark.skipif(not torch.__version__.startswith("2.13"), reason="the card speaks of torch 2.13")


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
    torch._dynamo.reset()


def says(card: str, lang: Lang, *parts: str) -> None:
    text = everything(card, lang)
    missing = [part for part in parts if part not in text]
    assert not missing, f"{card} ({lang}) does not say {missing}"


# --- torch-compile-stack ----------------------------------------------------------------------------------------------


def select(x: Any) -> Any:
    return torch.where(x.sum() > 0, x + 1, x)


def branch(x: Any) -> Any:
    y = x.sin()
    if y.sum() > 0:
        y = y + 1
    return y.cos()


def printing(x: Any) -> Any:
    y = x.sin()
    print("hi")
    return y.cos()


def item(x: Any) -> Any:
    return x * x.sum().item()


@TORCH
@both
def test_graphs_and_breaks_of_explain(lang: Lang) -> None:
    rows = table("compilers/torch-compile-stack", lang, "break")
    bodies: list[Callable[[Any], Any]] = [select, branch, printing, item]
    for row, body in zip(rows, bodies, strict=True):
        torch._dynamo.reset()
        found = torch._dynamo.explain(body)(torch.randn(8))
        assert [int(cell) for cell in row[-2:]] == [found.graph_count, found.graph_break_count], row


def compilations(sizes: list[int], **options: Any) -> list[int]:
    """How often a backend was called, after each call with a tensor of these sizes."""
    torch._dynamo.reset()
    graphs: list[Any] = []

    def backend(graph: Any, _: Any) -> Any:
        graphs.append(graph)
        return graph.forward

    compiled, counts = torch.compile(lambda x: x.sin() + 1, backend=backend, **options), []
    for size in sizes:
        compiled(torch.randn(size))
        counts.append(len(graphs))
    return counts


@TORCH
def test_a_break_can_be_made_an_error() -> None:
    with pytest.raises(torch._dynamo.exc.Unsupported):
        torch.compile(branch, backend="eager", fullgraph=True)(torch.randn(8))
    torch._dynamo.reset()
    with pytest.raises(torch._dynamo.exc.Unsupported), torch._dynamo.error_on_graph_break(True):
        torch.compile(branch, backend="eager")(torch.randn(8))


@TORCH
@both
def test_recompilations_by_size(lang: Lang) -> None:
    rows = table("compilers/torch-compile-stack", lang, "dynamic=False")
    for row in rows[:2]:
        sizes = [int(n) for n in numbers(row[0])]
        assert numbers(row[1]) == compilations(sizes)
        assert numbers(row[2]) == compilations(sizes, dynamic=False)
    limit = torch._dynamo.config.recompile_limit
    assert compilations(list(range(2, 13)))[-1] == numbers(rows[2][1])[0]
    assert compilations(list(range(2, 13)), dynamic=False)[-1] == numbers(rows[2][2])[0] == limit
    says("compilers/torch-compile-stack", lang, f"recompile_limit {limit}")


def test_what_else_recompiles() -> None:
    def backend(graph: Any, _: Any) -> Any:
        seen.append(graph)
        return graph.forward

    seen: list[Any] = []
    compiled, x = torch.compile(lambda x: x * 2, backend=backend), torch.randn(4)
    compiled(x)
    with torch.no_grad():
        compiled(x)
    compiled(x.double())
    compiled(torch.randn(2, 2))
    compiled(torch.randn(4, 2)[:, 0])
    compiled(torch.randn(4, requires_grad=True))
    assert len(seen) == 6
    seen.clear()
    scaled = torch.compile(lambda x, k: x * k, backend=backend)
    for k in (2, 3, 4, 5):
        scaled(x, k)
    assert len(seen) == 2  # a Python int turns dynamic, like a size


def traced(function: Callable[[Any], Any], partition: Any) -> tuple[list[str], list[str]]:
    """The operators of the forward graph of AOTAutograd, and the names of what it returns."""
    from functorch.compile import make_boxed_func  # type: ignore[import-untyped]
    from torch._dynamo.backends.common import aot_autograd

    graphs: list[Any] = []

    def keep(graph: Any, _: Any) -> Any:
        graphs.append(graph)
        return make_boxed_func(graph.forward)

    backend = aot_autograd(fw_compiler=keep, bw_compiler=keep, partition_fn=partition)
    torch._dynamo.reset()
    torch.compile(function, backend=backend)(torch.randn(8, requires_grad=True)).sum().backward()
    nodes = list(graphs[0].graph.nodes)
    operators = [str(node.target).split(".")[1] for node in nodes if node.op == "call_function"]
    return operators, [str(value) for value in nodes[-1].args[0]]


@both
def test_functionalisation_and_the_min_cut(lang: Lang) -> None:
    from functorch.compile import default_partition, min_cut_rematerialization_partition

    def in_place(x: Any) -> Any:
        y = x + 1
        y.mul_(2)
        v = y[:2]
        v.add_(1)
        return y

    def chain(x: Any) -> Any:
        return x.sin().cos().exp()

    operators, _ = traced(in_place, min_cut_rematerialization_partition)
    assert operators == ["add", "mul", "slice", "add", "slice_scatter"]
    says("compilers/torch-compile-stack", lang, "slice_scatter")
    saved = [set(traced(chain, p)[1]) for p in (default_partition, min_cut_rematerialization_partition)]
    assert {"exp", "primals_1", "sin"} <= saved[0]
    assert {"exp", "primals_1"} <= saved[1]
    assert "sin" not in saved[1]


# --- inductor ---------------------------------------------------------------------------------------------------------


def norm(x: Any, r: Any, w: Any) -> Any:
    h = x + r
    return h * torch.rsqrt(h.square().mean(-1, keepdim=True) + 1e-6) * w


@TORCH
@both
def test_kernels_that_inductor_writes(lang: Lang, monkeypatch: pytest.MonkeyPatch) -> None:
    from torch._inductor import config, cpu_vec_isa
    from torch._inductor.utils import get_code

    monkeypatch.setattr(cpu_vec_isa, "valid_vec_isa_list", list)  # asks the C++ compiler, which takes seconds
    x, w = torch.randn(64, 64), torch.randn(64)
    functions = [
        (norm, (x, x, w)),
        (lambda x: torch.softmax(x, -1), (x,)),
        (lambda x, w: torch.relu(x @ w) + 1, (x, x)),
        (lambda x, w: torch.relu(x) @ torch.sigmoid(w), (x, x)),
    ]
    rows = table("compilers/inductor", lang, "kernel")
    for row, (function, args) in zip(rows, functions, strict=True):
        torch._dynamo.reset()
        with torch.no_grad(), config.patch(force_disable_caches=True):
            source = "\n".join(get_code(torch.compile(function), *args))
        fused = re.findall(r"^(cpp_fused\w*) = async_compile", source, re.M)
        library = source.count("extern_kernels.mm(")
        assert [len(fused), library] == [1, int("mm" in row[1])], row
        if function is norm:
            says("compilers/inductor", lang, f"`{fused[0]}`")


def five_reads(a: Any, b: Any, c: Any, d: Any, e: Any, y: Any) -> Any:
    v = a * b * c * d * e
    return v * ((v + 1) @ y)


def four_reads(a: Any, b: Any, c: Any, d: Any, y: Any) -> Any:
    v = a * b * c * d
    return v * ((v + 1) @ y)


def six_users(a: Any, y: Any) -> Any:
    v = a * 2
    m = (v + 1) @ y
    for _ in range(5):
        m = (v * m) @ y
    return m


@TORCH
def test_a_value_is_stored_for_what_it_reads_not_for_how_often_it_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    from torch._inductor import config, cpu_vec_isa
    from torch._inductor.utils import get_code

    monkeypatch.setattr(cpu_vec_isa, "valid_vec_isa_list", list)
    assert config.realize_reads_threshold == 4
    read = {}
    for function, count in ((five_reads, 6), (four_reads, 5), (six_users, 2)):
        torch._dynamo.reset()
        with torch.no_grad(), config.patch(force_disable_caches=True):
            source = "\n".join(get_code(torch.compile(function), *torch.randn(count, 16, 16).unbind()))
        last = re.findall(r"^ +cpp_fused\w*\((.*)\)", source, re.M)[-1]
        read[function] = sum(name.startswith("arg") for name in last.split(", "))
    # The last kernel reads the inputs again where the value is computed again.
    assert [read[f] for f in (five_reads, four_reads, six_users)] == [0, 4, 1]


@TORCH
def test_attention_by_hand_becomes_a_call_of_sdpa(monkeypatch: pytest.MonkeyPatch) -> None:
    from torch._inductor import config, cpu_vec_isa
    from torch._inductor.pattern_matcher import counters
    from torch._inductor.utils import get_code

    def attention(q: Any, k: Any, v: Any) -> Any:
        return torch.softmax(q @ k.transpose(-2, -1) / 8.0, -1) @ v

    monkeypatch.setattr(cpu_vec_isa, "valid_vec_isa_list", list)
    counters.clear()
    with torch.no_grad(), config.patch(force_disable_caches=True):
        source = "\n".join(get_code(torch.compile(attention), *torch.randn(3, 2, 4, 128, 64).unbind()))
    assert counters["inductor"]["fuse_attention"] == 1
    assert "flash_attention" in source
    assert config.online_softmax
    for lang in LANGS:
        says("compilers/inductor", lang, "`online_softmax`")


@TORCH
@both
def test_defaults_and_modes_of_inductor(lang: Lang) -> None:
    from torch._inductor import config, list_mode_options

    for name in ("max_fusion_size", "score_fusion_memory_threshold", "realize_reads_threshold"):
        says("compilers/inductor", lang, f"`{name}` = {getattr(config, name)}")
    says("compilers/inductor", lang, *config.max_autotune_gemm_backends.split(","))
    assert "CUTLASS" not in config.max_autotune_gemm_backends
    options = list_mode_options()
    graphs = {mode for mode, chosen in options.items() if chosen.get("triton.cudagraphs")}
    tuned = {mode for mode, chosen in options.items() if chosen.get("max_autotune")}
    header = "mode" if lang == "en" else "模式"
    rows = {row[0]: row[1] for row in table("compilers/inductor", lang, header)}
    assert set(rows) <= set(options)
    assert {mode for mode, text in rows.items() if "CUDA" in text} == graphs
    assert "max-autotune-no-cudagraphs" in tuned - graphs
