"""The density is the log-likelihood of a model."""

import numpy as np
import pytest
from sklearn.model_selection import GridSearchCV

from charlm import CharLM
from charlm.sklearn import CharLMDensity
from labeled_texts import SENTENCES, TEXTS


def test_the_density_is_the_log_likelihood_and_chooses_an_order() -> None:
    fitted = CharLMDensity(order=3, smoothing="kneser-ney", settings={"max_length": 30, "too_long": "truncate"}).fit(
        TEXTS
    )
    expected = CharLM.fit(TEXTS, order=3, smoothing="kneser-ney", max_length=30, too_long="truncate").score_samples(
        TEXTS
    )
    np.testing.assert_array_equal(fitted.score_samples(TEXTS), expected)
    assert fitted.score(TEXTS) == pytest.approx(expected.mean())
    search = GridSearchCV(CharLMDensity(), {"order": [1, 3]}, cv=2).fit(SENTENCES["en"])
    assert search.best_params_ == {"order": 3}


def test_no_texts_have_no_mean() -> None:
    with pytest.raises(ValueError, match="X is empty"):
        CharLMDensity(order=2).fit(["a"]).score([])
