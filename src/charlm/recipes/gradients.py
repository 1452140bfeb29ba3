"""Trains models by gradient descent, alone or in a mixture with an n-gram model."""

from __future__ import annotations

import dataclasses
import time
from typing import TYPE_CHECKING

from charlm.data.batch_sampler import BatchSampler
from charlm.evaluation.scoring import evaluate
from charlm.files.serializing import serialized_model
from charlm.recipes.by_size import batch_size_for, completed
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
from charlm.recipes.gradient_data import GradientData
from charlm.recipes.mixture import fitted_mixture
from charlm.recipes.new_model import gpt_shape, new_model
from charlm.recipes.prior import counted_prior, has_prior, with_counted, with_order
from charlm.recipes.trained import Trained
from charlm.runtime import distributed
from charlm.runtime.devices import resolve_device
from charlm.training.trainer import Trainer
from charlm.training.validation import scored_part
from charlm.training.warm_start import go_on_with_optimizer

if TYPE_CHECKING:
    from charlm.data.dataset import CompleteDataset
    from charlm.files.run_folder import RunFolder
    from charlm.models.base import LanguageModel
    from charlm.models.mixture import MixtureLanguageModel
    from charlm.models.ngram.model import NGramLanguageModel
    from charlm.models.transformer_shape import TransformerShape
    from charlm.recipes.corpus import Corpus
    from charlm.recipes.description import Source
    from charlm.recipes.events import Hook
    from charlm.recipes.mixture import MixtureData
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
    shaped = shape if before is None else before
    context = None if shaped is None else shaped.block_size
    data = GradientData.of(corpus, validation, recipe, context=context, seed=seed)
    recipe, model = _model_to_train(corpus, data, recipe, shape, before, hook)
    ngram = None if start is None or data.of_mixture is None else start.ngram_for(corpus.vocabulary)
    if ngram is not None and data.is_known_by(ngram.table):
        ngram = None
    resumed = folder if resume else None
    recipe = _completed(recipe, corpus, data.whole, model, has_validation=validation is not None, resumed=resumed)
    by_length = corpus.is_of_records and not recipe.packing
    batches = BatchSampler(data.learned, recipe.batch_size or 1, seed=seed, by_length=by_length, device=device)
    trainer = _trainer(model.to(batches.device), batches, data.held_out, recipe, corpus, folder, start, resume=resume)
    if folder is not None and distributed.rank() == 0:
        described = str(batches.device)
        describe_run(folder, corpus, recipe, validation=validation, device=described, source=source, resume=resume)
    scored = None if data.held_out is None else scored_part(data.held_out, trainer.config.evaluation_characters)
    model, nats = _run(trainer, batches, data.learned.block_size, scored, folder, hook)
    if distributed.rank() == 0:
        if data.of_mixture is not None:
            model = _mixed(model, data.of_mixture, ngram, recipe, corpus, folder, hook)
        if data.held_out is not None and (data.of_mixture is not None or scored is not None):
            nats = _evaluated(model, data.held_out, corpus.vocabulary, hook)
        if folder is not None:
            add_results(folder, validation_loss=nats)
    if folder is not None:
        hook(Saved(folder=folder.path))
    return Trained(model, nats)


def _model_to_train(
    corpus: Corpus,
    data: GradientData,
    recipe: Recipe,
    shape: TransformerShape | None,
    before: LanguageModel | None,
    hook: Hook,
) -> tuple[Recipe, LanguageModel]:
    """Returns a recipe with the order of what is counted, if anything is, and the model to train.

    Args:
        corpus: The texts.
        data: The data of the run.
        recipe: How to train.
        shape: The shape of a new Transformer; None if there is to be none.
        before: The model to go on from; None makes a new one.
        hook: Told what was counted.
    """
    asked, characters = recipe.order, corpus.characters
    if before is None or data.of_mixture is not None:
        recipe = with_order(recipe, data.learned, vocab_size=corpus.vocabulary.size, characters=characters)
    if before is not None:
        return recipe, with_counted(before, data.learned, data.held_out, hook)
    if shape is not None:
        shape = dataclasses.replace(shape, block_size=data.whole.block_size)
    prior = counted_prior(data.learned, shape, recipe, asked=asked, characters=characters, hook=hook)
    assert recipe.config is not None  # noqa: S101 - it has a default
    return recipe, new_model(corpus, shape, prior, recipe.config.seed)


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
    corpus: Corpus,
    folder: RunFolder | None,
    hook: Hook,
) -> MixtureLanguageModel:
    """Returns a trained model mixed with an n-gram model, which is counted unless it is given."""
    assert recipe.order is not None  # noqa: S101 - with_order has set it
    hook(CountingBegan(characters=corpus.characters))
    started = time.perf_counter()
    mixture = fitted_mixture(model, recipe.order, data, ngram)
    hook(Mixed(order=recipe.order, seconds=time.perf_counter() - started))
    if folder is not None:
        folder.write_model(serialized_model(mixture, corpus.vocabulary))
    return mixture


def _evaluated(model: LanguageModel, validation: CompleteDataset, vocabulary: Vocabulary, hook: Hook) -> float:
    """Returns the loss of a model on all of the validation data, in nats per character."""
    evaluation = evaluate(model, validation, vocabulary=vocabulary)
    hook(Evaluated(evaluation=evaluation))
    return evaluation.nats_per_character


def _next_entry(trainer: Trainer) -> int:
    """Returns the step at which the log of a run grows next, unless a time limit ends it before."""
    config, done = trainer.config, trainer.step
    last = [] if trainer.total_steps is None else [trainer.total_steps]
    return min(
        [*last, *(every * (done // every + 1) for every in (config.log_interval, config.steps_between_evaluations))]
    )
