from itertools import chain, combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from charlm.generation import rows
from charlm.generation.rows import Rows, batches

prompts_of_rows = st.lists(st.lists(st.integers(0, 99), min_size=1, max_size=9), min_size=1, max_size=6)
all_lengths = st.lists(st.integers(1, 60), min_size=1, max_size=7)


@given(prompts=prompts_of_rows)
def test_the_ids_of_a_row_are_its_first_then_those_that_are_given(prompts: list[list[int]]) -> None:
    found = Rows(prompts)
    for row, prompt in enumerate(prompts):
        given_ids = [step[row] for step in found.given.tolist()]
        assert found.first[row].tolist() + given_ids[: found.delays[row]] == prompt
        assert set(given_ids[found.delays[row] :]) <= {-1}
    assert min(found.delays) == 0


def steps(lengths: list[int], parts: list[list[int]], most: int) -> int:
    return sum(max(lengths[place] for place in part) - min(lengths[place] for place in part) + most for part in parts)


@given(lengths=all_lengths, most=st.integers(1, 30))
def test_no_other_batches_of_neighbours_take_fewer_steps(lengths: list[int], most: int) -> None:
    found = list(batches(lengths, 1, most))
    assert sorted(chain.from_iterable(found)) == list(range(len(lengths)))
    order = sorted(range(len(lengths)), key=lengths.__getitem__)
    every_way = (
        [order[start:stop] for start, stop in zip([0, *cuts], [*cuts, len(order)], strict=True)]
        for number in range(len(order))
        for cuts in combinations(range(1, len(order)), number)
    )
    assert steps(lengths, found, most) == min(steps(lengths, parts, most) for parts in every_way)


@given(lengths=all_lengths, n_samples=st.integers(1, 9))
def test_a_batch_has_a_limit_but_the_samples_of_a_prompt_stay_together(lengths: list[int], n_samples: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rows, "ROWS_AT_ONCE", 6)
        found = list(batches(lengths, n_samples, 100))
    assert sorted(chain.from_iterable(found)) == list(range(len(lengths)))
    assert all(len(part) * n_samples <= 6 or len(part) == 1 for part in found)


def test_there_are_no_batches_of_no_prompts() -> None:
    assert list(batches([], 3, 9)) == []
