"""What a Transformer that starts from counts is given in training: never what was counted of the example itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch

from charlm import (
    GPT,
    BatchSampler,
    Dataset,
    GPTConfig,
    LogEntry,
    RecordDataset,
    TextDataset,
    Trainer,
    TrainerConfig,
    load_model,
)
from charlm.models.ngram.table import NGramTable
from charlm.models.prior.prior import FOLDS
from charlm.training.batches import batches_of
from chartok import Vocabulary
from learned_reference import ReferenceLearned

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor

    from charlm.data.dataset import CompleteDataset

VOCABULARY = Vocabulary("abcd", special_tokens=["bos", "eos"])
BOS = VOCABULARY.special_tokens["bos"]
SHAPE: dict[str, Any] = {"vocab_size": VOCABULARY.size, "context_only": (BOS,)}
CONFIG = GPTConfig(block_size=8, n_layers=1, n_heads=2, width=8, hash_rows=0, **SHAPE)
ORDER = 4
IDS = [int(token_id) for token_id in np.random.default_rng(1).integers(0, 4, 120)]
TEXTS = ["abc", "abd", "ab", "dddd", "cab", "abcabcabcabcd", "dab", "c", "bd"] * 2


def text() -> TextDataset:
    return TextDataset(IDS, block_size=8)


def records() -> RecordDataset:
    return RecordDataset(TEXTS, VOCABULARY, block_size=8)


def model_of(dataset: CompleteDataset, *, dropout: float = 0.0) -> GPT:
    prior = NGramTable.fit(dataset, order=ORDER, **SHAPE)
    return GPT(GPTConfig(**{**vars(CONFIG), "dropout": dropout}), prior=prior)


def trainer_of(dataset: CompleteDataset, folder: Path | None = None, **settings: Any) -> Trainer:
    batches = BatchSampler(dataset, 4, seed=1, by_length=isinstance(dataset, RecordDataset))
    defaults: dict[str, Any] = {"max_steps": 6, "log_interval": 1, "checkpoint_interval": 2, "optimizer": "muon"}
    config = TrainerConfig(**defaults | settings)
    return Trainer(model_of(dataset, dropout=0.2), batches, config=config, folder=folder, vocabulary=VOCABULARY)


def check(features: Any, row: int, inputs: list[int], reference: ReferenceLearned) -> None:
    """Compares what is given of one example with the probabilities of the reference."""
    found = features.log_probabilities[row].exp()
    for position in range(len(inputs)):
        for place, length in enumerate((2, 3)):
            context = tuple(inputs[max(0, position + 1 - length) : position + 1])
            expected = [reference.probability(context, token_id) for token_id in range(4)]
            np.testing.assert_allclose(found[position, place, :4], expected, rtol=0, atol=1e-4)
            known = reference.counts[context] if len(context) == length else 0
            assert features.known[row, position, 2 * place] == pytest.approx(np.log1p(known), abs=1e-5)


def test_windows_longer_than_a_block_are_refused_as_by_any_transformer() -> None:
    dataset = TextDataset(IDS, block_size=9)
    with pytest.raises(ValueError, match="inputs must be at most block_size 8 long, got 9"):
        Trainer(model_of(dataset), BatchSampler(dataset, 4), config=TrainerConfig(max_steps=1)).fit()


def test_a_window_is_given_what_the_text_says_without_the_part_that_it_is_in() -> None:
    dataset = text()
    model = model_of(dataset)
    batches = batches_of(BatchSampler(dataset, 8, seed=1), model)
    table = model.prior.table if model.prior is not None else None
    assert table is not None
    for _ in range(2):
        batch = next(batches)
        assert batch.features is not None
        for row, inputs in enumerate(batch.inputs.tolist()):
            start = next(place for place in range(len(IDS)) if IDS[place : place + 8] == inputs)
            fold = max(fold for fold in range(FOLDS) if len(IDS) * fold // FOLDS <= start)
            gone = range(len(IDS) * fold // FOLDS, len(IDS) * (fold + 1) // FOLDS + 8)
            reference = ReferenceLearned(
                [IDS], table.constants, **SHAPE, is_counted=[[place not in gone for place in range(len(IDS))]]
            )
            check(batch.features, row, inputs, reference)


@pytest.mark.parametrize("by_length", [False, True])
def test_a_record_is_given_what_the_others_say_without_its_part(by_length: bool) -> None:
    dataset = records()
    model = model_of(dataset)
    assert model.prior is not None
    batches = batches_of(BatchSampler(dataset, 4, seed=1, by_length=by_length), model)
    framed = [[BOS, *VOCABULARY.encode(one).tolist(), VOCABULARY.special_tokens["eos"]] for one in TEXTS]
    folds = dataset.folds(FOLDS, context=ORDER - 1)
    fold_of = {
        tuple(framed[index]): int(folds.of(np.array([index]))[0]) for index in range(5)
    }  # those that are one window each and come before the long one
    batch = next(batches)
    assert batch.features is not None
    checked = 0
    for row, (inputs, targets) in enumerate(zip(batch.inputs.tolist(), batch.targets.tolist(), strict=True)):
        length = sum(target >= 0 for target in targets)
        whole = (*inputs[:length], targets[length - 1])
        if whole not in fold_of:
            continue
        others = [one for one in framed if fold_of.get(tuple(one), _fold(dataset, one)) != fold_of[whole]]
        check(batch.features, row, inputs[:length], ReferenceLearned(others, model.prior.table.constants, **SHAPE))
        checked += 1
    assert checked


def _fold(dataset: RecordDataset, record: list[int]) -> int:
    """The fold of a record, found by its first window."""
    for index in range(len(dataset)):
        inputs, targets = dataset[index]
        window = [*inputs.tolist(), *targets[-1:].tolist()]
        if window == record[: len(window)] and inputs[0] == BOS:
            return int(dataset.folds(FOLDS, context=ORDER - 1).of(np.array([index]))[0])
    raise AssertionError(record)


@pytest.mark.parametrize("dataset", [text(), records()], ids=["text", "records"])
def test_what_is_given_in_training_is_not_what_all_texts_say(dataset: CompleteDataset) -> None:
    model = model_of(dataset)
    assert model.prior is not None
    batch = next(batches_of(BatchSampler(dataset, 8, seed=1), model))
    assert batch.features is not None
    of_all = model.prior.features(batch.inputs)
    held_out, everything = (
        found.log_softmax(-1).gather(-1, batch.targets.clamp(min=0)[..., None, None].expand(-1, -1, 2, 1))
        for found in (batch.features[0], of_all.log_probabilities)
    )
    is_target = batch.targets >= 0
    assert held_out[is_target].mean() < everything[is_target].mean() - 0.05  # which know it already


def stop_after_three(entry: LogEntry) -> None:
    if entry.step == 3:
        raise KeyboardInterrupt


@pytest.mark.parametrize("dataset", [text(), records()], ids=["text", "records"])
@pytest.mark.parametrize("settings", [{}, {"accumulation_steps": 3}, {"ema_decay": 0.5}], ids=str)
def test_a_run_that_was_stopped_goes_on_bit_for_bit(
    dataset: CompleteDataset, settings: dict[str, Any], tmp_path: Path
) -> None:
    whole = trainer_of(dataset, **settings).fit()
    stopped = trainer_of(dataset, tmp_path / "run", **settings)
    stopped.on_log = stop_after_three
    with pytest.raises(KeyboardInterrupt):
        stopped.fit()
    again = BatchSampler(dataset, 4, seed=1, by_length=isinstance(dataset, RecordDataset))
    resumed = Trainer.resume(tmp_path / "run", again)
    assert resumed.step == 2
    resumed.fit()
    assert [entry.train_loss for entry in resumed.log][-3:] == [entry.train_loss for entry in whole.log][-3:]
    found = resumed.model.state_dict()
    assert all(torch.equal(tensor, found[name]) for name, tensor in whole.model.state_dict().items())
    loaded, vocabulary = load_model(tmp_path / "run")
    assert vocabulary == VOCABULARY
    assert loaded.settings() == whole.model.settings()


def test_parts_of_a_batch_get_their_own_counts() -> None:
    batch = next(batches_of(BatchSampler(text(), 4, seed=1), model_of(text())))
    pieces = batch.chunk(3)
    assert [len(piece.inputs) for piece in pieces] == [2, 2]
    assert batch.features is not None
    for place, name in enumerate(("log_probabilities", "known")):
        joined = torch.cat([getattr(piece.features, name) for piece in pieces])
        assert torch.equal(joined, batch.features[place])


# ------------------------------------------------------------------------------------------------------- bad input


class Own(Dataset):
    """A dataset of one's own, which cannot be divided."""

    def __len__(self) -> int:
        return 3

    def batch(self, indices: Tensor, device: torch.device) -> tuple[Tensor, Tensor]:
        ids = torch.zeros(len(indices), 4, dtype=torch.int64, device=device)
        return ids, ids

    def check_ids(self, size: int) -> None:
        assert size

    def fingerprint(self) -> str:
        return "own"


