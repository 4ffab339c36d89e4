"""What the Triton cards claim, run against the installed package.

Kernels are compiled for GPUs that need not be there: triton.compile with an explicit target runs every stage, ptxas
included. Every check was run on triton 3.6.0, 3.7.1 (the pinned version), 3.8.0 and 3.9.0.
"""

from __future__ import annotations

import ast
import importlib
import importlib.util
import inspect
import json
import os
import re
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from prep.cards.card import LANGS
from tests.content.reading import details

HERE = Path(__file__).parent
DIVISIBLE = [["tt.divisibility", 16]]
COPY = {"x": "*fp32", "y": "*fp32", "n": "i32", "B": "constexpr"}
STRIDED = {"x": "*fp32", "y": "*fp32", "s": "i32", "n": "i32", "B": "constexpr"}
MATMUL = dict.fromkeys("abc", "*fp16") | dict.fromkeys("MNK", "i32")
MATMUL |= dict.fromkeys(("BM", "BN", "BK"), "constexpr")
TILE = {"BM": 128, "BN": 128, "BK": 64}
INTS = {"x": "*i32", "B": "constexpr"}

Compile = Callable[..., Any]


@pytest.fixture(scope="module")
def triton() -> Iterator[ModuleType]:
    with pytest.MonkeyPatch.context() as patch:
        # Left unset, 3.9 warns that the default is about to change, and warnings are errors here.
        patch.setenv("TRITON_DEFAULT_FP_FUSION", "1")
        yield pytest.importorskip("triton", exc_type=ImportError)


@pytest.fixture(scope="module")
def package(triton: ModuleType) -> Path:
    return Path(str(triton.__file__)).parent


