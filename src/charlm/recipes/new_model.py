"""Makes the model that gradient descent starts from."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from charlm.data.framing import Framing
from charlm.models.bigram.model import BigramLanguageModel
from charlm.models.classic_gpt.config import ClassicGPTConfig
from charlm.models.classic_gpt.model import ClassicGPT
from charlm.models.gpt.config import GPTConfig
from charlm.models.gpt.model import GPT

if TYPE_CHECKING:
    import torch

    from charlm.models.base import LanguageModel
    from charlm.models.ngram.table import NGramTable
    from charlm.models.transformer_shape import TransformerShape
    from charlm.recipes.corpus import Corpus
    from charlm.recipes.presets import Recipe


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


def new_model(
    corpus: Corpus, shape: TransformerShape | None, prior: NGramTable | None, seed: int | None
) -> LanguageModel:
    """Returns an untrained model: a Transformer of a shape, perhaps with a count prior, or without a shape a bigram."""
    if shape is None:
        return BigramLanguageModel(corpus.vocabulary.size, context_only=Framing(corpus.vocabulary).context_only)
    if isinstance(shape, ClassicGPTConfig):
        return ClassicGPT(shape, seed=seed)
    assert isinstance(shape, GPTConfig)  # noqa: S101 - there is no other
    if prior is not None:
        shape = dataclasses.replace(shape, hash_rows=0)  # what the tables would learn, the counts say better
    return GPT(shape, prior=prior, seed=seed)
