import math
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from charlm.generation.drawing import draw
from charlm.generation.sampling import (
    Logits,
    apply_settings,
    keep_min_p,
    keep_top_k,
    keep_top_p,
    penalize_repetition,
    scale_by_temperature,
)
from charlm.generation.settings import SamplingSettings
from charlm.models.predictor import log_softmax

SIZE = 7
DTYPES: list[type[np.floating[Any]]] = [np.float16, np.float32, np.float64]
shapes = st.sampled_from([(SIZE,), (1, SIZE), (4, SIZE), (2, 3, SIZE), (0, SIZE)])
"""One row; what the generator passes, for one sample and several; what a model gives for a batch; nothing at all."""
eighths = st.integers(-100, 100).map(lambda number: number / 8)
"""Exact in every dtype, sums with integers too, and often equal to each other."""
excluded = st.just(-math.inf)
probabilities = st.floats(0.01, 1)


@st.composite
def all_logits(draw_from: st.DrawFn) -> Logits:
    """Returns logits of every shape and dtype, some ids excluded, never all of a row."""
    array: Logits = draw_from(arrays(np.float64, draw_from(shapes), elements=eighths | excluded))
    array[..., draw_from(st.integers(0, SIZE - 1))] = draw_from(eighths)
    return array.astype(draw_from(st.sampled_from(DTYPES)))


def by_row(function: Callable[[NDArray[np.float64]], set[int]], logits: Logits) -> NDArray[np.bool_]:
    """Returns which ids stay, by a function that says it for one row."""
    rows = logits.astype(np.float64).reshape(-1, SIZE)
    kept = [[token_id in function(row) for token_id in range(SIZE)] for row in rows]
    return np.array(kept, dtype=bool).reshape(logits.shape)


def likeliest_first(row: NDArray[np.float64]) -> list[int]:
    return sorted((i for i in range(SIZE) if row[i] > -math.inf), key=lambda i: (-row[i], i))


def softmax(logits: Logits) -> NDArray[np.float64]:
    """Returns the probabilities of each row, float64."""
    weights = np.exp(logits.astype(np.float64) - logits.astype(np.float64).max(axis=-1, keepdims=True))
    shares: NDArray[np.float64] = weights / weights.sum(axis=-1, keepdims=True)
    return shares


def support(logits: Logits) -> NDArray[np.bool_]:
    return np.array(logits > -np.inf)


def check_kept(before: Logits, after: Logits, expected: NDArray[np.bool_]) -> None:
    """Checks which ids stay, that they have the logits they had, and that they make a distribution."""
    assert (after.shape, after.dtype) == (before.shape, before.dtype)
    np.testing.assert_array_equal(support(after), expected)
    np.testing.assert_array_equal(after, np.where(expected, before, -np.inf))
    np.testing.assert_allclose(softmax(after).sum(axis=-1), 1)


@given(logits=all_logits(), k=st.integers(1, SIZE + 2))
def test_top_k_keeps_the_k_likeliest_and_of_equals_the_lower_ids(logits: Logits, k: int) -> None:
    check_kept(logits, keep_top_k(logits, k), by_row(lambda row: set(likeliest_first(row)[:k]), logits))


@given(logits=all_logits(), p=probabilities)
def test_top_p_keeps_the_fewest_likeliest_that_reach_p(logits: Logits, p: float) -> None:
    def nucleus(row: NDArray[np.float64]) -> set[int]:
        kept, reached = set[int](), 0.0
        for token_id in likeliest_first(row):
            if reached < p:
                kept.add(token_id)
            reached += softmax(row)[token_id]
            assume(abs(reached - p) > 1e-5)
        return kept

    if p == 1:
        check_kept(logits, keep_top_p(logits, p), support(logits))
    else:
        check_kept(logits, keep_top_p(logits, p), by_row(nucleus, logits))


@pytest.mark.parametrize("kept", [1, 2, 3, 4])
def test_top_p_keeps_no_more_when_p_is_reached_exactly(kept: int) -> None:
    assert support(keep_top_p(np.zeros(4), kept / 4)).tolist() == [token_id < kept for token_id in range(4)]


