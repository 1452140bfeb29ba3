"""A text is as unusual as the more unusual of the whole and its worst part."""

import numpy as np
import pytest

from charlm.decisions.usual_texts import Measured, UsualTexts


@pytest.fixture(scope="module")
def usual() -> UsualTexts:
    generator = np.random.default_rng(0)
    lengths = generator.integers(5, 40, size=3000)
    bits = generator.exponential(size=int(lengths.sum()))
    return UsualTexts.of(Measured.of(bits, lengths, 2.0))


def test_what_is_measured_is_the_sum_and_the_worst_part() -> None:
    measured = Measured.of(np.array([1.0, 5.0, 4.0, 1.0, 3.0]), np.array([4, 1]), 2.0)
    assert [each.tolist() for each in measured] == [[4, 1], [11, 3], [5, 1]]
    assert measured.some(np.array([False, True])).bits.tolist() == [3]


def test_many_bits_in_all_and_many_in_one_place_are_both_surprising(usual: UsualTexts) -> None:
    ordinary, everywhere, in_one_place = np.ones(20), np.full(20, 2.0), np.ones(20)
    in_one_place[7:9] = 12
    texts = Measured.of(np.concatenate([ordinary, everywhere, in_one_place]), np.full(3, 20), 2.0)
    surprisals = usual.surprisals(texts)
    assert surprisals[0] < 1
    assert surprisals[1] > 5
    assert surprisals[2] > 5


def test_it_is_the_same_after_a_file(usual: UsualTexts) -> None:
    texts = Measured.of(np.arange(12.0), np.array([5, 7]), 2.0)
    assert np.array_equal(UsualTexts.from_dict(usual.to_dict()).surprisals(texts), usual.surprisals(texts))
    with pytest.raises(ValueError, match="usual of its calibration lacks the entry 'either'"):
        UsualTexts.from_dict({name: part for name, part in usual.to_dict().items() if name != "either"})
