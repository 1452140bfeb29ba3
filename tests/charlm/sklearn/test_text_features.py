"""Features are what their names say."""

import numpy as np

from charlm import CharLM
from charlm.sklearn.text_features import Usual, features, worst_windows


def test_features_are_what_their_names_say() -> None:
    lm = CharLM.fit(["abab", "baba"] * 5, order=4)
    texts = ["abab", "", "abzab", "bbbbbbbb"]
    found = features(lm, texts, 3, Usual(-1.5, 2.0))
    assert found.shape == (4, 8)
    for text, row in zip(texts, found, strict=True):
        scores = lm.log_probabilities(text)
        windows = [scores[start : start + 3].mean() for start in range(max(1, len(scores) - 2))]
        standardized = (scores.sum() + 1.5 * len(scores)) / len(scores) ** 0.5 / 2
        expected = [scores.mean(), standardized, min(windows), text.count("z") / max(1, len(text))]
        np.testing.assert_allclose(row[:4], expected)
        assert (np.diff(row[4:]) <= 0).all()
    assert found[0, 4:].tolist() == [1.0, 0.8, 0.6, 0.0]


def test_the_worst_window_is_that_of_a_loop() -> None:
    rng = np.random.default_rng(0)
    lengths = rng.integers(0, 9, 50)
    scores = rng.normal(size=lengths.sum())
    for window in (1, 3, 20):
        expected = []
        for own in np.split(scores, np.cumsum(lengths)[:-1]):
            means = [own[at : at + window].mean() for at in range(max(1, len(own) - window + 1)) if len(own)]
            expected.append(min(means, default=0.0))
        np.testing.assert_allclose(worst_windows(scores, lengths, window), expected, atol=1e-12)
