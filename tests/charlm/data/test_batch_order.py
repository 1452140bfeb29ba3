"""Batches of examples of like length have the examples that they would have without, in batches put together anew."""

from itertools import islice
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from charlm import BatchSampler, RecordDataset, TextDataset
from charlm.data.batch_order import ALIKE, BATCHES_BY_LENGTH, BatchOrder, together
from strategies import costly

lengths = st.lists(st.one_of(st.integers(1, 15), st.integers(1, 100)), min_size=1, max_size=80)
orders: Any = st.sampled_from(["random", "shuffled"])


def dataset_of(sizes: list[int]) -> RecordDataset:
    return RecordDataset(["a" * size for size in sizes])


def order_of(dataset: RecordDataset, batch_size: int, order: Any, *, by_length: bool, seed: int = 3) -> BatchOrder:
    return BatchOrder(len(dataset), batch_size, seed=seed, order=order, widths=dataset.widths if by_length else None)


@costly()
@given(lengths, st.integers(1, 9), orders)
def test_a_window_of_batches_has_the_examples_that_it_would_have_without(
    sizes: list[int], batch_size: int, order: Any
) -> None:
    dataset = dataset_of(sizes)
    plain, sorted_ = (order_of(dataset, batch_size, order, by_length=by_length) for by_length in (False, True))
    for window in range(2):
        numbers = range(window * BATCHES_BY_LENGTH, (window + 1) * BATCHES_BY_LENGTH)
        expected = np.concatenate([plain[number] for number in numbers])
        found = np.concatenate([sorted_[number] for number in numbers])
        assert sorted(found.tolist()) == sorted(expected.tolist())


@costly(20)
@given(lengths.filter(lambda sizes: max(sizes) < ALIKE), st.integers(1, 9), orders)
def test_where_all_are_alike_nothing_changes(sizes: list[int], batch_size: int, order: Any) -> None:
    dataset = dataset_of(sizes)
    plain, sorted_ = (order_of(dataset, batch_size, order, by_length=by_length) for by_length in (False, True))
    for number in range(BATCHES_BY_LENGTH + 9):
        assert plain[number].tolist() == sorted_[number].tolist()


@costly()
@given(lengths, st.integers(1, 9))
def test_every_example_comes_once_an_epoch(sizes: list[int], batch_size: int) -> None:
    dataset = dataset_of(sizes)
    batches = order_of(dataset, batch_size, "shuffled", by_length=True)
    count = -(-4 * len(sizes) // batch_size)
    drawn = np.concatenate([batches[number] for number in range(count)])
    for start in range(0, len(drawn) - len(sizes) + 1, len(sizes)):
        assert sorted(drawn[start : start + len(sizes)].tolist()) == list(range(len(sizes)))


@costly()
@given(
    st.lists(st.integers(1, 200), min_size=1, max_size=60),
    st.integers(1, 7),
    st.lists(st.booleans(), min_size=60, max_size=60),
)
def test_batches_are_put_together_as_the_rule_says(sizes: list[int], batch_size: int, ends: list[bool]) -> None:
    sizes = (sizes * batch_size)[: len(sizes) // batch_size * batch_size or batch_size]
    epochs = np.cumsum(ends[: len(sizes)] + [False] * (len(sizes) - 60)) // 9

    def width_class(place: int) -> int:
        limit, number = ALIKE, 0
        while sizes[place] > limit:
            limit, number = 2 * limit, number + 1
        return number

    in_order = sorted(range(len(sizes)), key=lambda place: (epochs[place], width_class(place), place))
    batches = [in_order[start : start + batch_size] for start in range(0, len(in_order), batch_size)]
    batches.sort(key=lambda batch: (max(epochs[place] for place in batch), min(batch)))
    assert together(np.array(sizes), epochs, batch_size).tolist() == batches


def test_random_draws_of_like_length_are_those_of_the_global_generator() -> None:
    dataset = dataset_of([3, 5, 9] * 30)
    batches = BatchSampler(dataset, 4, seed=11, by_length=True)
    torch.manual_seed(11)
    for _ in range(100):
        indices = torch.randint(0, len(dataset), (4,))
        expected = dataset.batch(indices, torch.device("cpu"))
        assert all(torch.equal(one, other) for one, other in zip(next(batches), expected, strict=True))


DATASET = dataset_of([3, 90, 14, 20, 5, 33, 8, 70, 2, 15, 16, 17] * 9)


def make(order: Any, **settings: Any) -> BatchSampler:
    return BatchSampler(DATASET, 12, seed=5, order=order, by_length=True, **settings)


def rows(batches: BatchSampler, count: int) -> list[list[list[int]]]:
    """Returns the targets of each example of some batches, without padding."""
    return [
        [[token for token in row if token != -100] for row in targets.tolist()] for _, targets in islice(batches, count)
    ]


@pytest.mark.parametrize("order", ["random", "shuffled"])
@pytest.mark.parametrize("world_size", [2, 3, 4])
def test_ranks_share_the_same_global_batches(order: Any, world_size: int) -> None:
    ranks = [rows(make(order, rank=rank, world_size=world_size), 150) for rank in range(world_size)]
    shared = [[row for share in shares for row in share] for shares in zip(*ranks, strict=True)]
    assert shared == rows(make(order), 150)


@pytest.mark.parametrize("order", ["random", "shuffled"])
def test_a_run_resumes_at_every_step_on_any_number_of_processes(order: Any) -> None:
    whole = rows(make(order), 200)
    running = make(order)
    for step in range(197):
        resumed = make(order, rank=step % 3, world_size=3)
        resumed.load_state_dict(running.state_dict())
        share = slice(step % 3 * 4, step % 3 * 4 + 4)
        assert rows(resumed, 3) == [batch[share] for batch in whole[step : step + 3]]
        continued = make(order)
        continued.load_state_dict(running.state_dict())
        running = continued
        assert rows(running, 1) == [whole[step]]


@pytest.mark.parametrize("order", ["random", "shuffled"])
def test_a_batch_that_could_not_be_read_is_read_again(order: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = rows(make(order), 150)
    batches = make(order)
    assert rows(batches, 70) == whole[:70]
    with monkeypatch.context() as patch:
        patch.setattr(RecordDataset, "batch", lambda *_: (_ for _ in ()).throw(OSError("gone")))
        with pytest.raises(OSError, match="gone"):
            next(batches)
    assert rows(batches, 80) == whole[70:]


def test_a_long_record_makes_few_batches_wide() -> None:
    dataset = RecordDataset(["abcdefg"] * 3_200 + ["x" * 20_000], block_size=64)
    batches = BatchSampler(dataset, 32, order="shuffled", by_length=True)
    widths = [inputs.shape[1] for inputs, _ in islice(batches, len(dataset) // 32)]
    assert sum(width > ALIKE for width in widths) <= 20_000 / 64 / 32 + 2 * len(widths) / BATCHES_BY_LENGTH + 2


def test_the_windows_of_a_text_are_of_one_length() -> None:
    batches, plain = (BatchSampler(TextDataset(range(99), 8), 4, by_length=by_length) for by_length in (True, False))
    for _ in range(70):
        assert torch.equal(next(batches)[0], next(plain)[0])


def test_a_sequence_is_not_put_together_by_length() -> None:
    with pytest.raises(ValueError, match="by_length would change the order 'sequential': use 'random' or 'shuffled'"):
        make("sequential")
    with pytest.raises(TypeError, match="by_length must be True or False, got 1"):
        BatchSampler(DATASET, 12, by_length=1)  # type: ignore[arg-type]  # bad input
