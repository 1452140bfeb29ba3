"""The n-gram model that a Transformer starts from."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from charlm.models.context import ids_kept
from charlm.models.counting.counts import NGramCounts
from charlm.models.gpt.config import GPTConfig
from charlm.models.gpt.model import GPT
from charlm.models.ngram.table import NGramTable
from charlm.models.prior.estimates import counts_of_others
from charlm.models.prior.overlap import MOST_KNOWN, share_known
from charlm.models.prior.prior import CountPrior
from charlm.models.smoothing.fitting import why_untuned
from charlm.models.smoothing.held_out import newest
from charlm.recipes.events import Counted, CountedAnew, CountingBegan, PriorLeftOut

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
    dataset: CompleteDataset,
    shape: TransformerShape | None,
    recipe: Recipe,
    *,
    asked: int | None,
    characters: int,
    hook: Hook,
) -> NGramTable | None:
    """Returns an n-gram model of the training data for a Transformer to start from; None if there is to be none.

    Args:
        dataset: The training data.
        shape: The shape of the Transformer; None if there is none.
        recipe: Says whether there is to be a prior, and of which order; a short block lowers that.
        asked: The order that was asked for, if any.
        characters: How many characters there are to train on.
        hook: Told what was counted, or that there is too little to count.

    Raises:
        ValueError: A ``gpt`` cannot have the order that was asked for, or there is too little to count for it.
    """
    if not (recipe.prior and isinstance(shape, GPTConfig)):
        return None
    if recipe.family == "gpt" and asked is not None:
        _check_order(asked, shape.block_size, characters)
    if characters < FEWEST_CHARACTERS:
        hook(PriorLeftOut(characters=characters, least=FEWEST_CHARACTERS))
        return None
    assert recipe.order is not None  # noqa: S101 - with_order has set it
    hook(CountingBegan(characters=characters))
    started = time.perf_counter()
    table = NGramTable.fit(
        dataset,
        vocab_size=shape.vocab_size,
        order=min(recipe.order, ids_kept(shape.block_size) + 1),
        context_only=shape.context_only,
        smoothing="tuned",
        memory=MEMORY,
    ).to_ship()
    seconds = time.perf_counter() - started
    why = None if table.smoothing == "tuned" else why_untuned(dataset, vocab_size=shape.vocab_size)
    hook(
        Counted(
            family="ngram",
            order=table.order,
            smoothing=table.smoothing,
            why_untuned=why,
            n_grams=len(table),
            seconds=seconds,
        )
    )
    return table


def _check_order(order: int, block_size: int, characters: int) -> None:
    """Checks that a Transformer can start from counts of an order that was asked for.

    Raises:
        ValueError: Its blocks are too short, or the text is.
    """
    if characters < FEWEST_CHARACTERS:
        raise ValueError(
            f"order {order} is that of the counts that a gpt starts from, and {characters:,} characters are too few to "
            f"count: give at least {FEWEST_CHARACTERS:,}, or no order"
        )
    if order - 1 > ids_kept(block_size):
        raise ValueError(
            f"order {order} looks at {order - 1} characters, and a block of {block_size} keeps {ids_kept(block_size)} "
            f"when it is full: give a larger block_size, or an order of {ids_kept(block_size) + 1} at most"
        )


def with_more_counted(model: LanguageModel, dataset: CompleteDataset) -> LanguageModel:
    """Returns a model whose prior, if it has one, has counted a dataset as well.

    Raises:
        ValueError: The prior has no counts.
    """
    if isinstance(model, GPT) and model.prior is not None:
        model.prior = CountPrior(model.prior.table.update(dataset)).to(model.device)
    return model


def with_counted(
    model: LanguageModel, dataset: CompleteDataset, validation: CompleteDataset | None, hook: Hook
) -> LanguageModel:
    """Returns a model whose prior, if it has one, has counted a dataset once.

    What it has counted before is kept, unless that is a part of the dataset or of the validation data: a part that is
    left out in training would be known from the first time, and the validation data would not be new. Then the dataset
    alone is counted.

    Args:
        model: The model.
        dataset: The training data.
        validation: The validation data, if any.
        hook: Told if what was counted before is dropped.

    Raises:
        ValueError: The prior has no counts.
    """
    if not isinstance(model, GPT) or model.prior is None:
        return model
    table = model.prior.table
    is_new = validation is None or not knows(table, validation)
    if is_new and _has_counted_once(table, dataset):
        return model
    if is_new and not knows(table, dataset):
        return with_more_counted(model, dataset)
    hook(CountedAnew())
    shape: Any = {"vocab_size": table.vocab_size, "order": table.order, "context_only": table.context_only}
    model.prior = CountPrior(NGramTable.fit(dataset, **shape, smoothing="tuned", memory=MEMORY)).to(model.device)
    return model


def knows(table: NGramTable, dataset: CompleteDataset) -> bool:
    """Returns whether an n-gram model has counted a part of a dataset that is worth mentioning."""
    return share_known(table, [dataset]) > MOST_KNOWN


def _has_counted_once(table: NGramTable, dataset: CompleteDataset) -> bool:
    try:
        others = counts_of_others(table, dataset)
    except ValueError:
        return False
    return share_known(table, [dataset], others) <= MOST_KNOWN


def has_prior(model: LanguageModel) -> bool:
    """Returns whether a model starts from counts."""
    return isinstance(model, GPT) and model.prior is not None
