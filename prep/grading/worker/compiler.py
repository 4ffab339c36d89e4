"""The worker that compiles: follows the submission's entry to its launches and compiles for sm_90 what it would launch.

It answers one request with a stream of frames, each a JSON header; the last one is `done`:

    building  the next step may take long, or take the process with it: which kernel, for which call
    followed  a call of the entry came to its end, or how it did not
    fault     the compiler rejects a kernel
    built     one kernel's registers, shared memory, instructions

The entry is called twice over. On the CPU cases with tensors of the CPU, so that exactly the kernels compile that the
interpreter runs: those only go through the frontend (10-20 ms each), which knows shapes, types and constexprs. On the
specialisations of the exercise with tensors that pass for a GPU's: those are compiled to the end.
"""

from __future__ import annotations

import importlib.util
import math
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch
from triton.compiler.errors import CompileTimeAssertionFailure
from triton.runtime import driver
from triton.runtime.autotuner import Autotuner
from triton.runtime.errors import OutOfResources, PTXASError
from triton.runtime.jit import JITFunction

from prep.grading.process.protocol import read_frame, write_frame
from prep.grading.worker import ghost, language, no_gpu, real_triton
from prep.grading.worker.build import SHARED_LIMIT, TARGET, Builder, Heavy, SharedMemoryExceeded, Specialisation
from prep.grading.worker.faults import Faults, words

FRONTS = 4
"""Specialisations of one kernel for one set of types that the frontend looks at; the smallest cases come first, and
what else differs is mostly the size of a block. Of a configuration of a tuned kernel it looks at one."""

BUILDS = 8
"""Kernels compiled to the end for one call of the entry; what launches more is built from the same few."""

_TUNER_SKIPS = (OutOfResources, CompileTimeAssertionFailure, PTXASError, SharedMemoryExceeded)
"""What triton's autotuner takes for a configuration that does not fit, and leaves out."""