@pytest.mark.parametrize("dtype", DTYPES)
def test_of_many_equally_likely_ids_the_lower_ones_stay(dtype: type[np.floating[Any]]) -> None:
    logits = np.zeros((2, 4096), dtype=dtype)
    for kept in (keep_top_k(logits, 1024), keep_top_p(logits, 0.25)):
        assert support(kept).tolist() == [[True] * 1024 + [False] * 3072] * 2


@given(logits=all_logits(), p=st.sampled_from([0.0, 1.0]) | probabilities)
def test_min_p_keeps_what_is_p_times_as_likely_as_the_likeliest(logits: Logits, p: float) -> None:
    def likely(row: NDArray[np.float64]) -> set[int]:
        shares = np.exp(row - row.max())
        assume(p == 1 or (abs(shares - p) > 1e-5).all() or p == 0)
        return {i for i in likeliest_first(row) if shares[i] >= p}

    check_kept(logits, keep_min_p(logits, p), by_row(likely, logits))


@given(logits=all_logits(), k=st.integers(1, SIZE), p=probabilities, q=probabilities)
def test_more_of_k_and_p_keeps_more(logits: Logits, k: int, p: float, q: float) -> None:
    p, q = sorted((p, q))
    assert (support(keep_top_k(logits, k)) <= support(keep_top_k(logits, k + 1))).all()
    assert (support(keep_top_p(logits, p)) <= support(keep_top_p(logits, q))).all()
    assert (support(keep_min_p(logits, q)) <= support(keep_min_p(logits, p))).all()


@given(logits=all_logits(), shift=st.integers(-3, 3), p=probabilities, k=st.integers(1, SIZE), data=st.data())
def test_nothing_depends_on_where_the_logits_have_their_zero(
    logits: Logits, shift: int, p: float, k: int, data: st.DataObject
) -> None:
    logits = logits.astype(np.float64)  # the shift is then exact, and so are the supports
    seen = data.draw(arrays(np.bool_, logits.shape))
    settings = SamplingSettings(temperature=1.5, top_k=k)
    transforms: list[Callable[[Logits], Logits]] = [
        lambda x: keep_top_k(x, k),
        lambda x: keep_top_p(x, p),
        lambda x: keep_min_p(x, p),
        lambda x: scale_by_temperature(x, 0.7),
        lambda x: penalize_repetition(x, seen, 1.3),
        partial(apply_settings, settings),
    ]
    for transform in transforms:
        np.testing.assert_allclose(
            softmax(transform(logits + shift)), softmax(transform(logits)), rtol=1e-7, atol=1e-12
        )


@given(logits=all_logits(), temperature=st.floats(0.1, 10))
def test_a_temperature_is_the_root_of_every_probability(logits: Logits, temperature: float) -> None:
    scaled = scale_by_temperature(logits.astype(np.float64), temperature)
    powers = softmax(logits) ** (1 / temperature)
    np.testing.assert_allclose(softmax(scaled), powers / powers.sum(axis=-1, keepdims=True), rtol=1e-7, atol=1e-12)
    half = scale_by_temperature(logits, temperature)
    assert (half.shape, half.dtype) == (logits.shape, logits.dtype)
    np.testing.assert_array_equal(support(half), support(logits))


@given(logits=all_logits())
def test_the_logarithms_of_a_softmax_are_those_of_probabilities_that_sum_to_one(logits: Logits) -> None:
    found = log_softmax(logits)
    assert (found.shape, found.dtype) == (logits.shape, np.promote_types(logits.dtype, np.float32))
    np.testing.assert_array_equal(support(found), support(logits))
    np.testing.assert_allclose(np.exp(found.astype(np.float64)), softmax(logits), rtol=1e-4, atol=1e-7)
    np.testing.assert_allclose(log_softmax(logits.astype(np.float64) + 700), log_softmax(logits.astype(np.float64)))


