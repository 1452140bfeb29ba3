import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import islice, pairwise
from typing import Any

import numpy as np
import pytest
import torch
import torch.distributed
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from torch._C._distributed_c10d import HashStore

from charlm import BatchSampler, CheckpointMismatchError, CheckpointVersionError, TextDataset
from charlm.data.batch_order import ORDERED_AT_ONCE
from strategies import costly


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
    without_seed = BatchSampler(TextDataset(range(1000), block_size=3), batch_size=2)
    assert [x.tolist() for x, _ in islice(without_seed, 6)] == [x.tolist() for x, _ in islice(sampler(0), 6)]


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
    ("batch_size", "error"),
    [(0, ValueError), (-3, ValueError), (2**63, ValueError), (2.0, TypeError), (True, TypeError)],
)
def test_batch_size_is_a_positive_integer(batch_size: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match="batch_size must be"):
        BatchSampler(TextDataset(range(10), block_size=2), batch_size)


@pytest.mark.parametrize("device", ["nonsense", "cuda:99"])
def test_a_device_that_is_not_there_is_refused(device: str) -> None:
    with pytest.raises(ValueError, match=f"device '{device}' cannot be used here"):
        BatchSampler(TextDataset(range(10), block_size=2), 2, device=device)


ORDERS: list[Any] = ["random", "shuffled", "sequential"]


def make(order: Any = "random", *, batch_size: int = 12, seed: int = 5, **settings: Any) -> BatchSampler:
    return BatchSampler(TextDataset(range(41), block_size=4), batch_size, seed=seed, order=order, **settings)


def starts(batches: BatchSampler, count: int) -> list[list[int]]:
    return [inputs[:, 0].tolist() for inputs, _ in islice(batches, count)]


@pytest.mark.parametrize("order", ["shuffled", "sequential"])
def test_every_window_comes_once_an_epoch(order: Any) -> None:
    drawn = [start for batch in starts(make(order, batch_size=10), 37 * 3) for start in batch]
    epochs = [drawn[i : i + 37] for i in range(0, 37 * 10, 37)]
    assert all(sorted(epoch) == list(range(37)) for epoch in epochs)
    if order == "sequential":
        assert epochs[0] == epochs[1] == list(range(37))
    else:
        assert len({tuple(epoch) for epoch in epochs}) == len(epochs)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("world_size", [1, 2, 3, 4, 6])
def test_ranks_share_the_same_global_batches(order: Any, world_size: int) -> None:
    ranks = [starts(make(order, rank=rank, world_size=world_size), 30) for rank in range(world_size)]
    shared = [[start for share in shares for start in share] for shares in zip(*ranks, strict=True)]
    assert shared == starts(make(order), 30)


