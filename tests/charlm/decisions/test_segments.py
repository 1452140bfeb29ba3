"""The parts of a text with the highest sums, against looking at every part."""

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from charlm.decisions.segments import TEXTS_AT_ONCE, best_totals, maximal_segments

values = st.lists(st.integers(-9, 9).map(float), max_size=14)


def slow_best(text: list[float]) -> float:
    sums = [sum(text[start:stop]) for start in range(len(text)) for stop in range(start + 1, len(text) + 1)]
    return max(sums, default=0.0)


def slow_maximal(text: list[float], begin: int, end: int) -> list[tuple[int, int]]:
    """The best part, the shortest of those, then what is best on its left and on its right."""
    parts = [(start, stop) for start in range(begin, end) for stop in range(start + 1, end + 1)]
    best = max(parts, key=lambda part: (sum(text[slice(*part)]), part[0] - part[1]), default=None)
    if best is None or sum(text[slice(*best)]) <= 0:
        return []
    return [*slow_maximal(text, begin, best[0]), best, *slow_maximal(text, best[1], end)]


@given(texts=st.lists(values, max_size=6))
def test_the_best_total_of_each_text_is_that_of_its_best_part(texts: list[list[float]]) -> None:
    joined, lengths = np.array([each for text in texts for each in text]), np.array([*map(len, texts)], dtype=np.int64)
    np.testing.assert_allclose(best_totals(joined, lengths), [slow_best(text) for text in texts], atol=1e-9)


@given(text=values)
def test_maximal_segments_are_the_best_and_then_the_best_of_what_is_left(text: list[float]) -> None:
    found = maximal_segments(np.array(text))
    totals = [part.total for part in found]
    np.testing.assert_allclose(totals, [sum(text[part.start : part.stop]) for part in found])
    slow = slow_maximal(text, 0, len(text))
    np.testing.assert_allclose(sorted(totals), sorted(sum(text[slice(*part)]) for part in slow))
    assert all(before.stop <= after.start for before, after in pairwise(found))


def test_the_totals_of_very_many_texts_are_exact() -> None:
    generator = np.random.default_rng(0)
    lengths = generator.integers(0, 30, size=3 * TEXTS_AT_ONCE)
    joined = generator.normal(size=lengths.sum()) * 1e3
    found = best_totals(joined, lengths)
    for place in generator.integers(0, len(lengths), size=50):
        begin = lengths[:place].sum()
        assert abs(found[place] - slow_best(joined[begin : begin + lengths[place]].tolist())) < 1e-4
