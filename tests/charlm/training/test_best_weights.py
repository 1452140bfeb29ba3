"""The best model of a run is at hand in memory as on disk."""

from pathlib import Path
from typing import Any

import pytest
import torch

from charlm import (
    BatchSampler,
    BigramLanguageModel,
    CheckpointCorruptError,
    LanguageModel,
    LogEntry,
    TextDataset,
    Trainer,
    TrainerConfig,
    evaluate,
    load_model,
)
from chartok import Vocabulary
from two_layers import TwoLayers

UNLIKE = TextDataset([0, 0, 1, 1, 2, 2] * 10, block_size=8)
"""What a model of the training text predicts worse and worse."""


def batches() -> BatchSampler:
    return BatchSampler(TextDataset([0, 1] * 80, block_size=8), batch_size=4)


def trainer(model: LanguageModel | None = None, *, folder: Path | None = None, **settings: Any) -> Trainer:
    config = TrainerConfig(
        **{"max_steps": 30, "learning_rate": 0.05, "evaluation_interval": 2, "patience": 3} | settings
    )
    return Trainer(
        BigramLanguageModel(3) if model is None else model,
        batches(),
        validation=UNLIKE,
        config=config,
        folder=folder,
        vocabulary=Vocabulary("abc"),
    )


def best_loss(run: Trainer) -> float:
    return min(entry.validation_loss for entry in run.log if entry.validation_loss is not None)


def loss(model: LanguageModel) -> float:
    return evaluate(model, UNLIKE).nats_per_character


@pytest.mark.parametrize("saves", [True, False])
@pytest.mark.parametrize("settings", [{}, {"ema_decay": 0.5}], ids=str)
@pytest.mark.parametrize("kind", [BigramLanguageModel, TwoLayers])
def test_after_early_stopping_the_best_model_is_at_hand_and_the_last_goes_on(
    tmp_path: Path, saves: bool, settings: dict[str, Any], kind: type[LanguageModel]
) -> None:
    run = trainer(kind(3), folder=tmp_path if saves else None, **settings).fit()
    last = {name: tensor.clone() for name, tensor in run.model.state_dict().items()}
    best = run.best_model()
    assert loss(best) == best_loss(run) < loss(run.model)
    assert type(best) is kind
    assert not best.training
    assert all(torch.equal(tensor, last[name]) for name, tensor in run.model.state_dict().items())
    if saves and kind is BigramLanguageModel:
        assert loss(load_model(tmp_path)[0]) == best_loss(run)


@pytest.mark.parametrize("saves", [True, False])
def test_without_evaluations_the_last_weights_are_the_best(tmp_path: Path, saves: bool) -> None:
    run = trainer(folder=tmp_path if saves else None, max_steps=3, ema_decay=0.5)
    initial = run.best_model().state_dict()["table"]
    assert torch.equal(initial, run.model.state_dict()["table"])
    unevaluated = Trainer(BigramLanguageModel(3), batches(), config=TrainerConfig(max_steps=3)).fit()
    assert torch.equal(unevaluated.best_model().state_dict()["table"], unevaluated.model.state_dict()["table"])


def test_the_best_model_can_be_changed_without_changing_the_run() -> None:
    run = trainer().fit()
    torch.nn.init.zeros_(run.best_model().table)  # type: ignore[arg-type]  # it is a bigram's
    assert loss(run.best_model()) == best_loss(run)


def test_a_state_in_memory_carries_the_best_weights_and_that_of_a_folder_does_not(tmp_path: Path) -> None:
    state = trainer().fit().state_dict()
    other = trainer()
    other.load_state_dict(state)
    assert loss(other.best_model()) == pytest.approx(state["best_loss"], abs=0)
    of_folder = trainer(folder=tmp_path).fit().state_dict()
    assert not [name for name in of_folder["tensors"] if name.startswith("best.")]
    third = trainer()
    third.load_state_dict(of_folder)
    with pytest.raises(ValueError, match=r"the best weights, of step \d+, are in the folder of the run"):
        third.best_model()
    del state["tensors"]["best.weights.table"]
    with pytest.raises(ValueError, match="the best weight 'table' is missing"):
        trainer().load_state_dict(state)


def test_a_resumed_run_knows_its_best_model_and_its_folder_never_falls_back_to_the_first_stage(tmp_path: Path) -> None:
    like, shape = TextDataset([0, 1] * 30, block_size=8), {"learning_rate": 0.05, "schedule": "constant"}
    config = TrainerConfig(max_steps=2, evaluation_interval=2, **shape)  # type: ignore[arg-type]  # as above
    model, names = BigramLanguageModel(3), Vocabulary("abc")
    first = Trainer(model, batches(), validation=like, config=config, folder=tmp_path, vocabulary=names).fit()

    def stop(entry: LogEntry) -> None:
        if entry.step == 5:
            raise KeyboardInterrupt

    longer = TrainerConfig(max_steps=8, evaluation_interval=2, log_interval=1, **shape)  # type: ignore[arg-type]  # likewise
    again = Trainer.resume(tmp_path, batches(), validation=like, config=longer, on_log=stop)
    assert evaluate(again.best_model(), like).nats_per_character == best_loss(first)
    with pytest.raises(KeyboardInterrupt):
        again.fit()
    assert again.step == 5
    for best in (again.best_model(), load_model(tmp_path)[0]):
        assert evaluate(best, like).nats_per_character == best_loss(again) < best_loss(first)


def test_a_damaged_best_checkpoint_is_named(tmp_path: Path) -> None:
    run = trainer(folder=tmp_path).fit()
    assert run.best_checkpoint is not None
    (run.best_checkpoint / "model.safetensors").write_bytes(b"")
    with pytest.raises(CheckpointCorruptError, match=r"model\.safetensors is not what was written"):
        run.best_model()
