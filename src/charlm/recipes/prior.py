"""The n-gram model that a Transformer starts from."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

from charlm.models.context import ids_kept
from charlm.models.counting.counts import NGramCounts
from charlm.models.gpt.config import GPTConfig
from charlm.models.gpt.model import GPT
from charlm.models.ngram.table import NGramTable
from charlm.models.prior.estimates import has_counted
from charlm.models.prior.prior import CountPrior
from charlm.models.smoothing.held_out import newest
from charlm.recipes.events import Counted, PriorLeftOut

if TYPE_CHECKING:
    from charlm.data.dataset import CompleteDataset
    from charlm.models.base import LanguageModel
    from charlm.models.transformer_shape import TransformerShape
    from charlm.recipes.events import Hook
    from charlm.recipes.presets import Recipe

ORDER = 8
"""Of the n-gram model that a Transformer starts from, and is mixed with; 9 is no better."""
SAMPLE = 1 << 21
"""Of how many ids of a longer text the n-grams are counted, to tell how many there will be."""
MOST_NGRAMS = 1 << 22
"""How many there may be unless an order is asked for: each takes 40 bytes in training, since ten counts are asked."""
LOWEST = 3
"""The lowest order to which a long text leads."""
MEMORY = "1GB"
"""For counting a long text; what is above it is sorted in temporary files."""
FEWEST_CHARACTERS = 1_000
"""Of fewer characters, nine tenths say little about the rest."""


def with_order(recipe: Recipe, dataset: CompleteDataset, *, vocab_size: int, characters: int) -> Recipe:
    """Returns a recipe with the order of the n-gram model of a Transformer, if it has one and no other is asked for.

    The order is 8, or for long texts the highest up to that with about ``MOST_NGRAMS``, judging by the end of the text:
    numbers of n-grams grow more slowly than texts, so that the estimate is high.

    Args:
        recipe: The recipe.
        dataset: The training data.
        vocab_size: The number of ids.
        characters: How many characters there are to train on.
    """
    if recipe.order is not None or not (recipe.family == "mixture" or recipe.prior):
        return recipe
    order = ORDER
    if characters > SAMPLE:
        sample = newest(dataset, SAMPLE, vocab_size=vocab_size)
        levels = NGramCounts.from_tokens(sample, vocab_size=vocab_size, order=order).levels
        while order > LOWEST and levels[order] * characters / SAMPLE > MOST_NGRAMS:
            order -= 1
    return replace(recipe, order=order)


def counted_prior(
    dataset: CompleteDataset, shape: TransformerShape | None, recipe: Recipe, *, characters: int, hook: Hook
) -> NGramTable | None:
    """Returns an n-gram model of the training data for a Transformer to start from; None if there is to be none.

    Args:
        dataset: The training data.
        shape: The shape of the Transformer; None if there is none.
        recipe: Says whether there is to be a prior, and of which order; a short block lowers that.
        characters: How many characters there are to train on.
        hook: Told what was counted, or that there is too little to count.
    """
    if not (recipe.prior and isinstance(shape, GPTConfig)):
        return None
    if characters < FEWEST_CHARACTERS:
        hook(PriorLeftOut(characters=characters, least=FEWEST_CHARACTERS))
        return None
    assert recipe.order is not None  # noqa: S101 - with_order has set it
    started = time.perf_counter()
    table = NGramTable.fit(
        dataset,
        vocab_size=shape.vocab_size,
        order=min(recipe.order, ids_kept(shape.block_size) + 1),
        context_only=shape.context_only,
        smoothing="tuned",
        memory=MEMORY,
    ).to_ship()
    hook(
        Counted(
            family="ngram",
            order=table.order,
            smoothing=table.smoothing,
            is_too_short=table.smoothing != "tuned",
            n_grams=len(table),
            seconds=time.perf_counter() - started,
        )
    )
    return table


def with_more_counted(model: LanguageModel, dataset: CompleteDataset) -> LanguageModel:
    """Returns a model whose prior, if it has one, has counted a dataset as well.

    Raises:
        ValueError: The prior has no counts.
    """
    if isinstance(model, GPT) and model.prior is not None:
        model.prior = CountPrior(model.prior.table.update(dataset))
    return model


def with_counted(model: LanguageModel, dataset: CompleteDataset) -> LanguageModel:
    """Returns a model whose prior, if it has one, has counted a dataset.

    A dataset that it has counted before is not counted again: a part that is left out would be known from the first
    time.

    Raises:
        ValueError: The prior has no counts.
    """
    if isinstance(model, GPT) and model.prior is not None and has_counted(model.prior.table, dataset):
        return model
    return with_more_counted(model, dataset)


def has_prior(model: LanguageModel) -> bool:
    """Returns whether a model starts from counts."""
    return isinstance(model, GPT) and model.prior is not None
