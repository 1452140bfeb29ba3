import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from charlm.data.selection import Selection

masks = st.integers(0, 1200).flatmap(
    lambda size: st.tuples(st.just(size), st.integers(0, 2**32 - 1), st.sampled_from([0.0, 0.01, 0.5, 0.99, 1.0]))
)


@given(masks, st.data())
def test_a_selection_is_the_numbers_that_are_chosen(drawn: tuple[int, int, float], data: st.DataObject) -> None:
    size, seed, share = drawn
    generator = np.random.default_rng(seed)
    mask = generator.random(size) < share
    selection, numbers = Selection(mask), np.flatnonzero(mask)
    assert len(selection) == len(numbers)
    start = data.draw(st.integers(0, len(numbers)))
    stop = data.draw(st.integers(start, len(numbers)))
    assert selection[start:stop].tolist() == numbers[start:stop].tolist()
    places = generator.integers(0, max(len(numbers), 1), size=50 if len(numbers) else 0)
    assert selection[places].tolist() == numbers[places].tolist()
    some = generator.random(len(numbers)) < 0.5
    assert selection.chosen(some)[:].tolist() == numbers[some].tolist()
