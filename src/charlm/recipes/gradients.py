"""Trains models by gradient descent, alone or in a mixture with an n-gram model."""

from __future__ import annotations

import dataclasses
import time
from typing import TYPE_CHECKING

from charlm.data.batch_sampler import BatchSampler
from charlm.data.framing import Framing
from charlm.evaluation.scoring import evaluate
from charlm.files.serializing import serialized_model
from charlm.models.bigram.model import BigramLanguageModel
from charlm.models.classic_gpt.config import ClassicGPTConfig
from charlm.models.classic_gpt.model import ClassicGPT
from charlm.models.gpt.config import GPTConfig
from charlm.models.gpt.model import GPT
from charlm.recipes.by_size import batch_size_for, completed
from charlm.recipes.dataset import dataset_of
from charlm.recipes.description import add_results, check_same_run, describe_run
from charlm.recipes.events import (
    CountingBegan,
    EntryMade,
    Evaluated,
    Mixed,
    Saved,
    StepDone,
    TrainingBegan,
    TrainingEnded,
    TrainingStopped,
)
from charlm.recipes.mixture import MixtureData, fitted_mixture
from charlm.recipes.presets import BLOCK_SIZE
from charlm.recipes.prior import counted_prior, has_prior, knows, with_counted, with_order
from charlm.recipes.trained import Trained
from charlm.runtime import distributed
from charlm.runtime.devices import resolve_device
from charlm.training.trainer import Trainer
from charlm.training.validation import scored_part
from charlm.training.warm_start import go_on_with_optimizer

if TYPE_CHECKING:
    import torch

    from charlm.data.dataset import CompleteDataset
    from charlm.files.run_folder import RunFolder
    from charlm.models.base import LanguageModel
    from charlm.models.ngram.model import NGramLanguageModel
    from charlm.models.ngram.table import NGramTable
    from charlm.models.transformer_shape import TransformerShape
    from charlm.recipes.corpus import Corpus
    from charlm.recipes.description import Source
    from charlm.recipes.events import Hook
    from charlm.recipes.presets import Recipe
    from charlm.recipes.starting import Start
    from charlm.training.config import TrainerConfig
    from chartok import Vocabulary


def train_by_gradients(
    corpus: Corpus,
    recipe: Recipe,
    *,
    validation: Corpus | None,
    folder: RunFolder | None,
    resume: bool,
    start: Start | None,
    source: Source,
    hook: Hook,
) -> Trained:
    """Returns a model trained on a corpus; ``charlm.recipes.train`` describes the arguments."""
    assert recipe.config is not None  # noqa: S101 - it has a default
    if resume and folder is not None:
        check_same_run(folder, corpus, recipe, validation=validation, source=source)
    device, seed = resolve_device(recipe.device or "auto"), recipe.config.seed
    before = None if start is None else start.model_for(corpus.vocabulary, recipe.asked_shape())
    shape = gpt_shape(corpus, recipe, device) if before is None else None
    context = before.block_size if before is not None else shape.block_size if shape is not None else None
    whole = _data(corpus, recipe, context)
    data = MixtureData.split(whole, seed=seed) if recipe.family == "mixture" else None
    learned = whole if data is None else data.learned
    shape = None if shape is None else dataclasses.replace(shape, block_size=whole.block_size)
    asked = recipe.order
    if before is None or data is not None:
        recipe = with_order(recipe, learned, vocab_size=corpus.vocabulary.size, characters=corpus.characters)
    prior = counted_prior(learned, shape, recipe, asked=asked, characters=corpus.characters, hook=hook)
    held_out = None if validation is None else _held_out(validation, whole.block_size)
    model = _untrained(corpus, shape, prior, seed) if before is None else with_counted(before, learned, held_out, hook)
    ngram = None if start is None or data is None else start.ngram_for(corpus.vocabulary)
    if ngram is not None and (knows(ngram.table, whole) or (held_out is not None and knows(ngram.table, held_out))):
        ngram = None
    resumed = folder if resume else None
    recipe = _completed(recipe, corpus, whole, model, has_validation=validation is not None, resumed=resumed)
    by_length = corpus.is_of_records and not recipe.packing
    batches = BatchSampler(learned, recipe.batch_size or 1, seed=seed, by_length=by_length, device=device)
    trainer = _trainer(model.to(batches.device), batches, held_out, recipe, corpus, folder, start, resume=resume)
    if folder is not None and distributed.rank() == 0:
        described = str(batches.device)
        describe_run(folder, corpus, recipe, validation=validation, device=described, source=source, resume=resume)
    scored = None if held_out is None else scored_part(held_out, trainer.config.evaluation_characters)
    best, nats = _run(trainer, batches, learned.block_size, scored, folder, hook)
    trained = Trained(best, nats)
    if data is not None and distributed.rank() == 0:
        hook(CountingBegan(characters=corpus.characters))
        trained = _mixed(best, data, ngram, recipe, held_out, corpus.vocabulary, folder, hook)
    elif held_out is not None and scored is not None and distributed.rank() == 0:
        trained = _evaluated(best, held_out, corpus.vocabulary, hook)
    if folder is not None:
        if distributed.rank() == 0:
            add_results(folder, validation_loss=trained.validation_nats)
        hook(Saved(folder=folder.path))
    return trained


