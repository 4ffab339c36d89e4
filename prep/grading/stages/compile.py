"""Stage compile: the kernels that the submission would launch, compiled for an sm_90 GPU that is not there.

It fails a submission only where the compile proves that a kernel cannot run: triton rejects it, it takes more shared
memory than a block has, it takes the compiler down or never ends. What it shows otherwise is what the compiler made of
the kernels, and that they compile for sm_90; never that they are right on one.

The worker starts before the CPU cases run and is heard after them: both work side by side where there are two cores.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from prep.exercises.spec import Case, Exercise
from prep.grading.diagnosis.messages import diagnosis
from prep.grading.diagnosis.words import Text
from prep.grading.occupancy import occupancy
from prep.grading.process.child import Child
from prep.grading.process.protocol import BUILD_MARK

TARGET = "sm_90"
SUITE = "xray"
"""Of the cases that stand for the exercise's `xray` list."""

PATIENCE_S = 90.0
"""Without a frame: four times the CPU time of one kernel, for a machine that is busy with other things."""

RESTARTS = 3
"""Kernels that may take LLVM too long; each takes the worker with it."""

CPU_S = 300.0
"""CPU time of the worker in all; one kernel has 20 s."""

TF32 = Text(
    "on a GPU '{kernel}' multiplies float32 rounded to tf32, 10 bits of 23; the interpreter does not show it",
    "在 GPU 上 '{kernel}' 会先把 float32 舍入成 tf32 再相乘，23 位尾数只剩 10 位；解释器里看不出来",
)
IEEE = Text(
    'say input_precision="ieee" in tl.dot; triton up to 3.7 also makes such a product of a sum over a product',
    '在 tl.dot 里写 input_precision="ieee"；triton 3.7 及以前还会把“先相乘再求和”改写成这样的乘法',
)

SCALARS: dict[str, Any] = {"int": 1, "float": 0.5, "bool": True}
"""For parameters that neither the specialisation nor the exercise's cases give a value."""


