"""A trainer takes the batches of any iterable, and promises no more of them than it can keep."""

from collections.abc import Callable, Iterator
from itertools import repeat
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.utils.data import DataLoader, IterableDataset, TensorDataset

from charlm import (
    IGNORE_INDEX,
    BatchSampler,
    BigramLanguageModel,
    CheckpointMismatchError,
    RecordDataset,
    TextDataset,
    Trainer,
    TrainerConfig,
    load_model,
)
from chartok import Vocabulary

VOCABULARY = Vocabulary("abc")
DATASET = TextDataset([0, 1, 2, 1] * 40, block_size=8)
INPUTS = torch.tensor([[0, 1, 2], [2, 1, 0]])
PAIR = INPUTS, (INPUTS + 1) % 3


def trained(batches: Any, **settings: Any) -> Trainer:
    config = TrainerConfig(**{"max_steps": 6, "learning_rate": 0.05, "log_interval": 1} | settings)
    return Trainer(BigramLanguageModel(3), batches, config=config).fit()


def test_the_batches_of_a_sampler_train_alike_given_one_by_one() -> None:
    sampled = trained(BatchSampler(DATASET, 4, seed=1))
    drawn = BatchSampler(DATASET, 4, seed=1)
    given_ = trained([next(drawn) for _ in range(6)])
    assert [entry.train_loss for entry in given_.log] == [entry.train_loss for entry in sampled.log]
    assert torch.equal(given_.model.state_dict()["table"], sampled.model.state_dict()["table"])


def test_no_batch_is_drawn_beyond_the_last_step() -> None:
    batches = iter(BatchSampler(DATASET, 4, seed=1))
    drawn = []

    def noting() -> Iterator[Any]:
        for batch in batches:
            drawn.append(batch)
            yield batch

    trained(noting(), max_steps=3)
    assert len(drawn) == 3


@pytest.mark.parametrize("workers", [0, 1])
def test_a_data_loader_trains_alike_with_the_same_seed_of_the_run(workers: int) -> None:
    def losses(seed: int) -> list[float]:
        loader = DataLoader(DATASET, batch_size=4, shuffle=True, num_workers=workers)
        torch.manual_seed(torch.initial_seed() + 1)
        return [entry.train_loss for entry in trained(loader, seed=seed).log]

    assert losses(1) == losses(1)
    assert losses(1) != losses(2)


@given(st.integers(1, 5), st.integers(1, 4))
def test_an_epoch_is_a_pass_over_the_iterable(length: int, epochs: int) -> None:
    trainer = trained([PAIR] * length, max_steps=None, max_epochs=epochs)
    assert trainer.total_steps == trainer.step == length * epochs


def test_what_can_be_iterated_again_begins_anew_without_a_word() -> None:
    assert trained([PAIR] * 2, max_steps=7).step == 7


@pytest.mark.parametrize("log_interval", [2, 100])
def test_what_ends_for_good_ends_the_run_and_says_so(tmp_path: Path, log_interval: int) -> None:
    trainer = Trainer(
        BigramLanguageModel(3),
        repeat(PAIR, 4),
        validation=DATASET,
        config=TrainerConfig(max_steps=9, log_interval=log_interval),
        folder=tmp_path / "run",
        vocabulary=VOCABULARY,
    )
    with pytest.warns(UserWarning, match="the batches ended after 4, and cannot be iterated over again: the run ends"):
        trainer.fit()
    assert trainer.step == trainer.log[-1].step == 4
    assert trainer.log[-1].validation_loss is not None
    assert trainer.best_checkpoint is not None
    assert load_model(tmp_path / "run")[1] == VOCABULARY
    assert trainer.fit().step == 4


def test_batches_are_moved_to_the_device_and_widened(device: torch.device) -> None:
    for dtype in (np.uint8, np.uint16, np.int32):
        batch: Any = [INPUTS.numpy().astype(dtype), torch.from_numpy(PAIR[1].numpy().astype(dtype))]
        model = BigramLanguageModel(3).to(device)
        found = Trainer(model, [batch], config=TrainerConfig(max_steps=3, learning_rate=0.05, log_interval=1)).fit()
        expected = trained([PAIR], max_steps=3)
        assert found.log[-1].train_loss == pytest.approx(expected.log[-1].train_loss, rel=1e-5)


@pytest.mark.parametrize("accumulation_steps", [1, 2])
def test_masked_targets_count_in_no_loss(accumulation_steps: int) -> None:
    masked = PAIR[1].clone()
    masked[0] = IGNORE_INDEX  # all of the first micro-batch
    model = BigramLanguageModel(3, seed=1)
    _, expected = model(INPUTS[1:], PAIR[1][1:])
    assert expected is not None
    config = TrainerConfig(max_steps=1, accumulation_steps=accumulation_steps, learning_rate=0.1)
    trainer = Trainer(model, [(INPUTS, masked)], config=config).fit()
    assert trainer.log[0].train_loss == pytest.approx(expected.item())
    assert all(weight.isfinite().all() for weight in model.parameters())


def test_a_resumed_run_goes_on_but_says_that_its_batches_begin_anew(tmp_path: Path) -> None:
    config = TrainerConfig(max_steps=3, learning_rate=0.05)
    batches = [PAIR] * 5
    Trainer(BigramLanguageModel(3), batches, config=config, folder=tmp_path, vocabulary=VOCABULARY).fit()
    later = TrainerConfig(max_steps=9, learning_rate=0.05)
    with pytest.warns(UserWarning, match="resumes, but not exactly: batches come from an iterable, which begins"):
        resumed = Trainer.resume(tmp_path, batches, config=later)
    assert resumed.step == 3
    assert resumed.fit().step == 9
    with pytest.raises(
        CheckpointMismatchError, match=r"batches\.batch_size: None -> 4; .*batches\.source: 'an iterable' -> None"
    ):
        Trainer.resume(tmp_path, BatchSampler(DATASET, 4), config=later)