def _completed(
    recipe: Recipe,
    corpus: Corpus,
    dataset: CompleteDataset,
    model: LanguageModel,
    *,
    has_validation: bool,
    resumed: RunFolder | None,
) -> Recipe:
    """Returns a recipe whose settings suit the size of the text, where they were not given."""
    config = recipe.config
    if not recipe.has_transformer or config is None:
        return recipe
    if resumed is not None and has_prior(model):
        config = _with_its_warm_up(config, resumed)
    examples, processes = dataset.examples_per_epoch, distributed.world_size()
    batch_size = recipe.batch_size or -(-batch_size_for(corpus.characters / examples) // processes) * processes
    config = completed(
        config,
        corpus.characters,
        examples=examples,
        batch_size=batch_size,
        has_prior=has_prior(model),
        has_validation=has_validation,
    )
    return dataclasses.replace(recipe, batch_size=batch_size, config=config)


def _with_its_warm_up(config: TrainerConfig, folder: RunFolder) -> TrainerConfig:
    """Returns training settings with the warm-up of the run that it resumes, unless one is asked for.

    It depends on the number of steps, and a run may be made longer.
    """
    described = folder.read_description()
    if config.warmup_steps is not None or described is None:
        return config
    return dataclasses.replace(config, warmup_steps=described.settings.get("warmup_steps", 0))


def gpt_shape(corpus: Corpus, recipe: Recipe, device: torch.device) -> TransformerShape | None:
    """Returns the shape of a new Transformer for a recipe, or None if it has none.

    Raises:
        ValueError: A width does not suit the number of heads.
    """
    if not recipe.has_transformer:
        return None
    size = recipe.size or ("nano" if device.type == "cpu" else "base")
    never = Framing(corpus.vocabulary).context_only
    return dataclasses.replace(recipe.shape(corpus.vocabulary.size, size), context_only=never)


def _data(corpus: Corpus, recipe: Recipe, context: int | None) -> CompleteDataset:
    """Returns the training data.

    Args:
        corpus: The texts.
        recipe: How to train.
        context: The block size of the model; None if it has none.

    Raises:
        ValueError: There are too few for windows of this size.
    """
    if recipe.family == "mixture" and corpus.is_of_records and len(corpus) < MixtureData.fewest_records():
        raise corpus.error(
            f"a mixture needs at least {MixtureData.fewest_records()} records to train on, got {len(corpus)}: give "
            "more, or model='ngram'"
        )
    if context is not None and not corpus.is_of_records:
        least = MixtureData.least_length(context) if recipe.family == "mixture" else context + 1
        if corpus.longest < least:
            raise corpus.error(
                f"a {recipe.family} with a context of {context} characters needs a text of at least {least} to train "
                f"on, got {corpus.longest}: give more text, a smaller block_size, or take an n-gram model"
            )
    most = context or recipe.block_size or BLOCK_SIZE
    if recipe.max_length is not None and recipe.too_long in (None, "split"):
        most = min(most, recipe.max_length + 1)
    fits = recipe.block_size or recipe.packing or not corpus.is_of_records
    return dataset_of(corpus, most if fits else min(most, corpus.longest - 1), packing=bool(recipe.packing))


def _held_out(validation: Corpus, block_size: int) -> CompleteDataset:
    if not validation.is_of_records and validation.longest <= block_size:
        raise validation.error(
            f"the validation part has {validation.longest} characters, and a window of block_size {block_size} and its "
            f"targets need {block_size + 1}: give more text, a smaller train_fraction, or a smaller block_size"
        )
    return dataset_of(validation, block_size)


def _untrained(
    corpus: Corpus, shape: TransformerShape | None, prior: NGramTable | None, seed: int | None
) -> LanguageModel:
    if shape is None:
        return BigramLanguageModel(corpus.vocabulary.size, context_only=Framing(corpus.vocabulary).context_only)
    if isinstance(shape, ClassicGPTConfig):
        return ClassicGPT(shape, seed=seed)
    assert isinstance(shape, GPTConfig)  # noqa: S101 - there is no other
    if prior is not None:
        shape = dataclasses.replace(shape, hash_rows=0)  # what the tables would learn, the counts say better
    return GPT(shape, prior=prior, seed=seed)


def _trainer(
    model: LanguageModel,
    batches: BatchSampler,
    validation: CompleteDataset | None,
    recipe: Recipe,
    corpus: Corpus,
    folder: RunFolder | None,
    start: Start | None,
    *,
    resume: bool,
) -> Trainer:
    if resume and folder is not None:
        if folder.checkpoint_paths():
            return Trainer.resume(folder, batches, model=model, validation=validation, config=recipe.config)
        folder.refuse_a_run("it holds a model but no checkpoint to resume from: choose another folder")
    trainer = Trainer(
        model,
        batches,
        validation=validation,
        config=recipe.config,
        folder=folder,
        vocabulary=corpus.vocabulary,
    )
    if start is not None and start.checkpoint is not None:
        go_on_with_optimizer(trainer, start.checkpoint, corpus.vocabulary)
    return trainer


def _run(
    trainer: Trainer, batches: BatchSampler, block_size: int, scored: int | None, folder: RunFolder | None, hook: Hook
) -> tuple[LanguageModel, float | None]:
    """Trains to the end of the run, and returns its best model with its loss in nats per character."""
    hook(
        TrainingBegan(
            family=trainer.model.family,
            parameters=sum(parameter.numel() for parameter in trainer.model.parameters()),
            device=str(batches.device),
            first_step=trainer.step,
            next_entry=_next_entry(trainer),
            total_steps=trainer.total_steps,
            batch_size=batches.batch_size,
            block_size=block_size,
        )
    )
    trainer.on_log = lambda entry: hook(EntryMade(entry=entry))
    try:
        trainer.fit(progress=lambda step: hook(StepDone(step=step)))
    except (KeyboardInterrupt, SystemExit):
        if folder is not None and folder.checkpoint_paths():
            hook(TrainingStopped(step=trainer.step, folder=folder.path))
        raise
    # With several processes, only the first has the log of a finished run.
    losses = {entry.validation_loss: entry for entry in reversed(trainer.log) if entry.validation_loss is not None}
    nats = min(losses, default=None)
    hook(
        TrainingEnded(
            entry=trainer.log[-1] if trainer.log else None,
            best=None if nats is None else losses[nats],
            scored=scored,
            is_out_of_patience=_is_out_of_patience(trainer),
            config=trainer.config,
        )
    )
    return trainer.best_model(), nats


def _is_out_of_patience(trainer: Trainer) -> bool:
    """Returns whether a run that is over has not reached any limit of its length."""
    config = trainer.config
    is_in_time = config.max_seconds is None or not trainer.log or trainer.log[-1].elapsed_seconds < config.max_seconds
    return (trainer.total_steps is None or trainer.step < trainer.total_steps) and is_in_time


def _mixed(
    model: LanguageModel,
    data: MixtureData,
    ngram: NGramLanguageModel | None,
    recipe: Recipe,
    validation: CompleteDataset | None,
    vocabulary: Vocabulary,
    folder: RunFolder | None,
    hook: Hook,
) -> Trained:
    assert recipe.order is not None  # noqa: S101 - with_order has set it
    started = time.perf_counter()
    mixture = fitted_mixture(model, recipe.order, data, ngram)
    hook(Mixed(order=recipe.order, seconds=time.perf_counter() - started))
    if folder is not None:
        folder.write_model(serialized_model(mixture, vocabulary))
    return Trained(mixture, None) if validation is None else _evaluated(mixture, validation, vocabulary, hook)


def _evaluated(model: LanguageModel, validation: CompleteDataset, vocabulary: Vocabulary, hook: Hook) -> Trained:
    """Returns a model with its loss on all of the validation data."""
    evaluation = evaluate(model, validation, vocabulary=vocabulary)
    hook(Evaluated(evaluation=evaluation))
    return Trained(model, evaluation.nats_per_character)


def _next_entry(trainer: Trainer) -> int:
    """Returns the step at which the log of a run grows next, unless a time limit ends it before."""
    config, done = trainer.config, trainer.step
    last = [] if trainer.total_steps is None else [trainer.total_steps]
    return min(
        [*last, *(every * (done // every + 1) for every in (config.log_interval, config.steps_between_evaluations))]
    )
