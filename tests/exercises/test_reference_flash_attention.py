"""The reference of flash attention: its oracle against torch, and what its tolerance lets pass."""

from __future__ import annotations

import importlib.util
from types import ModuleType
from typing import Any

import pytest

from prep.exercises.load import load_exercise
from prep.exercises.spec import Case, Exercise, evaluate

np = pytest.importorskip("numpy")
torch = pytest.importorskip("torch")

EXERCISE: Exercise = load_exercise("flash-attention")
CASES = EXERCISE.suite("cpu")
SEEDS = range(3)


def _load(exercise: Exercise) -> ModuleType:
    spec = importlib.util.spec_from_file_location("reference_flash_attention", exercise.reference_path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


REFERENCE = _load(EXERCISE)


def _name(case: Case) -> str:
    return case.name


def _case(name: str) -> Case:
    return next(case for case in EXERCISE.suite("cpu") if case.name == name)


def _inputs(case: Case, seed: int) -> dict[str, Any]:
    """What the judge gives the oracle: q, k, v rounded to the dtype of the case, in float64, and the scalars."""
    made = REFERENCE.make_inputs(case, np.random.default_rng(seed))
    return {name: made[name].astype(case.dtype).astype(np.float64) for name in "qkv"} | dict(case.scalars)


def _accepts(case: Case, given: dict[str, Any], got: Any) -> bool:
    """Is `got` within the bound of grading: storing the result, the arithmetic, and P rounded to the input's dtype?"""
    reference = REFERENCE.oracle(**given)["out"]
    tolerance = EXERCISE.tolerance
    info = np.finfo(case.dtype)
    arithmetic = np.finfo(tolerance.compute).eps * np.sqrt(evaluate(tolerance.depth, case.dims)) + info.eps
    bound = (
        0.55 * float(info.eps) * np.abs(reference) + tolerance.factor * arithmetic * REFERENCE.magnitude(**given)["out"]
    )
    with np.errstate(invalid="ignore"):
        return bool((np.abs(got - reference) <= bound + float(info.smallest_subnormal)).all())


def _flash(case: Case, given: dict[str, Any], block: int, **how: Any) -> Any:
    """Online softmax over blocks of keys, all state in `state` (float32), P rounded to `weights` (the case's dtype)."""
    state = how.get("state", "float32")
    weights = how.get("weights", case.dtype)
    q, k, v = (given[name].astype(np.float32) for name in "qkv")
    causal, scale, length = given["causal"], np.float32(given["scale"]), q.shape[-2]
    if how.get("scaled_first"):
        q = (q * scale).astype(case.dtype).astype(np.float32)
        scale = np.float32(1.0)
    top = np.full((*q.shape[:-1], 1), -np.inf, dtype=np.float32)
    total = np.zeros_like(top)
    out = np.zeros(q.shape, dtype=state)
    rows = np.arange(length)[:, None]
    for start in range(0, length, block):
        keys = np.arange(start, min(start + block, length))
        scores = (q @ np.swapaxes(k[..., keys, :], -1, -2)) * scale
        if causal:
            scores = np.where(keys <= rows, scores, np.float32(-np.inf))
        higher = np.maximum(top, scores.max(axis=-1, keepdims=True))
        p = np.exp(scores - higher)
        correction = np.exp(top - higher)
        total = total * correction + p.sum(axis=-1, keepdims=True, dtype=np.float32)
        out = (out * correction).astype(state)
        out = (out + (p.astype(weights).astype(np.float32) @ v[..., keys, :]).astype(state)).astype(state)
        top = higher
    return (out / total).astype(case.dtype).astype(np.float64)


@pytest.mark.parametrize("case", CASES, ids=_name)
def test_oracle_is_torchs_attention(case: Case) -> None:
    given = _inputs(case, 0)
    q, k, v = (torch.from_numpy(given[name]) for name in "qkv")
    expected = torch.nn.functional.scaled_dot_product_attention(
        q, k, v, is_causal=given["causal"], scale=given["scale"]
    ).numpy()
    np.testing.assert_allclose(REFERENCE.oracle(**given)["out"], expected, rtol=1e-10, atol=1e-11)


@pytest.mark.parametrize("case", CASES, ids=_name)
def test_inputs_follow_from_the_seed_alone(case: Case) -> None:
    first, again, other = (REFERENCE.make_inputs(case, np.random.default_rng(seed)) for seed in (3, 3, 4))
    assert {name: first[name] for name in ("causal", "scale")} == dict(case.scalars)
    for name in "qkv":
        assert np.array_equal(first[name], again[name])
        assert not np.array_equal(first[name], other[name])


@pytest.mark.parametrize("case", CASES, ids=_name)
@pytest.mark.parametrize("seed", SEEDS)
def test_every_block_size_in_float32_passes(case: Case, seed: int) -> None:
    given = _inputs(case, seed)
    for block in (1, 16, 32, 128):
        assert _accepts(case, given, _flash(case, given, block)), block
        assert _accepts(case, given, _flash(case, given, block, weights="float32")), block


@pytest.mark.parametrize("case", [c for c in CASES if c.dtype == "float16"], ids=_name)
def test_queries_scaled_in_their_own_dtype_pass(case: Case) -> None:
    # A common shortcut: one rounding of q more, which costs no more than the rounding of P that is allowed.
    given = _inputs(case, 0)
    assert _accepts(case, given, _flash(case, given, 32, scaled_first=True))


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("block", [16, 32])
def test_a_float16_accumulator_fails(seed: int, block: int) -> None:
    case = _case("widest head")
    given = _inputs(case, seed)
    assert not _accepts(case, given, _flash(case, given, block, state="float16"))


@pytest.mark.parametrize("name", ["whole blocks", "whole blocks causal", "falling scores", "interleaved heads"])
def test_float16_probabilities_fail_for_float32(name: str) -> None:
    case = _case(name)
    given = _inputs(case, 0)
    assert not _accepts(case, given, _flash(case, given, 32, weights="float16"))


@pytest.mark.parametrize("case", [c for c in CASES if c.scalars["causal"] and c.dims["S"] > 1], ids=_name)
def test_a_causal_mask_off_by_one_fails(case: Case) -> None:
    given = _inputs(case, 0)
    q, k, v = (given[name] for name in "qkv")
    scores = given["scale"] * (q @ np.swapaxes(k, -1, -2))
    for offset in (1, -1):
        seen = np.tri(case.dims["S"], k=offset, dtype=bool)
        seen[0, 0] = True
        p = np.exp(np.where(seen, scores, -np.inf) - scores.max(axis=-1, keepdims=True))
        assert not _accepts(case, given, (p / p.sum(axis=-1, keepdims=True)) @ v)


@pytest.mark.parametrize("case", CASES[1:], ids=_name)
def test_trivial_answers_fail(case: Case) -> None:
    given = _inputs(case, 0)
    mean = np.broadcast_to(given["v"].mean(axis=-2, keepdims=True), given["v"].shape)
    for wrong in (np.zeros_like(given["v"]), given["v"], given["q"], mean):
        assert not _accepts(case, given, wrong)


def test_the_scale_that_is_usual_is_not_the_one_that_is_asked_for() -> None:
    for case in (_case("whole blocks"), _case("whole blocks causal"), _case("ragged keys"), _case("widest head")):
        given = _inputs(case, 0)
        usual = REFERENCE.oracle(**given | {"scale": case.dims["D"] ** -0.5})["out"]
        assert not _accepts(case, given, usual)


def test_long_sequences_are_taken_in_tiles() -> None:
    # 1100 queries are three tiles, the last one ragged: the same numbers as from all scores at once.
    rng = np.random.default_rng(0)
    q, k, v = (rng.standard_normal((1, 2, 1100, 16)) for _ in range(3))
    for causal in (True, False):
        scores = 0.25 * (q @ np.swapaxes(k, -1, -2))
        if causal:
            scores = np.where(np.tri(1100, dtype=bool), scores, -np.inf)
        weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
        whole = (weights / weights.sum(axis=-1, keepdims=True)) @ v
        np.testing.assert_allclose(REFERENCE.oracle(q, k, v, causal, 0.25)["out"], whole, rtol=1e-10, atol=1e-12)
        assert (REFERENCE.magnitude(q, k, v, causal, 0.25)["out"] >= np.abs(whole)).all()


def test_wrong_answers_name_overflow_only_where_it_happens() -> None:
    named = {case.name: set(REFERENCE.wrong_answers(**_inputs(case, 0))) for case in EXERCISE.suite("cpu")}
    assert {name for name, codes in named.items() if "overflow-no-max-subtraction" in codes} == {
        "large scores",
        "low scores causal",
    }
    assert {name for name, codes in named.items() if "tail-wrong" in codes} == {"ragged keys", "few keys"}


def test_large_scores_overflow_without_the_maximum() -> None:
    given = _inputs(_case("large scores"), 0)
    scores = given["scale"] * (given["q"] @ np.swapaxes(given["k"], -1, -2))
    largest = scores.max(axis=-1)
    assert (largest > 88.8).any()
    assert (largest < -104).any()
    # The weights themselves are those of ordinary scores: no key takes them all.
    assert scores.std(axis=-1).max() < 3
