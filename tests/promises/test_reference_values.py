"""The notebook's outputs, to the digits that it printed."""

import numpy as np
import pytest
import torch

from charlm import BatchSampler, BigramLanguageModel, NGramLanguageModel, TextDataset, Trainer, evaluate
from chartok import Vocabulary


@pytest.fixture(scope="module")
def vocabulary(shakespeare: str) -> Vocabulary:
    return Vocabulary.from_text(shakespeare)


@pytest.fixture(scope="module")
def split(vocabulary: Vocabulary, shakespeare: str) -> tuple[TextDataset, TextDataset]:
    return TextDataset(vocabulary.encode(shakespeare), block_size=8).split(0.9)


def test_characters_symbols_and_ids(vocabulary: Vocabulary, shakespeare: str) -> None:
    assert len(shakespeare) == 1_115_394
    assert vocabulary.size == 65
    assert vocabulary.characters == "\n !$&',-.3:;?ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
    assert vocabulary.encode("hello").tolist() == [46, 43, 50, 50, 53]
    assert vocabulary.decode([46, 43, 50, 50, 53]) == "hello"
    ids = vocabulary.encode(shakespeare)
    assert ids.dtype == np.uint8
    assert ids[:10].tolist() == [18, 47, 56, 57, 58, 1, 15, 47, 58, 47]
    assert vocabulary.decode(ids) == shakespeare


def test_the_split(split: tuple[TextDataset, TextDataset]) -> None:
    assert [len(part.ids) for part in split] == [1_003_854, 111_540]
    inputs, targets = split[0][0]
    assert inputs.tolist() == [18, 47, 56, 57, 58, 1, 15, 47]
    assert targets.tolist() == [47, 56, 57, 58, 1, 15, 47, 58]


def test_the_first_batch_of_seed_1337_and_the_loss_on_it(split: tuple[TextDataset, TextDataset]) -> None:
    inputs, targets = next(BatchSampler(split[0], batch_size=4, seed=1337))
    assert inputs.tolist() == [
        [24, 43, 58, 5, 57, 1, 46, 43],
        [44, 53, 56, 1, 58, 46, 39, 58],
        [52, 58, 1, 58, 46, 39, 58, 1],
        [25, 17, 27, 10, 0, 21, 1, 54],
    ]
    assert targets.tolist() == [
        [43, 58, 5, 57, 1, 46, 43, 39],
        [53, 56, 1, 58, 46, 39, 58, 1],
        [58, 1, 58, 46, 39, 58, 1, 46],
        [17, 27, 10, 0, 21, 1, 54, 39],
    ]
    starts = torch.tensor([76_049, 234_249, 934_904, 560_986])
    assert torch.equal(split[0].windows(starts)[:, :-1].long(), inputs)
    logits, loss = BigramLanguageModel(65, seed=1337)(inputs, targets)
    assert logits.shape == (4, 8, 65)
    assert loss is not None
    assert f"{loss.item():.4f}" == "4.8786"


def test_a_trained_bigram_comes_within_a_hundredth_of_the_counted_one(split: tuple[TextDataset, TextDataset]) -> None:
    train, validation = (TextDataset(part.ids, block_size=64) for part in split)
    counted = BigramLanguageModel(65).fit(train)
    optimum = evaluate(counted, validation).nats_per_character
    assert f"{optimum:.2f}" == "2.48"
    trainer = Trainer(BigramLanguageModel(65), BatchSampler(train, batch_size=32, seed=1337), validation=validation)
    assert trainer.fit().evaluate().nats_per_character == pytest.approx(optimum, abs=0.01)


@pytest.mark.parametrize(("order", "nats"), [(5, 1.559), (6, 1.5205), (7, 1.5144)])
def test_kneser_ney_on_the_validation_split_with_its_true_history(
    split: tuple[TextDataset, TextDataset], order: int, nats: float
) -> None:
    train, validation = split
    model = NGramLanguageModel(65, order=order).fit(train)
    history = train.ids[-(order - 1) :]
    stream = torch.cat([history, validation.ids]).long()[None]
    scores = model.log_probabilities(stream[:, :-1], stream[:, 1:])[:, len(history) - 1 :]
    assert scores.shape == (1, 111_540)
    assert -scores.mean().item() == pytest.approx(nats, abs=1e-4)
    assert evaluate(model, validation).nats_per_character == pytest.approx(nats, abs=1e-4)
