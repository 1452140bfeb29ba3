"""The detector is wrong about usual texts as often as allowed."""

import math
from collections.abc import Callable
from pathlib import Path

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


def test_what_was_fitted_is_what_is_saved(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    usual = ["".join(rng.choice([*"aaabbc"], rng.integers(3, 12)).tolist()) for _ in range(400)]
    detector = CharLMOutlierDetector(order=3, false_alarm_rate=0.02).fit(usual).set_params(false_alarm_rate=0.2)
    detector.save(tmp_path / "it")
    copy = CharLMOutlierDetector.load(tmp_path / "it")
    assert copy.offset_ == detector.offset_
    assert copy.get_params() == detector.get_params()
    np.testing.assert_array_equal(copy.predict(usual), detector.predict(usual))


def test_as_many_texts_as_it_asks_for_are_enough() -> None:
    for held_out in (0.3, 0.37, 0.5):
        asked = math.ceil(99 / held_out)
        CharLMOutlierDetector(order=2, held_out=held_out).fit([f"{number}" for number in range(asked)])


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: CharLMOutlierDetector(held_out=0.9).fit([*"abc", ""] * 20), ValueError, r"X\[3\] is empty"),
        (lambda: CharLMOutlierDetector().fit(TEXTS[:30]), ValueError, "X must have at least 330 texts.*: got 30"),
        (
            lambda: CharLMOutlierDetector(held_out=0.5).fit(TEXTS),
            ValueError,
            "X must have at least 198 texts.*gives 99",
        ),
        (lambda: CharLMOutlierDetector(held_out=1.0).fit(TEXTS), ValueError, "held_out must be above 0 and below 1"),
        (lambda: CharLMOutlierDetector(false_alarm_rate=0).fit(TEXTS), ValueError, "false_alarm_rate must be above 0"),
    ],
)
def test_bad_input_is_refused(call: Callable[[], object], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()
