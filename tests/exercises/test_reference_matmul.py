"""The reference of matmul: its oracle against torch, and what its tolerance lets pass."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

from prep.exercises.load import load_exercise
from prep.exercises.spec import Case, Exercise, evaluate

np = pytest.importorskip("numpy")
torch = pytest.importorskip("torch")

EXERCISE: Exercise = load_exercise("matmul")
CASES = EXERCISE.suite("cpu")
SEEDS = range(5)


def _load(exercise: Exercise) -> ModuleType:
    spec = importlib.util.spec_from_file_location("reference_matmul", exercise.reference_path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


REFERENCE = _load(EXERCISE)


def _name(case: Case) -> str:
    return case.name


def _case(name: str) -> Case:
    return next(case for case in EXERCISE.cases if case.name == name)


def _inputs(case: Case, seed: int) -> tuple[Any, Any]:
    """a and b as the judge gives them to the oracle: rounded to the dtype of the case, in float64."""
    made = REFERENCE.make_inputs(case, np.random.default_rng(seed))
    return tuple(made[name].astype(case.dtype).astype(np.float64) for name in ("a", "b"))


def _tolerance(case: Case, a: Any, b: Any) -> Any:
    """The bound of grading: storing the result, and the arithmetic."""
    reference = REFERENCE.oracle(a, b)["out"]
    size = REFERENCE.magnitude(a, b)["out"]
    depth = evaluate(EXERCISE.tolerance.depth, case.dims)
    info = np.finfo(case.dtype)
    arithmetic = EXERCISE.tolerance.factor * np.finfo(EXERCISE.tolerance.compute).eps * np.sqrt(depth) * size
    return 0.55 * float(info.eps) * np.abs(reference) + arithmetic + float(info.smallest_subnormal)


def _accepts(case: Case, a: Any, b: Any, got: Any) -> bool:
    with np.errstate(invalid="ignore"):
        return bool((np.abs(got - REFERENCE.oracle(a, b)["out"]) <= _tolerance(case, a, b)).all())


def _summed(a: Any, b: Any, order: Any, dtype: str, block: int = 1) -> Any:
    """The product, summed over K in the given order, `block` terms at a time, rounded to dtype after each."""
    total = np.zeros((a.shape[0], b.shape[1]), dtype=dtype)
    with np.errstate(over="ignore", invalid="ignore"):
        for start in range(0, len(order), block):
            terms = order[start : start + block]
            total = (total + (a[:, terms] @ b[terms]).astype(dtype)).astype(dtype)
    return total


def _pairwise(a: Any, b: Any, dtype: str) -> Any:
    """The product with its sum taken as a tree."""
    terms = (a[:, :, None] * b[None]).astype(dtype)
    while terms.shape[1] > 1:
        if terms.shape[1] % 2:
            terms = np.concatenate([terms, np.zeros_like(terms[:, :1])], axis=1)
        terms = (terms[:, ::2] + terms[:, 1::2]).astype(dtype)
    return terms[:, 0]


@pytest.mark.parametrize("case", CASES, ids=_name)
def test_oracle_is_torchs_product(case: Case) -> None:
    a, b = _inputs(case, 0)
    expected = (torch.from_numpy(a) @ torch.from_numpy(b)).numpy()
    np.testing.assert_allclose(REFERENCE.oracle(a, b)["out"], expected, rtol=1e-12, atol=1e-9 * np.abs(a).max() ** 2)


@pytest.mark.parametrize("case", CASES, ids=_name)
def test_inputs_follow_from_the_seed_alone(case: Case) -> None:
    first, again, other = (REFERENCE.make_inputs(case, np.random.default_rng(seed)) for seed in (3, 3, 4))
    for name in ("a", "b"):
        assert np.array_equal(first[name], again[name])
        assert not np.array_equal(first[name], other[name])


@pytest.mark.parametrize("case", CASES, ids=_name)
@pytest.mark.parametrize("seed", SEEDS)
def test_every_float32_order_of_summation_passes(case: Case, seed: int) -> None:
    a, b = _inputs(case, seed)
    depth = a.shape[1]
    orders = [np.arange(depth), np.arange(depth)[::-1], np.random.default_rng(seed).permutation(depth)]
    for order in orders:
        for block in (1, 8, 32):
            got = _summed(a, b, order, "float32", block).astype(case.dtype)
            assert _accepts(case, a, b, got.astype(np.float64)), (case.name, block)
    assert _accepts(case, a, b, _pairwise(a, b, "float32").astype(case.dtype).astype(np.float64))


@pytest.mark.parametrize("name", ["padded rows", "long sum", "half range"])
@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("block", [1, 16, 32])
def test_a_float16_accumulator_fails(name: str, seed: int, block: int) -> None:
    case = _case(name)
    a, b = _inputs(case, seed)
    got = _summed(a, b, np.arange(a.shape[1]), "float16", block).astype(np.float64)
    assert not _accepts(case, a, b, got)


@pytest.mark.parametrize("name", ["whole tiles", "prime sizes", "transposed a", "cancellation"])
@pytest.mark.parametrize("bits", [10, 7], ids=["tf32", "bfloat16"])
def test_operands_of_fewer_bits_fail_for_float32(name: str, bits: int) -> None:
    case = _case(name)
    a, b = _inputs(case, 0)

    def rounded(x: Any) -> Any:
        mantissa, exponent = np.frexp(x)
        return np.ldexp(np.round(mantissa * 2.0 ** (bits + 1)) / 2.0 ** (bits + 1), exponent)

    assert not _accepts(case, a, b, rounded(a) @ rounded(b))


def test_tf32_fails_at_the_depth_of_a_layer() -> None:
    # With |a| @ |b| as the magnitude it would pass: 4 eps sqrt(K) |a| @ |b| is 0.08 here, the error of tf32 about 0.03.
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal((16, 4096)).astype(np.float32), rng.standard_normal((4096, 16)).astype(np.float32)
    case = Case("deep", "gpu", {"M": 16, "N": 16, "K": 4096}, "float32", "")
    short = [(x.view(np.uint32) & np.uint32(0xFFFFE000)).view(np.float32).astype(np.float64) for x in (a, b)]
    a, b = a.astype(np.float64), b.astype(np.float64)
    assert not _accepts(case, a, b, short[0] @ short[1])
    assert _accepts(case, a, b, _summed(a, b, np.arange(4096), "float32").astype(np.float64))


@pytest.mark.parametrize(
    "wrong",
    [
        lambda a, b: np.zeros((a.shape[0], b.shape[1])),
        lambda a, b: np.full((a.shape[0], b.shape[1]), (a @ b).mean()),
        lambda a, b: a[:, :-1] @ b[:-1],
    ],
    ids=["zeros", "mean", "last term missing"],
)
@pytest.mark.parametrize("case", CASES[1:], ids=_name)
def test_trivial_answers_fail(case: Case, wrong: Callable[[Any, Any], Any]) -> None:
    a, b = _inputs(case, 0)
    assert not _accepts(case, a, b, wrong(a, b))


def test_partial_sums_leave_float16_and_results_do_not() -> None:
    case = _case("half range")
    for seed in range(20):
        a, b = _inputs(case, seed)
        half = case.dims["K"] // 2
        assert np.abs(a[:, :half] @ b[:half]).min() > 65504
        assert np.abs(a @ b).max() < 65504


def test_wrong_answers_are_a_b_or_the_result_turned() -> None:
    a, b = _inputs(_case("prime sizes"), 0)
    found, other = (answer["out"] for answer in REFERENCE.wrong_answers(a, b)["transposed"])
    flat = b.reshape(-1)
    k = a.shape[1]
    column = np.array([flat[i + 2 * k] for i in range(k)])
    np.testing.assert_allclose(found[:, 2], a @ column)
    flat = a.reshape(-1)
    np.testing.assert_allclose(other[2], np.array([flat[2 + i * a.shape[0]] for i in range(k)]) @ b)
    assert REFERENCE.wrong_answers(a[:, :1], b[:1]) == {}
    a, b = _inputs(_case("whole tiles"), 0)
    np.testing.assert_array_equal(REFERENCE.wrong_answers(a, b)["transposed"][2]["out"], (a @ b).T)