class Compiler:
    """One submission's process."""

    def __init__(self, requests: int, replies: int, folder: Path) -> None:
        self.requests = requests
        self.replies = replies
        self.folder = folder
        self.builder = Builder()
        self.call: dict[str, Any] = {}
        self.fronted: dict[str, Exception | None] = {}
        self.launches: list[list[Specialisation]] = []
        """Of the present call: for each launch the alternatives that would do, one unless it is tuned."""

        self.looked_at: Counter[str] = Counter()
        self.config = ""
        """The configuration that is tried, of a kernel that is tuned."""

        self.tuning: list[Specialisation] | None = None
        self.rejected: list[tuple[BaseException, Specialisation | None]] = []
        self.built: set[str] = set()
        self.heavy: list[list[str]] = []
        """Kernel and call of what took an earlier worker too long."""

        self.unbuilt: dict[int, tuple[dict[str, Any], Specialisation]] = {}
        self.faults: Faults

    def send(self, kind: str, **fields: Any) -> None:
        write_frame(self.replies, {"event": kind, **fields})

    def serve(self) -> None:
        """Answer one request."""
        frame = read_frame(self.requests)
        job = frame.header
        path = self.folder / "submission" / job["filename"]
        path.parent.mkdir()
        path.write_bytes(frame.payload)
        self.faults = Faults(str(path))
        real_triton.uninterpret()
        self._install()
        sys.path.insert(0, str(path.parent))
        self.cuda_is_cpu = no_gpu.CudaIsCpu(frame.payload, str(path))
        self.send("building", kernel="", call="import")
        try:
            spec = importlib.util.spec_from_file_location(path.stem.replace("-", "_"), path)
            assert spec is not None
            assert spec.loader is not None
            module = importlib.util.module_from_spec(spec)
            sys.modules[spec.name] = module
            with self.cuda_is_cpu:
                spec.loader.exec_module(module)
            entry = getattr(module, job["entry"])
        except BaseException as e:
            fault = self.faults.of_import(e)
            if fault is not None:
                self.send("fault", **fault)
            else:
                self.send("unfollowed", call="import", why=words(e))
            self.send("done")
            return
        self.heavy = job["heavy"]
        for call in job["calls"]:
            self._follow(entry, job["params"], call)
        for call, smaller in self.unbuilt.values():
            self._build(call, [smaller], cheaply=True)
        self.send("done")

    # Following the entry

    def _follow(self, entry: Callable[..., Any], params: list[dict[str, Any]], call: dict[str, Any]) -> None:
        self.call, self.launches, self.rejected = call, [], []
        make = ghost.empty if call["gpu"] else _on_cpu
        tensors = {b["name"]: make(tuple(b["shape"]), tuple(b["strides"]), b["dtype"]) for b in call["buffers"]}
        arguments = [tensors[p["name"]] if p["role"] != "scalar" else call["scalars"][p["name"]] for p in params]
        _Driver.multiprocessors = ghost.MULTIPROCESSORS if call["gpu"] else no_gpu.MULTIPROCESSORS
        try:
            with ghost.gpu() if call["gpu"] else self.cuda_is_cpu:
                entry(*arguments)
        except BaseException as e:
            fault = self._fault_of(e)
            if fault is not None:
                self.send("fault", **fault)
            else:
                self.send("unfollowed", call=call["name"], why=words(e))
            return
        self.send("followed", call=call["name"], launches=len(self.launches))
        if call["gpu"]:
            for alternatives in self.launches[:BUILDS]:
                self._build(call, alternatives)
            return
        for alternatives in self.launches:
            spec = max(alternatives, key=_extent)
            known = self.unbuilt.get(id(spec.fn))
            if known is None or _extent(spec) > _extent(known[1]):
                self.unbuilt[id(spec.fn)] = (call, spec)

    def _fault_of(self, error: BaseException) -> dict[str, Any] | None:
        """The fault, where what the entry let through is the compiler's no to a launch."""
        for rejected, spec in self.rejected:
            seen: BaseException | None = error
            while seen is not None:
                if seen is rejected:
                    return self._described(rejected, spec)
                seen = seen.__cause__ or seen.__context__
        return None

    def _described(self, error: BaseException, spec: Specialisation | None) -> dict[str, Any]:
        fault = self.faults.of(error, spec)
        return {**fault, "build": self.builder.count, "call": self.call["name"], "kernel": spec.name if spec else ""}

    def _announce(self, spec: Specialisation, phase: str) -> None:
        self.send("building", kernel=spec.name, call=self.call["name"], build=self.builder.count + 1, phase=phase)

    def _front(self, spec: Specialisation) -> None:
        """Let the frontend have its say once, at the launch, where triton would raise too."""
        key = spec.front_key()
        if key not in self.fronted:
            types = "gpu" if self.call["gpu"] and self.config else spec.signature
            alike = f"{id(spec.fn)} {types} {self.config}"
            self.looked_at[alike] += 1
            if self.looked_at[alike] > (1 if self.config else FRONTS):
                return
            self._announce(spec, "front")
            try:
                rounded = self.builder.front(spec)
                self.fronted[key] = None
                if rounded:
                    line = self.faults.line_in(rounded)
                    self.send("tf32", kernel=spec.name, call=self.call["name"], line=line)
            except OSError:
                raise  # a full disk, no process to be had: not the kernel's fault
            except Exception as e:
                self.fronted[key] = e
        error = self.fronted[key]
        if error is not None:
            self.rejected.append((error, spec))
            raise error

    def _launch(self, spec: Specialisation) -> None:
        self._front(spec)
        if self.tuning is not None:
            self.tuning.append(spec)
        elif all(spec.key() != known[0].key() for known in self.launches):
            self.launches.append([spec])

    def _tune(self, tuner: Any, args: Any, kwargs: Any) -> None:
        """Try each configuration as triton's autotuner does; those that do not fit are left out."""
        tuner.nargs = dict(zip(tuner.arg_names, args, strict=False))
        configs = tuner.prune_configs(kwargs) if len(tuner.configs) > 1 else tuner.configs
        outer, self.tuning = self.tuning, []
        last: BaseException | None = None
        try:
            for config in configs:
                arguments = {**tuner.nargs, **kwargs, **config.all_kwargs()}
                if config.pre_hook is not None:
                    config.pre_hook(arguments)
                self.config = str(config) if len(configs) > 1 else ""
                try:
                    tuner.fn.run(*args, **kwargs, **config.all_kwargs())
                except _TUNER_SKIPS as e:
                    if len(configs) == 1:
                        raise
                    last = e
            tuner.best_config = configs[0]
            alternatives = self.tuning
        finally:
            self.tuning, tuner.nargs, self.config = outer, None, ""
        if not alternatives and last is not None:
            raise last
        if outer is not None:
            outer.extend(alternatives)
        elif alternatives and all(alternatives[0].key() != known[0].key() for known in self.launches):
            self.launches.append(alternatives)

    # Compiling to the end

    def _build(self, call: dict[str, Any], alternatives: list[Specialisation], cheaply: bool = False) -> None:
        """Compile the first alternative that fits; a fault where there is none."""
        self.call = call
        fault = None
        skipped = 0
        for spec in alternatives:
            if call["gpu"]:
                self.unbuilt.pop(id(spec.fn), None)
            if spec.key() in self.built or [spec.name, call["name"]] in self.heavy:
                return
            self._announce(spec, "back")
            try:
                facts = self.builder.build(spec, cheaply)
                if facts is None:
                    return
                if facts["shared_bytes"] > SHARED_LIMIT:
                    raise SharedMemoryExceeded(facts["shared_bytes"])
            except Heavy as e:
                self.send("heavy", kernel=spec.name, call=call["name"], why=str(e))
                return
            except OSError as e:
                self.send("unfollowed", call=call["name"], why=words(e))
                return
            except _TUNER_SKIPS as e:
                fault, skipped = self._described(e, spec), skipped + 1
                continue
            except Exception as e:
                fault = self._described(e, spec)
                break
            self.built.add(spec.key())
            self.send("built", kernel=spec.name, call=call["name"], skipped=skipped, constants=_shown(spec), **facts)
            return
        if fault is not None:
            self.send("fault", **fault)

    def _install(self) -> None:
        """Stand between the submission and triton's compiler."""
        compiler = self
        no_gpu.install(lambda: 0)
        driver.set_active(_Driver())
        torch.cuda.get_device_properties = _Driver.properties
        launch = JITFunction.run

        def do_compile(
            self: Any, key: Any, signature: Any, device: Any, constexprs: Any, options: Any, attrs: Any, warmup: Any
        ) -> None:
            compiler._launch(Specialisation(self, signature, constexprs, options, attrs))

        def run(self: Any, *args: Any, grid: Any = None, warmup: bool = False, **kwargs: Any) -> Any:
            try:
                launch(self, *args, grid=grid, warmup=warmup, **kwargs)
                return language.Compiled(self, kwargs)
            except Exception as e:
                # With a GPU's tensors it may be our stand-in that lacks something; on the CPU nothing is pretended.
                if not compiler.call["gpu"] and all(e is not known for known, _ in compiler.rejected):
                    compiler.rejected.append((e, Specialisation(self, {}, {}, None, {})))
                raise

        def tune(self: Any, *args: Any, **kwargs: Any) -> None:
            kwargs.pop("warmup", None)
            compiler._tune(self, args, kwargs)

        JITFunction._do_compile = do_compile
        JITFunction.run = run
        Autotuner.run = tune


