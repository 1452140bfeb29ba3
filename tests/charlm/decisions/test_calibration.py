"""The rate of false alarms is the one that was asked for, whatever the length of a text."""

import json
import math
import random
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from charlm.decisions.calibration import FEWEST_TEXTS, Calibration, checked_calibration
from mutations import mutated_json


def drawn(n_texts: int, seed: int) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Returns texts of several kinds: short ones that vary little, and long ones that differ as a whole."""
    generator = np.random.default_rng(seed)
    lengths = np.where(generator.random(n_texts) < 0.4, 6, generator.integers(10, 80, size=n_texts))
    scale = np.repeat(np.where(lengths == 6, 0.2, generator.gamma(4, 0.5, size=n_texts)), lengths)
    return scale * generator.exponential(size=int(lengths.sum())), lengths


FOREIGN = np.random.default_rng(9).exponential(6, size=1000)


def calibrated(n_texts: int, seed: int = 0) -> Calibration:
    return Calibration.of(*drawn(n_texts, seed), foreign=FOREIGN)


@pytest.mark.parametrize("n_texts", [50, 200])
def test_false_alarms_are_hardly_more_frequent_than_asked_where_texts_are_few(n_texts: int) -> None:
    bits, lengths = drawn(5000, 100)
    p_values = np.stack([calibrated(n_texts, seed).p_values(bits, lengths) for seed in range(20)])
    for rate in (0.3, 0.05):
        assert 0.4 * rate < (p_values <= rate).mean() < 1.3 * rate


@pytest.mark.parametrize("n_texts", [1000, 5000])
def test_false_alarms_are_as_frequent_as_asked_at_every_length(n_texts: int) -> None:
    bits, lengths = drawn(20_000, 100)
    p_values = np.stack([calibrated(n_texts, seed).p_values(bits, lengths) for seed in range(8)])
    for some in (lengths > 0, lengths == 6, (lengths > 6) & (lengths < 40), lengths >= 40):
        for rate in (0.3, 0.05):
            assert (p_values[:, some] <= rate).mean() == pytest.approx(rate, rel=0.4)
        assert (p_values[:, some] <= 0.01).mean() == pytest.approx(0.01, rel=0.6)
    assert (p_values <= 0.001).mean() == pytest.approx(0.001, rel=0.8)


def test_false_alarms_in_parts_are_as_frequent_as_asked() -> None:
    bits, lengths = drawn(5000, 100)
    calibration = calibrated(3000)
    above = calibration.above_reference(bits)
    ends = np.cumsum(lengths)
    best = [
        calibration.p_values_of_parts(np.array([_best(above[end - length : end])]), int(length))[0]
        for end, length in zip(ends, lengths, strict=True)
    ]
    for rate in (0.1, 0.01):
        assert (np.array(best) <= rate).mean() == pytest.approx(rate, rel=0.5)


def _best(values: NDArray[np.float64]) -> float:
    sums = np.cumsum(values)
    return float((sums - np.minimum.accumulate(np.append(0, sums[:-1]))).max())


def test_a_text_that_is_like_all_held_out_ones_is_usual_and_any_other_is_not() -> None:
    bits, lengths = np.tile([1.0, 0.5, 2.0], 40), np.full(40, 3)
    calibration = Calibration.of(bits, lengths, foreign=np.full(10, 9.0))
    assert calibration.p_values(bits, lengths).tolist() == [1.0] * 40
    for wobble in (1 - 3e-6, 1 + 3e-6):  # as another device would have it
        assert calibration.p_values(bits[:3] * wobble, lengths[:1]).tolist() == [1.0]
    assert calibration.p_values(np.array([1.0, 4.0, 2.0]), lengths[:1])[0] == pytest.approx(1 / 41)


def test_a_text_without_symbols_is_usual_and_an_impossible_one_is_not() -> None:
    p_values = calibrated(1000).p_values(np.array([1.0, np.inf]), np.array([0, 2]))
    assert p_values.tolist() == [1.0, pytest.approx(1 / 1001)]


def test_a_rate_needs_so_many_texts_and_an_error_says_how_many() -> None:
    calibration = calibrated(998)
    assert calibration.check_rate(0.0011) == 0.0011
    with pytest.raises(
        ValueError,
        match=r"^false_alarm_rate 0\.001 takes at least 999 held-out texts, and the model was calibrated on 998: "
        r"calibrate it on more, or give a rate of at least 0\.001002$",
    ):
        calibration.check_rate(0.001)
    assert calibrated(999).check_rate(0.001) == 0.001
    assert calibrated(99).check_rate(0.01) == 0.01


@pytest.mark.parametrize("rate", [0, 1, -1, 2, math.nan, math.inf])
def test_a_rate_is_between_0_and_1(rate: float) -> None:
    with pytest.raises(ValueError, match="false_alarm_rate must be"):
        calibrated(100).check_rate(rate)
    with pytest.raises(TypeError, match="false_alarm_rate must be a number, got str"):
        calibrated(100).check_rate("0.1")  # type: ignore[arg-type]  # the mistake under test


@pytest.mark.parametrize("n_texts", [1, FEWEST_TEXTS - 1])
def test_too_few_texts_are_refused(n_texts: int) -> None:
    with pytest.raises(
        ValueError, match=f"held_out_texts must give at least 20 texts .* got {n_texts}: .* 999 for 0.001"
    ):
        calibrated(n_texts)


def test_a_model_without_a_calibration_says_how_to_make_one() -> None:
    with pytest.raises(ValueError, match=r"call calibrate\(held_out_texts\) .* charlm train --calibrate"):
        checked_calibration(None)


@pytest.mark.parametrize("n_texts", [20, 3000])
def test_it_is_the_same_after_a_file_and_small(n_texts: int) -> None:
    calibration = calibrated(n_texts)
    stored = json.dumps(calibration.to_dict())
    again = Calibration.from_dict(json.loads(stored))
    bits, lengths = drawn(500, 7)
    assert np.array_equal(again.p_values(bits, lengths), calibration.p_values(bits, lengths))
    assert repr(again) == repr(calibration)
    assert len(stored) < 120_000


@pytest.mark.parametrize(
    "change",
    [
        {"reference": None},
        {"reference": "2"},
        {"usual": []},
        {"texts": {}},
        {"spans": None},
        {"version": 1},
        {"texts": calibrated(21).texts.to_dict()},
    ],
)
def test_a_damaged_description_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="of its calibration"):
        Calibration.from_dict(calibrated(20).to_dict() | change)


def test_what_somebody_has_changed_is_refused_or_still_judges() -> None:
    generator = random.Random(0)  # noqa: S311 - any damage
    sound = calibrated(300).to_dict()
    bits, lengths = drawn(50, 7)
    refused = 0
    for _ in range(1000):
        try:
            calibration = Calibration.from_dict(mutated_json(sound, generator))
        except ValueError:
            refused += 1
        else:
            p_values = calibration.p_values(bits, lengths)
            assert ((p_values > 0) & (p_values <= 1)).all()
    assert refused > 100


@pytest.mark.parametrize("content", [None, [], 5, "x", {}])
def test_what_is_no_description_is_refused(content: Any) -> None:
    with pytest.raises(ValueError, match="of its calibration"):
        Calibration.from_dict(content)
