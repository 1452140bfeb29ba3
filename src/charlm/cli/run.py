"""What the command line does with a text: cut it in two, learn from it, say how that went, keep the model."""

from __future__ import annotations

import dataclasses
import json
import time
from contextlib import nullcontext
from typing import TYPE_CHECKING, NamedTuple

from charlm.data.batch_sampler import BatchSampler
from charlm.data.record_dataset import RecordDataset
from charlm.data.text_dataset import TextDataset
from charlm.evaluation.scoring import Evaluation, evaluate
from charlm.files.model_file import load_model, save_model
from charlm.files.run_description import RunDescription
from charlm.files.run_folder import RunFolder
from charlm.models.bigram import BigramLanguageModel
from charlm.recipes.mixture import counted_ngram, fitted_mixture, split_for_tuning, untrained_gpt
from charlm.recipes.presets import BATCH_SIZE, RECIPES
from charlm.recipes.train import special_tokens
from charlm.runtime import distributed
from charlm.runtime.devices import resolve_device
from charlm.runtime.machine import machine
from charlm.training.observers import Progress, TensorBoardLog
from charlm.training.trainer import Trainer
from chartok import TokenFile, Vocabulary, read_text
from chartok.token_file import is_token_file

if TYPE_CHECKING:
    from pathlib import Path

    from charlm.cli.flags import Train
    from charlm.models.base import LanguageModel
    from charlm.models.gpt.model import GPTConfig
    from charlm.recipes.presets import Family
    from charlm.training.log import LogEntry


EXCERPT_CHARACTERS = 1_000
EXCERPT_RECORDS = 50
"""How much of the validation part the folder of a run keeps, for its report."""


class Learned(NamedTuple):
    """A model, and its loss on the validation part in nats a character, where it is known."""

    model: LanguageModel
    validation_nats: float | None