@pytest.mark.parametrize("order", ORDERS)
def test_a_run_resumes_at_any_step_on_any_number_of_processes(order: Any) -> None:
    whole = starts(make(order), 500)
    running = make(order)
    border = ORDERED_AT_ONCE // running.batch_size
    steps = [*range(0, border - 9, 11), *range(border - 9, border + 9), *range(border + 9, 490, 11)]
    for place, (step, following) in enumerate(pairwise(steps)):
        if place % 5 == 1:
            world_size = (1, 2, 3, 4, 6)[place // 5 % 5]
            for rank in range(world_size):
                share = 12 // world_size
                resumed = make(order, rank=rank, world_size=world_size)
                resumed.load_state_dict(running.state_dict())
                expected = [batch[rank * share : (rank + 1) * share] for batch in whole[step : step + 3]]
                assert starts(resumed, 3) == expected
        continued = make(order)
        continued.load_state_dict(running.state_dict())
        running = continued
        assert starts(running, following - step) == whole[step:following]
        assert running.batches_drawn == following


class SamplerMachine(RuleBasedStateMachine):
    """Drawing, saving and restoring in any order, against the list of batches drawn in one go."""

    @initialize(order=st.sampled_from(ORDERS), seed=st.integers(0, 2**31), batch_size=st.integers(1, 37))
    def start(self, order: Any, seed: int, batch_size: int) -> None:
        self.make = partial(make, order, seed=seed, batch_size=batch_size)
        self.expected = starts(self.make(), 60)
        self.sampler, self.step = self.make(), 0
        self.saved: list[tuple[int, dict[str, Any]]] = []

    @precondition(lambda self: self.step < 60)
    @rule()
    def draw(self) -> None:
        assert starts(self.sampler, 1) == [self.expected[self.step]]
        self.step += 1

    @rule()
    def save(self) -> None:
        self.saved.append((self.step, self.sampler.state_dict()))

    @precondition(lambda self: self.saved)
    @rule(which=st.integers(0, 100), fresh=st.booleans())
    def restore(self, which: int, fresh: bool) -> None:
        self.step, state = self.saved[which % len(self.saved)]
        self.sampler = self.make() if fresh else self.sampler
        self.sampler.load_state_dict(state)

    @invariant()
    def counts_what_it_gave(self) -> None:
        if hasattr(self, "sampler"):
            assert self.sampler.batches_drawn == self.step


TestSamplerMachine = SamplerMachine.TestCase
TestSamplerMachine.settings = costly()


@pytest.mark.parametrize("order", ORDERS)
def test_batches_prepared_in_the_background_are_the_same_and_resume_exactly(order: Any) -> None:
    def in_background() -> BatchSampler:
        batches = make(order)
        batches._loader = ThreadPoolExecutor(1)  # what an accelerator gets
        return batches

    whole = starts(make(order), 9)
    first = in_background()
    assert starts(first, 4) == whole[:4]
    state = first.state_dict()
    assert starts(first, 2) == whole[4:6]
    second = in_background()
    second.load_state_dict(state)
    assert starts(second, 5) == whole[4:]
    first.load_state_dict(state)
    assert starts(first, 5) == whole[4:]


@pytest.mark.parametrize("in_background", [False, True])
@pytest.mark.parametrize("order", ORDERS)
def test_a_batch_that_could_not_be_read_is_asked_for_again(
    order: Any, in_background: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = starts(make(order), 9)
    batches = make(order)
    batches._loader = ThreadPoolExecutor(1) if in_background else None
    assert starts(batches, 3) == whole[:3]
    if in_background:
        assert batches._upcoming is not None
        batches._upcoming[0].result()  # the fourth is there already; the fifth will fail
    read, failures = batches.dataset.batch, iter([OSError("gone")])

    def fail_once(indices: torch.Tensor, device: torch.device) -> tuple[torch.Tensor, torch.Tensor]:
        for failure in failures:
            raise failure
        return read(indices, device)

    monkeypatch.setattr(batches.dataset, "batch", fail_once)
    given = 4 if in_background else 3
    assert starts(batches, given - 3) == whole[3:given]
    with pytest.raises(OSError, match="gone"):
        next(batches)
    assert batches.batches_drawn == given
    resumed = make(order)
    resumed.load_state_dict(batches.state_dict())
    assert starts(resumed, 3) == starts(batches, 3) == whole[given : given + 3]


def test_only_batches_for_an_accelerator_are_prepared_in_a_thread() -> None:
    def loaders() -> set[threading.Thread]:
        return {thread for thread in threading.enumerate() if thread.name.startswith("batches")}

    before = loaders()
    next(make())
    assert loaders() == before
    batches = make(device="meta")  # stands in for one: no memory of this process
    for _ in range(3):
        assert [tensor.device.type for tensor in next(batches)] == ["meta", "meta"]
    assert len(loaders() - before) == 1


def test_a_batch_for_an_accelerator_is_prepared_while_the_one_before_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    batches = make(device="meta")
    batch_of, prepared = batches.dataset.batch, list[Any]()
    two_are_prepared = threading.Event()

    def noted(*arguments: Any) -> Any:
        prepared.append(arguments)
        if len(prepared) == 2:
            two_are_prepared.set()
        return batch_of(*arguments)

    monkeypatch.setattr(batches.dataset, "batch", noted)
    next(batches)
    assert two_are_prepared.wait(timeout=60)


@pytest.mark.parametrize("order", ORDERS)
def test_an_epoch_can_be_one_batch(order: Any) -> None:
    (batch,) = starts(make(order, batch_size=37), 1)
    assert len(batch) == 37
    assert order == "random" or sorted(batch) == list(range(37))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"seed": 6}, "seed: 6 -> 5"),
        ({"order": "shuffled"}, "order: 'shuffled' -> 'random'"),
        ({"batch_size": 6, "seed": 1}, "seed: 1 -> 5; batch_size: 6 -> 12"),
        ({"dataset": "another"}, "the training data have changed$"),
    ],
)
def test_the_state_of_another_sampler_is_refused_with_every_difference(changes: dict[str, Any], message: str) -> None:
    batches = make()
    with pytest.raises(CheckpointMismatchError, match=message):
        batches.load_state_dict(batches.state_dict() | changes)
    assert starts(batches, 5) == starts(make(), 5)


