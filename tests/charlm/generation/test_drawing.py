import math
from itertools import islice

import numpy as np
import pytest

from charlm.generation.drawing import draw, uniform_points
from charlm.runtime.seeds import derived_seed

DTYPES = [np.float32, np.float64]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
def test_draws_follow_the_softmax(temperature: float, dtype: type[np.floating]) -> None:
    logits = np.array([[0.0, 1.0, 2.0, -1.0]], dtype=dtype) / dtype(temperature)
    points = 1 - np.random.default_rng(0).random(200_000)
    drawn = draw(np.broadcast_to(logits, (len(points), 4)), points)
    assert drawn.dtype == np.int64
    expected = np.exp(logits[0]) / np.exp(logits[0]).sum()
    np.testing.assert_allclose(np.bincount(drawn, minlength=4) / len(points), expected, atol=0.005, rtol=0)


@pytest.mark.parametrize("dtype", DTYPES)
def test_an_id_of_probability_zero_is_never_drawn(dtype: type[np.floating]) -> None:
    logits = np.full((100_000, 5), -math.inf, dtype=dtype)
    logits[:, [1, 3]] = 0
    points = 1 - np.random.default_rng(1).random(len(logits))
    points[:3] = [5e-324, 1e-45, 1.0]
    assert set(draw(logits, points).tolist()) == {1, 3}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("bad", [-math.inf, math.nan])
def test_where_no_id_can_be_drawn_the_size_of_the_vocabulary_says_so(bad: float, dtype: type[np.floating]) -> None:
    assert draw(np.array([[bad, bad], [0.0, 0.0]], dtype=dtype), np.ones(2)).tolist() == [2, 1]


def test_points_are_those_that_each_seed_gives_one_by_one() -> None:
    seeds = (3, -4, 2**64 + 3)
    points = np.stack(list(islice(uniform_points(seeds), 150)), axis=1)
    for row, seed in zip(points, seeds, strict=True):
        generator = np.random.default_rng(seed % 2**64)
        np.testing.assert_array_equal(row, [1 - generator.random() for _ in range(150)])
    np.testing.assert_array_equal(points[0], points[2])
    assert points.dtype == np.float64
    assert ((points > 0) & (points <= 1)).all()


def test_the_points_of_one_seed_are_the_same_in_any_company() -> None:
    together = np.stack(list(islice(uniform_points(range(5)), 70)), axis=1)
    for seed in range(5):
        alone = np.stack(list(islice(uniform_points([seed]), 70)), axis=1)
        np.testing.assert_array_equal(together[seed], alone[0])


def test_the_seeds_of_samples_differ_and_fit_any_generator() -> None:
    seeds = [derived_seed(seed, index) for seed in (-1, 0, 1, 2**64 - 2) for index in range(50)]
    assert len(set(seeds)) == 200
    assert 0 <= min(seeds) <= max(seeds) < 2**63
    assert derived_seed(2**70 - 1, 7) == derived_seed(-1, 7)
