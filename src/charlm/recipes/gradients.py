"""Trains models by gradient descent, alone or in a mixture with an n-gram model."""

from __future__ import annotations

import dataclasses
import time
from typing import TYPE_CHECKING, Any, TypeAlias

from charlm.data.batch_sampler import BatchSampler
from charlm.data.framing import Framing
from charlm.evaluation.scoring import evaluate
from charlm.files.model_file import serialized_model
from charlm.models.bigram.model import BigramLanguageModel
from charlm.models.classic_gpt.config import ClassicGPTConfig
from charlm.models.classic_gpt.model import ClassicGPT
from charlm.models.gpt.config import GPTConfig
from charlm.models.gpt.model import GPT
from charlm.recipes.dataset import dataset_of
from charlm.recipes.description import check_same_run, describe_run
from charlm.recipes.events import EntryMade, Evaluated, Mixed, Saved, TrainingBegan, TrainingEnded, TrainingStopped
from charlm.recipes.mixture import MixtureData, fitted_mixture
from charlm.recipes.presets import BLOCK_SIZE, TAKES
from charlm.recipes.trained import Trained
from charlm.runtime import distributed
from charlm.runtime.devices import resolve_device
from charlm.training.trainer import Trainer
from charlm.training.warm_start import go_on_with_optimizer

if TYPE_CHECKING:
    from collections.abc import Callable

    import torch

    from charlm.data.dataset import CompleteDataset
    from charlm.files.run_folder import RunFolder
    from charlm.models.base import LanguageModel
    from charlm.models.ngram.model import NGramLanguageModel
    from charlm.recipes.corpus import Corpus
    from charlm.recipes.description import Source
    from charlm.recipes.events import Hook
    from charlm.recipes.presets import Recipe
    from charlm.recipes.starting import Start
    from chartok import Vocabulary

Shape: TypeAlias = "GPTConfig | ClassicGPTConfig"


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
    device = resolve_device(recipe.device or "auto")
    before = None if start is None else start.model_for(corpus.vocabulary, asked_shape(recipe))
    shape = gpt_shape(corpus, recipe, device) if before is None else None
    context = before.block_size if before is not None else shape.block_size if shape is not None else None
    whole = _data(corpus, recipe, context)
    data = MixtureData.split(whole, seed=recipe.config.seed) if recipe.family == "mixture" else None
    ngram = None
    if start is not None and recipe.order is not None:
        ngram = start.ngram_for(corpus.vocabulary, recipe.order)
    learned = whole if data is None else data.learned
    batches = BatchSampler(
        learned,
        recipe.batch_size or 1,
        seed=recipe.config.seed,
        by_length=corpus.is_of_records and not recipe.packing,
        device=device,
    )
    model = before or _untrained(corpus, shape, whole.block_size, recipe.config.seed)
    held_out = None if validation is None else _held_out(validation, whole.block_size)
    trainer = _trainer(model.to(batches.device), batches, held_out, recipe, corpus, folder, start, resume=resume)
    if folder is not None and distributed.rank() == 0:
        described = str(batches.device)
        describe_run(folder, corpus, recipe, validation=validation, device=described, source=source, resume=resume)
    best, nats = _run(trainer, batches, learned.block_size, folder, hook)
    trained = Trained(best, nats)
    if data is not None and distributed.rank() == 0:
        trained = _mixed(best, data, ngram, recipe, held_out, corpus.vocabulary, hook)
        if folder is not None:
            folder.write_model(serialized_model(trained.model, corpus.vocabulary))
    if folder is not None:
        hook(Saved(folder=folder.path))
    return trained


def asked_shape(recipe: Recipe) -> dict[str, Any]:
    """Returns the settings of a Transformer that a recipe asks for; a model from which training starts has the others.

    Example:
        >>> from charlm.recipes.presets import Recipe
        >>> asked_shape(Recipe(family="gpt", size="nano", block_size=32))
        {'block_size': 32, 'n_layers': 4, 'n_heads': 4, 'width': 128}
    """
    asked = {}
    if recipe.size is not None:
        preset = _presets(recipe)[recipe.size](1)
        asked = {name: getattr(preset, name) for name in ("block_size", "n_layers", "n_heads", "width")}
    if recipe.block_size is not None and "size" in TAKES[recipe.family]:
        asked["block_size"] = recipe.block_size
    return asked


def gpt_shape(corpus: Corpus, recipe: Recipe, device: torch.device) -> Shape | None:
    """Returns the shape of a new Transformer for a recipe, or None if it has none."""
    if recipe.family == "trained-bigram":
        return None
    default = _presets(recipe)["nano" if device.type == "cpu" else "base"](corpus.vocabulary.size)
    never = Framing(corpus.vocabulary).context_only
    return dataclasses.replace(default, context_only=never, **asked_shape(recipe))


def _presets(recipe: Recipe) -> dict[str, Callable[[int], Shape]]:
    """Returns the shape of each size, for a number of ids."""
    config = ClassicGPTConfig if recipe.family == "classic-gpt" else GPTConfig
    return {"nano": config.nano, "small": config.small, "base": config.base}


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


def _untrained(corpus: Corpus, shape: Shape | None, block_size: int, seed: int) -> LanguageModel:
    if shape is None:
        return BigramLanguageModel(corpus.vocabulary.size, context_only=Framing(corpus.vocabulary).context_only)
    shape = dataclasses.replace(shape, block_size=block_size)
    return ClassicGPT(shape, seed=seed) if isinstance(shape, ClassicGPTConfig) else GPT(shape, seed=seed)


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
    trainer: Trainer, batches: BatchSampler, block_size: int, folder: RunFolder | None, hook: Hook
) -> tuple[LanguageModel, float | None]:
    """Trains to the end of the run, and returns its best model with its loss in nats per character."""
    hook(
        TrainingBegan(
            family=trainer.model.family,
            parameters=sum(parameter.numel() for parameter in trainer.model.parameters()),
            device=str(batches.device),
            first_step=trainer.step,
            total_steps=trainer.total_steps,
            batch_size=batches.batch_size,
            block_size=block_size,
        )
    )
    trainer.on_log = lambda entry: hook(EntryMade(entry=entry))
    try:
        trainer.fit()
    except (KeyboardInterrupt, SystemExit):
        if folder is not None and folder.checkpoint_paths():
            hook(TrainingStopped(step=trainer.step, folder=folder.path))
        raise
    # With several processes, only the first has the log of a finished run.
    hook(TrainingEnded(entry=trainer.log[-1] if trainer.log else None))
    losses = [entry.validation_loss for entry in trainer.log if entry.validation_loss is not None]
    return trainer.best_model(), min(losses, default=None)


def _mixed(
    model: LanguageModel,
    data: MixtureData,
    ngram: NGramLanguageModel | None,
    recipe: Recipe,
    validation: CompleteDataset | None,
    vocabulary: Vocabulary,
    hook: Hook,
) -> Trained:
    assert recipe.order is not None  # noqa: S101 - it has a default
    started = time.perf_counter()
    mixture = fitted_mixture(model, recipe.order, data, ngram)
    hook(Mixed(order=recipe.order, seconds=time.perf_counter() - started))
    if validation is None:
        return Trained(mixture, None)
    evaluation = evaluate(mixture, validation, vocabulary=vocabulary)
    hook(Evaluated(evaluation=evaluation))
    return Trained(mixture, evaluation.nats_per_character)