class CompileStage:
    """One submission's compilation."""

    def __init__(self, exercise: Exercise) -> None:
        self.exercise = exercise
        self.child: Child | None = None
        self.faults: list[dict[str, Any]] = []
        self.built: list[dict[str, Any]] = []
        self.unfollowed: list[dict[str, Any]] = []
        self.heavy: list[dict[str, Any]] = []
        self.unavailable = ""
        """Why nothing can be compiled here."""

        self.launches = 0
        self.printed = ""
        self.source = b""
        self.filename = ""
        self.cases: dict[str, Case] = {case.name: case for case in exercise.suite("cpu")}
        for entry in exercise.xray:
            case = _specialisation(entry, exercise)
            self.cases[case.name] = case

    def start(self, source: bytes, filename: str) -> None:
        """Set the worker to work."""
        self.source, self.filename = source, Path(filename).name
        self.child = Child.fork("compile", CPU_S)
        job = {
            "op": "compile",
            "filename": self.filename,
            "entry": self.exercise.entry,
            "params": [{"name": p.name, "role": p.role} for p in self.exercise.params],
            "heavy": [[h["kernel"], h["call"]] for h in self.heavy],
            "calls": [self._call(case) for case in self.cases.values()],
        }
        self.child.tell(job, source, time.monotonic() + PATIENCE_S)

    def finish(self, right: bool) -> str:
        """Hear the worker to its end; returns the stage's status.

        Args:
            right: the CPU cases passed, so that kernels were launched, with such tensors as the worker used too.
        """
        for _ in range(RESTARTS):
            if self._hear():
                break
            self.close()
            self.faults, self.built, self.unfollowed, self.launches = [], [], [], 0
            self.start(self.source, self.filename)
        self.close()
        return self.status(right)

    def status(self, right: bool) -> str:
        """What the answers amount to; a submission that hides its kernels from the compiler has failed."""
        if right and not self.launches and not self.unavailable and not self.faults:
            why = self.unfollowed[0]["why"] if self.unfollowed else "it launches nothing"
            detail = f"where it is compiled, the entry does not do what it did in the interpreter: {why}"
            self.faults.append({"code": "does-not-compile", "line": None, "kernel": "", "call": None, "detail": detail})
        if self.faults:
            return "failed"
        return "passed" if self.launches else "skipped"

    def _hear(self) -> bool:
        """Take what the worker says; False where the rest of it has to be asked from another one."""
        assert self.child is not None
        now: dict[str, Any] = {}
        while self.child.ended is None:
            frame = self.child.hear(time.monotonic() + PATIENCE_S)
            if frame is None:
                break
            now = frame.header
            if self._take(now):
                return True
        ended = self.child.ended or "said nothing more"
        slow = ended == "timeout" or "SIGPROF" in ended or "SIGXCPU" in ended
        if slow and now.get("phase") == "back":
            # It passed triton's own checks, and fits: slow to compile is not unable to run.
            self.heavy.append({**now, "why": "LLVM takes more than 20 s"})
            return False
        fault = {"code": "does-not-compile", "line": None, "kernel": "", "call": None}
        if now.get("event") == "building":
            fault.update(kernel=now["kernel"], call=now["call"], build=now.get("build"))
        self.faults.append({**fault, "slow": slow, "died": not slow, "detail": f"the process {ended}"})
        return True

    def close(self) -> None:
        """End the worker, whatever it is doing."""
        if self.child is not None:
            self.child.close()
            self.printed = self.child.printed.decode(errors="replace")
            self.child = None

    def message(self) -> str:
        """What the stage line says beside its mark."""
        if self.unavailable:
            return self.unavailable
        if self.heavy:
            slow = self.heavy[0]
            return f"'{slow['kernel']}' was not compiled to the end for {slow['call']}: {slow['why']}"
        if self.faults or not self.unfollowed:
            return ""
        return f"not compiled for {self.unfollowed[0]['call']}: {self.unfollowed[0]['why']}"

    def diagnoses(self, source: bytes) -> list[dict[str, Any]]:
        """The faults in words, each once."""
        found: dict[tuple[Any, ...], dict[str, Any]] = {}
        for fault in self.faults:
            key = (fault["code"], fault.get("kernel"), fault.get("line"))
            if key not in found:
                line, words = (None, "") if fault.get("foreign") else self._said(fault.get("build"))
                if words:
                    fault = {**fault, "line": line or fault["line"], "detail": words[-300:]}
                found[key] = _diagnosis(fault, self.cases.get(str(fault.get("call"))), source)
        return list(found.values())

    def xray(self) -> list[dict[str, Any]]:
        """One entry for each kernel and specialisation that was compiled to the end."""
        return [self._entry(facts) for facts in self.built]

    # What is asked

    def _call(self, case: Case) -> dict[str, Any]:
        exercise = self.exercise
        return {
            "name": case.name,
            "gpu": case.suite == SUITE,
            "buffers": [
                {
                    "name": p.name,
                    "dtype": exercise.dtype(p, case),
                    "shape": list(exercise.shape(p, case)),
                    "strides": list(exercise.strides(p, case)),
                }
                for p in exercise.params
                if p.role != "scalar"
            ],
            "scalars": {p.name: self._scalar(p.name, p.dtype, case) for p in exercise.params if p.role == "scalar"},
        }

    def _scalar(self, name: str, dtype: str, case: Case) -> Any:
        for source in (case, *self.exercise.cases):
            if name in source.scalars:
                return source.scalars[name]
        return SCALARS[dtype]

    # What is answered

    def _take(self, frame: Mapping[str, Any]) -> bool:
        match frame.get("event"):
            case "fault":
                self.faults.append(dict(frame))
            case "built":
                self.built.append(dict(frame))
            case "tf32":
                case = self.cases.get(str(frame.get("call")))
                # Half precision has no more digits than tf32; float32 has 8192 times finer ones, and was asked for.
                if case is not None and case.dtype == "float32" and self.exercise.tolerance.compute == "float32":
                    self.faults.append({**frame, "code": "low-precision"})
            case "heavy":
                self.heavy.append(dict(frame))
            case "followed":
                self.launches += int(frame.get("launches", 0))
            case "unavailable":
                self.unavailable = str(frame.get("why"))
            case "unfollowed":
                self.unfollowed.append(dict(frame))
            case "done":
                return True
        return False

    def _said(self, build: Any) -> tuple[int | None, str]:
        """Line and words of the first error that the compiler printed in one of its runs."""
        mark = (BUILD_MARK % int(build)).decode() if build else ""
        _, found, text = self.printed.partition(mark) if mark else ("", "", "")
        if not found:
            return None, ""
        text = text.partition(BUILD_MARK.decode().partition("%")[0])[0]
        placed = re.search(rf"{re.escape(self.filename)}\W+(\d+):\d+\)?: error: (.+)", text)
        if placed is not None:
            return int(placed[1]), placed[2].strip()
        lines = [line.strip() for line in text.splitlines()]
        return None, next((ln for ln in lines if re.search(r"Assertion|error: |LLVM ERROR", ln)), "")

    def _entry(self, facts: Mapping[str, Any]) -> dict[str, Any]:
        case = self.cases.get(str(facts["call"]))
        warps, registers, shared = facts["num_warps"], facts["registers"], facts["shared_bytes"]
        notes = []
        if facts["skipped"]:
            count = facts["skipped"]
            notes.append(
                {
                    "en": f"{count} earlier configurations do not fit and were left out, as triton's autotuner would",
                    "zh": f"前面有 {count} 个配置放不下，已像 triton 的 autotuner 那样跳过",
                }
            )
        return {
            "target": TARGET,
            "label": f"compiles for {TARGET}",  # and never more than that: only a GPU shows whether it is right there
            "kernel": facts["kernel"],
            "case": facts["call"],
            "dtype": case.dtype if case else "",
            "registers": registers,
            "spills": facts["spills"],
            "shared_bytes": shared,
            "occupancy": round(occupancy(registers, shared, warps), 4),
            "tensor_cores": facts["tensor_cores"],
            "vector_width": facts["vector_width"],
            "async_copies": facts["async_copies"],
            "num_warps": warps,
            "num_stages": facts["num_stages"],
            "constants": facts["constants"],
            "notes": notes,
        }


