"""Texts to learn from are described as new ones are."""

from collections.abc import Callable

import numpy as np
import pytest
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_predict
from sklearn.pipeline import make_pipeline

from charlm.sklearn import CharLMFeatures
from labeled_texts import SENTENCES, TEXTS


def test_texts_to_learn_from_are_described_as_new_ones_are() -> None:
    transformer = CharLMFeatures(order=4)
    held_out, learned = transformer.fit_transform(TEXTS), transformer.transform(TEXTS)
    assert held_out.shape == learned.shape == (len(TEXTS), len(transformer.get_feature_names_out()))
    assert (held_out[:, 0] < learned[:, 0]).mean() > 0.9
    without = CharLMFeatures(order=4, n_folds=0).fit_transform(TEXTS)
    np.testing.assert_array_equal(np.delete(without, 1, axis=1), np.delete(learned, 1, axis=1))
    assert np.sqrt(np.mean(held_out[:, 1] ** 2)) == pytest.approx(1)
    bigram = CharLMFeatures("bigram").fit(TEXTS)
    assert bigram.get_feature_names_out().tolist() == ["log_probability", "standardized", "worst_window", "unknown"]
    assert bigram.transform(TEXTS).shape == (len(TEXTS), 4)


def test_equal_texts_are_described_by_a_model_that_has_learned_from_none_of_them() -> None:
    once = [f"{number:03}" for number in range(0, 1000, 7)]
    mean_of_once = CharLMFeatures(order=4).fit_transform(once)[:, 0].mean()
    repeated = CharLMFeatures(order=4)
    found = repeated.fit_transform([text for text in once for _ in range(5)])
    assert found[:, 0].mean() < repeated.transform(once)[:, 0].mean() - 0.5
    assert found[:, 0].mean() < mean_of_once + 0.2
    np.testing.assert_array_equal(found[::5], found[4::5])


def test_features_go_into_a_pipeline() -> None:
    rng = np.random.default_rng(0)
    words = [word for line in SENTENCES["en"] for word in line.split()]
    mixed = ["".join(rng.permutation([*word]).tolist()) for word in words]
    pipeline = make_pipeline(CharLMFeatures(order=3), LogisticRegression())
    targets = [0] * len(words) + [1] * len(mixed)
    assert cross_val_predict(pipeline, words + mixed, targets, cv=3).shape == (len(targets),)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: CharLMFeatures(window=0).fit(["a"]), ValueError, "window must be at least 1"),
        (lambda: CharLMFeatures().fit_transform(["a"]), ValueError, "nothing can be held out"),
        (lambda: CharLMFeatures().fit_transform(["a"] * 9), ValueError, "at least two texts that differ"),
        (lambda: CharLMFeatures(n_folds=1).fit_transform(["a", "b"]), ValueError, "nothing can be held out"),
    ],
)
def test_bad_input_is_refused(call: Callable[[], object], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()


def test_a_fit_that_fails_leaves_no_estimator_that_seems_fitted() -> None:
    features = CharLMFeatures()
    with pytest.raises(ValueError, match="nothing can be held out"):
        features.fit(["a"])
    with pytest.raises(NotFittedError):
        features.transform(["a"])