class _Driver(no_gpu.Driver):
    """The driver of the GPU that is compiled for; it launches nothing."""

    multiprocessors = ghost.MULTIPROCESSORS

    utils = SimpleNamespace(get_device_properties=lambda device=0: _Driver.answers())

    def get_current_target(self) -> Any:
        return TARGET

    def get_current_stream(self, device: int = 0) -> int:
        return 0

    @classmethod
    def answers(cls) -> dict[str, int]:
        return {**no_gpu.PROPERTIES, "multiprocessor_count": cls.multiprocessors}

    @classmethod
    def properties(cls, device: Any = None) -> SimpleNamespace:
        found = no_gpu.device_properties(device)
        found.multi_processor_count = cls.multiprocessors
        return found


def _on_cpu(shape: tuple[int, ...], strides: tuple[int, ...], dtype: str) -> torch.Tensor:
    """A tensor of ones, strides and all."""
    extent = 1 + sum((n - 1) * s for n, s in zip(shape, strides, strict=True)) if all(shape) else 0
    return torch.ones(extent, dtype=getattr(torch, dtype)).as_strided(shape, strides)


def _extent(spec: Specialisation) -> int:
    """The product of its integer constants: how large its blocks are."""
    values = [v for v in spec.constants().values() if isinstance(v, int) and not isinstance(v, bool) and v > 1]
    return math.prod(values)


def _shown(spec: Specialisation) -> dict[str, int | float | str]:
    """Its blocks and flags, as the report shows them."""
    return {name: v for name, v in spec.constants().items() if isinstance(v, int | float | str)}
