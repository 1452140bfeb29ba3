"""A p-value is the rank among the held-out texts, exact in the tail, and never too low."""

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from charlm.decisions.conformal import KEPT, RankedScores
from strategies import costly

scores = st.lists(st.integers(-5, 5).map(float) | st.floats(-9, 9, width=16), min_size=1, max_size=400)


def slow(held_out: list[float], score: float) -> float:
    return (1 + sum(each >= score for each in held_out)) / (len(held_out) + 1)


@costly(80)
@given(held_out=scores, judged=scores)
def test_a_p_value_is_the_share_that_is_at_least_as_high_and_never_lower(
    held_out: list[float], judged: list[float]
) -> None:
    ranked = RankedScores.of(np.array(held_out))
    found = ranked.p_values(np.array([*judged, *held_out]))
    exact = np.array([slow(held_out, score) for score in [*judged, *held_out]])
    assert (found >= exact - 1e-12).all()
    assert (found <= exact * 1.03 + 1e-12).all()
    is_in_tail = exact <= KEPT / (len(held_out) + 1)
    np.testing.assert_allclose(found[is_in_tail], exact[is_in_tail])


def test_a_million_texts_take_a_bounded_number_of_scores() -> None:
    held_out = np.random.default_rng(0).normal(size=1_000_000)
    ranked = RankedScores.of(held_out)
    assert len(ranked.scores) < 1200
    judged = np.random.default_rng(1).normal(size=1000)
    exact = (1 + len(held_out) - np.searchsorted(np.sort(held_out), judged)) / (len(held_out) + 1)
    np.testing.assert_allclose(ranked.p_values(judged), exact, rtol=0.02, atol=1e-12)


@given(held_out=scores, judged=scores)
def test_p_values_are_the_same_after_a_file(held_out: list[float], judged: list[float]) -> None:
    ranked = RankedScores.of(np.array(held_out))
    again = RankedScores.from_dict(json.loads(json.dumps(ranked.to_dict())), "texts")
    assert np.array_equal(again.p_values(np.array(judged)), ranked.p_values(np.array(judged)))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"texts": 0}, "texts of its calibration must be a whole number of at least 1"),
        ({"texts": 2}, "texts of its calibration must say how many texts are above each score, down to none"),
        ({"scores": []}, "must say how many texts are above"),
        ({"scores": [2.0, 1.0, 3.0]}, "scores of its calibration must ascend"),
        ({"above": [2, 1]}, "must say how many"),
        ({"above": [2, 2, 0]}, "must say how many"),
        ({"above": [2, 1, 1]}, "must say how many"),
        ({"above": [2.5, 1, 0]}, "must say how many"),
        ({"above": [3, 1, -1]}, "must say how many"),
        ({"more": 1}, "texts of its calibration has an unknown entry 'more'"),
    ],
)
def test_a_damaged_description_is_refused(change: dict[str, Any], reason: str) -> None:
    sound = RankedScores.of(np.array([1.0, 2.0, 3.0])).to_dict()
    with pytest.raises(ValueError, match=reason):
        RankedScores.from_dict(sound | change, "texts")
