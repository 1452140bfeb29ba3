"""A Transformer together with an n-gram model: which data each learns from, and how their weights are found."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from charlm.models.mixture import MixtureLanguageModel
from charlm.models.ngram.model import NGramLanguageModel

if TYPE_CHECKING:
    from charlm.data.dataset import Dataset
    from charlm.models.base import LanguageModel

TUNING_FRACTION = 0.05
"""The share of the training data on which the weights of a mixture are fitted; its Transformer does not see it."""


class MixtureData(NamedTuple):
    """Training data in two parts.

    Attributes:
        learned: What the models learn from before they are mixed.
        tuning: What the weights are fitted to. Of a text it is the beginning: what a model is to go on with, or is
            evaluated on, is most like the end.
        whole: Both.
    """

    learned: Dataset
    tuning: Dataset
    whole: Dataset

    @classmethod
    def split(cls, whole: Dataset, *, seed: int) -> MixtureData:
        """Returns the parts of a data set; of records, ``seed`` decides which.

        Raises:
            ValueError: A part would be shorter than a window, or without a record.
        """
        tuning, learned = whole.split(TUNING_FRACTION, seed=seed)
        return cls(learned, tuning, whole)

    @staticmethod
    def fewest_records() -> int:
        """Returns how many records there must be for both parts to have one."""
        return math.ceil(1 / TUNING_FRACTION)

    @staticmethod
    def least_length(block_size: int) -> int:
        """Returns how long a text must be for both parts to have a window."""
        return math.ceil((block_size + 1) / TUNING_FRACTION)


def fitted_mixture(gpt: LanguageModel, order: int, data: MixtureData) -> MixtureLanguageModel:
    """Returns a Transformer that has learned from the first part of some data together with an n-gram model.

    The weights are those under which the second part is likeliest, with an n-gram model of the first. Then the n-gram
    model counts the second part as well.

    Args:
        gpt: The Transformer.
        order: Of the n-gram model.
        data: All that there is to learn from.
    """
    fitted = MixtureLanguageModel([gpt, _counted(gpt, order, data.learned)]).fit(data.tuning)
    mixture = MixtureLanguageModel([gpt, _counted(gpt, order, data.whole)])
    mixture.weights.copy_(fitted.weights)
    return mixture.eval()


def _counted(gpt: LanguageModel, order: int, dataset: Dataset) -> NGramLanguageModel:
    ngram = NGramLanguageModel(gpt.vocab_size, order=order, context_only=gpt.context_only)
    return ngram.fit(dataset).to(gpt.device)
