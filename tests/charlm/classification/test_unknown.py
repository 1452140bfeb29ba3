"""Texts that are unusual for their class are of none."""

import numpy as np
import pytest

from charlm import CharLM
from charlm.classification.unknown import are_unknown, check_calibrated

TEXTS = [f"{number:03}" for number in range(400)]


def calibrated() -> CharLM:
    return CharLM.fit(TEXTS[::2], order=2).calibrate(TEXTS[1::2])


def test_a_text_is_unknown_if_its_own_model_finds_it_unusual() -> None:
    models = {"a": calibrated(), "b": CharLM.fit([text[::-1] for text in TEXTS[::2]], order=2).calibrate(TEXTS[1::2])}
    texts = ["123", "xyz", "777"]
    found = are_unknown(models, texts, np.array([0, 0, 1]), 0.01)
    expected = [
        models["a"].p_values(texts[:2])[0],
        models["a"].p_values(texts[:2])[1],
        models["b"].p_values(["777"])[0],
    ]
    assert found.tolist() == [p_value <= 0.01 for p_value in expected]
    assert found[1]
    assert are_unknown(models, [], np.array([], dtype=np.int64), 0.01).tolist() == []


@pytest.mark.parametrize(
    ("rate", "message"),
    [
        (0.01, "the model of class 'b' is not calibrated and others are: a class with fewer than 20 texts.* 99 texts"),
        (0.001, "the model of class 'a': unknown_below 0.001 takes at least 999"),
        (1.5, "unknown_below must be above 0 and below 1"),
    ],
)
def test_what_a_rate_takes_is_said(rate: float, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        check_calibrated({"a": calibrated(), "b": CharLM.fit("ab " * 9, order=2)}, rate)