@given(logits=all_logits(), temperature=st.floats(0.1, 3), p=probabilities, k=st.integers(1, SIZE), data=st.data())
def test_what_is_given_is_not_written_to(
    logits: Logits, temperature: float, p: float, k: int, data: st.DataObject
) -> None:
    before, seen = logits.copy(), data.draw(arrays(np.bool_, logits.shape))
    logits.flags.writeable = seen.flags.writeable = False  # as the rows of a model that keeps them are
    apply_settings(
        SamplingSettings(temperature=temperature, top_k=k, top_p=p, min_p=p, repetition_penalty=1.5), logits, seen
    )
    np.testing.assert_array_equal(logits, before)


@given(logits=all_logits())
def test_temperature_zero_keeps_the_first_of_the_likeliest(logits: Logits) -> None:
    check_kept(logits, scale_by_temperature(logits, 0), by_row(lambda row: {int(row.argmax())}, logits))


@given(logits=all_logits(), temperature=st.sampled_from([5e-324, 1e-46, 1e-30, 1e30, 1e300]))
def test_no_temperature_is_too_small_or_too_large(logits: Logits, temperature: float) -> None:
    assert not np.isnan(softmax(scale_by_temperature(logits, temperature))).any()


EXTREME = st.sampled_from([5e-324, 1e-320, 1e-46, 1e-8, 1 - 1e-16, 1.0])


@given(
    logits=all_logits(),
    settings=st.builds(
        SamplingSettings,
        temperature=EXTREME | st.sampled_from([0.0, 1e30, 1e308]),
        top_k=st.none() | st.sampled_from([1, 2**70]),
        top_p=st.none() | EXTREME | st.floats(0, 1, exclude_min=True),
        min_p=st.none() | EXTREME | st.floats(0, 1),
        repetition_penalty=st.none() | EXTREME | st.sampled_from([1e30, 1e308]),
    ),
    factor=st.sampled_from([1.0, 1e4, 1e38]),
    data=st.data(),
)
def test_no_setting_however_extreme_leaves_nothing_to_draw(
    logits: Logits, settings: SamplingSettings, factor: float, data: st.DataObject
) -> None:
    limits = np.finfo(logits.dtype)
    wide = np.clip(logits.astype(np.float64) * factor, limits.min, limits.max)
    logits = np.where(np.isfinite(logits), wide, logits).astype(logits.dtype)
    seen = data.draw(arrays(np.bool_, logits.shape))
    rows = apply_settings(settings, logits, seen).reshape(-1, SIZE)
    ids = draw(rows.astype(np.promote_types(rows.dtype, np.float32)), np.full(len(rows), 0.5))
    for row, token_id in zip(logits.reshape(-1, SIZE), ids.tolist(), strict=True):
        if np.isfinite(row).any():
            assert token_id < SIZE
            assert row[token_id] > -np.inf


@given(logits=all_logits(), penalty=st.floats(0.1, 10), data=st.data())
def test_a_penalty_is_the_power_of_the_probability_of_what_was_seen(
    logits: Logits, penalty: float, data: st.DataObject
) -> None:
    seen = data.draw(arrays(np.bool_, logits.shape))
    penalized = penalize_repetition(logits, seen, penalty)
    assert (penalized.shape, penalized.dtype) == (logits.shape, logits.dtype)
    np.testing.assert_array_equal(support(penalized), support(logits))
    probabilities = softmax(logits)
    expected = np.where(seen, probabilities**penalty, probabilities)
    tolerance = {"float16": 0.02, "float32": 1e-5, "float64": 1e-9}[logits.dtype.name]
    np.testing.assert_allclose(np.exp(penalized.astype(np.float64)), expected, rtol=tolerance, atol=tolerance)


