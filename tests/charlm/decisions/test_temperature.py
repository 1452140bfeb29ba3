"""Probabilities hold: of what gets 70%, about 70% is right."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from charlm import Temperature

likelihoods = arrays(
    np.float64, st.tuples(st.integers(0, 5), st.integers(1, 4)), elements=st.floats(-1e9, 0) | st.just(-math.inf)
)


@given(likelihoods, st.floats(0.01, 100), st.floats(0, 1), st.integers(0, 10**6))
def test_probabilities_sum_to_one_and_keep_the_order(
    log_likelihoods: NDArray[np.float64], scale: float, power: float, length: int
) -> None:
    texts, labels = log_likelihoods.shape
    found = np.exp(
        Temperature(scale, power).log_probabilities(log_likelihoods, np.full(texts, length), np.zeros(labels))
    )
    np.testing.assert_allclose(found.sum(axis=1), 1)
    for row, scores in zip(found, log_likelihoods, strict=True):
        order = np.argsort(scores)
        assert (np.diff(row[order]) >= -1e-12).all()


def drawn(scale: float, power: float, *, texts: int, seed: int) -> tuple[Any, Any, Any]:
    """Returns log-likelihoods that a temperature makes into probabilities, lengths, and labels drawn with these."""
    rng = np.random.default_rng(seed)
    lengths = rng.integers(1, 200, texts)
    logits = rng.normal(size=(texts, 5)) * 3
    labels = (logits + rng.gumbel(size=logits.shape)).argmax(axis=1)
    return logits * Temperature(scale, power).of(lengths)[:, None], lengths, labels


@pytest.mark.parametrize(("scale", "power"), [(1.0, 0.0), (0.5, 0.5), (2.0, 0.3), (1.0, 1.0)])
def test_the_temperature_from_which_labels_were_drawn_is_found(scale: float, power: float) -> None:
    found = Temperature.fit(
        *drawn(scale, power, texts=20_000, seed=1)[:2], np.zeros(5), drawn(scale, power, texts=20_000, seed=1)[2]
    )
    lengths = np.array([1, 10, 100])
    np.testing.assert_allclose(found.of(lengths), Temperature(scale, power).of(lengths), rtol=0.15)


def test_a_power_stays_in_its_range() -> None:
    for power in (-0.5, 1.5):
        rng = np.random.default_rng(0)
        lengths = rng.integers(1, 200, 20_000)
        logits = rng.normal(size=(20_000, 3)) * 3
        labels = (logits + rng.gumbel(size=logits.shape)).argmax(axis=1)
        found = Temperature.fit(logits * (lengths**power)[:, None], lengths, np.zeros(3), labels)
        assert found.power == np.clip(power, 0, 1)


def test_a_few_texts_hardly_move_the_usual_temperature() -> None:
    found = Temperature.fit(np.array([[0.0, -50.0]]), np.array([9]), np.zeros(2), np.array([0]))
    assert found.scale == pytest.approx(Temperature().scale, rel=0.05)
    assert math.isfinite(Temperature.fit(np.zeros((0, 2)), np.zeros(0, int), np.zeros(2), np.zeros(0, int)).scale)


def test_wrong_labels_do_not_determine_the_temperature_where_they_are_expected() -> None:
    evidence, lengths, labels = drawn(1.0, 0.3, texts=20_000, seed=2)
    wrong = labels.copy()
    is_wrong = np.random.default_rng(3).random(len(labels)) < 0.01
    wrong[is_wrong] = evidence[is_wrong].argmin(axis=1)
    expected = Temperature(1.0, 0.3).of(np.array([50]))
    misled = Temperature.fit(evidence, lengths, np.zeros(5), wrong).of(np.array([50]))
    found = Temperature.fit(evidence, lengths, np.zeros(5), wrong, share_of_wrong_labels=0.01).of(np.array([50]))
    assert abs(found - expected) < abs(misled - expected) / 2


def test_weights_are_counts() -> None:
    evidence, lengths, labels = drawn(1.0, 0.3, texts=300, seed=4)
    weights = np.random.default_rng(5).integers(0, 4, 300)
    weighted = Temperature.fit(evidence, lengths, np.zeros(5), labels, weights.astype(float))
    repeated = Temperature.fit(
        np.repeat(evidence, weights, axis=0), np.repeat(lengths, weights), np.zeros(5), np.repeat(labels, weights)
    )
    assert weighted.scale == pytest.approx(repeated.scale, rel=1e-3)
    assert weighted.power == pytest.approx(repeated.power, abs=1e-3)


def test_a_label_that_was_impossible_before_stays_so() -> None:
    found = Temperature().log_probabilities(np.array([[0.0, -9.0]]), np.array([3]), np.array([-math.inf, 0.0]))
    assert np.exp(found).tolist() == [[0.0, 1.0]]


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((0.0, 0.5), ValueError, "scale must be above 0"),
        ((math.nan, 0.5), ValueError, "scale must be finite"),
        ((1.0, -0.1), ValueError, "power must not be negative"),
        ((1.0, 1.1), ValueError, "power must be at most 1"),
        ((1.0, math.inf), ValueError, "power must be finite"),
        (("1", 0.5), TypeError, "scale must be a number"),
    ],
)
def test_a_temperature_out_of_range_is_refused(arguments: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        Temperature(*arguments)
