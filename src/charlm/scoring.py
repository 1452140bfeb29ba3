"""How well a model predicts: exact evaluation, every character scored once."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from charlm.models import evaluation_mode

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor

    from charlm.data import TextDataset
    from charlm.models import LanguageModel

IDS_AT_ONCE = 1 << 14
"""How many ids go through a model with a limited context at a time."""


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """The mean loss over a text, in the units it is quoted in.

    Attributes:
        nats: The mean negative natural logarithm of the probability of a character.
        characters: How many were scored.

    Example:
        >>> evaluation = Evaluation(nats=math.log(2), characters=10)
        >>> evaluation.bits_per_character, evaluation.perplexity
        (1.0, 2.0)
    """

    nats: float
    characters: int

    @property
    def bits_per_character(self) -> float:
        """The mean loss in bits: ``nats / ln 2``."""
        return self.nats / math.log(2)

    @property
    def perplexity(self) -> float:
        """``exp(nats)``: as uncertain as a choice between that many equally likely characters."""
        return math.exp(self.nats)


@torch.inference_mode()
def evaluate(model: LanguageModel, dataset: TextDataset) -> Evaluation:
    """Returns the mean loss over a dataset's whole stream, every id but the first scored exactly once.

    The first id has nothing before it and is not scored. A model without a limit on its context sees all that
    comes before; one with a limit is given consecutive blocks. The model is put in evaluation mode meanwhile
    and left in the mode it was in.

    Args:
        model: Any language model.
        dataset: The stream.

    Raises:
        TokenIdError: An id of the dataset is not one of the model's.

    Example:
        >>> from charlm import BigramLanguageModel, TextDataset
        >>> evaluation = evaluate(BigramLanguageModel(4), TextDataset([0, 1, 2, 3, 0], block_size=2))
        >>> evaluation.characters, round(evaluation.bits_per_character, 6)
        (4, 2.0)
    """
    model.check_ids(dataset.ids)
    ids = dataset.ids.to(model.device).long()
    total = torch.zeros((), dtype=torch.float64, device="cpu")
    with evaluation_mode(model):
        for inputs, targets in _rows(ids, model.block_size):
            total += model.log_probabilities(inputs, targets).cpu().double().sum()
    return Evaluation(nats=-float(total) / (len(ids) - 1), characters=len(ids) - 1)


def _rows(ids: Tensor, block_size: int | None) -> Iterator[tuple[Tensor, Tensor]]:
    inputs, targets = ids[:-1], ids[1:]
    if block_size is None:
        yield inputs[None], targets[None]
        return
    rows_at_once = max(1, IDS_AT_ONCE // block_size)
    whole = len(inputs) // block_size * block_size
    yield from zip(
        inputs[:whole].view(-1, block_size).split(rows_at_once),
        targets[:whole].view(-1, block_size).split(rows_at_once),
        strict=True,
    )
    if whole < len(inputs):
        yield inputs[None, whole:], targets[None, whole:]
