"""Tolerance and comparison: a lower precision fails, any order of summation passes."""

from __future__ import annotations

import math

import pytest

from prep.exercises.spec import Tolerance

np = pytest.importorskip("numpy")

# ruff: noqa: E402
from prep.grading.buffers import Layout
from prep.grading.compare import compare, error_map, number, tolerance_of
from prep.grading.dtypes import DTYPES, Array, DType, bits, to_float64, to_storage

F32, F16, BF16 = DTYPES["float32"], DTYPES["float16"], DTYPES["bfloat16"]


def _bound(ref: Array, magnitude: Array, depth: int, dtype: DType = F32, intermediate: bool = False) -> Array:
    tolerance = Tolerance(depth=str(depth), intermediate=intermediate)
    return tolerance_of(ref, magnitude, tolerance, {}, dtype, dtype)


@pytest.mark.parametrize("terms", [16, 257, 4096])
def test_any_order_of_a_float32_sum_passes_and_a_float16_sum_fails(terms: int) -> None:
    rng = np.random.default_rng(terms)
    passed, failed = 0, 0
    for _ in range(50):
        x = to_float64(to_storage(rng.standard_normal((32, terms)), F32), F32)
        ref = x.sum(axis=1)
        bound = _bound(ref, np.sqrt((x * x).sum(axis=1)), terms)
        for order in (
            x.astype(np.float32),
            x.astype(np.float32)[:, ::-1],
            x.astype(np.float32)[:, rng.permutation(terms)],
        ):
            running = np.zeros(32, dtype=np.float32)
            for column in order.T:
                running = running + column
            passed += compare("out", ref, running.astype(np.float64), bound, F32, np.zeros(32, bool)).passed
        half = np.zeros(32, dtype=np.float16)
        for column in x.T:
            half = (half + column.astype(np.float16)).astype(np.float16)
        failed += not compare("out", ref, half.astype(np.float64), bound, F32, np.zeros(32, bool)).passed
    assert (passed, failed) == (150, 50)


def test_rounding_the_result_to_its_dtype_is_allowed_and_one_unit_more_is_not() -> None:
    ref = np.random.default_rng(1).uniform(1, 2, 1000)
    bound = _bound(ref, np.zeros(1000), 1, F16)
    stored = to_float64(to_storage(ref, F16), F16)
    nothing = np.zeros(1000, bool)
    assert compare("out", ref, stored, bound, F16, nothing).passed
    assert not compare("out", ref, stored + 2 * F16.eps, bound, F16, nothing).passed


def test_nan_and_infinity_must_be_where_they_are_expected() -> None:
    ref = np.array([1.0, np.nan, np.inf, -np.inf, 1e6])
    bound = _bound(ref, np.zeros(5), 1, F16)
    nothing = np.zeros(5, bool)
    right = np.array([1.0, np.nan, np.inf, -np.inf, np.inf])  # 1e6 is beyond float16
    assert compare("out", ref, right, bound, F16, nothing).passed
    for at, value in [(0, np.nan), (1, 1.0), (2, -np.inf), (3, np.nan), (4, 6e4)]:
        wrong = right.copy()
        wrong[at] = value
        result = compare("out", ref, wrong, bound, F16, nothing)
        assert np.flatnonzero(result.wrong).tolist() == [at]
        assert (result.first_wrong() or {})["index"] == [at]


def test_integers_must_be_equal() -> None:
    ref = np.array([1.0, 2.0])
    bound = _bound(ref, np.ones(2), 64, DTYPES["int32"])
    assert compare("out", ref, ref, bound, DTYPES["int32"], np.zeros(2, bool)).passed
    assert not compare("out", ref, ref + 1, bound, DTYPES["int32"], np.zeros(2, bool)).passed


def test_unwritten_is_wrong_even_where_the_value_would_do() -> None:
    ref = np.ones(3)
    result = compare("out", ref, ref, np.ones(3), F32, np.array([False, True, False]))
    assert result.mismatched == 1
    assert (result.first_wrong() or {})["written"] is False


def test_error_map_shows_where() -> None:
    wrong = np.zeros((16, 400), dtype=bool)
    wrong[:, 390:] = True
    picture = error_map(wrong)
    assert picture == ["░" * 39 + "█"] * 8
    assert error_map(np.array(True)) == ["█"]
    assert error_map(np.zeros((1, 3), bool)) == ["░░░"]


def test_numbers_for_json() -> None:
    assert number(1.5) == 1.5
    assert [number(v) for v in (math.nan, math.inf, -math.inf)] == ["nan", "inf", "-inf"]


def test_bfloat16_rounds_to_nearest_even() -> None:
    values = np.array([1.0, 1 + 2**-8, 1 + 3 * 2**-8, 1 + 2**-8 + 2**-16, -3.14159, np.inf, np.nan, 1e-40, 3.39e38])
    torch = pytest.importorskip("torch")
    expected = torch.tensor(values, dtype=torch.float32).to(torch.bfloat16).to(torch.float64).numpy()
    np.testing.assert_array_equal(to_float64(to_storage(values, BF16), BF16), expected)


@pytest.mark.parametrize("dtype", DTYPES.values(), ids=DTYPES)
@pytest.mark.parametrize(
    ("shape", "strides"), [((3, 5), (5, 1)), ((3, 5), (9, 1)), ((3, 5), (1, 3)), ((), ()), ((1,), (1,))]
)
def test_layout_packs_and_finds_strays(dtype: DType, shape: tuple[int, ...], strides: tuple[int, ...]) -> None:
    layout = Layout("x", "in", dtype, shape, strides)
    values = np.arange(layout.elements, dtype=np.float64).reshape(shape) % 2
    storage = layout.pack(values)
    assert storage.nbytes == layout.nbytes
    np.testing.assert_array_equal(layout.values(storage), values)
    assert layout.strays(storage).size == 0
    for at in (-layout.offset, -1, layout.extent, layout.extent + layout.offset - 1):
        changed = storage.copy()
        bits(changed)[layout.offset + at] ^= 1
        assert layout.strays(changed).tolist() == [at]
    gaps = np.flatnonzero(~layout.member_mask()[layout.offset : layout.offset + layout.extent])
    if gaps.size:
        changed = storage.copy()
        bits(changed)[layout.offset + gaps[0]] ^= 1
        assert layout.strays(changed).tolist() == [gaps[0]]
    assert Layout.from_header(layout.header()) == layout
