import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from charlm.data.permutation import Permutation


@given(st.integers(1, 3000), st.integers(-(2**63), 2**64), st.integers(0, 10))
def test_every_entry_comes_once(length: int, seed: int, epoch: int) -> None:
    entries = Permutation(length, seed=seed, epoch=epoch)(np.arange(length))
    assert sorted(entries.tolist()) == list(range(length))


def test_seeds_and_epochs_give_other_orders() -> None:
    positions = np.arange(50)
    orders = {
        tuple(Permutation(50, seed=seed, epoch=epoch)(positions).tolist()) for seed in range(4) for epoch in range(4)
    }
    assert len(orders) == 16


@given(st.integers(-(2**63), -1))
def test_a_negative_seed_is_the_one_that_it_is_in_64_bits(seed: int) -> None:
    negative, positive = (Permutation(50, seed=same, epoch=1)(np.arange(50)) for same in (seed, seed + 2**64))
    assert negative.tolist() == positive.tolist()


def test_entries_are_spread_as_if_drawn_at_random() -> None:
    counts = np.zeros((8, 8))
    for seed in range(4000):
        counts[np.arange(8), Permutation(8, seed=seed, epoch=0)(np.arange(8))] += 1
    assert np.abs(counts / 4000 - 1 / 8).max() < 0.03
    long = Permutation(10**6, seed=1, epoch=0)(np.arange(1000))
    assert abs(np.corrcoef(np.arange(1000), long)[0, 1]) < 0.1


def test_an_order_of_trillions_takes_no_memory() -> None:
    entries = Permutation(10**13, seed=0, epoch=0)(np.arange(10**13 - 1000, 10**13))
    assert len(set(entries.tolist())) == 1000
    assert entries.min() >= 0
    assert entries.max() < 10**13


@pytest.mark.parametrize("length", [1, 2, 3, 4, 5, 16, 17])
def test_short_orders_are_whole(length: int) -> None:
    assert set(Permutation(length, seed=3, epoch=1)(np.arange(length)).tolist()) == set(range(length))
