from itertools import pairwise
from typing import Any

import pytest
import torch

from charlm import (
    BatchSampler,
    BigramLanguageModel,
    TextDataset,
    Trainer,
    TrainerConfig,
    TrainingRecord,
    evaluate,
)
from chartok import TokenIdError

IDS = [0, 1, 2, 1] * 100


def make_trainer(device: str | torch.device = "cpu", **settings: Any) -> Trainer:
    train, validation = TextDataset(IDS, block_size=8).split(0.8)
    batches = BatchSampler(train, batch_size=4, seed=0, device=device)
    model = BigramLanguageModel(3).to(device)
    return Trainer(model, batches, validation=validation, config=TrainerConfig(**settings))


def test_training_reaches_the_counted_optimum(device: torch.device) -> None:
    trainer = make_trainer(device, max_steps=400).fit()
    # After 0 and after 2 comes 1; after 1 come 0 and 2 in turn: half the time one bit.
    assert trainer.evaluate().bits_per_character == pytest.approx(0.5, abs=0.02)


def test_a_step_is_the_one_that_adam_takes_on_the_same_batch() -> None:
    trainer = make_trainer(max_steps=4, learning_rate=0.1, record_interval=1)
    trainer.fit()
    train, _ = TextDataset(IDS, block_size=8).split(0.8)
    batches, model = BatchSampler(train, batch_size=4, seed=0), BigramLanguageModel(3)
    optimizer = torch.optim.Adam(model.parameters())
    losses = []
    for rate in (0.1, 0.075, 0.05, 0.025):
        optimizer.param_groups[0]["lr"] = rate
        _, loss = model(*next(batches))
        assert loss is not None
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    torch.testing.assert_close(trainer.model.state_dict()["table"], model.table.detach())
    assert [record.train_loss for record in trainer.records] == pytest.approx(losses)
    assert [record.learning_rate for record in trainer.records] == pytest.approx([0.1, 0.075, 0.05, 0.025])


def test_records_come_when_due_and_the_last_step_always_makes_one() -> None:
    seen: list[TrainingRecord] = []
    trainer = make_trainer(max_steps=25, record_interval=10, evaluation_interval=7)
    trainer.on_record = seen.append
    assert trainer.fit() is trainer
    assert [record.step for record in seen] == [7, 10, 14, 20, 21, 25]
    assert [record.step for record in seen if record.validation_loss is not None] == [7, 14, 21, 25]
    assert seen == trainer.records
    assert seen[-1].validation_loss == evaluate(trainer.model, trainer.validation).nats  # type: ignore[arg-type]  # given above
    assert all(record.tokens_per_second > 0 for record in seen)
    assert all(a.elapsed_seconds < b.elapsed_seconds for a, b in pairwise(seen))


def test_an_interrupted_fit_goes_on_where_it_stopped() -> None:
    def interrupt(record: TrainingRecord) -> None:
        if record.step == 20:
            raise KeyboardInterrupt

    interrupted = make_trainer(max_steps=50, record_interval=10)
    interrupted.on_record = interrupt
    with pytest.raises(KeyboardInterrupt):
        interrupted.fit()
    interrupted.fit()
    whole = make_trainer(max_steps=50, record_interval=10).fit()
    assert torch.equal(interrupted.model.state_dict()["table"], whole.model.state_dict()["table"])
    assert len(interrupted.fit().records) == 5


def test_validation_is_optional() -> None:
    trainer = make_trainer(max_steps=2)
    trainer.validation = None
    assert trainer.fit().records[-1].validation_loss is None
    with pytest.raises(ValueError, match="without validation data"):
        trainer.evaluate()


def test_model_and_batches_must_be_on_one_device() -> None:
    batches = BatchSampler(TextDataset(IDS, block_size=8), batch_size=4)
    with pytest.raises(ValueError, match="the model is on meta and the batches on cpu"):
        Trainer(BigramLanguageModel(3).to("meta"), batches)


def test_data_of_another_vocabulary_are_refused_before_training() -> None:
    batches = BatchSampler(TextDataset(IDS, block_size=8), batch_size=4)
    with pytest.raises(TokenIdError, match=r"ids\[2\] is 2"):
        Trainer(BigramLanguageModel(2), batches)


@pytest.mark.parametrize(
    ("settings", "error"),
    [
        ({"max_steps": 0}, ValueError),
        ({"max_steps": -1}, ValueError),
        ({"max_steps": 1.5}, TypeError),
        ({"record_interval": 0}, ValueError),
        ({"evaluation_interval": True}, TypeError),
        ({"learning_rate": 0.0}, ValueError),
        ({"learning_rate": -1.0}, ValueError),
        ({"learning_rate": float("nan")}, ValueError),
        ({"learning_rate": "fast"}, TypeError),
    ],
)
def test_settings_are_checked_when_they_are_made(settings: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match=next(iter(settings))):
        TrainerConfig(**settings)
