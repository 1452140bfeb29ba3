"""Each evaluation of a run has a short sample, which changes nothing else."""

from pathlib import Path
from typing import Any

import pytest
import torch

from charlm import BatchSampler, BigramLanguageModel, TextDataset, Trainer, TrainerConfig, read_log
from charlm.data.framing import Framing
from charlm.training.log import LONGEST_LINE, LONGEST_SAMPLE
from charlm.training.sampler import RECORDS, Sampler
from chartok import Vocabulary

TEXT = "ab ba\U0001f600 abba\n" * 9
CONFIG: dict[str, Any] = {"max_steps": 4, "log_interval": 1, "evaluation_interval": 2}


def trainer(vocabulary: Vocabulary | None, folder: Path | None = None, **config: Any) -> Trainer:
    ids = Vocabulary.from_text(TEXT).encode(TEXT)
    train, validation = TextDataset(ids, block_size=4).split(0.8)
    model = BigramLanguageModel(Vocabulary.from_text(TEXT).size, seed=1)
    settings = TrainerConfig(**CONFIG | config)
    batches = BatchSampler(train, batch_size=4, seed=1)
    return Trainer(model, batches, validation=validation, config=settings, folder=folder, vocabulary=vocabulary)


@pytest.mark.parametrize("decay", [None, 0.9])
def test_an_entry_has_a_sample_where_the_model_was_evaluated(tmp_path: Path, decay: float | None) -> None:
    run = trainer(Vocabulary.from_text(TEXT), tmp_path, ema_decay=decay).fit()
    samples = [entry.sample for entry in run.log]
    assert [sample is None for sample in samples] == [True, False, True, False]
    assert set("".join(filter(None, samples))) <= set(TEXT)
    assert [entry.sample for entry in read_log(tmp_path)] == samples
    with run.averaged_weights():
        assert samples[-1] == Sampler(run.model, Vocabulary.from_text(TEXT)).sample_for_log()


def test_a_sample_draws_none_of_the_random_numbers_of_the_training() -> None:
    with_samples, without = trainer(Vocabulary.from_text(TEXT)).fit(), trainer(None).fit()
    assert all(entry.sample is None for entry in without.log)
    assert [entry.train_loss for entry in with_samples.log] == [entry.train_loss for entry in without.log]
    state, sampler = torch.get_rng_state(), Sampler(with_samples.model, Vocabulary.from_text(TEXT))
    assert sampler.sample_for_log() == sampler.sample_for_log()
    assert torch.equal(torch.get_rng_state(), state)


def test_a_run_goes_on_where_its_model_gives_nothing_a_probability() -> None:
    run = trainer(Vocabulary.from_text(TEXT))
    for parameter in run.model.parameters():
        torch.nn.init.constant_(parameter, -torch.inf)
    assert run._validation.sample() is None


def test_records_are_one_a_line() -> None:
    vocabulary = Vocabulary("ab", special_tokens=["bos", "eos"])
    model = BigramLanguageModel(vocabulary.size, context_only=Framing(vocabulary).context_only)
    assert Sampler(model, vocabulary).sample_for_log().count("\n") == RECORDS - 1


def test_the_longest_sample_fits_in_a_line_of_the_log(tmp_path: Path) -> None:
    vocabulary = Vocabulary(["\U0001f600" * 99, "\ud800" * 50])
    ids = [0, 1] * 30
    train, validation = TextDataset(ids, block_size=4).split(0.8)
    batches = BatchSampler(train, batch_size=4, seed=1)
    model, config = BigramLanguageModel(2), TrainerConfig(**CONFIG)
    Trainer(model, batches, validation=validation, config=config, folder=tmp_path, vocabulary=vocabulary).fit()
    assert max(map(len, (tmp_path / "log.jsonl").read_bytes().splitlines())) < LONGEST_LINE
    assert len(read_log(tmp_path)[-1].sample or "") == LONGEST_SAMPLE


@pytest.mark.parametrize("sample", ["1", "[]", "true"])
def test_a_sample_of_another_type_is_refused(tmp_path: Path, sample: str) -> None:
    trainer(Vocabulary.from_text(TEXT), tmp_path).fit()
    lines = (tmp_path / "log.jsonl").read_text().splitlines()
    lines[0] = lines[0].replace('"sample": null', f'"sample": {sample}')
    (tmp_path / "log.jsonl").write_text("\n".join(lines) + "\n")
    with pytest.raises(ValueError, match="sample must be a str or null, got "):
        read_log(tmp_path)
