"""The same score may be usual at one length and unusual at another."""

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from charlm.decisions.by_length import LEVELS, MOST_EXCESSES, MOST_GROUPS, ScoresByLength
from strategies import costly

pairs = st.lists(st.tuples(st.integers(1, 9), st.integers(-20, 20) | st.floats(-9, 9)), min_size=1, max_size=300)


@costly(60)
@given(pairs=pairs, length=st.integers(0, 12), judged=st.lists(st.floats(-30, 30), min_size=2, max_size=9))
def test_the_higher_score_is_never_less_surprising_at_the_same_length(
    pairs: list[tuple[int, float]], length: int, judged: list[float]
) -> None:
    lengths, scores = np.array(pairs, dtype=np.float64).T
    found = ScoresByLength.of(lengths, scores).surprisals(np.full(len(judged), float(length)), np.sort(judged))
    assert (np.diff(found) >= -1e-9).all()
    assert (found >= 0).all()


def test_a_surprisal_is_about_the_logarithm_of_the_share_of_that_length_in_the_tail_too() -> None:
    generator = np.random.default_rng(0)
    lengths = generator.integers(1, 100, size=20_000).astype(np.float64)
    scores = lengths * generator.exponential(size=20_000)
    by_length = ScoresByLength.of(lengths, scores)
    for length in (5, 30, 90):
        for share in (0.5, 0.1, 0.01, 0.001):
            score = -length * np.log(share)
            (found,) = by_length.surprisals(np.array([float(length)]), np.array([score]))
            assert found == pytest.approx(-np.log(share), rel=0.35, abs=0.1)


def test_it_grows_beyond_all_that_was_held_out() -> None:
    by_length = ScoresByLength.of(np.ones(50), np.arange(50.0))
    far = by_length.surprisals(np.ones(4), np.array([49.0, 60.0, 600.0, 1e9]))
    assert (np.diff(far) > 0).all()


def test_a_score_above_texts_that_are_all_the_same_is_surprising() -> None:
    by_length = ScoresByLength.of(np.full(100, 7.0), np.full(100, 3.0))
    same, above = by_length.surprisals(np.full(2, 7.0), np.array([3.0, 3.5]))
    assert same < above


@pytest.mark.parametrize("n_texts", [1, 20, 3000, 300_000])
def test_it_takes_a_bounded_number_of_values(n_texts: int) -> None:
    generator = np.random.default_rng(0)
    found = ScoresByLength.of(generator.integers(1, 400, size=n_texts).astype(float), generator.normal(size=n_texts))
    assert len(found.excesses) <= MOST_EXCESSES
    assert len(found.scales) <= MOST_GROUPS
    assert found.levels.shape == (len(found.scales), LEVELS)


@costly(40)
@given(pairs=pairs)
def test_it_is_the_same_after_a_file(pairs: list[tuple[int, float]]) -> None:
    lengths, scores = np.array(pairs, dtype=np.float64).T
    before = ScoresByLength.of(lengths, scores)
    after = ScoresByLength.from_dict(json.loads(json.dumps(before.to_dict())), "whole")
    assert np.array_equal(after.surprisals(lengths, scores), before.surprisals(lengths, scores))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"borders": [1.0]}, "whole of its calibration must have 17 levels and a scale for each group"),
        ({"levels": [1.0]}, "must have 17 levels"),
        ({"levels": [*range(16), 3]}, "must have ascending levels"),
        ({"scales": [0]}, "scales and excesses above 0"),
        ({"excesses": [-1.0, 2.0]}, "scales and excesses above 0"),
        ({"excesses": [2.0, 1.0]}, "excesses of its calibration must ascend"),
        ({"borders": [1.0] * MOST_GROUPS}, f"borders .* at most {MOST_GROUPS - 1} finite numbers"),
        ({"scales": [1.0] * (MOST_GROUPS + 1)}, f"scales .* at most {MOST_GROUPS} finite numbers"),
        ({"levels": [1.0] * (MOST_GROUPS * LEVELS + 1)}, f"levels .* at most {MOST_GROUPS * LEVELS} finite numbers"),
        ({"excesses": [1.0] * 1001}, "a list of at most 1,000 finite numbers"),
        ({"share": 0}, "share of whole of its calibration must be above 0 and at most 0.1"),
        ({"share": 0.5}, "share of whole"),
        ({"scales": None}, "scales of its calibration must be a list"),
    ],
)
def test_a_damaged_description_is_refused(change: dict[str, Any], reason: str) -> None:
    sound = ScoresByLength.of(np.ones(100), np.arange(100.0)).to_dict()
    with pytest.raises(ValueError, match=reason):
        ScoresByLength.from_dict(sound | change, "whole")
