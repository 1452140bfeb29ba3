"""The detector is wrong about usual texts as often as allowed."""

from collections.abc import Callable

import numpy as np
import pytest

from charlm.sklearn import CharLMOutlierDetector
from labeled_texts import TEXTS


def test_the_detector_is_wrong_about_usual_texts_as_often_as_allowed_and_finds_others() -> None:
    rng = np.random.default_rng(0)
    usual = ["".join(rng.choice([*"aaabbc"], rng.integers(3, 12)).tolist()) for _ in range(4000)]
    detector = CharLMOutlierDetector(order=3, false_alarm_rate=0.02).fit(usual[:2000])
    found = detector.predict(usual[2000:])
    assert set(found.tolist()) == {-1, 1}
    assert 0.02 / 1.5 < (found == -1).mean() < 0.02 * 1.5
    assert (detector.predict(["zzz", "cccccccc", "abxyz"]) == -1).all()
    np.testing.assert_array_equal(detector.predict(usual) == -1, detector.decision_function(usual) < 0)
    np.testing.assert_array_equal(detector.predict(usual) == -1, detector.lm_.is_unusual(usual, 0.02))
    assert (CharLMOutlierDetector(order=3, false_alarm_rate=0.02).fit_predict(usual) == -1).mean() < 0.04


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: CharLMOutlierDetector(held_out=0.9).fit(["a", ""] * 20), ValueError, "is empty"),
        (lambda: CharLMOutlierDetector().fit(TEXTS[:30]), ValueError, "held_out_texts must give at least 20 texts"),
        (lambda: CharLMOutlierDetector(held_out=0.5).fit(TEXTS), ValueError, "0.01 takes at least 99 held-out texts"),
        (lambda: CharLMOutlierDetector(held_out=1.0).fit(TEXTS), ValueError, "held_out must be above 0 and below 1"),
        (lambda: CharLMOutlierDetector(false_alarm_rate=0).fit(TEXTS), ValueError, "false_alarm_rate must be above 0"),
    ],
)
def test_bad_input_is_refused(call: Callable[[], object], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()
