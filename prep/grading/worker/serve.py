"""The worker: runs one submission in the interpreter and sends back raw bytes.

It is forked before any seed is drawn and never holds an expected value. It answers:

    load  the submission's source -> what its import did
    call  storages of all parameters -> the same storages after the call, and what the call did
    end   nothing -> nothing, and it leaves
"""

from __future__ import annotations

import ctypes
import importlib.util
import os
import sys
import traceback
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import torch

from prep.grading.buffers import Layout
from prep.grading.dtypes import Array
from prep.grading.process.protocol import Frame, ProtocolError, read_frame, write_frame
from prep.grading.worker import language, memory, no_gpu, operators, provenance, watch
from prep.grading.worker.plan import Plan
from prep.grading.worker.provenance import Provenance

MOAT_BYTES = 256 << 10
"""On each side of a storage, beyond its guards and never sent: a block that overruns 4 KiB of guard, as 32 rows of 150
floats do, must not land in another parameter and look like a store that was meant for it."""


class Worker:
    """One submission's process."""

    def __init__(self, requests: int, replies: int, folder: Path) -> None:
        self.requests = requests
        self.replies = replies
        self.folder = folder
        self.watch = watch.Watch(filename="", allowed=frozenset())
        self.module: ModuleType | None = None
        self.entry: Any = None
        self.params: list[dict[str, Any]] = []
        self.storages: dict[str, torch.Tensor] = {}
        self.config_turn = 0
        self.cuda_is_cpu: Any = None
        self.plan = Plan()
        self.provenance = Provenance(self.watch)

    def serve(self) -> None:
        """Answer until the judge asks for the end, or closes the pipe."""
        while True:
            try:
                frame = read_frame(self.requests)
            except ProtocolError:
                return
            if frame.header["op"] == "end":
                write_frame(self.replies, {"status": "ok"})
                return
            reply = self.load(frame) if frame.header["op"] == "load" else self.call(frame)
            write_frame(self.replies, reply.header, reply.payload)

    def load(self, frame: Frame) -> Frame:
        """Import the submission under its own name from a copy, so that a file edited meanwhile changes nothing."""
        job = frame.header
        path = self.folder / "submission" / job["filename"]
        path.parent.mkdir()
        path.write_bytes(frame.payload)
        self.watch.filename = str(path)
        self.watch.allowed = operators.ALWAYS_ALLOWED | frozenset(f"aten::{name}" for name in job["allowed_ops"])
        if not job["forbid_copies"]:
            self.watch.allowed |= operators.COPIES
        np.seterr(all="ignore")  # an overflow on the way, as in exp(-inf - x), is no output of the submission's
        memory.install(self.watch, self._mode)
        operators.install(self.watch)
        language.install()
        provenance.install(self.provenance, self.plan)
        no_gpu.install(lambda: self.config_turn)
        self.cuda_is_cpu = no_gpu.CudaIsCpu(frame.payload, str(path))
        self.params = job["params"]
        sys.path.insert(0, str(path.parent))
        try:
            spec = importlib.util.spec_from_file_location(path.stem.replace("-", "_"), path)
            assert spec is not None
            assert spec.loader is not None
            self.module = importlib.util.module_from_spec(spec)
            sys.modules[spec.name] = self.module
            with self.cuda_is_cpu, self._mode(importing=True):
                spec.loader.exec_module(self.module)
            self.entry = getattr(self.module, job["entry"])
        except BaseException as e:  # SystemExit and KeyboardInterrupt of the submission are its faults too
            return Frame({"status": "error", "error": self.error(e)})
        return Frame({"status": "ok"})

    def call(self, frame: Frame) -> Frame:
        """Run the entry on the storages of the frame."""
        layouts = [Layout.from_header(h) for h in frame.header["buffers"]]
        reuse = frame.header["reuse"]
        self.config_turn = frame.header["turn"]
        tensors, regions = self._tensors(layouts, frame.payload, reuse)
        arguments = [
            tensors[p["name"]] if p["role"] != "scalar" else frame.header["scalars"][p["name"]] for p in self.params
        ]
        self.watch.begin(regions, frame.header["order"], frame.header["seed"], frame.header["stale"])
        self._begin(regions, bool(frame.header.get("record")))
        header: dict[str, Any] = {"status": "ok"}
        returned = None
        try:
            with self.cuda_is_cpu, self._mode():
                returned = self.entry(*arguments)
        except BaseException as e:
            header = {"status": "error", "error": self.error(e)}
        # First of all: what a thread of the submission stores later is none of its result.
        storages = [storage_bytes(self.storages[layout.name], layout).tobytes() for layout in layouts]
        self.provenance.end()
        header["returned"] = None if returned is None else type(returned).__name__
        header["watch"] = self.watch.report()
        header["plan"] = self.plan.steps if self.plan.active else None
        payload = b"".join(storages) + self._stored(regions)
        self.watch.begin([])
        return Frame(header, payload)

    def _mode(self, importing: bool = False) -> operators.OperatorWatch:
        return operators.OperatorWatch(self.watch, self.provenance, self.plan, importing)

    def _begin(self, regions: list[watch.Region], record: bool) -> None:
        addresses = {name: storage.untyped_storage().data_ptr() for name, storage in self.storages.items()}
        spans = {region.arena: (region.start, region.end - region.start) for region in regions}
        self.provenance.begin({a: (*spans[a], self.storages[name]) for name, a in addresses.items()})
        self.plan.begin({name: (address, MOAT_BYTES) for name, address in addresses.items()}, record)

    def _tensors(
        self, layouts: list[Layout], payload: bytes, reuse: bool
    ) -> tuple[dict[str, torch.Tensor], list[watch.Region]]:
        tensors, regions = {}, []
        at = 0
        if not reuse:
            self.storages = {}
        for layout in layouts:
            raw = np.frombuffer(payload, dtype=np.uint8, count=layout.nbytes, offset=at)
            at += layout.nbytes
            if layout.name not in self.storages:
                self.storages[layout.name] = torch.empty(layout.nbytes + 2 * MOAT_BYTES, dtype=torch.uint8)
            storage = self.storages[layout.name]
            storage_bytes(storage, layout)[:] = raw
            tensor = torch.empty(0, dtype=getattr(torch, layout.dtype.name))
            first = MOAT_BYTES // layout.dtype.itemsize + layout.offset
            tensor.set_(storage.untyped_storage(), first, layout.shape, layout.strides)
            tensors[layout.name] = tensor
            regions.append(_region(layout, storage))
        return tensors, regions

    def _stored(self, regions: list[watch.Region]) -> bytes:
        """For each output, by element: one bit, did a kernel or torch store it; which program; which line.

        The last two as int32 each, -1 and 0 where no kernel did.
        """
        parts: list[Array] = []
        trace = self.watch.trace
        for region in regions:
            layout = region.layout
            if layout is None or layout.role == "in":
                continue
            writer = layout.view(region.shadowed().by(layout.dtype.itemsize))
            filled = region.arena in self.watch.filled
            owners = np.where(writer != 0, trace.program[writer], -1).astype(np.int32)
            parts += [np.packbits((writer != 0) | filled), owners, trace.lines[writer].astype(np.int32)]
        return b"".join(part.tobytes() for part in parts)

    def error(self, error: BaseException) -> dict[str, Any]:
        """What went wrong, trimmed to the submission's own lines."""
        while type(error).__name__ == "InterpreterError" and error.__cause__ is not None:
            error = error.__cause__
        frames = traceback.extract_tb(error.__traceback__)
        own = [f for f in frames if f.filename == self.watch.filename]
        line = own[-1].lineno if own else None
        if isinstance(error, SyntaxError) and error.filename == self.watch.filename:
            line = error.lineno
        innermost = frames[-1].filename if frames else ""
        lines = [f"  line {f.lineno}, in {f.name}\n    {f.line}" for f in own]
        message = str(error).strip().splitlines()
        return {
            "type": type(error).__name__,
            "message": message[0][:500] if message else "",
            "line": line,
            "traceback": "\n".join([*lines[-8:], f"{type(error).__name__}: {str(error)[:2000]}"]),
            "compiler": f"{os.sep}triton{os.sep}" in innermost,
            "entered": bool(own),
            "in_kernel": self.watch.launches > 0,
        }


def storage_bytes(storage: torch.Tensor, layout: Layout) -> Any:
    """The storage's memory inside the moats as a numpy array; not through Tensor.numpy, which is watched."""
    address = storage.untyped_storage().data_ptr() + MOAT_BYTES
    memory: Any = (ctypes.c_uint8 * layout.nbytes).from_address(address)
    return np.frombuffer(memory, dtype=np.uint8)


def _region(layout: Layout, storage: torch.Tensor) -> watch.Region:
    arena = storage.untyped_storage().data_ptr()
    start = arena + MOAT_BYTES
    item = layout.dtype.itemsize
    data = (start + layout.offset * item, start + (layout.offset + layout.extent) * item)
    gaps = layout.extent != layout.elements
    return watch.Region(
        start=start,
        end=start + layout.nbytes,
        name=layout.name,
        layout=layout,
        member=layout.member_mask() if gaps else None,
        data=data,
        itemsize=item,
        traced=layout.role != "in",
        arena=arena,
    )


def run(requests: int, replies: int, folder: Path) -> None:
    """Be the worker until the judge has no more to ask."""
    Worker(requests, replies, folder).serve()
