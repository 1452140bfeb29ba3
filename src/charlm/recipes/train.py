"""Trains a model of any family on a corpus, for the command line, ``CharLM.fit`` and the benchmarks alike."""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, cast

from charlm.data.framing import Framing
from charlm.evaluation.scoring import evaluate
from charlm.files.serializing import serialized_model
from charlm.models.bigram.table import BigramTable
from charlm.models.ngram.table import NGramTable
from charlm.models.smoothing.fitting import why_untuned
from charlm.recipes.description import Source, add_results, describe_run
from charlm.recipes.events import (
    CorpusSplit,
    Counted,
    CountingBegan,
    Evaluated,
    Saved,
    Started,
    UnknownFound,
    say_nothing,
)
from charlm.recipes.shaping import shaped
from charlm.recipes.trained import Trained
from charlm.runtime.launch import launched_rank
from charlm.runtime.pytorch import require_pytorch

if TYPE_CHECKING:
    from collections.abc import Iterator

    from charlm.files.run_folder import RunFolder
    from charlm.models.smoothing.choices import Smoothing
    from charlm.recipes.corpus import Corpus
    from charlm.recipes.events import Hook
    from charlm.recipes.presets import Recipe
    from charlm.recipes.starting import Start


def train(
    corpus: Corpus,
    recipe: Recipe,
    *,
    validation: Corpus | None = None,
    folder: RunFolder | None = None,
    resume: bool = False,
    start: Start | None = None,
    source: Source | None = None,
    hook: Hook = say_nothing,
) -> Trained:
    """Returns a model trained on a corpus.

    Args:
        corpus: The training data.
        recipe: Which model to train, and how.
        validation: The data to evaluate it on; None for no evaluation.
        folder: The folder of the run; None saves nothing.
        resume: Whether to resume a run in the folder.
        start: A model from which training starts, whose vocabulary that of the corpus extends; None makes a new one.
        source: Where the data come from, for the description of the run.
        hook: Called with each event.

    Raises:
        ValueError: The corpus is too short for the model, a record is too long, or the run in the folder is of another
            family; a setting for records is given for a text; or the model cannot start from that of ``start``.
        FileExistsError: The folder already contains a run, and ``resume`` is false.
        BlockingIOError: Another process is writing to the folder.
        OSError: The folder cannot be written to.
        ModuleNotFoundError: The model is trained by gradient descent, and PyTorch is not installed.
    """
    source = Source() if source is None else source
    if start is not None:
        start.check(recipe.family)
        recipe = start.with_order(recipe)
    corpus = shaped(corpus, recipe)
    if validation is not None:
        if validation.is_of_records != corpus.is_of_records:
            raise validation.error("what is held out must be records like the training data, or a text like them")
        validation = shaped(validation, recipe)
        hook(
            CorpusSplit(
                total=len(corpus) + len(validation),
                unit=corpus.unit,
                symbols=len(corpus.vocabulary.symbols),
                training=len(corpus),
                validation=len(validation),
            )
        )
    if start is not None and not (resume and folder is not None and folder.checkpoint_paths()):
        new = [symbol for symbol in corpus.vocabulary.symbols if symbol not in start.vocabulary]
        hook(Started(name=start.name, family=start.family, new_symbols=new))
    for part, purpose in ((corpus, "to train on"), (validation, "for validation")):
        if part is not None and (unknown := part.unknown):
            hook(UnknownFound(unknown=unknown, characters=part.characters, purpose=purpose))
    with _alone(folder, resume=resume):
        if recipe.counts:
            return _counted(corpus, recipe, validation=validation, folder=folder, source=source, hook=hook)
        require_pytorch()
        from charlm.recipes.gradients import train_by_gradients  # noqa: PLC0415 - needs PyTorch

        return train_by_gradients(
            corpus, recipe, validation=validation, folder=folder, resume=resume, start=start, source=source, hook=hook
        )


@contextmanager
def _alone(folder: RunFolder | None, *, resume: bool) -> Iterator[None]:
    """Keeps others from writing to the folder of a run, from beginning to end.

    Raises:
        FileExistsError: It already contains a run, which is not to be resumed.
        OSError: Another process is writing to it, or it cannot be created.
    """
    if folder is None or launched_rank():  # of several processes, the first writes
        yield
        return
    with folder.locked():
        if not resume:
            folder.refuse_a_run("give another folder")
        yield


def _counted(
    corpus: Corpus, recipe: Recipe, *, validation: Corpus | None, folder: RunFolder | None, source: Source, hook: Hook
) -> Trained:
    started = time.perf_counter()
    hook(CountingBegan(characters=corpus.characters))
    model = count(corpus, recipe)
    asked = recipe.smoothing
    if isinstance(model, NGramTable):
        recipe = replace(recipe, order=model.order, smoothing=model.smoothing)
    seconds = time.perf_counter() - started
    why = None if recipe.smoothing == asked else why_untuned(corpus, vocab_size=corpus.vocabulary.size)
    hook(
        Counted(
            family=recipe.family,
            order=recipe.order or 2,
            smoothing=recipe.smoothing,
            why_untuned=why,
            n_grams=len(model) if isinstance(model, NGramTable) else model.table.size,
            seconds=seconds,
        )
    )
    nats = None
    if validation is not None:
        evaluation = evaluate(model, validation, vocabulary=corpus.vocabulary)
        nats = evaluation.nats_per_character
        hook(Evaluated(evaluation=evaluation))
    if folder is not None:
        describe_run(folder, corpus, recipe, validation=validation, device="cpu", source=source, resume=False)
        add_results(folder, validation_loss=nats, seconds=seconds)
        folder.write_model(serialized_model(model, corpus.vocabulary))
        hook(Saved(folder=folder.path))
    return Trained(model, nats)


def count(corpus: Corpus, recipe: Recipe) -> NGramTable | BigramTable:
    """Returns a count model fitted to a corpus, without PyTorch."""
    size, never = corpus.vocabulary.size, Framing(corpus.vocabulary).context_only
    if recipe.family == "ngram":
        smoothing = cast("Smoothing", recipe.smoothing)  # checked, as below
        return NGramTable.fit(
            corpus,
            vocab_size=size,
            order=recipe.order,
            context_only=never,
            smoothing=smoothing,
            memory=recipe.memory,
        ).to_ship()
    return BigramTable.fit(corpus, vocab_size=size, smoothing=cast("float", recipe.smoothing), context_only=never)
