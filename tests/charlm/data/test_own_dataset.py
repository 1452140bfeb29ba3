"""Any dataset that keeps the protocol is sampled and trained on, and resumes exactly."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from charlm import IGNORE_INDEX, BatchSampler, BigramLanguageModel, Dataset, TextDataset, Trainer, TrainerConfig
from charlm.data.dataset import ValidationDataset, check_keeps
from chartok import Vocabulary

VOCABULARY = Vocabulary("abc")


class Rotated(Dataset):
    """Windows of a text in which each id is replaced by a later one: an augmentation by the index alone."""

    def __init__(self, dataset: TextDataset, turns: int) -> None:
        self.dataset, self.turns = dataset, turns

    def __len__(self) -> int:
        return self.turns * len(self.dataset)

    def batch(self, indices: Tensor, device: torch.device) -> tuple[Tensor, Tensor]:
        inputs, targets = self.dataset.batch(indices % len(self.dataset), device)
        turns = (indices // len(self.dataset)).to(device)[:, None]
        return (inputs + turns) % 3, (targets + turns) % 3

    def check_ids(self, size: int) -> None:
        self.dataset.check_ids(size)

    def fingerprint(self) -> str:
        return f"{self.turns} turns of {self.dataset.fingerprint()}"


class OddOnes:
    """Not derived from anything: examples of different lengths, in which every other target is masked."""

    has_ignored_targets = True
    examples_per_epoch = 7

    def __len__(self) -> int:
        return 30

    def widths(self, indices: NDArray[np.int64]) -> NDArray[np.int64]:
        return np.where(indices % 2, 2, 40)

    def batch(self, indices: Tensor, device: torch.device) -> tuple[Tensor, Tensor]:
        places = torch.arange(int(self.widths(indices.numpy()).max()))
        inputs = (indices[:, None] + places) % 3
        is_target = places < torch.from_numpy(self.widths(indices.numpy()))[:, None]
        targets = ((inputs + 1) % 3).where(is_target & (places % 2 == 0), IGNORE_INDEX)
        return inputs.to(device), targets.to(device)

    def check_ids(self, size: int) -> None:
        assert size >= 3

    def fingerprint(self) -> str:
        return "odd"


ROTATED = Rotated(TextDataset([0, 1, 2, 1] * 10, block_size=4), turns=3)
if TYPE_CHECKING:
    KEEPS: list[Dataset] = [ROTATED, OddOnes()]


@pytest.mark.parametrize("dataset", [ROTATED, OddOnes()])
@pytest.mark.parametrize("settings", [{"order": "random"}, {"order": "shuffled"}, {"order": "sequential"}])
def test_a_run_on_it_resumes_to_the_last_bit(tmp_path: Path, dataset: Any, settings: dict[str, Any]) -> None:
    def batches() -> BatchSampler:
        return BatchSampler(dataset, 4, seed=2, **settings)

    def config(steps: int) -> TrainerConfig:
        return TrainerConfig(max_steps=steps, schedule="constant", log_interval=1, accumulation_steps=2)

    whole = Trainer(BigramLanguageModel(3), batches(), config=config(20)).fit()
    Trainer(BigramLanguageModel(3), batches(), config=config(7), folder=tmp_path, vocabulary=VOCABULARY).fit()
    resumed = Trainer.resume(tmp_path, batches(), config=config(20)).fit()
    assert [entry.train_loss for entry in resumed.log] == [entry.train_loss for entry in whole.log]
    assert torch.equal(resumed.model.state_dict()["table"], whole.model.state_dict()["table"])


def test_an_epoch_is_what_it_says_or_every_example() -> None:
    for dataset, steps in ((OddOnes(), 4), (ROTATED, len(ROTATED) // 2)):
        config = TrainerConfig(max_epochs=1)
        assert Trainer(BigramLanguageModel(3), BatchSampler(dataset, 2), config=config).total_steps == steps


def test_examples_go_together_by_length_where_it_says_how_long_they_are() -> None:
    batches = BatchSampler(OddOnes(), 5, order="shuffled", by_length=True)
    widths = [next(batches)[0].shape[1] for _ in range(6)]
    assert sorted(widths) == [2, 2, 2, 40, 40, 40]
    with pytest.raises(
        TypeError, match="dataset must have the members of HasWidths, and Rotated lacks widths: leave by"
    ):
        BatchSampler(ROTATED, 5, by_length=True)


def test_what_is_left_out_of_a_dataset_is_named() -> None:
    class NoFingerprint(Dataset):
        def __len__(self) -> int:
            return 1

        def batch(self, indices: Tensor, device: torch.device) -> tuple[Tensor, Tensor]:
            return indices.to(device), indices.to(device)

    with pytest.raises(TypeError, match=r"abstract class NoFingerprint .*check_ids.*fingerprint"):
        NoFingerprint()  # type: ignore[abstract]  # the promise under test
    with pytest.raises(TypeError, match="int lacks pieces, check_ids, fingerprint: give"):
        check_keeps(ValidationDataset, "validation", 5, "give another")


def test_ids_that_the_model_lacks_are_found_before_the_first_step() -> None:
    with pytest.raises(ValueError, match="this vocabulary has ids 0 to 1"):
        Trainer(BigramLanguageModel(2), BatchSampler(ROTATED, 4))