def test_half_precision_is_computed_with_in_float32() -> None:
    logits = (10 * np.random.default_rng(0).standard_normal((100, 50))).astype(np.float16)
    transforms: list[Callable[[Logits], Logits]] = [
        lambda x: scale_by_temperature(x, 0.7),
        lambda x: keep_top_p(x, 0.9),
        lambda x: keep_min_p(x, 0.1),
        lambda x: penalize_repetition(x, logits > 0, 1.3),
    ]
    for transform in transforms:
        found = transform(logits)
        assert found.dtype == np.float16
        np.testing.assert_array_equal(found, transform(logits.astype(np.float32)).astype(np.float16))
    np.testing.assert_array_equal(log_softmax(logits), log_softmax(logits.astype(np.float32)), strict=True)


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_row_of_which_every_id_is_excluded_stays_so(dtype: type[np.floating[Any]]) -> None:
    logits = np.full((2, SIZE), -np.inf, dtype=dtype)
    settings = SamplingSettings(temperature=0.5, top_k=3, top_p=0.5, min_p=0.5, repetition_penalty=2)
    for transformed in (
        apply_settings(settings, logits, np.ones(logits.shape, dtype=bool)),
        scale_by_temperature(logits, 0),
    ):
        np.testing.assert_array_equal(transformed, logits, strict=True)


def test_settings_apply_penalty_temperature_top_k_top_p_and_min_p_in_that_order() -> None:
    logits = np.random.default_rng(0).standard_normal((3, 20))
    seen = logits > 0
    expected = keep_top_k(scale_by_temperature(penalize_repetition(logits, seen, 1.5), 2.0), 10)
    expected = keep_min_p(keep_top_p(expected, 0.8), 0.6)
    settings = SamplingSettings(temperature=2.0, top_k=10, top_p=0.8, min_p=0.6, repetition_penalty=1.5)
    np.testing.assert_array_equal(apply_settings(settings, logits, seen), expected)
    assert 1 < support(expected)[0].sum() < 20
    for left_out in ("temperature", "top_k", "top_p", "min_p", "repetition_penalty"):
        others = replace(settings, **{left_out: getattr(SamplingSettings(), left_out)})
        assert not np.array_equal(apply_settings(others, logits, seen), expected), f"{left_out} does nothing here"


def test_without_settings_or_anything_seen_logits_stay_as_they_are() -> None:
    logits = np.random.default_rng(0).standard_normal((3, 20))
    assert apply_settings(SamplingSettings(), logits, logits > 0) is logits
    assert apply_settings(SamplingSettings(repetition_penalty=1.5), logits) is logits


ROW = np.zeros(3)
SEEN = np.zeros(3, dtype=bool)
INFINITE = [math.nan, math.inf, -math.inf]


@pytest.mark.parametrize(
    ("call", "name", "wrong_values"),
    [
        (lambda bad: scale_by_temperature(ROW, bad), "temperature", [-0.1, *INFINITE]),
        (lambda bad: keep_top_k(ROW, bad), "k", [0, -1]),
        (lambda bad: keep_top_p(ROW, bad), "p", [0, -0.5, 1.01, *INFINITE]),
        (lambda bad: keep_min_p(ROW, bad), "p", [-0.01, 1.01, *INFINITE]),
        (lambda bad: penalize_repetition(ROW, SEEN, bad), "penalty", [0, -1, *INFINITE]),
        (lambda bad: SamplingSettings(temperature=bad), "temperature", [-0.1, *INFINITE]),
        (lambda bad: SamplingSettings(top_k=bad), "top_k", [0, -1]),
        (lambda bad: SamplingSettings(top_p=bad), "top_p", [0, -0.5, 1.01, *INFINITE]),
        (lambda bad: SamplingSettings(min_p=bad), "min_p", [-0.01, 1.01, *INFINITE]),
        (lambda bad: SamplingSettings(repetition_penalty=bad), "repetition_penalty", [0, -1, *INFINITE]),
    ],
)
def test_what_is_out_of_range_or_no_number_is_refused_by_name(
    call: Callable[[Any], object], name: str, wrong_values: list[float]
) -> None:
    for value in wrong_values:
        with pytest.raises(ValueError, match=f"^{name} must"):
            call(value)
    for no_number in ("1", True, [0.5]):
        with pytest.raises(TypeError, match=f"^{name} must be a"):
            call(no_number)


def test_the_mask_of_what_was_seen_is_bool() -> None:
    with pytest.raises(TypeError, match="seen must be bool"):
        penalize_repetition(ROW, SEEN.astype(np.int64), 1.5)