def merged(cpu: list[dict[str, Any]], compiled: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Both stages' diagnoses, the first to mend first.

    What calls Python in a kernel has not been written in triton yet, whatever values the interpreter gave. Otherwise a
    kernel that is wrong is made right before it is made to compile for larger sizes.
    """
    first = [found for found in compiled if found.get("foreign")]
    codes = {found["code"] for found in compiled}
    return first + [found for found in cpu if found["code"] not in codes] + [f for f in compiled if f not in first]


def _specialisation(entry: Mapping[str, Any], exercise: Exercise) -> Case:
    """One of the `xray` list, `{dims, dtype, scalars}` or `{dims, params: {name: dtype}}`, made a case."""
    given = entry.get("signature", entry)
    dtypes = given.get("params", {})
    case_params = [p.name for p in exercise.params if p.dtype == "case"]
    dtype = given.get("dtype") or next((dtypes[name] for name in case_params if name in dtypes), "float32")
    dims = ", ".join(f"{name}={extent}" for name, extent in given["dims"].items())
    return Case(f"{dims}, {dtype}", SUITE, given["dims"], dtype, "", scalars=given.get("scalars", {}))


def _diagnosis(fault: Mapping[str, Any], case: Case | None, source: bytes) -> dict[str, Any]:
    kernel, line = fault.get("kernel") or "?", fault.get("line")
    if fault["code"] == "too-much-shared-memory":
        return diagnosis("too-much-shared-memory", source, line=line, case=case, kernel=kernel, **_sizes(fault))
    if fault["code"] == "low-precision":
        said = {language: text.format(kernel=kernel) for language, text in zip(("en", "zh"), TF32, strict=True)}
        cure = dict(zip(("en", "zh"), IEEE, strict=True))
        found = diagnosis("low-precision", source, line=line, case=case)
        return {**found, "message": said["en"], "messages": said, "hint": cure["en"], "hints": cure}
    if fault.get("slow"):
        detail = Text(
            f"compiling '{kernel}' takes more than 20 s; is a tile or an unrolled loop far too large?",
            f"编译 '{kernel}' 超过 20 秒：tile 或展开的循环是否过大？",
        )
    elif fault.get("died"):
        said = fault["detail"]
        detail = Text(f"the compiler itself fails on '{kernel}': {said}", f"编译器在 '{kernel}' 上崩溃：{said}")
    else:
        detail = Text(fault["detail"], fault["detail"])
    found = diagnosis("does-not-compile", source, line=line, case=case, detail=detail)
    return {**found, "foreign": True} if fault.get("foreign") else found


def _sizes(fault: Mapping[str, Any]) -> dict[str, Any]:
    stages, largest, value = fault["stages"], fault["largest"], fault["value"]
    ways_en, ways_zh = [], []
    if largest:
        ways_en.append(f"{largest} from {value} to {value // 2}")
        ways_zh.append(f"把 {largest} 从 {value} 改为 {value // 2}")
    if stages > 2:
        ways_en.append(f"num_stages from {stages} to {stages // 2}")
        ways_zh.append(f"把 num_stages 从 {stages} 改为 {stages // 2}")
    return {
        "required": f"{fault['required']:,}",
        "limit": f"{fault['limit']:,}",
        "remedy": Text(" or ".join(ways_en) or "smaller tiles", "或".join(ways_zh) or "用更小的 tile"),
    }
