"""How well a model predicts: exact evaluation, every character scored once."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from charlm.data import IGNORE_INDEX
from charlm.models import evaluation_mode

if TYPE_CHECKING:
    from charlm.data import TextDataset
    from charlm.models import LanguageModel
    from charlm.records import RecordDataset


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """The mean loss over a text, in the units it is quoted in.

    Attributes:
        nats: The mean negative natural logarithm of the probability of a character.
        characters: How many were scored; the end of a record is one.

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
def evaluate(model: LanguageModel, dataset: TextDataset | RecordDataset) -> Evaluation:
    """Returns the mean loss over a dataset, every id of a stream but the first scored exactly once.

    The first id of a stream has nothing before it and is not scored. A model without a limit on its context sees all
    that comes before; one with a limit is given consecutive blocks. Of records, every character and the end is
    scored. The model is put in evaluation mode meanwhile and left in the mode it was in.

    Args:
        model: Any language model.
        dataset: The stream, or the records.

    Raises:
        TokenIdError: An id of the dataset is not one of the model's.

    Example:
        >>> from charlm import BigramLanguageModel, TextDataset
        >>> evaluation = evaluate(BigramLanguageModel(4), TextDataset([0, 1, 2, 3, 0], block_size=2))
        >>> evaluation.characters, round(evaluation.bits_per_character, 6)
        (4, 2.0)
    """
    dataset.check_ids(model.vocab_size)
    total, characters = 0.0, 0
    with evaluation_mode(model):
        for inputs, targets in dataset.rows(model.block_size):
            counts = targets != IGNORE_INDEX
            log_probabilities = model.log_probabilities(
                inputs.to(model.device), targets.clamp(min=0).to(model.device)
            ).cpu()
            total += float(log_probabilities[counts.cpu()].double().sum())
            characters += int(counts.sum())
    return Evaluation(nats=-total / characters, characters=characters)