def test_data_that_cannot_be_divided_are_refused_with_what_to_give() -> None:
    trainer = Trainer(model_of(text()), BatchSampler(Own(), 2), config=TrainerConfig(max_steps=1))
    message = "dataset must have the members of HasFolds, and Own lacks folds: to train a GPT with a prior, give a Text"
    with pytest.raises(TypeError, match=message):
        trainer.fit()


def test_batches_that_do_not_say_which_examples_they_have_are_refused_before_training() -> None:
    batches = [text().batch(torch.arange(4), torch.device("cpu"))]
    with pytest.raises(ValueError, match="no iterable of batches tells: train it on a BatchSampler"):
        Trainer(model_of(text()), batches)
    without = GPT(CONFIG)
    assert Trainer(without, batches, config=TrainerConfig(max_steps=2)).fit().step == 2


def test_data_that_the_prior_has_not_counted_are_refused_with_what_to_do() -> None:
    others = TextDataset([3, 3, 2, 2, 1, 1, 0, 0] * 9, block_size=8)
    trainer = Trainer(model_of(text()), BatchSampler(others, 2), config=TrainerConfig(max_steps=1))
    with pytest.raises(ValueError, match="the prior has not counted the training data: fit it to them, or update it"):
        trainer.fit()
    assert trainer.step == 0


