"""Adds texts to a model that counts, whose vocabulary grows by what is new in them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from charlm.data.framing import Framing
from charlm.files.serializing import serialized_model
from charlm.models.ngram.table import NGramTable, table_of
from charlm.recipes.description import Source, describe_run
from charlm.recipes.events import Counted, Saved, Started, say_nothing
from charlm.recipes.presets import Recipe

if TYPE_CHECKING:
    from charlm.files.run_folder import RunFolder
    from charlm.models.base import LanguageModel
    from charlm.models.predictor import CountModel
    from charlm.recipes.corpus import Corpus
    from charlm.recipes.events import Hook
    from chartok import Vocabulary


def update(
    model: LanguageModel | CountModel,
    vocabulary: Vocabulary,
    corpus: Corpus,
    *,
    folder: RunFolder | None = None,
    source: Source | None = None,
    hook: Hook = say_nothing,
) -> NGramTable:
    """Returns an n-gram model of the texts that it has counted and of others.

    Args:
        model: The model, which is not changed.
        vocabulary: Its vocabulary.
        corpus: The other texts, whose vocabulary extends it.
        folder: The folder of a new run; None saves nothing.
        source: Where the texts come from, for the description of the run.
        hook: Called with each event.

    Raises:
        ValueError: The model has no counts, or it is one of records and the corpus is a text, or the other way round.
        OSError: The folder cannot be written to.
    """
    table = table_of(model)
    if table is None:
        what = "keeps no counts, only probabilities" if model.family == "bigram" else "is not counted"
        hint = "fit an n-gram model of order 2" if model.family == "bigram" else "go on with fit and init_from"
        raise ValueError(f"update adds texts to the counts of an n-gram model, and a {model.family} {what}: {hint}")
    table.ngram_counts()
    kinds = {True: "records", False: "text"}
    is_of_records = Framing(vocabulary).is_of_records
    if corpus.is_of_records != is_of_records:
        raise corpus.error(f"the model is one of {kinds[is_of_records]}, and this is {kinds[not is_of_records]}")
    new = [symbol for symbol in corpus.vocabulary.symbols if symbol not in vocabulary]
    hook(Started(name="the counts of the model", family=model.family, new_symbols=new))
    started = time.perf_counter()
    if corpus.vocabulary != vocabulary:
        table = table.resize(vocabulary, corpus.vocabulary)
    table = table.update(corpus)
    hook(
        Counted(
            family="ngram",
            order=table.order,
            smoothing=table.smoothing,
            n_grams=len(table),
            seconds=time.perf_counter() - started,
        ),
    )
    if folder is not None:
        recipe = Recipe(family="ngram", order=table.order, smoothing=table.smoothing)
        source = Source() if source is None else source
        describe_run(folder, corpus, recipe, validation=None, device="cpu", source=source, resume=False)
        folder.write_model(serialized_model(table, corpus.vocabulary))
        hook(Saved(folder=folder.path))
    return table