def test_the_state_of_other_data_or_a_newer_version_is_refused() -> None:
    other = BatchSampler(TextDataset(range(1, 42), block_size=4), 12, seed=5)
    with pytest.raises(CheckpointMismatchError, match="the training data have changed"):
        make().load_state_dict(other.state_dict())
    with pytest.raises(CheckpointVersionError, match="version 2 is newer than version 1"):
        make().load_state_dict(other.state_dict() | {"version": 2})


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"order": "backwards"}, "order must be"),
        ({"rank": 2, "world_size": 2}, "rank must be at least 0 and below world_size 2, got 2"),
        ({"rank": -1, "world_size": 2}, "rank must be"),
        ({"rank": 0, "world_size": 0}, "world_size must be at least 1"),
        ({"rank": 0, "world_size": 5}, "must be a multiple of world_size 5, got 12"),
        ({"order": "shuffled", "batch_size": 38}, "batch_size 38 is larger than the dataset of 37 examples"),
        ({"order": "sequential", "batch_size": 38}, "batch_size 38 is larger than the dataset of 37 examples"),
    ],
)
def test_settings_that_cannot_be_are_refused(settings: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make(**settings)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"dataset": [1, 2, 3]},
            "dataset must have the members of Dataset, and list lacks has_ignored_targets, batch, ",
        ),
        ({"seed": "0"}, "seed must be an integer, got str"),
        ({"rank": 0.0, "world_size": 1}, "rank must be an integer, got float"),
        ({"world_size": "1"}, "world_size must be an integer, got str"),
    ],
)
def test_a_wrong_type_names_the_setting(settings: Any, message: str) -> None:
    with pytest.raises(TypeError, match=message):
        BatchSampler(**{"dataset": TextDataset(range(10), block_size=2), "batch_size": 2} | settings)


def test_rank_and_world_size_come_from_torch_distributed() -> None:
    torch.distributed.init_process_group("gloo", store=HashStore(), rank=0, world_size=1)
    try:
        assert (make().rank, make().world_size) == (0, 1)
        assert make(rank=1, world_size=2).rank == 1
    finally:
        torch.distributed.destroy_process_group()


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"batches": -1}, "batches of a sampler's state must be"),
        ({"batches": "x"}, "batches of a sampler's state must be"),
        ({"by_length": None}, "no 'by_length'"),
    ],
)
def test_a_state_that_is_not_one_of_a_sampler_is_refused(change: dict[str, Any], match: str) -> None:
    batches = BatchSampler(TextDataset(range(100), block_size=4), batch_size=2)
    state = {name: value for name, value in (batches.state_dict() | change).items() if value is not None}
    with pytest.raises((TypeError, ValueError), match=match):
        batches.load_state_dict(state)
    assert batches.batches_drawn == 0
