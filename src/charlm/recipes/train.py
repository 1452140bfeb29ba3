"""From texts to a vocabulary and a model that has learned from them, of any family."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import torch

from charlm.data.batch_sampler import BatchSampler
from charlm.data.record_dataset import RecordDataset
from charlm.data.text_dataset import TextDataset
from charlm.models.bigram import BigramLanguageModel
from charlm.models.ngram.model import NGramLanguageModel
from charlm.recipes.mixture import TUNING_FRACTION, default_size, fitted_mixture, shape, split_for_tuning, untrained_gpt
from charlm.recipes.presets import BATCH_SIZE, RECIPES
from charlm.runtime.devices import resolve_device
from charlm.training.trainer import Trainer
from chartok.ragged import encode_joined, split_joined

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from charlm.models.base import LanguageModel
    from charlm.recipes.presets import Family, Size
    from charlm.training.config import TrainerConfig
    from chartok import Vocabulary
    from chartok.arguments import SpecialToken


TAKEN: dict[Family, tuple[str, ...]] = {
    "ngram": ("order",),
    "bigram": ("smoothing",),
    "gpt": ("size", "config", "device"),
    "mixture": ("order", "size", "config", "device"),
}
"""The settings of ``CharLM.fit`` that a family takes."""


def check_taken(family: Family, given: Iterable[str]) -> None:
    """Checks that a family takes the settings that are given.

    Raises:
        ValueError: It does not take one; names it.
    """
    for name in given:
        if name not in TAKEN[family]:
            raise ValueError(f"{name} is no setting of {family}, which takes {', '.join(TAKEN[family])}")


def special_tokens(family: Family, *, is_text: bool) -> list[SpecialToken]:
    """Returns the roles of the special tokens that a model's vocabulary has.

    A Transformer that has learned from one text has never seen its start and would not know what ``bos`` means.
    """
    if not is_text:
        return ["bos", "eos", "unk"]
    return ["unk"] if family in ("gpt", "mixture") else ["bos", "unk"]


def encoded(
    vocabulary: Vocabulary, texts: str | list[str], *, bos: bool, eos: bool = True
) -> tuple[NDArray[np.unsignedinteger[Any]], NDArray[np.int64]]:
    """Returns the ids of texts, with ``bos`` and ``eos`` where they are asked for and the vocabulary has them.

    Returns:
        Those of all texts in one array, and how many each has; see ``encode_joined``.
    """
    special = vocabulary.special_tokens
    return encode_joined(
        vocabulary,
        texts,
        "replace" if "unk" in special else "strict",
        bos=special.get("bos") if bos else None,
        eos=special.get("eos") if eos else None,
    )


def count(
    vocabulary: Vocabulary, texts: list[str], family: Literal["ngram", "bigram"], *, order: int, smoothing: float
) -> LanguageModel:
    """Returns a model that has counted texts.

    Args:
        vocabulary: With an ``eos`` token, each text is a record.
        texts: One text, or records.
        family: Which model.
        order: Of the n-gram model.
        smoothing: Of the bigram.
    """
    is_text = "eos" not in vocabulary.special_tokens
    ids = split_joined(*encoded(vocabulary, texts, bos=not is_text))
    if family == "ngram":
        return NGramLanguageModel(vocabulary.size, order=order).fit(ids)
    bigram = BigramLanguageModel(vocabulary.size).fit(ids, smoothing=smoothing)
    if is_text:
        _start_from_frequencies(bigram, ids[0], vocabulary.special_tokens["bos"], smoothing)
    return bigram


def train(
    vocabulary: Vocabulary,
    texts: list[str],
    family: Literal["gpt", "mixture"],
    *,
    order: int,
    size: Size | None,
    config: TrainerConfig | None,
    device: str | torch.device,
) -> LanguageModel:
    """Returns a Transformer that has been trained on texts, alone or in a mixture with an n-gram model.

    Args:
        vocabulary: With an ``eos`` token, each text is a record.
        texts: One text, or records.
        family: Which model.
        order: Of the n-gram model in a mixture.
        size: A preset of ``GPTConfig``; None takes the one that suits the device.
        config: How to train; None takes the family's own recipe.
        device: Where to train and where the model is then.
    """
    config = RECIPES[family] if config is None else config
    where = resolve_device(device)
    size = size or default_size(where)
    gpt_config = shape(size, vocabulary.size)
    dataset: TextDataset | RecordDataset
    if "eos" in vocabulary.special_tokens:
        dataset = RecordDataset(texts, vocabulary)
    else:
        _check_length(texts[0], family, size, gpt_config.block_size)
        dataset = TextDataset(vocabulary.encode(texts[0]), gpt_config.block_size)
    learned = split_for_tuning(dataset, config.seed)[0] if family == "mixture" else dataset
    batches = BatchSampler(learned, BATCH_SIZE, seed=config.seed, device=where)
    gpt = untrained_gpt(gpt_config, dataset, config.seed).to(where)
    Trainer(gpt, batches, config=config).fit()
    return fitted_mixture(gpt, order, dataset, seed=config.seed) if family == "mixture" else gpt


def _check_length(text: str, family: Family, size: Size, block_size: int) -> None:
    """Checks that a text holds a window, and for a mixture another in the part that its weights are fitted to."""
    least = block_size + 1
    if family == "mixture":
        least = math.ceil(least / TUNING_FRACTION)
    if len(text) < least:
        raise ValueError(
            f"a {family} of size {size!a} needs a text of at least {least} characters, got {len(text)}: give more "
            "text, a smaller size, or model='ngram'"
        )


def _start_from_frequencies(
    model: BigramLanguageModel, ids: NDArray[np.integer[Any]], bos: int, smoothing: float
) -> None:
    """Makes the first character of a passage as likely as it is anywhere in the text."""
    counts = np.bincount(ids, minlength=model.vocab_size) + smoothing
    with torch.no_grad(), np.errstate(divide="ignore"):
        model.table[bos] = torch.from_numpy(np.log(counts / counts.sum()))
