"""The worker that repeats a plan: it holds the pure kernels of a submission and none of its other code.

    load    the submission's source -> the names of its pure kernels
    replay  storages of new inputs, and a plan -> the storages after every step of it was done
    end     nothing -> nothing, and it leaves

What a plan says comes from a process that may lie. It cannot make this one say that a wrong kernel is right: the inputs
are new, and a step launches a kernel, fills with one constant or copies from storage to storage.
"""

from __future__ import annotations

import importlib.util
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import torch
import triton
import triton.language as tl

from prep.grading.buffers import Layout
from prep.grading.process.protocol import Frame, ProtocolError, read_frame, write_frame
from prep.grading.worker import kernels, language, memory
from prep.grading.worker.plan import TABLE_BYTES
from prep.grading.worker.serve import MOAT_BYTES, Worker, storage_bytes

STORAGE_LIMIT = 256 << 20
"""Bytes that a plan may allocate in all."""


class Refused(Exception):
    """A step that is not one."""


class Replayer(Worker):
    """Repeats plans."""

    def serve(self) -> None:
        while True:
            try:
                frame = read_frame(self.requests)
            except ProtocolError:
                return
            match frame.header["op"]:
                case "load":
                    reply = self.load(frame)
                case "replay":
                    reply = self.replay(frame)
                case _:
                    write_frame(self.replies, {"status": "ok"})
                    return
            write_frame(self.replies, reply.header, reply.payload)

    def load(self, frame: Frame) -> Frame:
        """Import the kernels alone; what keeps them from it is no fault of the submission's."""
        np.seterr(all="ignore")
        memory.install(self.watch, nullcontext)
        language.install()
        try:
            text, self.names = kernels.extract(frame.payload)
            path = self.folder / "kernels.py"
            path.write_text(text, encoding="utf-8")
            spec = importlib.util.spec_from_file_location("kernels", path)
            assert spec is not None
            assert spec.loader is not None
            self.module = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(self.module)
        except Exception as e:
            return Frame({"status": "error", "message": f"{type(e).__name__}: {e}"})
        return Frame({"status": "ok", "kernels": sorted(self.names)})

    def replay(self, frame: Frame) -> Frame:
        """Do every step of the plan on the storages of the frame."""
        layouts = [Layout.from_header(h) for h in frame.header["buffers"]]
        _, regions = self._tensors(layouts, frame.payload, False)
        self.watch.begin(regions)
        self.memory = {name: (tensor, MOAT_BYTES) for name, tensor in self.storages.items()}
        self.allocated = self.tables = 0
        message = ""
        try:
            for step in frame.header["plan"]:
                self._step(step)
        except Exception as e:
            while type(e).__name__ == "InterpreterError" and isinstance(e.__cause__, Exception):
                e = e.__cause__
            message = f"{type(e).__name__}: {e}"
        payload = b"".join(storage_bytes(self.storages[layout.name], layout).tobytes() for layout in layouts)
        violations = self.watch.report()["violations"]
        self.watch.begin([])
        return Frame({"status": "error" if message else "ok", "message": message, "violations": violations}, payload)

    def _step(self, step: list[Any]) -> None:
        match step:
            case ["alloc", str(name), int(size), str(table)]:
                content = bytes.fromhex(table)
                self.allocated += size
                self.tables += len(content)
                if size < 0 or self.allocated > STORAGE_LIMIT or self.tables > TABLE_BYTES or len(content) > size:
                    raise Refused("it allocates too much")
                # NaN in every dtype: memory that nothing wrote must not look like zeros.
                storage = torch.full((size,), 255, dtype=torch.uint8)
                if content:
                    storage[: len(content)] = torch.frombuffer(bytearray(content), dtype=torch.uint8)
                self.memory[name] = (storage, 0)
                self.watch.keep(storage)
            case ["fill", dict(view), str(constant)]:
                target = self._tensor(view)
                raw = bytearray(bytes.fromhex(constant))
                if len(raw) != target.element_size():
                    raise Refused("a fill of another size")
                target.copy_(torch.frombuffer(raw, dtype=target.dtype).expand(target.shape))
            case ["copy", dict(view), dict(source)]:
                self._tensor(view).copy_(self._tensor(source))
            case ["launch", str(name), dict(arguments), [int(x), int(y), int(z)]]:
                if name not in self.names:
                    raise Refused(f"{name} does more than a kernel does")
                kernel = getattr(self.module, name)
                kernel[(x, y, z)](**{key: self._decode(value) for key, value in arguments.items()})
            case _:
                raise Refused(f"no such step: {step!r:.60}")

    def _tensor(self, view: dict[str, Any]) -> torch.Tensor:
        storage, moat = self.memory[view["of"]]
        dtype = getattr(torch, view["dtype"])
        at, item = view["at"] + moat, dtype.itemsize
        if not isinstance(dtype, torch.dtype) or at % item:
            raise Refused("a view that is none")
        tensor = torch.empty(0, dtype=dtype)
        return tensor.set_(storage.untyped_storage(), at // item, view["shape"], view["strides"])

    def _decode(self, value: dict[str, Any]) -> Any:
        ((kind, what),) = value.items()
        match kind:
            case "tensor":
                return self._tensor(what)
            case "value" if what is None or isinstance(what, bool | int | float | str):
                return what
            case "constexpr":
                return tl.constexpr(self._decode(what))
            case "dtype":
                return tl.dtype(what)
            case "tuple":
                return tuple(self._decode(item) for item in what)
            case "kernel" if what in self.names:
                return getattr(self.module, what)
            case "as":
                return triton.reinterpret(self._decode(what[0]), tl.dtype(what[1]))
            case "descriptor":
                from triton.tools.tensor_descriptor import TensorDescriptor

                base, shape, strides, block, padding = what
                return TensorDescriptor(self._decode(base), shape, strides, block, padding)
        raise Refused(f"an argument that is none: {kind}")


def run(requests: int, replies: int, folder: Path) -> None:
    """Be the worker until the judge has no more to ask."""
    Replayer(requests, replies, folder).serve()