def test_a_run_that_sampled_resumes_on_no_iterable(tmp_path: Path) -> None:
    config = TrainerConfig(max_steps=1, learning_rate=0.05)
    sampler = BatchSampler(DATASET, 4)
    Trainer(BigramLanguageModel(3), sampler, config=config, folder=tmp_path, vocabulary=VOCABULARY).fit()
    with pytest.raises(CheckpointMismatchError, match=r"batches\.source: None -> 'an iterable'"):
        Trainer.resume(tmp_path, [PAIR])


def test_records_come_from_a_data_loader_with_a_collation_of_ones_own() -> None:
    dataset = RecordDataset(["ab=b", "b=ab"], prompt_end="=")

    def padded(examples: list[tuple[Tensor, Tensor]]) -> tuple[Tensor, Tensor]:
        inputs, targets = zip(*examples, strict=True)
        return (
            torch.nn.utils.rnn.pad_sequence(list(inputs), batch_first=True),
            torch.nn.utils.rnn.pad_sequence(list(targets), batch_first=True, padding_value=IGNORE_INDEX),
        )

    loader: DataLoader[Any] = DataLoader(dataset, batch_size=2, collate_fn=padded)
    config = TrainerConfig(max_steps=2)
    size = dataset.vocabulary.size
    found = Trainer(BigramLanguageModel(size, seed=2), loader, config=config).fit()
    sampler = BatchSampler(dataset, 2, order="sequential")
    expected = Trainer(BigramLanguageModel(size, seed=2), sampler, config=config).fit()
    assert found.log[-1].train_loss == pytest.approx(expected.log[-1].train_loss)


class Endless(IterableDataset[tuple[Tensor, Tensor]]):
    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        return repeat((INPUTS[0], PAIR[1][0]))


def test_a_loader_of_a_stream_has_no_epochs() -> None:
    loader = DataLoader(Endless(), batch_size=2)
    assert trained(loader, max_steps=4).step == 4
    with pytest.raises(ValueError, match=r"max_epochs needs to know how many batches there are, and a DataLoader does"):
        trained(loader, max_steps=None, max_epochs=1)


def failing() -> Iterator[Any]:
    yield PAIR
    raise OSError("the disk is gone")


@pytest.mark.parametrize(
    ("batches", "error", "message"),
    [
        ([], ValueError, "batches is empty, or has been iterated over: give at least one batch"),
        (iter([]), ValueError, "batches is empty"),
        (5, TypeError, r"batches must be a BatchSampler or an iterable of \(inputs, targets\), got int$"),
        ("ab", TypeError, r"an iterable of \(inputs, targets\), got str$"),
        (DATASET, TypeError, "got TextDataset: put it in a BatchSampler, or in a torch.utils.data.DataLoader"),
        (TensorDataset(*PAIR), TypeError, "got TensorDataset: put it in a BatchSampler"),
        ([INPUTS], TypeError, r"batch 1 must be a pair \(inputs, targets\), got Tensor"),
        ([PAIR, {"inputs": INPUTS}], TypeError, "batch 2 must be a pair .* got dict"),
        ([(*PAIR, INPUTS)], TypeError, "batch 1 must be a pair .* got tuple"),
        ([([[0]], [[1]])], TypeError, "the inputs of batch 1 must be a tensor or an array of integers, got list"),
        ([(INPUTS.float(), INPUTS)], TypeError, "the inputs of batch 1 must be integers, got torch.float32"),
        ([(INPUTS, INPUTS > 0)], TypeError, "the targets of batch 1 must be integers, got torch.bool"),
        ([(INPUTS[0], PAIR[1][0])], ValueError, r"must be \(B, T\), each at least 1, got shape \(3,\)"),
        ([(INPUTS[:0], INPUTS[:0])], ValueError, r"must be \(B, T\), each at least 1, got shape \(0, 3\)"),
        ([(INPUTS, INPUTS[:1])], ValueError, r"batch 1 must have inputs and targets of one shape, got \(2, 3\) and"),
        ([PAIR, (INPUTS + 1, INPUTS)], ValueError, "the inputs of batch 2 must be ids 0 to 2, got 3"),
        ([(INPUTS - 100, INPUTS)], ValueError, "the inputs of batch 1 must be ids 0 to 2, got -100"),
        (
            [(INPUTS, INPUTS - 1)],
            ValueError,
            "the targets of batch 1 must be ids 0 to 2, or -100 for a masked one, got -1",
        ),
        ([(INPUTS, INPUTS * 0 - 100)], ValueError, "the targets of batch 1 are all -100, which masks them: nothing"),
        (failing(), OSError, "the disk is gone"),
    ],
)
def test_batches_that_are_none_are_named(batches: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        trained(batches)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: BatchSampler(TensorDataset(*PAIR), 2),  # type: ignore[arg-type]  # bad input
            (
                "the members of Dataset, and TensorDataset lacks has_ignored_targets, batch, check_ids, fingerprint, "
                r"examples_per_epoch: add them, or give Trainer any iterable of .*\.DataLoader"
            ),
        ),
        (
            lambda: Trainer(BigramLanguageModel(3), [PAIR], validation=TensorDataset(*PAIR)),  # type: ignore[arg-type]  # bad input
            "validation must have the members of ValidationDataset, and TensorDataset lacks pieces, check_ids, fing",
        ),
    ],
)
def test_a_dataset_of_torch_is_told_what_it_lacks(make: Callable[[], object], message: str) -> None:
    with pytest.raises(TypeError, match=message):
        make()
