"""What the families are made of: shapes by name, models to be trained, models that have counted, mixtures."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from charlm.models.gpt.config import GPTConfig
from charlm.models.gpt.model import GPT
from charlm.models.mixture import MixtureLanguageModel
from charlm.models.ngram.model import NGramLanguageModel

if TYPE_CHECKING:
    from collections.abc import Iterable

    import torch

    from charlm.data.dataset import Dataset
    from charlm.models.base import LanguageModel
    from charlm.recipes.presets import Size

TUNING_FRACTION = 0.05
"""The share of the training data on which the weights of a mixture are fitted; its Transformer does not see it."""


def default_size(device: torch.device) -> Size:
    """Returns the largest shape of a Transformer that a device trains in reasonable time."""
    return "nano" if device.type == "cpu" else "base"


def shape(size: Size, vocab_size: int) -> GPTConfig:
    """Returns a preset of ``GPTConfig`` by its name.

    Raises:
        ValueError: There is no such preset.
    """
    presets = {"nano": GPTConfig.nano, "small": GPTConfig.small, "base": GPTConfig.base}
    if size not in presets:
        raise ValueError(f"size must be one of {', '.join(presets)}, got {size!a}")
    return presets[size](vocab_size)


def untrained_gpt(config: GPTConfig, dataset: Dataset, seed: int) -> GPT:
    """Returns a Transformer of a shape, with the ``block_size`` of a dataset.

    Args:
        config: The shape.
        dataset: What it is to learn from.
        seed: Decides the first weights.
    """
    return GPT(dataclasses.replace(config, block_size=dataset.block_size), seed=seed)


def counted_ngram(
    vocab_size: int, order: int, dataset: Dataset, context_only: Iterable[int] = ()
) -> NGramLanguageModel:
    """Returns an n-gram model that has counted a dataset."""
    return NGramLanguageModel(vocab_size, order=order, context_only=context_only).fit(dataset)


def split_for_tuning(dataset: Dataset, seed: int) -> tuple[Dataset, Dataset]:
    """Returns the part that the models of a mixture learn from, and the part that its weights are fitted to.

    Of a text the second is its beginning: what a model is to go on with, or is evaluated on, is most like the end.

    Raises:
        ValueError: A part would be shorter than a window, or without a record.
    """
    tuning, learned = dataset.split(TUNING_FRACTION, seed=seed)
    return learned, tuning


def fitted_mixture(gpt: LanguageModel, order: int, dataset: Dataset, *, seed: int) -> MixtureLanguageModel:
    """Returns a Transformer that has learned from the first part of a dataset together with an n-gram model.

    The weights are those under which the second part is likeliest, with an n-gram model of the first. Then the n-gram
    model counts the second part as well.

    Args:
        gpt: The Transformer.
        order: Of the n-gram model.
        dataset: All that there is to learn from.
        seed: What ``split_for_tuning`` was called with.
    """
    learned, tuning = split_for_tuning(dataset, seed)
    never = gpt.context_only
    fitted = MixtureLanguageModel([gpt, counted_ngram(gpt.vocab_size, order, learned, never).to(gpt.device)])
    fitted.fit(tuning)
    mixture = MixtureLanguageModel([gpt, counted_ngram(gpt.vocab_size, order, dataset, never).to(gpt.device)])
    mixture.weights.copy_(fitted.weights)
    return mixture