class Run(NamedTuple):
    """A text or records, cut in two and ready to be learned."""

    vocabulary: Vocabulary
    train: TextDataset | RecordDataset
    validation: TextDataset | RecordDataset

    @classmethod
    def of_text(cls, path: Path, family: Family, block_size: int, train_fraction: float) -> Run:
        """Returns the run of a UTF-8 text or of a token file, which is read once to see that it is whole."""
        if is_token_file(path):
            tokens = TokenFile(path)
            if distributed.rank() == 0:
                tokens.verify()
            return cls.split(tokens.vocabulary, TextDataset(tokens, block_size), train_fraction)
        text = read_text(path)
        vocabulary = Vocabulary.from_text(text, special_tokens=special_tokens(family, is_text=True))
        return cls.split(vocabulary, TextDataset(vocabulary.encode(text), block_size), train_fraction)

    @classmethod
    def split(cls, vocabulary: Vocabulary, dataset: TextDataset, train_fraction: float) -> Run:
        """Returns the run of ids, cut in two."""
        train, validation = dataset.split(train_fraction)
        say(
            f"{len(dataset.stream):,} characters, {len(vocabulary.characters)} symbols: "
            f"{len(train.stream):,} to train on, {len(validation.stream):,} for validation"
        )
        return cls(vocabulary, train, validation)

    @classmethod
    def of_records(cls, path: Path, train_fraction: float, seed: int) -> Run:
        """Returns the run of the lines of a UTF-8 text, some drawn for training."""
        lines = read_text(path).removesuffix("\n").split("\n")
        vocabulary = Vocabulary.from_text(lines, special_tokens=special_tokens("ngram", is_text=False))
        train, validation = RecordDataset(lines, vocabulary).split(train_fraction, seed=seed)
        say(
            f"{len(lines):,} records, {len(vocabulary.characters)} symbols: "
            f"{len(train):,} to train on, {len(validation):,} for validation"
        )
        return cls(vocabulary, train, validation)

    def learn(self, settings: Train, folder: Path, gpt_shape: GPTConfig, device: str) -> Learned:
        """Returns what has learned from the training part, and leaves it in the folder of the run.

        Args:
            settings: What the command line asks.
            folder: That of the run.
            gpt_shape: Of a Transformer; its ``vocab_size`` and its ``block_size`` do not count.
            device: Where to train.
        """
        earlier = RunFolder(folder).read_description() if settings.resume else None
        if earlier is not None and earlier.settings.get("model") != settings.model:
            raise ValueError(
                f"the run in {str(folder)!a} is of a {earlier.settings.get('model')} model: a {settings.model} model "
                "cannot go on with it; give another --out"
            )
        if settings.model == "ngram":
            learned = self.fit_ngram(settings.order)
            self._describe(settings, folder, device)
        else:
            learned = self._trained(settings, folder, gpt_shape, device)
        if distributed.rank() == 0 and settings.model in ("ngram", "mixture"):  # the others are there already
            save_model(RunFolder(folder).model_path, learned.model, self.vocabulary)
        say(f"saved to {folder}")
        return learned

    def _describe(self, settings: Train, folder: Path, device: str) -> None:
        """Writes what the run is and what it was asked for last; when it began stays."""
        if distributed.rank() != 0:
            return
        folder.mkdir(parents=True, exist_ok=True)
        asked = json.loads(json.dumps(dataclasses.asdict(settings), default=str))
        training = asked.pop("training")
        if settings.model == "ngram":
            training = {}
        elif settings.model != "mixture":
            del asked["order"]
        description = RunDescription(
            text=str(settings.text),
            characters=_characters(self.train) + _characters(self.validation),
            symbols=len(self.vocabulary.characters),
            excerpt=self._excerpt(),
            settings={name: value for name, value in (asked | training).items() if value not in (None, False)},
            machine=machine(resolve_device(device)),
        )
        earlier = RunFolder(folder).read_description() if settings.resume else None
        if earlier is not None:
            description = dataclasses.replace(description, began=earlier.began)
        RunFolder(folder).write_description(description)

    def _excerpt(self) -> str:
        if isinstance(self.validation, RecordDataset):
            records = self.validation.sequences()[:EXCERPT_RECORDS]
            return "\n".join(self.vocabulary.decode(ids[1:-1]) for ids in records)  # without bos and eos
        stream = self.validation.stream
        return self.vocabulary.decode(stream.read(0, min(EXCERPT_CHARACTERS, len(stream))))

    def fit_ngram(self, order: int) -> Learned:
        """Returns an n-gram model that has counted the training part."""
        started = time.perf_counter()
        model = counted_ngram(self.vocabulary.size, order, self.train)
        say(f"n-gram model of order {order}, {len(model.table):,} n-grams counted in {_seconds_since(started):.2f} s")
        return self._evaluated(model)

    def fit_bigram(self) -> Learned:
        """Returns a bigram trained by gradient descent for a few seconds."""
        batches = BatchSampler(self.train, BATCH_SIZE, seed=1337, device="auto")
        model = BigramLanguageModel(self.vocabulary.size).to(batches.device)
        config = dataclasses.replace(RECIPES["bigram"], max_steps=2000)
        trainer = Trainer(model, batches, validation=self.validation, config=config)
        self._fit(trainer)
        return Learned(model, trainer.log[-1].validation_loss)

    def _trained(self, settings: Train, folder: Path, gpt_shape: GPTConfig, device: str) -> Learned:
        seed, is_mixture = settings.training.seed, settings.model == "mixture"
        train = split_for_tuning(self.train, seed)[0] if is_mixture else self.train
        batches = BatchSampler(train, settings.batch_size, seed=seed, device=device)
        if settings.model == "bigram":
            untrained: LanguageModel = BigramLanguageModel(self.vocabulary.size)
        else:
            gpt_shape = dataclasses.replace(gpt_shape, vocab_size=self.vocabulary.size)
            untrained = untrained_gpt(gpt_shape, train, seed)
        learned = self._trained_in(folder, untrained.to(batches.device), batches, settings)
        if not is_mixture or distributed.rank() != 0:
            return learned
        started = time.perf_counter()
        mixture = fitted_mixture(learned.model, settings.order, self.train, seed=seed)
        say(f"mixed with an n-gram model of order {settings.order} in {_seconds_since(started):.1f} s")
        return self._evaluated(mixture)

    def _trained_in(self, folder: Path, model: LanguageModel, batches: BatchSampler, settings: Train) -> Learned:
        """Returns the best of a run that is begun or gone on with, and keeps log and checkpoints in its folder."""
        config = settings.training
        if settings.resume and RunFolder(folder).checkpoint_paths():
            trainer = Trainer.resume(folder, batches, model=model, validation=self.validation, config=config)
            say(f"going on after step {trainer.step}")
        else:
            trainer = Trainer(
                model, batches, validation=self.validation, config=config, folder=folder, vocabulary=self.vocabulary
            )
        self._describe(settings, folder, str(batches.device))
        try:
            self._fit(trainer, TensorBoardLog(folder) if settings.tensorboard and distributed.rank() == 0 else None)
        except (KeyboardInterrupt, SystemExit):
            if RunFolder(folder).checkpoint_paths():
                say(f"stopped after step {trainer.step}: saved to {folder}, the same command with --resume goes on")
            raise
        losses = [entry.validation_loss for entry in trainer.log if entry.validation_loss is not None]
        best = trainer.best_checkpoint
        return Learned(model if best is None else load_model(best, device=batches.device)[0], min(losses, default=None))

    def _evaluated(self, model: LanguageModel) -> Learned:
        nats = evaluate(model, self.validation).nats_per_character
        say(f"validation loss  {_in_both_units(nats)}")
        return Learned(model, nats)

    def _fit(self, trainer: Trainer, log: TensorBoardLog | None = None) -> None:
        """Trains and says how it went."""
        model, batches = trainer.model, trainer.batches
        parameters = sum(parameter.numel() for parameter in model.parameters())
        steps = "" if trainer.total_steps is None else f"{trainer.total_steps:,} "
        say(
            f"{model.family} model, {parameters:,} parameters, on {batches.device}: {steps}"
            f"steps of {batches.batch_size} x {batches.dataset.block_size} characters"
        )
        if distributed.rank() == 0:
            with Progress(trainer.total_steps, first_step=trainer.step) as show, log or nullcontext():

                def on_log(entry: LogEntry) -> None:
                    show(entry)
                    if log is not None:
                        log(entry)

                trainer.on_log = on_log
                trainer.fit()
        else:
            trainer.fit()
        if not trainer.log:  # of several processes the first one alone knows those of a run that has ended
            return
        last = trainer.log[-1]
        say(f"trained for {last.elapsed_seconds:.1f} s, {last.characters_per_second:,.0f} characters a second")
        say(f"train loss       {_in_both_units(last.train_loss)}")
        if last.validation_loss is not None:
            say(f"validation loss  {_in_both_units(last.validation_loss)}")


def say(line: str) -> None:
    """Prints a line, of several processes the first one alone."""
    if distributed.rank() == 0:
        print(line)


def _characters(dataset: TextDataset | RecordDataset) -> int:
    if isinstance(dataset, RecordDataset):
        return sum(len(ids) - 2 for ids in dataset.sequences())  # without bos and eos
    return len(dataset.stream)


def _seconds_since(started: float) -> float:
    return time.perf_counter() - started


def _in_both_units(nats: float) -> str:
    loss = Evaluation(nats_per_character=nats, characters=1)
    return f"{loss.nats_per_character:.4f} nats, {loss.bits_per_character:.4f} bits per character"
