"""What the card on autotuning claims, run against the installed package (3.6.0 to 3.9.0)."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from prep.cards.card import LANGS
from tests.content.reading import details


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
