from itertools import islice
from typing import Any

import numpy as np
import pytest
import torch

from charlm import BatchSampler, TextDataset


def test_batches_are_those_of_the_global_generator_which_stays_untouched() -> None:
    ids = torch.randint(0, 60, (500,), dtype=torch.int64)
    batches = BatchSampler(TextDataset(ids, block_size=7), batch_size=5, seed=11)
    torch.manual_seed(11)
    for _ in range(20):
        starts = torch.randint(0, 500 - 7, (5,))
        before = torch.get_rng_state()
        inputs, targets = next(batches)
        assert torch.equal(torch.get_rng_state(), before)
        assert torch.equal(inputs, torch.stack([ids[i : i + 7] for i in starts]))
        assert torch.equal(targets, torch.stack([ids[i + 1 : i + 8] for i in starts]))


def test_the_seed_decides_the_batches_and_iter_goes_on_where_it_was() -> None:
    def sampler(seed: int) -> BatchSampler:
        return BatchSampler(TextDataset(range(1000), block_size=3), batch_size=2, seed=seed)

    first = [inputs.tolist() for inputs, _ in islice(sampler(1), 6)]
    halves = sampler(1)
    assert [x.tolist() for x, _ in islice(halves, 3)] + [x.tolist() for x, _ in islice(halves, 3)] == first
    assert [inputs.tolist() for inputs, _ in islice(sampler(2), 6)] != first


def test_every_window_can_be_drawn_the_last_included() -> None:
    batches = BatchSampler(TextDataset(range(6), block_size=2), batch_size=64, seed=0)
    assert set(next(batches)[0][:, 0].tolist()) == {0, 1, 2, 3}


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.uint32])
def test_batches_are_int64_on_the_device_asked_for(device: torch.device, dtype: Any) -> None:
    batches = BatchSampler(TextDataset(np.arange(50, dtype=dtype), block_size=4), 3, device=device)
    for tensor in next(batches):
        assert (tensor.dtype, tensor.device, tuple(tensor.shape)) == (torch.int64, batches.device, (3, 4))
    assert batches.device == device


@pytest.mark.parametrize(
    ("batch_size", "error"), [(0, ValueError), (-3, ValueError), (2.0, TypeError), (True, TypeError)]
)
def test_batch_size_is_a_positive_integer(batch_size: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match="batch_size must be"):
        BatchSampler(TextDataset(range(10), block_size=2), batch_size)


@pytest.mark.parametrize("device", ["nonsense", "cuda:99"])
def test_a_device_that_is_not_there_is_refused(device: str) -> None:
    with pytest.raises(ValueError, match=f"device '{device}' cannot be used here"):
        BatchSampler(TextDataset(range(10), block_size=2), 2, device=device)