def test_a_prior_that_has_counted_the_training_data_twice_is_told() -> None:
    dataset = TextDataset(np.random.default_rng(2).integers(0, 4, 40_000), block_size=12)
    once = NGramTable.fit(dataset, order=8, **SHAPE).to_ship()
    shape = GPTConfig(block_size=12, n_layers=1, n_heads=2, width=8, hash_rows=0, **SHAPE)
    model = GPT(shape, prior=once.update(dataset))
    with pytest.warns(UserWarning, match=r"the prior has counted \d\d% of the training data twice"):
        model.features_of(dataset, torch.device("cpu"))
    assert GPT(shape, prior=once).features_of(dataset, torch.device("cpu")) is not None
    other = TextDataset(np.random.default_rng(3).integers(0, 4, 400), block_size=12)
    assert GPT(shape, prior=once.update(other)).features_of(dataset, torch.device("cpu")) is not None


def test_new_symbols_leave_what_a_model_says_of_the_others_on_the_texts_that_it_knows() -> None:
    before = Vocabulary("abcd", special_tokens=["bos", "eos", "unk"])
    middle, after = before.extend("xy"), before.extend("xyz")
    shape: dict[str, Any] = {"vocab_size": before.size, "context_only": (before.special_tokens["bos"],)}
    dataset = TextDataset(IDS, block_size=8)
    model = GPT(
        GPTConfig(block_size=8, n_layers=1, n_heads=2, width=8, hash_rows=0, **shape),
        prior=NGramTable.fit(dataset, order=ORDER, **shape),
    )
    Trainer(model, BatchSampler(dataset, 4), config=TrainerConfig(max_steps=5)).fit()
    model.eval()
    ids = torch.tensor([IDS[:8]])
    expected = model.logits(ids)[..., :4]
    resized, own = model, before
    for vocabulary in (middle, after):
        resized, own = resized.resize(own, vocabulary), vocabulary
        kept = torch.from_numpy(vocabulary.remap(before))
        found = resized.eval().logits(kept[ids])[..., kept[:4]]
        torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)
