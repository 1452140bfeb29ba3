"""Longer texts take more bits, and are farther apart."""

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from charlm.decisions.length_trend import LengthTrend
from strategies import costly


def test_mean_and_variance_by_length_are_found() -> None:
    generator = np.random.default_rng(0)
    lengths = generator.integers(1, 60, size=20_000).astype(np.float64)
    deviation = np.sqrt(4 + 2 * lengths + 0.1 * lengths**2)
    bits = 3 + 2 * lengths + deviation * generator.normal(size=len(lengths))
    trend = LengthTrend.of(lengths, bits)
    np.testing.assert_allclose(trend.mean, [3, 2], atol=0.2)
    standardized = trend.standardized(lengths, bits)
    for low, high in ((1, 10), (10, 30), (30, 60)):
        some = standardized[(lengths >= low) & (lengths < high)]
        assert abs(some.mean()) < 0.1
        assert some.std() == pytest.approx(1, abs=0.1)


@costly(60)
@given(pairs=st.lists(st.tuples(st.integers(1, 50), st.floats(0, 500)), min_size=1, max_size=40))
def test_scores_are_finite_and_survive_a_file(pairs: list[tuple[int, float]]) -> None:
    lengths, bits = np.array(pairs, dtype=np.float64).T
    trend = LengthTrend.of(lengths, bits)
    scores = trend.standardized(np.append(lengths, 1000.0), np.append(bits, 1e6))
    assert np.isfinite(scores).all()
    assert (trend.variance >= 0).all()
    again = LengthTrend.from_dict(json.loads(json.dumps(trend.to_dict())))
    assert np.array_equal(again.standardized(lengths, bits), trend.standardized(lengths, bits))


def test_the_trend_of_long_texts_that_differ_much_survives_a_file() -> None:
    lengths = np.full(25, 1e9)
    found = LengthTrend.of(lengths, np.random.default_rng(0).uniform(1, 8, 25) * lengths)
    largest = LengthTrend(mean=np.array([0.0, 4.5]), variance=np.array([4e18, 0.0, 0.0]))  # for another LAPACK
    for trend in (found, largest):
        assert np.array_equal(LengthTrend.from_dict(trend.to_dict()).variance, trend.variance)


@pytest.mark.parametrize(
    "change", [{"mean": [1.0]}, {"variance": [1.0, 2.0]}, {"variance": [1.0, -1.0, 0.0]}, {"mean": [1.0, None]}]
)
def test_a_damaged_description_is_refused(change: dict[str, Any]) -> None:
    sound = LengthTrend.of(np.array([1.0, 2.0]), np.array([1.0, 2.0])).to_dict()
    with pytest.raises(ValueError, match="of its calibration must"):
        LengthTrend.from_dict(sound | change)
