"""The references: oracles against torch in float64, inputs from seeds, regimes that do what they say."""

from __future__ import annotations

import importlib.util
from typing import Any

import pytest

from prep.exercises.load import load_exercises
from prep.exercises.spec import Case, Exercise

np = pytest.importorskip("numpy")

EXERCISES = load_exercises()
MINE = {name: EXERCISES[name] for name in ("softmax", "layernorm", "transpose")}
SMALL = [(e, case) for e in EXERCISES.values() for case in e.suite("cpu")]
LIMIT = 2_000_000
"""Elements of a GPU case that is still made here, to look at its regime."""


def reference(exercise: Exercise) -> Any:
    name = f"reference_of_{exercise.id}".replace("-", "_")
    spec = importlib.util.spec_from_file_location(name, exercise.reference_path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def made(exercise: Exercise, case: Case, seed: int = 5) -> dict[str, Any]:
    inputs: dict[str, Any] = reference(exercise).make_inputs(case, np.random.default_rng(seed))
    return inputs


def rounded(inputs: dict[str, Any], dtype: str) -> dict[str, Any]:
    """Inputs as the oracle gets them: cast to the case's dtype and back."""
    return {k: v.astype(dtype).astype(np.float64) if isinstance(v, np.ndarray) else v for k, v in inputs.items()}


def case_of(exercise_id: str, regime: str) -> Case:
    return next(c for c in EXERCISES[exercise_id].suite("cpu") if c.regime == regime)


def _id(entry: object) -> str:
    return entry.id if isinstance(entry, Exercise) else entry.name if isinstance(entry, Case) else ""


@pytest.mark.parametrize(("exercise", "case"), SMALL, ids=_id)
def test_inputs_repeat_from_their_seed_and_differ_between_seeds(exercise: Exercise, case: Case) -> None:
    first, second, other = made(exercise, case), made(exercise, case), made(exercise, case, seed=6)
    assert set(first) == {p.name for p in exercise.params if p.role != "out"}
    changed = False
    for p in exercise.params:
        if p.role == "out":
            continue
        np.testing.assert_array_equal(first[p.name], second[p.name])
        if p.role != "scalar":
            assert first[p.name].shape == exercise.shape(p, case)
            changed |= not np.array_equal(first[p.name], other[p.name])
    assert changed


@pytest.mark.parametrize(("exercise", "case"), SMALL, ids=_id)
def test_oracle_and_magnitude_have_the_outputs_shapes(exercise: Exercise, case: Case) -> None:
    module = reference(exercise)
    inputs = rounded(made(exercise, case), case.dtype)
    before = {k: np.array(v) for k, v in inputs.items()}
    answers = [module.oracle(**inputs), module.magnitude(**inputs)]
    if hasattr(module, "wrong_answers"):
        with np.errstate(all="ignore"):
            for wrong in module.wrong_answers(**inputs).values():
                answers += wrong if isinstance(wrong, list) else [wrong]
    for answer in answers:
        for p in exercise.outputs:
            assert answer[p.name].shape == exercise.shape(p, case)
    assert (answers[1][exercise.outputs[0].name] >= 0).all()
    for name, value in before.items():
        np.testing.assert_array_equal(inputs[name], value)


@pytest.mark.parametrize("exercise", MINE.values(), ids=_id)
def test_unknown_regime_is_refused(exercise: Exercise) -> None:
    case = exercise.suite("cpu")[0]
    odd = Case(case.name, "cpu", case.dims, case.dtype, case.why, "sideways", case.scalars)
    with pytest.raises(ValueError, match="sideways"):
        made(exercise, odd)


@pytest.mark.parametrize("exercise", MINE.values(), ids=_id)
def test_every_regime_of_the_gpu_suites_is_known(exercise: Exercise) -> None:
    for case in exercise.suite("gpu"):
        if np.prod(list(case.dims.values())) <= LIMIT:
            made(exercise, case)


@pytest.mark.parametrize("case", EXERCISES["softmax"].suite("cpu"), ids=_id)
def test_softmax_oracle_is_torchs(case: Case) -> None:
    torch = pytest.importorskip("torch")
    x = rounded(made(EXERCISES["softmax"], case), case.dtype)["x"]
    theirs = torch.softmax(torch.from_numpy(x), dim=1).numpy()
    np.testing.assert_allclose(reference(EXERCISES["softmax"]).oracle(x)["out"], theirs, rtol=1e-13, atol=1e-300)


@pytest.mark.parametrize("case", EXERCISES["layernorm"].suite("cpu"), ids=_id)
def test_layernorm_oracle_is_torchs(case: Case) -> None:
    torch = pytest.importorskip("torch")
    inputs = rounded(made(EXERCISES["layernorm"], case), case.dtype)
    x, weight, bias = (torch.from_numpy(inputs[name]) for name in ("x", "weight", "bias"))
    theirs = torch.nn.functional.layer_norm(x, x.shape[1:], weight, bias, inputs["eps"]).numpy()
    # torch's own float64 loses digits of a mean of 10^4 over a spread of 1.
    np.testing.assert_allclose(reference(EXERCISES["layernorm"]).oracle(**inputs)["out"], theirs, rtol=0, atol=1e-8)


@pytest.mark.parametrize("case", EXERCISES["transpose"].suite("cpu"), ids=_id)
def test_transpose_oracle_moves_every_element(case: Case) -> None:
    x = made(EXERCISES["transpose"], case)["x"]
    out = reference(EXERCISES["transpose"]).oracle(x)["out"]
    rng = np.random.default_rng(0)
    for _ in range(50):
        m, n = (int(rng.integers(0, extent)) for extent in x.shape)
        np.testing.assert_array_equal(out[n, m], x[m, n])


def test_softmax_regimes() -> None:
    exercise = EXERCISES["softmax"]
    exp = np.exp
    with np.errstate(over="ignore", under="ignore"):
        large = made(exercise, case_of("softmax", "large"))["x"].astype(np.float32)
        overflowing = np.isinf(exp(large))
        assert overflowing.any(axis=1).mean() > 0.5  # of five values a row may have none above 88.7
        assert not overflowing.all()
        assert (exp(made(exercise, case_of("softmax", "large-negative"))["x"].astype(np.float32)) == 0).all()
        half = made(exercise, case_of("softmax", "shifted"))["x"].astype(np.float16)
        assert np.isinf(exp(half)).any(axis=1).all()
        assert np.isfinite(exp(half.astype(np.float32))).all()
    for seed in range(20):
        masked = made(exercise, case_of("softmax", "masked"), seed)["x"]
        assert np.isfinite(masked).any(axis=1).all()
        # A block of 128 that holds nothing but -inf opens every row.
        assert np.isneginf(masked[:, :128]).all()
    rising = made(exercise, case_of("softmax", "rising"))["x"][0]
    maxima = [rising[start : start + 2048].max() for start in range(0, 16384, 2048)]
    assert maxima == sorted(maxima)


def test_layernorm_regimes() -> None:
    exercise = EXERCISES["layernorm"]
    shifted = made(exercise, case_of("layernorm", "shifted"))["x"].astype(np.float32)
    variance = (shifted * shifted).mean(axis=1) - shifted.mean(axis=1) ** 2
    assert (np.abs(variance - shifted.astype(np.float64).var(axis=1)) > 0.5).any()
    small = case_of("layernorm", "small")
    assert (made(exercise, small)["x"].var(axis=1) < small.scalars["eps"] / 2).all()
    constant = made(exercise, case_of("layernorm", "constant"))["x"].astype(np.float32)
    assert (constant.var(axis=1) == 0).all()
    assert (constant != 0).all()
    with np.errstate(over="ignore"):
        wide = made(exercise, case_of("layernorm", "wide"))["x"].astype(np.float16)
        assert np.isinf(wide * wide).any(axis=1).all()
    normal = made(exercise, exercise.suite("cpu")[1])
    assert not np.allclose(normal["weight"], 1, atol=0.01)
    assert (np.abs(normal["bias"]) >= 0.25).all()


def test_transpose_regimes() -> None:
    exercise = EXERCISES["transpose"]
    special = made(exercise, case_of("transpose", "special"))["x"].astype(np.float32)
    assert np.isnan(special).any()
    assert np.isinf(special).any()
    assert ((special != 0) & (np.abs(special) < np.finfo(np.float32).tiny)).any()
    integers = made(exercise, case_of("transpose", "integers"))["x"]
    assert (integers.astype(np.float32).astype(np.int64) != integers).mean() > 0.5


def test_trivial_answers_are_far_off() -> None:
    """Zeros, a copy of the input and the mean are wrong by more than any tolerance, in every case of size."""
    for exercise in MINE.values():
        module = reference(exercise)
        for case in exercise.suite("cpu"):
            if np.prod(list(case.dims.values())) == 1 or case.regime == "special":
                continue
            inputs = rounded(made(exercise, case), case.dtype)
            out = module.oracle(**inputs)["out"]
            scale = np.abs(out).max()
            for wrong in (np.zeros_like(out), np.full_like(out, out.mean())):
                assert np.abs(out - wrong).max() > 0.01 * scale, (exercise.id, case.name)