@pytest.fixture(scope="module")
def kernels(triton: ModuleType) -> ModuleType:
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("TRITON_INTERPRET", raising=False)
        spec = importlib.util.spec_from_file_location("card_kernels", HERE / "card_kernels.py")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def compile_for(triton: ModuleType, kernels: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Compile]:
    """compile_for(name, signature, constexprs, divisible argument indices, target=..., **options) -> CompiledKernel"""
    from triton.backends.compiler import GPUTarget
    from triton.compiler import ASTSource

    def run(
        name: str,
        signature: dict[str, str],
        constants: dict[str, int],
        divisible: tuple[int, ...] = (),
        target: tuple[str, int | str, int] = ("cuda", 90, 32),
        **options: Any,
    ) -> Any:
        attributes = {(i,): DIVISIBLE for i in divisible}
        source = ASTSource(getattr(kernels, name), signature, constants, attributes)
        return triton.compile(source, target=GPUTarget(*target), options=options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TRITON_CACHE_DIR", str(tmp_path_factory.mktemp("triton-cache")))
        for name in ("TRITON_DEBUG", "TRITON_ALWAYS_COMPILE", "TRITON_KERNEL_OVERRIDE", "TRITON_KERNEL_DUMP"):
            patch.delenv(name, raising=False)
        yield run


@pytest.fixture(scope="module")
def interpreter(triton: ModuleType) -> dict[str, Any]:
    if importlib.util.find_spec("torch") is None:
        pytest.skip("the interpreter's checks need torch")
    environment = {k: v for k, v in os.environ.items() if not k.startswith("TRITON_")}
    command = [sys.executable, str(HERE / "interpreter_probe.py")]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def method(file: Path, cls: str, name: str) -> str:
    """Source of a method, comments dropped."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef) and node.name == cls:
            for item in node.body:
                if isinstance(item, ast.FunctionDef) and item.name == name:
                    return ast.unparse(item)
    raise AssertionError(f"{cls}.{name} is not in {file}")


def loads(kernel: Any) -> list[str]:
    return re.findall(r"ld\.global[.\w:]*", kernel.asm["ptx"])


# --- triton-compile-pipeline ---------------------------------------------------------------------------------------


def stages_of(backend: Any, language: Any) -> list[str]:
    stages: dict[str, Any] = {}
    backend.add_stages(stages, backend.parse_options({}), language)
    return list(stages)


def test_nvidia_stages(triton: ModuleType) -> None:
    from triton.backends.compiler import GPUTarget, Language
    from triton.backends.nvidia.compiler import CUDABackend

    backend = CUDABackend(GPUTarget("cuda", 90, 32))
    assert stages_of(backend, Language.TRITON) == ["ttir", "ttgir", "llir", "ptx", "cubin"]
    gluon = stages_of(backend, Language.GLUON)
    assert "ttir" not in gluon
    assert [stage for stage in gluon if stage != "glir"] == ["ttgir", "llir", "ptx", "cubin"]
    version = tuple(int(part) for part in triton.__version__.split(".")[:2])
    if version <= (3, 7):
        assert "glir" not in gluon
    if version == (3, 9):
        assert gluon[0] == "glir"


def test_amd_stages(triton: ModuleType) -> None:
    from triton.backends.amd.compiler import HIPBackend
    from triton.backends.compiler import GPUTarget, Language

    backend = HIPBackend(GPUTarget("hip", "gfx942", 64))
    assert stages_of(backend, Language.TRITON) == ["ttir", "ttgir", "llir", "amdgcn", "hsaco"]


def test_layout_coalescing_mma_and_pipelining_are_ttgir_passes(package: Path) -> None:
    file = package / "backends" / "nvidia" / "compiler.py"
    ttir = re.findall(r"add_\w+", method(file, "CUDABackend", "make_ttir"))
    ttgir = re.findall(r"add_\w+", method(file, "CUDABackend", "make_ttgir"))
    assert ttgir[0] == "add_convert_to_ttgpuir"
    on_ttgir = {"add_coalesce", "add_accelerate_matmul", "add_remove_layout_conversions", "add_pipeline"}
    assert on_ttgir <= set(ttgir)
    assert not on_ttgir & set(ttir)
    assert {"add_inliner", "add_canonicalizer", "add_combine", "add_cse", "add_loop_unroll"} <= set(ttir)
    assert 7 <= len(ttir) <= 9, "the card says 8 or 9 passes (3.9: one fewer)"
    assert len(ttgir) > 45, "the card says some 40 of them run on one target"
    assert "allocate_shared_memory" in method(file, "CUDABackend", "make_llir")
    assert "subprocess.run(ptxas_cmd" in method(file, "CUDABackend", "make_cubin")


def test_compiling_for_an_absent_gpu_yields_every_stage(compile_for: Compile) -> None:
    kernel = compile_for("copy", COPY, {"B": 1024}, (0, 1, 2))
    assert {"ttir", "ttgir", "llir", "ptx", "cubin"} <= set(kernel.asm)
    assert "#ttg" not in kernel.asm["ttir"]
    assert "#ttg.blocked" in kernel.asm["ttgir"]


def test_an_add_after_a_dot_is_folded_in_ttir(compile_for: Compile) -> None:
    signature = {"a": "*fp16", "b": "*fp16", "c": "*fp32", "B": "constexpr"}
    kernel = compile_for("dot_then_add", signature, {"B": 32})
    assert "arith.addf" in kernel.asm["source"]
    assert "arith.addf" not in kernel.asm["ttir"]
    assert kernel.asm["ttir"].count("tt.dot ") == 1


@pytest.mark.parametrize(
    ("capability", "in_ttgir", "in_ptx"),
    [
        (80, "versionMajor = 2", "mma.sync"),
        (90, "ttng.warp_group_dot", "wgmma.mma_async"),
        (100, "ttng.tc_gen5_mma", "tcgen05.mma"),
    ],
)
def test_tensor_core_instruction_is_chosen_in_ttgir(
    compile_for: Compile, capability: int, in_ttgir: str, in_ptx: str
) -> None:
    target = ("cuda", capability, 32)
    kernel = compile_for("matmul", MATMUL, TILE, tuple(range(6)), target=target, num_stages=3, num_warps=4)
    assert in_ttgir in kernel.asm["ttgir"]
    assert in_ttgir not in kernel.asm["ttir"]
    found = {name for name in ("mma.sync", "wgmma.mma_async", "tcgen05.mma") if name in kernel.asm["ptx"]}
    assert found == {in_ptx}


# --- triton-ir-block-semantics -------------------------------------------------------------------------------------


def test_blocks_are_powers_of_two_and_at_most_2_to_the_20(triton: ModuleType, compile_for: Compile) -> None:
    from triton._utils import TRITON_MAX_TENSOR_NUMEL, validate_block_shape

    assert TRITON_MAX_TENSOR_NUMEL == 2**20 == 1_048_576
    assert validate_block_shape([1024, 1024]) == 2**20
    with pytest.raises(ValueError, match="power of 2"):
        validate_block_shape([48])
    with pytest.raises(ValueError, match="exceeds triton maximum"):
        validate_block_shape([1024, 2048])
    with pytest.raises(Exception, match="power of 2"):
        compile_for("arange", INTS, {"B": 1000})


def test_layout_of_a_1024_element_load(compile_for: Compile) -> None:
    kernel = compile_for("copy", COPY, {"B": 1024}, (0, 1, 2), num_warps=4)
    found = re.search(
        r"sizePerThread = \[(\d+)\], threadsPerWarp = \[(\d+)\], warpsPerCTA = \[(\d+)\]", kernel.asm["ttgir"]
    )
    assert found is not None
    per_thread, lanes, warps = map(int, found.groups())
    assert (per_thread, lanes, warps) == (4, 32, 4)
    assert 1024 // (lanes * warps) == 8
    assert 1024 // (per_thread * lanes * warps) == 2


@pytest.mark.parametrize(("warps", "shared"), [(1, 0), (4, 16), (8, 32)])
def test_softmax_row_stays_in_registers(compile_for: Compile, warps: int, shared: int) -> None:
    kernel = compile_for("softmax", STRIDED, {"B": 4096}, (0, 1, 2, 3), num_warps=warps)
    assert kernel.metadata.shared == shared


def test_barriers_appear_below_ttgir(compile_for: Compile) -> None:
    kernel = compile_for("softmax", STRIDED, {"B": 4096}, (0, 1, 2, 3), num_warps=4)
    assert "barrier" not in kernel.asm["ttgir"]
    assert "barrier" in kernel.asm["llir"]


def test_clusters_need_sm90(compile_for: Compile) -> None:
    # The refusal is worded in 3.7; other versions may leave it to a later stage.
    with pytest.raises(Exception, match=r"(?i)num_ctas|cluster|sm_?90"):
        compile_for("copy", COPY, {"B": 1024}, target=("cuda", 80, 32), num_ctas=2)


# --- triton-vs-cuda-tuning -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("capability", "kib"), [(80, {1: 32, 2: 32, 3: 64, 4: 96}), (90, {1: 32, 2: 64, 3: 96, 4: 128})]
)
def test_shared_memory_by_num_stages(compile_for: Compile, capability: int, kib: dict[int, int]) -> None:
    one_stage = (128 * 64 + 64 * 128) * 2
    assert one_stage == 32 * 1024
    target = ("cuda", capability, 32)
    for stages in (1, 3, 4) if capability == 80 else (2, 3):
        kernel = compile_for("matmul", MATMUL, TILE, tuple(range(6)), target=target, num_stages=stages, num_warps=4)
        assert kernel.metadata.shared == kib[stages] * 1024


def test_threads_are_warps_times_32_whatever_the_block(compile_for: Compile) -> None:
    for block in (256, 4096):
        kernel = compile_for("copy", COPY, {"B": block}, (0, 1, 2), num_warps=4)
        assert re.findall(r"\.(?:req|max)ntid (\d+)", kernel.asm["ptx"]) == ["128"]


def test_an_if_on_a_block_does_not_compile_and_where_does_not_branch(compile_for: Compile) -> None:
    with pytest.raises(Exception, match=r"more than one value is ambiguous|multidimensional"):
        compile_for("branch_on_block", INTS, {"B": 128})
    ptx = compile_for("where", INTS, {"B": 128}).asm["ptx"]
    assert len(re.findall(r"^\s*selp", ptx, re.MULTILINE)) == 1
    assert not re.search(r"^\s*(@%p\d+ )?bra", ptx, re.MULTILINE)
    ptx = compile_for("where", INTS, {"B": 1024}, num_warps=4).asm["ptx"]
    assert len(re.findall(r"^\s*selp", ptx, re.MULTILINE)) == 1024 // 128, "one for each element of a thread"


def test_grouped_program_order_loads_54_blocks_instead_of_90() -> None:
    def blocks(group: int, size: int = 9) -> int:
        rows, cols = set(), set()
        for pid in range(size):
            width = group * size
            first = pid // width * group
            here = min(size - first, group)
            rows.add(first + (pid % width) % here)
            cols.add((pid % width) // here)
        return len(rows) * size + len(cols) * size

    assert blocks(1) == 90
    assert blocks(3) == 54


# --- triton-advantages ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "signature", "constants", "divisible", "expected"),
    [
        ("copy", COPY, {"B": 1024}, (0, 1, 2), ["v4"] * 2),
        ("copy", COPY, {"B": 1024}, (0, 1), ["scalar"] * 8),
        ("copy_off_by_one", COPY, {"B": 1024}, (0, 1, 2), ["scalar"] * 8),
        ("copy_strided", STRIDED, {"B": 1024}, (0, 1, 2, 3), ["scalar"] * 8),
        ("copy_strided", STRIDED | {"s": "constexpr"}, {"B": 1024, "s": 1}, (0, 1, 3), ["v4"] * 2),
        ("copy_modulo", COPY, {"B": 1024}, (0, 1), ["scalar"] * 8),
        ("copy_modulo_hinted", COPY, {"B": 1024}, (0, 1), ["v4"] * 2),
    ],
)
def test_vector_width_of_loads(
    compile_for: Compile,
    name: str,
    signature: dict[str, str],
    constants: dict[str, int],
    divisible: tuple[int, ...],
    expected: list[str],
) -> None:
    found = loads(compile_for(name, signature, constants, divisible, num_warps=4))
    assert ["v4" if ".v4.b32" in load else "scalar" for load in found] == expected


# --- triton-limits -------------------------------------------------------------------------------------------------


def test_the_wheel_ships_nvidia_and_amd(package: Path) -> None:
    assert {"nvidia", "amd"} <= {entry.name for entry in (package / "backends").iterdir() if entry.is_dir()}


def test_integer_arguments_specialise_on_one_and_on_16(triton: ModuleType) -> None:
    from triton.backends.nvidia.compiler import CUDABackend

    native = pytest.importorskip("triton._C.libtriton").native_specialize_impl
    kinds = {value: native(CUDABackend, value, False, True, True) for value in (1, 16, 17, 32)}
    assert kinds[1][0] == "constexpr"
    assert kinds[16] == kinds[32] == ("i32", "D")
    assert kinds[17] == ("i32", "")
    assert native(CUDABackend, 17, False, False, True) == native(CUDABackend, 16, False, False, True)


def test_new_hardware_features_are_exposed(triton: ModuleType) -> None:
    import triton.language as tl
    from triton.backends.nvidia.compiler import CUDAOptions

    for name in ("dot_scaled", "make_tensor_descriptor", "inline_asm_elementwise", "multiple_of", "max_contiguous"):
        assert hasattr(tl, name), name
    assert {"num_ctas", "launch_pdl", "maxnreg", "num_stages"} <= set(CUDAOptions.__dataclass_fields__)
    assert {"warp_specialize", "num_stages"} <= set(inspect.signature(tl.range.__init__).parameters)
    assert {"cache_modifier", "eviction_policy"} <= set(inspect.signature(tl.load).parameters)
    assert "do_not_specialize" in inspect.signature(triton.jit).parameters


def test_ahead_of_time_compiler_and_gluon_are_in_the_package(package: Path) -> None:
    assert (package / "tools" / "compile.py").is_file()
    assert (package / "experimental" / "gluon").is_dir()


# --- triton-autotune -----------------------------------------------------------------------------------------------


class Recorder:
    """Stands in for a jitted kernel: remembers each launch."""

    def __init__(self, fail: Callable[[dict[str, Any]], BaseException | None] = lambda _: None) -> None:
        def kernel(x: Any, n: Any, BLOCK: Any = None) -> None: ...

        self.fn = kernel
        self.arg_names = ["x", "n", "BLOCK"]
        self.launches: list[dict[str, Any]] = []
        self._fail = fail

    def run(self, *args: Any, **kwargs: Any) -> None:
        self.launches.append(kwargs)
        if error := self._fail(kwargs):
            raise error


class Tensor:
    def __init__(self, dtype: str) -> None:
        self.dtype = dtype
        self.zeroed = 0

    def zero_(self) -> None:
        self.zeroed += 1


def bench(calls: list[int]) -> Callable[..., list[float]]:
    """A benchmark that runs its kernel three times and calls the second config the faster one."""

    def run(kernel_call: Callable[[], None], quantiles: tuple[float, ...]) -> list[float]:
        for _ in range(3):
            kernel_call()
        calls.append(1)
        return [1.0 / len(calls)] * 3

    return run


def tuner(triton: ModuleType, fn: Recorder, configs: list[Any] | None = None, **options: Any) -> Any:
    configs = configs or [triton.Config({"BLOCK": 128}), triton.Config({"BLOCK": 256}, num_warps=8)]
    return triton.runtime.Autotuner(fn, fn.arg_names, configs, ["n"], None, None, **options)


def test_config_defaults_and_autotune_parameters(triton: ModuleType) -> None:
    parameters = inspect.signature(triton.Config.__init__).parameters
    assert parameters["num_warps"].default == 4
    assert parameters["num_stages"].default == 3
    assert {"num_ctas", "maxnreg", "pre_hook"} <= set(parameters)
    names = set(inspect.signature(triton.autotune).parameters)
    assert {"key", "prune_configs_by", "reset_to_zero", "restore_value", "do_bench", "cache_results"} <= names
    with pytest.warns(DeprecationWarning, match="deprecated"):
        tuner(triton, Recorder(), warmup=25)


def test_tuned_once_per_key_which_holds_dtypes_of_all_tensors(triton: ModuleType) -> None:
    calls: list[int] = []
    fn = Recorder()
    tuned = tuner(triton, fn, do_bench=bench(calls))
    tuned.run(Tensor("fp16"), 64)
    assert len(calls) == 2
    assert len(fn.launches) == 2 * 3 + 1, "every config really runs, then the winner once"
    assert list(tuned.cache) == [(64, "fp16")]
    assert fn.launches[-1]["BLOCK"] == 256
    tuned.run(Tensor("fp16"), 64)
    assert len(calls) == 2
    tuned.run(Tensor("fp16"), 65)
    assert len(calls) == 4, "a new value of a key argument"
    tuned.run(Tensor("bf16"), 65)
    assert len(calls) == 6, "a new dtype"


def test_one_config_is_not_measured(triton: ModuleType) -> None:
    calls: list[int] = []
    fn = Recorder()
    tuner(triton, fn, [triton.Config({"BLOCK": 64})], do_bench=bench(calls)).run(Tensor("fp16"), 64)
    assert calls == []
    assert len(fn.launches) == 1


def test_a_config_without_room_scores_infinity(triton: ModuleType) -> None:
    from triton.runtime.errors import OutOfResources

    def fail(kwargs: dict[str, Any]) -> BaseException | None:
        return OutOfResources(300_000, 232_448, "shared memory") if kwargs["BLOCK"] == 256 else None

    tuned = tuner(triton, Recorder(fail), do_bench=bench([]))
    tuned.run(Tensor("fp16"), 64)
    assert tuned.best_config.kwargs == {"BLOCK": 128}
    assert sorted(timing[0] for timing in tuned.configs_timings.values())[-1] == float("inf")


def test_reset_to_zero_runs_before_each_timed_call(triton: ModuleType) -> None:
    fn = Recorder()
    configs = [triton.Config({"BLOCK": 128}), triton.Config({"BLOCK": 256})]
    x = Tensor("fp16")
    tuned = triton.runtime.Autotuner(fn, fn.arg_names, configs, ["n"], ["x"], None, do_bench=bench([]))
    tuned.run(x, 64)
    assert x.zeroed == 2 * 3 + 1, "in every timed call, and once before the real launch"


def test_a_tuned_constexpr_cannot_be_passed(triton: ModuleType) -> None:
    with pytest.raises(ValueError, match="Conflicting meta-parameters"):
        tuner(triton, Recorder(), do_bench=bench([])).run(Tensor("fp16"), 64, BLOCK=32)


def test_print_autotuning_shows_the_total_time_and_no_timing_of_a_config(
    triton: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TRITON_PRINT_AUTOTUNING", "1")
    tuned = tuner(triton, Recorder(), do_bench=lambda *_, **__: [0.123456, 0.123456, 0.123456])
    tuned.run(Tensor("fp16"), 64)
    printed = capsys.readouterr().out
    assert printed.count("with config") == 2
    assert "finished after" in printed
    assert "best config selected" in printed
    assert "0.123" not in printed
    assert [timing[0] for timing in tuned.configs_timings.values()] == [0.123456] * 2


def test_disk_cache_of_timings(
    triton: ModuleType, kernels: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from triton.backends.compiler import GPUTarget
    from triton.runtime import autotuner

    monkeypatch.setenv("TRITON_CACHE_DIR", str(tmp_path))
    active = SimpleNamespace(get_current_target=lambda: GPUTarget("cuda", 90, 32))
    monkeypatch.setattr(autotuner, "driver", SimpleNamespace(active=active))

    class OfJit(Recorder):
        def __init__(self) -> None:
            super().__init__()
            self.fn = kernels.copy

    def count(key: list[str] | None = None, hook: Any = None, **options: Any) -> int:
        """Configs measured by a fresh tuner: a new process, as far as the tuner can tell."""
        calls: list[int] = []
        configs = [triton.Config({"BLOCK": 128}, pre_hook=hook), triton.Config({"BLOCK": 256})]
        fn, keys = OfJit(), ["n"] if key is None else key
        tuned = triton.runtime.Autotuner(fn, fn.arg_names, configs, keys, None, None, do_bench=bench(calls), **options)
        tuned.run(3.0 if key == [] else Tensor("fp16"), 64)
        return len(calls)

    assert count() == 2
    assert list(tmp_path.rglob("*.autotune.json")) == [], "off by default"
    assert count(cache_results=True) == 2
    assert [file.name for file in tmp_path.rglob("*.json")] == ["copy.autotune.json"]
    assert count(cache_results=True) == 0
    monkeypatch.setenv("TRITON_CACHE_AUTOTUNING", "1")
    assert count() == 0, "the variable does the same"
    for _ in range(2):
        assert count(hook=lambda _: None) == 2, "a hook cannot be written to a file"
        assert count(key=[]) == 2
    monkeypatch.setenv("TRITON_INTERPRET", "1")
    assert count() == 2


def test_a_50_us_kernel_is_run_967_times(triton: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a device whose clock moves 0.05 ms for the kernel and 0.08 ms for clearing the L2."""
    from triton import testing

    class Event:
        def __init__(self, enable_timing: bool) -> None:
            self.ms = 0.0

        def record(self) -> None:
            self.ms = clock["ms"]

        def elapsed_time(self, end: Event) -> float:
            return end.ms - self.ms

    def passes(ms: float) -> None:
        clock["ms"] += ms

    def kernel() -> None:
        runs.append(1)
        passes(0.05)

    clock = {"ms": 0.0}
    runs: list[int] = []
    active = SimpleNamespace(
        get_device_interface=lambda: SimpleNamespace(Event=Event, synchronize=lambda: None),
        get_empty_cache_for_benchmark=lambda: None,
        clear_cache=lambda _: passes(0.08),
    )
    monkeypatch.setattr(testing.runtime, "driver", SimpleNamespace(active=active))
    assert testing.do_bench(kernel, return_mode="median") == pytest.approx(0.05)
    assert len(runs) == 1 + 5 + 192 + 769 == 967
    for lang in LANGS:
        assert "967" in details("triton/triton-autotune", lang)


# --- triton-debugging ----------------------------------------------------------------------------------------------


def test_only_device_assert_needs_debug(compile_for: Compile) -> None:
    quiet = compile_for("debug_operators", INTS, {"B": 128}).asm
    assert "vprintf" in quiet["ptx"]
    assert "__assertfail" not in quiet["ptx"]
    assert "tt.assert" not in quiet["ttir"]
    loud = compile_for("debug_operators", INTS, {"B": 128}, debug=True).asm
    assert "__assertfail" in loud["ptx"]
    with pytest.raises(Exception, match="nine"):
        compile_for("wrong_static_assert", INTS, {"B": 128})


def test_knobs_and_variables_exist(triton: ModuleType, package: Path) -> None:
    text = (package / "knobs.py").read_text(encoding="utf-8")
    for name in (
        *("TRITON_INTERPRET", "TRITON_DEBUG", "TRITON_ALWAYS_COMPILE", "TRITON_KERNEL_DUMP", "TRITON_DUMP_DIR"),
        *("TRITON_KERNEL_OVERRIDE", "TRITON_OVERRIDE_DIR", "TRITON_INSTRUMENTATION_MODE", "TRITON_CACHE_DIR"),
        *("TRITON_PRINT_AUTOTUNING", "TRITON_CACHE_AUTOTUNING"),
    ):
        assert f'"{name}"' in text, name
    native = next((package / "_C").glob("libtriton*")).read_bytes()
    assert b"MLIR_ENABLE_DUMP" in native
    assert "consan" in (package / "backends" / "nvidia" / "compiler.py").read_text(encoding="utf-8")
    assert triton.knobs.cache.get_triton_dir("cache").endswith(os.path.join(".triton", "cache"))


def test_compiled_kernels_report_registers_and_spills(package: Path) -> None:
    assert "self.n_regs, self.n_spills" in method(
        package / "compiler" / "compiler.py", "CompiledKernel", "_init_handles"
    )


def test_no_python_file_of_triton_knows_perf_counters(package: Path) -> None:
    files = list(package.rglob("*.py"))
    assert len(files) > 100
    assert [file for file in files if "TRITON_PRINT_PERF_COUNTERS" in file.read_text(encoding="utf-8")] == []


def test_interpreter_is_chosen_by_the_decorator(interpreter: dict[str, Any]) -> None:
    assert (interpreter["before"], interpreter["after"]) == ("JITFunction", "InterpretedFunction")


def test_interpreter_runs_programs_one_after_another(interpreter: dict[str, Any]) -> None:
    assert interpreter["tickets"] == [1, 2, 3, 4, 5, 6, 7, 8]


def test_interpreter_adds_the_bits_of_bf16(interpreter: dict[str, Any]) -> None:
    def bf16(value: float) -> int:
        return int.from_bytes(struct.pack(">f", value)[:2], "big")

    assert (bf16(1.5), bf16(2.0), bf16(1.5) + bf16(2.0)) == (0x3FC0, 0x4000, 0x7FC0)
    assert interpreter["bf16"] == ["nan"] * 4
    assert interpreter["bf16 in fp32"] == ["3.5"] * 4


def test_interpreter_drops_device_assert_and_takes_one_branch(interpreter: dict[str, Any]) -> None:
    assert interpreter["device_assert"] is False
    assert interpreter["python assert"] is True
    assert interpreter["branch"] == [5.0] * 4


def test_debug_variable_is_read_at_import(interpreter: dict[str, Any]) -> None:
    assert interpreter["debug knob set after import"] is False


# --- triton-kernel-fusion, triton-vs-cuda-table: arithmetic --------------------------------------------------------


def test_softmax_traffic() -> None:
    m, n = 4096, 8192
    reads = [m * n, m * n + m, m * n, m * n, m * n + m]
    writes = [m, m * n, m * n, m, m * n]
    assert sum(reads) == 5 * m * n + 2 * m
    assert sum(writes) == 3 * m * n + 2 * m
    apart, fused = sum(reads) + sum(writes), 2 * m * n
    assert apart == 8 * m * n + 4 * m
    assert apart / fused == pytest.approx(4 + 2 / n)
    assert pytest.approx(2.66, abs=0.005) == 383 / 144
    assert fused * 4 / 144e-6 / 1e12 == pytest.approx(1.9, abs=0.05)
    assert apart * 4 / 383e-6 / 1e12 == pytest.approx(2.8, abs=0.05)


def test_relu_epilogue_table() -> None:
    assert pytest.approx(268, abs=0.5) == 2 * 8192 * 8192 * 2 / 1e6
    for k, limit in ((64, 2.97), (8192, 1.67)):
        c, operands = 8192 * 8192, k * (8192 + 8192)
        assert (3 * c + operands) / (c + operands) == pytest.approx(limit, abs=0.005)
    rows = {8192: (1924.1, 1862.4, 1.03), 2048: (538.8, 508.5, 1.06), 512: (216.8, 149.4, 1.45)}
    rows |= {128: (146.2, 77.9, 1.88), 64: (136.5, 69.2, 1.97)}
    for apart, fused, gain in rows.values():
        assert apart / fused == pytest.approx(gain, abs=0.006)
    cublas = {8192: (1855.9, 1731.9, 93), 2048: (486.4, 428.7, 88), 512: (148.7, 117.1, 79), 128: (77.7, 50.5, 65)}
    for triton_us, cublas_us, percent in cublas.values():
        assert 100 * cublas_us / triton_us == pytest.approx(percent, abs=0.5)
    assert pytest.approx(69, abs=0.6) == 100 * 46.1 / 67.3
    assert pytest.approx(10, abs=0.5) == 708.2 / 68.7


def test_vector_add_of_a_million() -> None:
    programs = -(-1_000_000 // 1024)
    assert programs == 977
    assert programs * 1024 - 1_000_000 == 448
    assert 1024 - 448 == 576


# --- both faces of a card say the same -----------------------------------------------------------------------------

CARDS = sorted((HERE.parents[1] / "content" / "triton").glob("*.md"))


def test_there_are_cards() -> None:
    assert len(CARDS) >= 9


@pytest.mark.parametrize("path", CARDS, ids=lambda path: path.stem)
def test_numbers_and_code_agree_between_the_languages(path: Path) -> None:
    _, english, chinese = re.split(r"^# (?:en|zh)$", path.read_text(encoding="utf-8"), flags=re.MULTILINE)

    def tables(text: str) -> list[str]:
        rows = "\n".join(line for line in text.splitlines() if line.startswith("|"))
        return sorted(re.findall(r"\d+(?:[.,]\d+)*", rows))

    def formulas(text: str) -> list[str]:
        return re.findall(r"\$[^$\n]+\$", text)

    def links(text: str) -> list[str]:
        return re.findall(r"\[\[[^\]]+\]\]", text)

    assert tables(english) == tables(chinese)
    assert formulas(english) == formulas(chinese)
    assert sorted(links(english)) == sorted(links(chinese))


@pytest.mark.parametrize("path", CARDS, ids=lambda path: path.stem)
def test_tables_fit_76_columns(path: Path) -> None:
    from rich.cells import cell_len

    wide = [
        line for line in path.read_text(encoding="utf-8").splitlines() if line.startswith("|") and cell_len(line) > 76
    ]
    assert wide == []
