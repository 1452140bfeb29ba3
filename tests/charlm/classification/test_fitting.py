"""Probabilities hold where models count the same evidence several times."""

import numpy as np
import pytest
from numpy.typing import NDArray

from charlm import Temperature, TextClassifier

LETTERS = {"one": [0.40, 0.35, 0.25], "other": [0.25, 0.35, 0.40]}
TIMES = 4


def drawn(rng: np.random.Generator, texts: int) -> tuple[list[str], list[str]]:
    """Returns texts that say everything four times, so that differences of likelihoods are four times too large."""
    labels = rng.choice([*LETTERS], texts).tolist()
    lengths = rng.integers(2, 12, texts).tolist()
    words = [
        "".join(rng.choice([*"abc"], length, p=LETTERS[label]).tolist())
        for label, length in zip(labels, lengths, strict=True)
    ]
    return ["".join(letter * TIMES for letter in word) for word in words], labels


def calibration_error(probabilities: NDArray[np.float64], is_right: NDArray[np.bool_]) -> float:
    best = probabilities.max(axis=1)
    bins = np.minimum((best * 15).astype(int), 14)
    apart = np.bincount(bins, weights=best - is_right, minlength=15)
    return float(np.abs(apart).sum() / len(best))


@pytest.mark.parametrize("seed", [0, 1])
def test_cross_validation_and_calibration_find_a_temperature_that_holds(seed: int) -> None:
    rng = np.random.default_rng(seed)
    texts, labels = drawn(rng, 3000)
    fitted = TextClassifier.fit(texts, labels, order=1, seed=seed)
    new, answers = drawn(rng, 4000)
    places = np.array([fitted.labels.index(label) for label in answers])

    def error(classifier: TextClassifier) -> float:
        found = classifier.probabilities(new)
        return calibration_error(found, found.argmax(axis=1) == places)

    overconfident = TextClassifier(fitted.models, temperature=Temperature(1.0, 0.0))
    calibrated = overconfident.calibrate(*drawn(rng, 1000))
    assert error(overconfident) > 0.1
    assert error(fitted) < 0.03
    assert error(calibrated) < 0.03
    assert fitted.temperature.of(np.array([24]))[0] == pytest.approx(TIMES, rel=0.25)


def test_each_class_counts_as_much_as_its_prior_says_however_many_texts_it_has() -> None:
    rng = np.random.default_rng(2)
    texts, labels = drawn(rng, 2000)
    classifier = TextClassifier.fit(texts, labels, order=1, n_folds=0)
    held_out, answers = drawn(rng, 2000)
    extra = [(text, label) for text, label in zip(held_out, answers, strict=True) if label == "one"] * 3
    uneven = classifier.calibrate(
        held_out + [text for text, _ in extra], answers + [label for _, label in extra]
    ).temperature
    even = classifier.calibrate(held_out, answers).temperature
    length = np.array([24])
    np.testing.assert_allclose(uneven.of(length), even.of(length), rtol=0.05)
