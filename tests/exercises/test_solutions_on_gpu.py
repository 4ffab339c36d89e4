"""On a GPU, by hand: every reference solution is right on every gpu and perf case, strides and dtypes included.

And every kernel of tests/grading/right on the cases that the judge runs without one: what the judge must pass is right.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest

from prep.exercises.load import load_exercises
from prep.exercises.spec import Case, Exercise
from prep.exercises.statement import solution_path
from tests.grading.test_right_styles import FILES, style_id, too_new

pytestmark = pytest.mark.gpu

CASES = [(e, case) for e in load_exercises().values() for suite in ("gpu", "perf") for case in e.suite(suite)]


@pytest.fixture(autouse=True)
def gpu() -> None:
    torch = pytest.importorskip("torch")
    if not torch.cuda.is_available():
        pytest.skip("no GPU")


def _module(path: Path) -> Any:
    spec = importlib.util.spec_from_file_location(f"{path.parent.name}_{path.stem}".replace("-", "_"), path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _strided(torch: Any, shape: tuple[int, ...], strides: tuple[int, ...], dtype: Any) -> Any:
    size = 1 + sum((extent - 1) * step for extent, step in zip(shape, strides, strict=True))
    return torch.zeros(size, dtype=dtype, device="cuda").as_strided(shape, strides)


def worst_error(exercise: Exercise, case: Case, submission: Any) -> float:
    """The largest error of a submission's module as a multiple of the tolerance; at most 1 where it is right."""
    import numpy as np
    import torch

    from prep.grading.compare import tolerance_of
    from prep.grading.dtypes import DTYPES

    reference = _module(exercise.reference_path)
    made = reference.make_inputs(case, np.random.default_rng(7))
    arguments, values, outputs = [], {}, {}
    for p in exercise.params:
        if p.role == "scalar":
            values[p.name] = made[p.name]
            arguments.append(made[p.name])
            continue
        dtype = getattr(torch, exercise.dtype(p, case))
        tensor = _strided(torch, exercise.shape(p, case), exercise.strides(p, case), dtype)
        if p.role == "out":
            outputs[p.name] = tensor
        else:
            tensor.copy_(torch.from_numpy(np.ascontiguousarray(made[p.name])).to(dtype))
            values[p.name] = tensor.to(torch.float64).cpu().numpy()
        arguments.append(tensor)
    getattr(submission, exercise.entry)(*arguments)
    torch.cuda.synchronize()
    truth, sizes = reference.oracle(**values), reference.magnitude(**values)
    worst = 0.0
    for p in exercise.outputs:
        bound = tolerance_of(
            truth[p.name],
            sizes[p.name],
            exercise.tolerance,
            dict(case.dims),
            DTYPES[exercise.dtype(p, case)],
            DTYPES[case.dtype],
        )
        got = outputs[p.name].to(torch.float64).cpu().numpy()
        same = (got == truth[p.name]) | (np.isnan(got) & np.isnan(truth[p.name]))
        with np.errstate(all="ignore"):
            excess = np.where(same, 0.0, np.abs(got - truth[p.name]) / bound)
        worst = max(worst, float(np.where(np.isnan(excess), np.inf, excess).max()))
    return worst


def _id(entry: object) -> str:
    return entry.id if isinstance(entry, Exercise) else f"{entry.suite}-{entry.name}" if isinstance(entry, Case) else ""


@pytest.mark.parametrize(("exercise", "case"), CASES, ids=_id)
def test_solution_is_right_on_the_gpu(exercise: Exercise, case: Case) -> None:
    elements = max(
        (sum((n - 1) * s for n, s in zip(exercise.shape(p, case), exercise.strides(p, case), strict=True)))
        for p in exercise.params
        if p.role != "scalar"
    )
    if elements > 3e8 and case.suite == "perf":
        pytest.skip("its float64 oracle would take more memory than the tensors it checks")
    assert worst_error(exercise, case, _module(solution_path(exercise))) <= 1.0


@pytest.mark.parametrize("path", FILES, ids=style_id)
def test_right_kernel_is_right_on_the_gpu(path: Path) -> None:
    if too_new(path):
        pytest.skip("uses what this triton no longer has")
    exercise = load_exercises()[path.parent.name]
    submission = _module(path)
    errors = {case.name: worst_error(exercise, case, submission) for case in exercise.suite("cpu")}
    assert max(errors.values()) <= 1.0, errors
