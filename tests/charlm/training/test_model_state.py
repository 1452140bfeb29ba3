"""Resuming keeps what was set: frozen and tied weights, buffers, parametrizations, groups."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn.utils import parametrizations

from charlm import (
    GPT,
    BatchSampler,
    BigramLanguageModel,
    CheckpointMismatchError,
    GPTConfig,
    LanguageModel,
    LogEntry,
    ParameterGroups,
    TextDataset,
    Trainer,
    TrainerConfig,
)
from charlm.training import state as states
from charlm.training.checkpoint import newest_checkpoint
from charlm.training.model_state import UnsavedBuffers
from chartok import Vocabulary
from two_layers import TwoLayers

CONFIG = TrainerConfig(
    max_steps=9, learning_rate=0.05, weight_decay=0.1, log_interval=1, evaluation_interval=3, checkpoint_interval=4
)
VOCABULARY = Vocabulary("abc")


def batches() -> BatchSampler:
    return BatchSampler(TextDataset([0, 1, 2, 1, 0, 2] * 40, block_size=8), batch_size=4, seed=1)


def stop(entry: LogEntry) -> None:
    if entry.step == 5:
        raise RuntimeError


def stopped(model: LanguageModel, folder: Path, config: TrainerConfig = CONFIG) -> None:
    """Trains a model in a folder up to its checkpoint of step 4."""
    trainer = Trainer(model, batches(), config=config, folder=folder, vocabulary=VOCABULARY, on_log=stop)
    with pytest.raises(RuntimeError):
        trainer.fit()


def assert_same(first: LanguageModel, second: LanguageModel) -> None:
    for (name, tensor), (_, other) in zip(first.state_dict().items(), second.state_dict().items(), strict=True):
        assert torch.equal(tensor, other), name
    for (name, buffer), (_, other) in zip(first.named_buffers(), second.named_buffers(), strict=True):
        assert torch.equal(buffer, other), name


class Tied(TwoLayers):
    """The head is the embedding."""

    family = "tied"

    def __init__(self, seed: int = 0) -> None:
        super().__init__(3, seed=seed)
        self.head.weight = self.embedding.weight


class Scaled(TwoLayers):
    """Has a buffer that counts steps and is saved, and one that is not."""

    family = "scaled"

    def __init__(self, seed: int = 0, steps: float = 0.0) -> None:
        super().__init__(3, seed=seed)
        self.register_buffer("steps", torch.tensor(steps))
        self.register_buffer("scale", torch.tensor(1.0), persistent=False)
        self.steps: Tensor
        self.scale: Tensor

    def logits(self, inputs: Tensor) -> Tensor:
        if self.training:
            self.steps += 1
            self.scale *= 0.9
        return super().logits(inputs) * self.scale


class Normed(TwoLayers):
    """The hidden layer has a parametrization."""

    family = "normed"

    def __init__(self, seed: int = 0) -> None:
        super().__init__(3, seed=seed)
        parametrizations.weight_norm(self.hidden)


@pytest.mark.parametrize("ema_decay", [None, 0.9])
@pytest.mark.parametrize("kind", [Tied, Scaled, Normed])
def test_a_model_of_ones_own_goes_on_bit_for_bit(tmp_path: Path, kind: Any, ema_decay: float | None) -> None:
    config = TrainerConfig(max_steps=9, learning_rate=0.05, log_interval=1, checkpoint_interval=4, ema_decay=ema_decay)
    whole = Trainer(kind(), batches(), config=config).fit()
    stopped(kind(), tmp_path, config)
    resumed = Trainer.resume(tmp_path, batches(), model=kind(seed=7)).fit()
    assert_same(whole.model, resumed.model)
    assert [entry.train_loss for entry in resumed.log] == [entry.train_loss for entry in whole.log]
    assert_same(whole.best_model(), resumed.best_model())


def test_tied_weights_are_saved_once_and_stay_tied(tmp_path: Path) -> None:
    stopped(Tied(), tmp_path)
    assert "head.weight" not in newest_checkpoint(tmp_path).model.tensors
    resumed = Trainer.resume(tmp_path, batches(), model=Tied(seed=7)).fit()
    assert isinstance(resumed.model, Tied)
    assert resumed.model.head.weight is resumed.model.embedding.weight
    best = resumed.best_model()
    assert isinstance(best, Tied)
    assert best.head.weight is best.embedding.weight


def frozen(model: LanguageModel) -> set[str]:
    return {name for name, parameter in model.named_parameters() if not parameter.requires_grad}


def half_frozen() -> GPT:
    shape = GPTConfig(vocab_size=3, block_size=8, n_layers=1, n_heads=1, width=8, hash_rows=7)
    model = GPT(shape, seed=3).requires_grad_(requires_grad=False)
    model.head.requires_grad_()
    return model


@pytest.mark.parametrize("optimizer", ["adamw", "muon"])
def test_frozen_weights_stay_frozen_and_equal(tmp_path: Path, optimizer: Any) -> None:
    model = half_frozen()
    if optimizer == "muon":
        model.blocks.requires_grad_()
    before = {name: parameter.clone() for name, parameter in model.named_parameters()}
    was_frozen = frozen(model)
    config = TrainerConfig(
        max_steps=9, learning_rate=0.05, weight_decay=0.5, checkpoint_interval=4, optimizer=optimizer
    )
    Trainer(model, batches(), config=config, folder=tmp_path, vocabulary=VOCABULARY).fit()
    longer = TrainerConfig(max_steps=12, learning_rate=0.05, weight_decay=0.5, optimizer=optimizer)
    resumed = Trainer.resume(tmp_path, batches(), config=longer).fit()
    assert frozen(resumed.model) == was_frozen
    for name, parameter in resumed.model.named_parameters():
        assert torch.equal(parameter, before[name]) == (name in was_frozen), name


def test_frozen_weights_of_a_state_in_memory_and_of_a_model_that_is_given_are_compared(tmp_path: Path) -> None:
    stopped(half_frozen(), tmp_path)
    difference = r"tensors\.embedding\.weight: 'float32 of shape \(3, 8\), frozen' -> 'float32 of shape \(3, 8\)'"
    thawed = half_frozen().requires_grad_()
    with pytest.raises(CheckpointMismatchError, match=difference):
        Trainer.resume(tmp_path, batches(), model=thawed)
    state = Trainer(half_frozen(), batches(), config=CONFIG).state_dict()
    with pytest.raises(CheckpointMismatchError, match=difference):
        Trainer(thawed, batches(), config=CONFIG).load_state_dict(state)


class Grouped(TwoLayers):
    """Says itself what decays."""

    family = "normed"

    def parameter_groups(self) -> ParameterGroups:
        return ParameterGroups(decayed=frozenset({"embedding.weight"}))


OTHERS: list[tuple[LanguageModel, str]] = [
    (TwoLayers(3), r"hidden\.parametrizations\.weight\.original0: 'float32 of shape \(4, 1\)' -> None"),
    (Normed().double(), r"embedding\.weight: 'float32 of shape .*' -> 'float64 of shape"),
    (Grouped(3), r"embedding\.weight: 'float32 of shape \(3, 4\)' -> 'float32 of shape \(3, 4\), decayed'"),
]


@pytest.mark.parametrize(("other", "difference"), OTHERS, ids=["parametrization", "dtype", "group"])
def test_what_a_state_does_not_carry_is_compared_and_named(
    tmp_path: Path, other: LanguageModel, difference: str
) -> None:
    stopped(Normed(), tmp_path)
    with pytest.raises(CheckpointMismatchError, match=difference):
        Trainer.resume(tmp_path, batches(), model=other)


def test_a_tied_model_is_not_taken_for_one_that_is_not(tmp_path: Path) -> None:
    class Untied(TwoLayers):
        family = "tied"

    stopped(Tied(), tmp_path)
    with pytest.raises(
        CheckpointMismatchError, match=r"head\.weight: 'tied to embedding\.weight' -> 'float32 of shape"
    ):
        Trainer.resume(tmp_path, batches(), model=Untied(3))


def test_a_model_without_a_parameter_to_train_is_refused() -> None:
    with pytest.raises(ValueError, match="no parameter to train: all are frozen, or it is counted"):
        Trainer(BigramLanguageModel(3).requires_grad_(requires_grad=False), batches())


def test_a_missing_buffer_is_named(tmp_path: Path) -> None:
    stopped(Scaled(), tmp_path)
    state = newest_checkpoint(tmp_path).state()
    del state["tensors"]["buffers.scale"]
    with pytest.raises(ValueError, match="the buffer 'scale' is missing"):
        UnsavedBuffers(Scaled()).load_state_dict(states.part(state, "buffers"))


def test_groups_may_name_a_tied_weight_by_either_name() -> None:
    class Named(Tied):
        family = "named"

        def parameter_groups(self) -> ParameterGroups:
            return ParameterGroups(decayed=frozenset({name}))

    trained = {}
    for name in ("embedding.weight", "head.weight"):
        trained[name] = Trainer(Named(), batches(), config=CONFIG).fit().model
    assert_same(*trained.values())
