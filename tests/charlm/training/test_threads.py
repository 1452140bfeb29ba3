"""Runs in several threads at once: each is, to the last bit, what it is alone."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
import torch

from charlm import (
    GPT,
    BatchSampler,
    CharLM,
    GPTConfig,
    LogEntry,
    MixtureLanguageModel,
    NGramLanguageModel,
    TextDataset,
    Trainer,
    TrainerConfig,
    evaluate,
)
from charlm.training.random_states import _captured
from chartok import Vocabulary
from lively_gpt import lively

IDS = [0, 1, 2, 1, 0, 2] * 40
CONFIG = GPTConfig(vocab_size=3, block_size=8, n_layers=2, n_heads=2, width=8, dropout=0.3, hash_rows=7)
STEPS = 12


def trainer(seed: int, **keywords: Any) -> Trainer:
    config = TrainerConfig(max_steps=STEPS, seed=seed, log_interval=1, evaluation_interval=4, checkpoint_interval=5)
    batches = BatchSampler(TextDataset(IDS, block_size=8), 4, seed=seed)
    validation = TextDataset(IDS[:50], block_size=8)
    return Trainer(GPT(CONFIG, seed=seed), batches, validation=validation, config=config, **keywords)


def all_of(run: Trainer) -> tuple[list[Any], dict[str, torch.Tensor]]:
    """The losses, and all tensors of the state but the best weights, which a folder has in a checkpoint."""
    tensors = run.state_dict()["tensors"]
    losses = [(entry.train_loss, entry.validation_loss) for entry in run.log]
    return losses, {name: tensor for name, tensor in tensors.items() if not name.startswith("best.")}


def assert_same(one: Trainer, other: Trainer) -> None:
    losses, tensors = all_of(one)
    other_losses, other_tensors = all_of(other)
    assert losses == other_losses
    for name, tensor in tensors.items():
        assert torch.equal(tensor, other_tensors[name]), name


@pytest.mark.parametrize("runs", [2, 3])
def test_runs_with_dropout_in_threads_equal_runs_alone_to_the_bit(runs: int) -> None:
    alone = [trainer(seed).fit() for seed in range(runs)]
    barrier = Barrier(runs, timeout=60)
    together = [trainer(seed, on_log=lambda _: barrier.wait()) for seed in range(runs)]
    before = _captured(torch.device("cpu"))
    with ThreadPoolExecutor(runs) as pool:
        list(pool.map(Trainer.fit, together))
    after = _captured(torch.device("cpu"))
    for one, other in zip(alone, together, strict=True):
        assert_same(one, other)
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_a_run_that_was_stopped_goes_on_in_a_thread_beside_another_to_the_bit(tmp_path: Path) -> None:
    vocabulary = Vocabulary("abc")
    whole = trainer(1).fit()
    first = trainer(1, folder=tmp_path / "run", vocabulary=vocabulary)

    def stop(entry: LogEntry) -> None:
        if entry.step == 7:
            raise RuntimeError

    first.on_log = stop
    with pytest.raises(RuntimeError):
        first.fit()
    barrier = Barrier(2, timeout=60)
    validation = TextDataset(IDS[:50], block_size=8)
    resumed = Trainer.resume(
        tmp_path / "run", BatchSampler(TextDataset(IDS, block_size=8), 4, seed=1), validation=validation
    )
    assert resumed.step == 5
    other = trainer(2)

    def meet(entry: LogEntry) -> None:
        if entry.step > 5:
            barrier.wait()

    resumed.on_log = other.on_log = meet
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(Trainer.fit, [resumed, other]))
    assert_same(whole, resumed)
    assert_same(trainer(2).fit(), other)


def test_a_model_in_training_mode_scores_in_threads_as_alone() -> None:
    gpt = lively(CONFIG).train()
    ngram = NGramLanguageModel(3, order=3).fit(IDS)
    models = [gpt, MixtureLanguageModel([gpt, ngram])]
    expected = [evaluate(model, TextDataset(IDS, block_size=8)) for model in models]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda place: evaluate(models[place % 2], TextDataset(IDS, block_size=8)), range(40)))
    assert found == expected * 20
    assert all(module.training for module in models[1].modules())
    texts = ["abcab", "cabba"] * 10
    lm = CharLM(gpt, Vocabulary("abc"))
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(lm.bits_per_character, texts)) == list(map(lm.bits_per_character, texts))
